"""Language models from folders as transformers writes them."""

from __future__ import annotations

import json

import pytest
import torch

from bench.errors import UserError
from bench.parts.language_models import HuggingFaceLanguageModel
from bench.parts.protocols import LanguageModelPart
from tests.bench.parts.captioners.tiny_models import SEP, WORDS
from tests.bench.parts.language_models.tiny_models import save_gpt2

PROMPTS = ["the red dog", "a blue cat in the sky", "water"]
WORD = WORDS.split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpt2")
    save_gpt2(path)
    return path


def part(folder, **options):
    return HuggingFaceLanguageModel(model=str(folder), **{"max_length": 6, **options})


def plain_answer(folder, prompt, length, **options):
    """The most likely token at each step, without a cache."""
    from transformers import AutoTokenizer, GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(prompt, **options)["input_ids"]
    said = []
    with torch.no_grad():
        while len(said) < length:
            logits = model(torch.tensor([tokens + said])).logits[0, -1]
            token = int(logits.argmax())
            if token == SEP:
                break
            said.append(token)
    return " ".join(WORD[token] for token in said if not WORD[token].startswith("["))


def test_the_most_likely_answer(folder):
    model = part(folder).load("cpu")
    assert isinstance(part(folder), LanguageModelPart)
    found = model.answer(PROMPTS, seed=0)
    assert found == [plain_answer(folder, prompt, 6) for prompt in PROMPTS]
    assert len(set(found)) > 1
    assert model.answer(PROMPTS, seed=1) == found
    assert model.answer(PROMPTS[1:], seed=0) == found[1:]


def test_drawn_answers_follow_the_seed_and_leave_torchs_generator_alone(folder):
    model = part(folder, temperature=1.0).load("cpu")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    found = model.answer(PROMPTS, seed=0)
    assert torch.rand(1) == expected
    assert model.answer(PROMPTS, seed=0) == found
    assert any(model.answer(PROMPTS, seed=seed) != found for seed in (1, 2, 3))


def test_a_prompt_is_put_into_the_chat_template(folder, tmp_path):
    save_gpt2(tmp_path, "a picture of {{ messages[0]['content'] }} in the sky")
    found = part(tmp_path).load("cpu").answer(["dog"], seed=0)
    # The template decides the special tokens: none here.
    written = "a picture of dog in the sky"
    assert found == [plain_answer(folder, written, 6, add_special_tokens=False)]
    assert part(folder).fingerprint() != part(tmp_path).fingerprint()


def test_everything_that_decides_answers_is_in_the_fingerprint(folder):
    own = part(folder).fingerprint()
    assert own == part(folder).fingerprint()
    for change in ({"max_length": 7}, {"temperature": 0.5}, {"precision": "bfloat16"}):
        assert part(folder, **change).fingerprint() != own
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= own["model"].keys()


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"max_length": 0}, "max_length"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_wrong_parameters_are_refused(folder, wrong, where):
    with pytest.raises(UserError, match=where) as caught:
        part(folder, **wrong)
    assert caught.value.hint


def test_models_of_another_kind_are_refused(tmp_path):
    with pytest.raises(UserError, match="no folder"):
        part("./nowhere").load("cpu")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(UserError, match=r"language_model.params.model: cannot load") as caught:
        part(tmp_path).load("cpu")
    assert "causal language model" in caught.value.hint
