"""BLEU against sacrebleu and by hand; BERTScore against a plain greedy matching."""

from __future__ import annotations

import builtins
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import strategies as st

from metrics.references import BertScorer, bleu_from_statistics, bleu_statistics, clean, corpus_bleu
from metrics.scoring import score
from metrics.truth import TrueName
from tests.metrics.plain import sacrebleu

SAID = ["The top of a red boat.", "Dogs and cats.", "water under a blue sky", "", "the left side"]
WRITTEN = [
    ["the top of a boat", "the red boat on water", "boats."],
    ["dogs", "cats and dogs in grass", "animals"],
    ["a blue sky over water.", "water under a sky", "sea"],
    ["hands holding food", "food", "a plate of food"],
    ["The left side of an object", "left side", "the left side"],
]
WORDS = ["the", "a", "dog", "dogs", "sky", "blue", "of", "top", ",", "water"]
SENTENCE = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)


def test_as_sacrebleu():
    found = corpus_bleu(SAID, WRITTEN)
    assert found.value == pytest.approx(sacrebleu(SAID, WRITTEN), abs=1e-12)
    assert found.ci_low <= found.value <= found.ci_high
    assert (found.n, found.n_unlabelled) == (5, 1)


def test_by_hand():
    found = corpus_bleu(["the dog sat on it."], [["The cat sat on it"]])
    # Matches: the, sat, on, it / sat on, on it / sat on it / none of two, which counts as a half.
    assert found.value == pytest.approx((4 / 5 * 2 / 4 * 1 / 3 * (1 / 2) / 2) ** 0.25)
    assert found.ci_low is None
    assert "few" in found.reason
    # Four words where the nearest reference has six: exp(1 - 6 / 4).
    short = corpus_bleu(["a b c d"], [["a b c d e f", "z"]])
    assert short.value == pytest.approx(math.exp(-0.5))


def test_ragged_references_and_the_official_truncation():
    ragged = [WRITTEN[0], WRITTEN[1][:1], *WRITTEN[2:]]
    assert corpus_bleu(SAID, ragged).value == pytest.approx(sacrebleu(SAID, ragged), abs=1e-12)
    item = [texts[:1] for texts in ragged]
    official = corpus_bleu(SAID, ragged, official_truncation=True)
    assert official == corpus_bleu(SAID, item)
    assert official.value < corpus_bleu(SAID, ragged).value


def test_silence_costs_and_copies_are_perfect():
    texts = ["a red dog in the grass", "a blue sky over the sea", "the top of a round thing"]
    right = [[text] for text in texts]
    assert corpus_bleu([f"{text}." for text in texts], right).value == pytest.approx(1)
    assert corpus_bleu([*texts[:2], ""], right).value < 0.7
    assert corpus_bleu(["", "", ""], right).value == 0
    assert corpus_bleu([], []).value is None


def test_the_interval_is_the_bootstraps():
    rows = bleu_statistics(SAID, WRITTEN)
    rng = np.random.default_rng(1)
    values = [
        bleu_from_statistics(rows[rng.integers(0, 5, 5)].sum(0, keepdims=True))[0]
        for _ in range(4000)
    ]
    found = corpus_bleu(SAID, WRITTEN, seed=3)
    assert found.ci_low == pytest.approx(np.quantile(values, 0.025), abs=0.02)
    assert found.ci_high == pytest.approx(np.quantile(values, 0.975), abs=0.02)


@pytest.mark.parametrize("call", [corpus_bleu, BertScorer("x", 1)])
def test_a_unit_without_references_is_refused(call):
    with pytest.raises(ValueError, match="no reference"):
        call(["a"], [[]])
    with pytest.raises(ValueError, match="2 predictions"):
        call(["a", "b"], [["a"]])


def test_scores_appear_where_there_are_references():
    truth = {
        unit: TrueName(texts[0], tuple(texts), references=tuple(texts))
        for unit, texts in enumerate(WRITTEN)
    } | {5: TrueName("dog", ("dog",))}
    base = {
        "labels": [[text] if text else [] for text in [*SAID, "a dog"]],
        "label_scores": [[1.0] if text else [] for text in [*SAID, "a dog"]],
        "concepts": None, "score_matrix": None, "dead": [False, True, *[False] * 4],
        "sentence": None,
    }  # fmt: skip
    found = score(**base, truth=truth).values
    kept = [0, 2, 3, 4]
    expected = corpus_bleu([SAID[u] for u in kept], [WRITTEN[u] for u in kept])
    assert found["bleu"] == expected
    assert "configured" in found["bertscore_f1"].reason
    with_bert = score(**base, truth=truth, bert=lambda said, texts, seed: expected)
    assert with_bert.values["bertscore_f1"] == expected
    assert "bleu" not in score(**base, truth={5: truth[5]}).values


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of two layers with random weights, and its vocabulary."""
    pytest.importorskip("bert_score")
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = sorted({word for texts in WRITTEN for text in texts for word in clean(text).split()})
    words += ["red", "under", "##s"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    BertModel(config).eval().save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


def greedy(folder, said, written, layer, idf):
    """Precision, recall, F1 of one pair, token by token."""
    import torch
    from transformers import AutoTokenizer, BertModel

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder).eval()
    sides = []
    for text in (said, written):
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            hidden = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0]
        vectors = hidden.numpy().astype(float)
        sides.append((ids, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)))
    (ids, ours), (their_ids, theirs) = sides
    cosines = ours @ theirs.T
    parts = []
    for tokens, best in ((ids, cosines.max(1)), (their_ids, cosines.max(0))):
        weights = np.array([idf(token) for token in tokens])
        parts.append(float(weights @ best / weights.sum()))
    precision, recall = parts
    return precision, recall, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("weigh", [False, True])
@pytest.mark.parametrize("layer", [1, 2])
def test_bertscore_is_greedy_matching_rescaled(tiny, weigh, layer):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    baseline = (0.3, 0.2, 0.25)
    texts = [clean(text) for written in WRITTEN for text in written]
    holds = [set(tokenizer(text)["input_ids"]) for text in texts]

    def idf(token):
        if not weigh:
            return 0.0 if token in (tokenizer.cls_token_id, tokenizer.sep_token_id) else 1.0
        return math.log((len(texts) + 1) / (sum(token in held for held in holds) + 1))

    rows = []
    for said, written in zip(SAID, WRITTEN, strict=True):
        if not said:
            rows.append((0.0, 0.0, 0.0))
            continue
        pairs = [greedy(tiny, clean(said), clean(text), layer, idf) for text in written]
        best = np.max(pairs, axis=0)
        rows.append((best - baseline) / (1 - np.array(baseline)))
    precision, recall, f1 = np.mean(rows, axis=0)
    found = BertScorer(model=tiny, layer=layer, baseline=baseline, idf=weigh)(SAID, WRITTEN)
    assert found.value == pytest.approx(f1, abs=1e-5)
    assert found.detail == {
        "precision": pytest.approx(precision, abs=1e-5),
        "recall": pytest.approx(recall, abs=1e-5),
    }
    assert found.ci_low < found.value < found.ci_high
    assert found.n_unlabelled == 1


def test_bertscore_without_a_baseline_is_refused(tiny):
    with pytest.raises(ValueError, match="baseline"):
        BertScorer(model=tiny, layer=1)(SAID, WRITTEN)
    with pytest.raises(ValueError, match="below 1"):
        BertScorer(model=tiny, layer=1, baseline=(0.5, 0.5))(SAID, WRITTEN)
    with pytest.raises(ValueError, match="no best layer"):
        BertScorer(model=tiny, baseline=(0.1, 0.1, 0.1))(SAID, WRITTEN)


def test_bertscore_ships_numbers_for_published_models(tiny, tmp_path):
    """A folder named as the model is that model: layer 17 of roberta-large, F1 0.83 or so."""
    import shutil

    folder = tmp_path / "roberta-large"
    shutil.copytree(tiny, folder)
    own = BertScorer(model=str(folder), layer=1)(SAID, WRITTEN)
    raw = BertScorer(model=str(folder), layer=1, baseline=(0, 0, 0))(SAID[:3], WRITTEN[:3])
    kept = BertScorer(model=str(folder), layer=1)(SAID[:3], WRITTEN[:3])
    assert own.value is not None
    assert kept.value < raw.value


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    missing = BertScorer(model=str(tmp_path / "none"), layer=1, baseline=(0.1, 0.1, 0.1))(
        SAID, WRITTEN
    )
    assert missing.value is None
    assert "cannot be loaded" in missing.reason
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name == "bert_score":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert "pip install" in BertScorer(model="roberta-large")(SAID, WRITTEN).reason


def test_neither_package_is_imported_before_it_is_needed():
    code = (
        "import sys, metrics.scoring, metrics.references\n"
        "sys.exit(bool({'sacrebleu', 'bert_score', 'torch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
