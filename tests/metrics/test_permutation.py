"""The permutation test against the shuffled control."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from metrics import permutation
from metrics.permutation import PERMUTATIONS, permutation_test
from metrics.scoring import score
from metrics.truth import TrueName

NAMES = ("cat", "dog", "owl", "fox", "bee")


def _score(labels: list[str], **options: object):
    truth = {unit: TrueName(name, (name,)) for unit, name in enumerate(NAMES)}
    return score(
        labels=[[label] if label else [] for label in labels],
        label_scores=[[1.0] if label else [] for label in labels],
        concepts=(*NAMES, "hen"),
        score_matrix=None,
        dead=np.zeros(5, dtype=bool),
        truth=truth,
        sentence=_embed,
        **options,
    )


def _embed(texts):
    """Return vectors whose cosines are those of the words' first letters on a circle."""
    angles = np.array([ord(text[0]) / 5 for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _exact(labels: list[str]) -> dict[str, float]:
    """Return exact p-values from all 120 assignments of the labels to the units."""
    hits, cosines = [], []
    for dealt in permutations(labels):
        pairs = list(zip(NAMES, dealt, strict=True))
        hits.append(sum(name == label for name, label in pairs))
        cosines.append(
            sum(
                float(_embed([name])[0].astype(float) @ _embed([label])[0].astype(float))
                for name, label in pairs
            )
        )
    return {
        "accuracy_at_1": float(np.mean(np.array(hits) >= hits[0])),
        "sentence_cosine": float(np.mean(np.array(cosines) >= cosines[0] - 1e-9)),
    }


@pytest.mark.parametrize(
    "labels",
    [
        ["cat", "dog", "owl", "fox", "bee"],
        ["cat", "dog", "fox", "owl", "hen"],
        ["bee", "cat", "dog", "owl", "fox"],
        ["cat", "cat", "dog", "fox", "cat"],
    ],
)
def test_p_values_are_those_of_all_assignments(labels: list[str]) -> None:
    """9,999 permutations of 5 units agree with the exact test within Monte Carlo error."""
    scores = _score(labels).values
    for name, exact in _exact(labels).items():
        error = 4 * np.sqrt(exact * (1 - exact) / PERMUTATIONS) + 1 / PERMUTATIONS
        assert scores[name].p_shuffled == pytest.approx(exact, abs=error), name


def test_one_label_for_all_units_has_p_one() -> None:
    """Every assignment of equal labels is the same one."""
    assert _score(["dog"] * 5).values["lexical_match"].p_shuffled == 1.0


def test_a_unit_without_a_label_is_dealt_too() -> None:
    """One right label among four missing ones: a fifth of the assignments keep it in place."""
    p = _score(["", "", "owl", "", ""]).values["accuracy_at_1"].p_shuffled
    assert p == pytest.approx(0.2, abs=0.02)


def test_only_headline_means_are_tested() -> None:
    """Medians, ranks and scores of labelled units alone have no p-value; groups have one."""
    values = _score(list(NAMES)).values
    tested = {name for name, entry in values.items() if entry.p_shuffled is not None}
    assert tested == {"accuracy_at_1", "lexical_match", "sentence_cosine"}
    assert "p_shuffled" in values["lexical_match"].to_json()
    assert "p_shuffled" not in values["mean_rank"].to_json()


def test_a_withheld_score_has_no_p_value() -> None:
    """A column without values is not tested."""
    values = _score(list(NAMES), withheld={"accuracy_at_1": "withheld"}).values
    assert values["accuracy_at_1"].p_shuffled is None


def test_p_values_are_uniform_if_labels_are_random() -> None:
    """Of random tables no more than a share alpha has p <= alpha, and their mean is one half."""
    rng = np.random.default_rng(0)
    codes = np.arange(12)
    p = np.array(
        [
            permutation_test({"": rng.normal(size=(12, 12))}, codes, seed, permutations=199)[""]
            for seed in range(400)
        ]
    )
    assert abs(p.mean() - 0.5) < 4 * np.sqrt(1 / 12 / p.size)
    for alpha in (0.05, 0.1, 0.5):
        assert abs((p <= alpha).mean() - alpha) < 4 * np.sqrt(alpha * (1 - alpha) / p.size)


def test_p_is_the_same_whatever_the_size_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """The permutations do not depend on how many are dealt at once, nor on whether they are kept.

    The table has zeros, which the index of the permutations skips, and labels that units share.
    """
    table = np.random.default_rng(0).normal(size=(9, 7))
    tables = {"dense": table, "sparse": table * (table > 1)}
    codes = np.array([0, 1, 2, 3, 4, 5, 6, 1, 1])
    whole = permutation_test(tables, codes, 3)
    assert 0 < min(whole.values()) <= max(whole.values()) < 1
    dealt = np.random.default_rng(3).permuted(np.tile(codes, (PERMUTATIONS, 1)), axis=1)
    for name, own in tables.items():
        exceeding = own[np.arange(9), dealt].sum(axis=1) >= own[np.arange(9), codes].sum() - 1e-9
        assert whole[name] == (1 + exceeding.sum()) / (1 + PERMUTATIONS)
    monkeypatch.setattr("metrics.permutation._CHUNK", 50)
    permutation._index.cache_clear()
    assert permutation_test(tables, codes, 3) == whole
    monkeypatch.setattr("metrics.permutation._INDEXED", 8)
    assert permutation_test(tables, codes, 3) == whole
