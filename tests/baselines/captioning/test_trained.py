"""The captioner as a whole, and its file."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from baselines.captioning import search as searching
from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.model_file import read_captioner, save_captioner
from baselines.captioning.trained import TrainedCaptioner
from baselines.captioning.vocabulary import Vocabulary, reconstruct
from baselines.captions import Captioner, Search
from tests.baselines.captioning.exemplars import random_exemplars
from tests.baselines.captioning.test_pyramid import SIZE, pyramid

if TYPE_CHECKING:
    from pathlib import Path

WORDS = Vocabulary(("red", "dog", ".", "'s", "-", "eye", "the"))


def parts(prior=True):
    torch.manual_seed(3)
    decoder = Decoder(DecoderConfig(len(WORDS), 10, 8, 4)).eval()
    model = LanguageModel(LanguageModelConfig(len(WORDS), 4, 6)).eval()
    with torch.no_grad():
        decoder.output.weight.mul_(6)
        decoder.output.bias[WORDS.stop] += 1
        model.output.weight.mul_(6)
    return decoder, model if prior else None, WORDS


def captioner(prior=True) -> Captioner:
    return TrainedCaptioner(pyramid(), *parts(prior))


@pytest.mark.parametrize("strategy", ["rerank", "beam", "greedy", "sample"])
@pytest.mark.parametrize("prior", [True, False])
def test_candidates_are_what_the_contract_says(strategy: str, prior: bool) -> None:
    search = Search(strategy, beam=12, pmi_weight=0.4)
    made = captioner(prior)
    assert made.image_size == SIZE
    assert made.has_prior == prior
    found = made.describe(random_exemplars(SIZE), [3, 0, 4], search, seed=1)
    assert len(found) == 3
    for candidates in found:
        least, most = (0, 1) if strategy == "greedy" else (1, 12)
        assert least <= len(candidates) <= most
        texts = [one.text for one in candidates]
        assert len(set(texts)) == len(texts)
        assert all(texts)
        scores = [one.score for one in candidates]
        assert scores == sorted(scores, reverse=True)
        for one in candidates:
            if not prior:
                assert math.isnan(one.log_prior)
                assert one.score == pytest.approx(one.log_p, abs=1e-5)
            else:
                assert one.score == pytest.approx(one.log_p - 0.4 * one.log_prior, abs=1e-4)
    moved = made.describe(random_exemplars(SIZE), [0, 4, 3], search, seed=1)
    order = [1, 2, 0]
    for row, other in zip(order, moved, strict=True):
        assert [one.text for one in other] == [one.text for one in found[row]]
        values = [[one.score for one in side] for side in (other, found[row])]
        np.testing.assert_allclose(*values, atol=1e-5)


def test_texts_once_with_their_best_score_and_no_empty_ones() -> None:
    """ "dog - eye" and "dog -eye" of other tokens read alike; a stop alone is no sentence."""
    decoder, model, _ = parts()
    made = TrainedCaptioner(pyramid(), decoder, model, WORDS)
    features = pyramid().masked_features(random_exemplars(SIZE), [0])
    raw = searching.rerank(decoder, features, model, width=40, pmi_weight=0.2)
    texts = [reconstruct(WORDS.decode(row)) for row in raw.tokens[0].tolist()]
    assert "" in texts
    expected = {}
    for text, score in zip(texts, raw.scores[0].tolist(), strict=True):
        if text:
            expected[text] = max(score, expected.get(text, -math.inf))
    [found] = made.describe_features(features, [0], Search(beam=40), seed=0)
    assert {one.text: one.score for one in found} == pytest.approx(expected)


def test_words_that_read_alike_become_one_candidate() -> None:
    same = Vocabulary(("red", "Red"))
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(6, 10, 4, 4))
    with torch.no_grad():
        decoder.output.weight.zero_()
        decoder.output.bias.copy_(torch.tensor([0.3, 0.2, 0, 0, 0, 0]))
    made = TrainedCaptioner(pyramid(), decoder, None, same)
    search = Search("beam", beam=3000)
    [found] = made.describe_features(torch.randn(1, 2, 10), [0], search, seed=0)
    assert found[0].text == "Red"
    assert len({one.text for one in found}) == len(found)
    p = torch.log_softmax(decoder.output.bias.detach(), 0)
    assert found[0].log_p == pytest.approx(float(p[0] + p[3]))


def test_the_official_score_moves_scores_and_not_the_prior() -> None:
    features = pyramid().masked_features(random_exemplars(SIZE), [0, 1])
    made = captioner()
    rows = [
        made.describe_features(features, [0, 1], Search(beam=9, official_lm_score=flag), seed=0)
        for flag in (False, True)
    ]
    sides = [{one.text: one for one in row[0]} for row in rows]
    assert sides[0].keys() == sides[1].keys()
    for text, one in sides[0].items():
        assert sides[1][text].log_prior == pytest.approx(one.log_prior)
    assert any(sides[1][text].score != one.score for text, one in sides[0].items())


def test_parts_that_do_not_fit_are_refused() -> None:
    decoder, model, _ = parts()
    with pytest.raises(ValueError, match="features of size 10"):
        TrainedCaptioner(pyramid(("0",)), decoder, model, WORDS)
    with pytest.raises(ValueError, match="different sizes"):
        TrainedCaptioner(pyramid(), decoder, model, Vocabulary(("a",)))


@pytest.mark.parametrize("prior", [True, False])
def test_a_file_gives_back_what_was_saved(tmp_path: Path, prior: bool) -> None:
    decoder, model, _ = parts(prior)
    info = {"layers": ["conv1"], "val_bleu": 0.5}
    path = tmp_path / "captioner.safetensors"
    save_captioner(path, decoder, model, WORDS, info, dtype=torch.float32)
    found = read_captioner(path)
    assert found.vocabulary == WORDS
    assert found.info == info
    assert found.decoder.config == decoder.config
    assert not found.decoder.training
    for name, tensor in decoder.state_dict().items():
        assert torch.equal(found.decoder.state_dict()[name], tensor)
    assert (found.language_model is None) == (model is None)
    features = torch.randn(3, 4, 10)
    ours = searching.beam(found.decoder, features, width=5)
    assert torch.equal(ours.tokens, searching.beam(decoder, features, width=5).tokens)
    if model is not None:
        tokens = torch.randint(0, 7, (4, 5))
        assert torch.equal(
            found.language_model.sequence_log_p(tokens), model.sequence_log_p(tokens)
        )


def test_half_precision_is_the_default_and_files_are_reproducible(tmp_path: Path) -> None:
    decoder, model, _ = parts()
    for name in ("a", "b"):
        save_captioner(tmp_path / name, decoder, model, WORDS, {"seed": 1, "a": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    found = read_captioner(tmp_path / "a")
    for name, tensor in decoder.state_dict().items():
        assert torch.equal(found.decoder.state_dict()[name], tensor.half().float())


def test_what_cannot_be_saved_leaves_no_file(tmp_path: Path) -> None:
    decoder, model, _ = parts()
    with pytest.raises(ValueError, match="decoder has 11 words, the vocabulary 5"):
        save_captioner(tmp_path / "a", decoder, model, Vocabulary(("a",)), {})
    with pytest.raises(TypeError):
        save_captioner(tmp_path / "a", decoder, model, WORDS, {"x": object()})
    with torch.no_grad():
        decoder.gate.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"decoder\.gate\.weight has numbers that are not finite"):
        save_captioner(tmp_path / "a", decoder, model, WORDS, {})
    assert not list(tmp_path.iterdir())


def _spoilt(path, tensors=None, old="", new=""):
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    changed = metadata["captioner"].replace(old, new)
    assert changed != metadata["captioner"] or not old
    save_file(tensors or load_file(path), path, {"captioner": changed})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("text", "not a safetensors file"),
        ("bare", "no captioner in the metadata"),
        ("json", "Expecting value"),
        ("schema", "schema 1"),
        ("field", "unexpected keyword"),
        ("missing key", "'info' is missing"),
        ("size", "shape"),
        ("huge", "shape"),
        ("words", "11 words, the vocabulary 10"),
        ("twice", "words must be distinct"),
        ("no words", "not a list of words"),
        ("missing", "decoder.gate.bias is missing"),
        ("extra", "unknown tensors: more"),
        ("nan", "decoder.gate.bias is not finite"),
    ],
)
def test_a_spoilt_file_is_named_with_its_fault(tmp_path: Path, fault: str, message: str) -> None:
    path = tmp_path / "captioner.safetensors"
    save_captioner(path, *parts(), {"seed": 1})
    tensors = load_file(path)
    if fault == "text":
        path.write_text("words")
    elif fault == "bare":
        save_file(tensors, path)
    elif fault == "json":
        save_file(tensors, path, {"captioner": "{not JSON"[1:]})
    elif fault in ("missing", "extra", "nan"):
        bias = tensors.pop("decoder.gate.bias")
        if fault != "missing":
            tensors["decoder.gate.bias"] = bias * torch.nan if fault == "nan" else bias
        if fault == "extra":
            tensors["more"] = bias.clone()
        _spoilt(path, tensors)
    else:
        old, new = {
            "schema": ('"schema": 1', '"schema": 2'),
            "field": ('"hidden_size": 8', '"hiden_size": 8'),
            "missing key": ('"info"', '"inf"'),
            "size": ('"hidden_size": 8', '"hidden_size": 9'),
            "huge": ('"hidden_size": 8', '"hidden_size": 1000000'),
            "words": ('"eye", ', ""),
            "twice": ('"eye"', '"dog"'),
            "no words": ('"eye"', "3"),
        }[fault]
        _spoilt(path, None, old, new)
    with pytest.raises(ValueError, match=message) as caught:
        read_captioner(path)
    assert str(path) in str(caught.value)


def test_the_package_imports_no_torch() -> None:
    code = (
        "import sys, baselines.captioning, baselines.captioning.vocabulary\n"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
