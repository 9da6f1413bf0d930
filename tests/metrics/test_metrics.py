"""Every metric under the one tester, against scikit-learn, SciPy, sacrebleu or plain Python."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from metrics.aggregate import OPTIONAL
from metrics.catalog import ANSWER_METRICS, AVERAGES, METRICS
from metrics.decisions import decision_score
from metrics.lexical import lexical_match
from metrics.numeric import auroc
from metrics.paired import compare_pairs
from metrics.references import corpus_bleu
from metrics.scoring import score
from metrics.sentences import SentenceReader
from metrics.statistics import wilson
from metrics.truth import TrueName
from tests.metrics.plain import NAN, embedder, sacrebleu, unit_values
from tests.metrics.tester import MetricTester

NONE = -1
CONCEPTS = ("cat", "dog", "cats", "animal", "Kitty", "kitty", "tree", "nan")
TRUTHS = (
    TrueName("cat", ("cat", "kitty"), ("animal",), "seen"),
    TrueName("dog", ("dog",), ("animal",), "seen"),
    TrueName("tree, plant", ("tree", "plant"), (), "unseen"),
    TrueName("Cat", ("cat",), (), "unseen"),
    TrueName("dragon", ("dragon",)),
)
SENTENCES = ("a cat", "A dog and a cat.", "two cats", "an animal", "trees, a plant", "a thing", "")


class Unit(NamedTuple):
    """One unit of a labelled layer: its scores of all concepts, and its true name."""

    scores: tuple[float, ...]
    truth: TrueName | None
    dead: bool = False
    sentence: str = ""

    @property
    def order(self) -> list[int]:
        """Concepts with a defined score, best first; of equals the first."""
        defined = [c for c, value in enumerate(self.scores) if value > -math.inf]
        return [] if self.dead else sorted(defined, key=lambda c: (-self.scores[c], c))


UNITS = st.builds(
    Unit,
    st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, NAN, -math.inf])] * len(CONCEPTS)),
    st.sampled_from([*TRUTHS, None]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from(SENTENCES),
)
DEAD = Unit((1.0,) * len(CONCEPTS), None, dead=True)


def label_scores(units: list[Unit]) -> dict[str, Any]:
    """All scores of labels from a concept set."""
    orders = [unit.order[:10] for unit in units]
    return dict(
        score(
            labels=[[CONCEPTS[c] for c in order] for order in orders],
            label_scores=[
                [u.scores[c] for c in order] for u, order in zip(units, orders, strict=True)
            ],
            concepts=CONCEPTS,
            score_matrix=np.array([u.scores for u in units], np.float32).reshape(-1, len(CONCEPTS)),
            dead=[u.dead for u in units],
            truth={n: u.truth for n, u in enumerate(units) if u.truth is not None},
            sentence=embedder,
            clip_text=embedder,
        ).values
    )


def label_references(units: list[Unit]) -> dict[str, float]:
    """The same scores from the values of single units."""
    live = [unit for unit in units if not unit.dead]
    scored = [unit for unit in live if unit.truth is not None]
    layer = tuple(unit.truth for unit in units if unit.truth is not None)
    rows = [
        unit_values(unit.truth, tuple(CONCEPTS[c] for c in unit.order), CONCEPTS, layer)
        for unit in scored
        if unit.truth is not None
    ]
    labelled = [bool(unit.order) for unit in scored]
    groups = [unit.truth.group for unit in scored if unit.truth is not None]
    found = {}
    for name, metric in AVERAGES.items():
        if name in OPTIONAL:  # of some truths or methods only
            continue
        parts = {name: [True] * len(rows), f"selective_{name}": labelled}
        if metric.by_group:
            parts |= {f"{name}[{g}]": [g == own for own in groups] for g in set(groups) - {""}}
        for part, mask in parts.items():
            kept = [row[name] for row, k in zip(rows, mask, strict=True) if k]
            kept = sorted(value for value in kept if not math.isnan(value))
            middle = kept[len(kept) // 2] if kept else NAN
            found[part] = middle if metric.average == "median" else float(np.mean(kept or [NAN]))
    first = [CONCEPTS[unit.order[0]] for unit in live if unit.order]
    tops = [max(u.scores[c] for c in u.order) for u in scored if u.order]
    right = [row["accuracy_at_1"] for row, k in zip(rows, labelled, strict=True) if k]
    found["coverage"] = float(np.mean(labelled or [NAN]))
    found["auroc"] = float(roc_auc_score(right, tops)) if len(set(right)) == 2 else NAN
    found["distinct_labels"] = float(len(set(first))) if live else NAN
    found["top_label_share"] = max(map(first.count, first)) / len(first) if first else NAN
    return found


def sentence_scores(units: list[Unit]) -> dict[str, Any]:
    """Scores and controls of free text."""
    truth = {n: u.truth for n, u in enumerate(units) if u.truth is not None}
    labels = [[u.sentence] if u.sentence and not u.dead else [] for u in units]
    found = score(
        labels=labels, label_scores=[[0.5] * len(row) for row in labels], concepts=None,
        score_matrix=None, dead=[u.dead for u in units], truth=truth, sentence=embedder,
        clip_text=embedder, reader=SentenceReader(truth.values()),
    )  # fmt: skip
    controls = {f"{control}: {name}": entry for control, entries in found.controls.items()
                for name, entry in entries.items()}  # fmt: skip
    return {**found.values, **controls}


def sentence_references(units: list[Unit]) -> dict[str, float]:
    """Accuracy and lexical match of sentences that mention one true name of the layer."""
    reader = SentenceReader(unit.truth for unit in units if unit.truth is not None)
    scored = [u for u in units if not u.dead and u.truth is not None]
    earned = [
        max((lexical_match(name, u.truth) for name in reader(u.sentence)), default=0.0)
        for u in scored
        if u.truth is not None
    ]
    right = [float(value == 1) for value in earned]
    return {
        "accuracy_at_1": float(np.mean(right or [NAN])),
        "lexical_match": float(np.mean(earned or [NAN])),
    }


def area(units: list[tuple[float, bool]]) -> float:
    labels = [label for _, label in units]
    return float(roc_auc_score(labels, [s for s, _ in units])) if len(set(labels)) == 2 else NAN


TOLD = np.array([0, 1, NONE, 1])
"""The class that the label of each of four units tells."""


def decisions(images: list[tuple[int, int]]) -> Any:
    table = np.array(images, dtype=np.int64).reshape(-1, 2)
    return decision_score(TOLD, table[:, 0], table[:, 1], 3)


def decision_reference(images: list[tuple[int, int]]) -> float:
    return float(np.mean([TOLD[unit] == wanted for unit, wanted in images if wanted >= 0] or [NAN]))


def mcnemar_reference(pairs: list[tuple[float, float]]) -> float:
    wins = [a > b for a, b in pairs if abs(a - b) == 1]
    return float(stats.binomtest(sum(wins), len(wins)).pvalue) if wins else 1.0


coarse = st.sampled_from([-1.0, 0.0, 0.5, 1.0])
WORDS = st.lists(st.sampled_from(["the", "a", "dogs", "sky", "of", ","]), max_size=6).map(" ".join)
TESTERS: dict[str, MetricTester[Any]] = {
    "labels": MetricTester(
        label_scores, label_references, UNITS, left_out=(DEAD,), tolerance=1e-6,
        undefined=[[DEAD] * 3], most=8, examples=10,
    ),
    "sentences": MetricTester(
        sentence_scores, sentence_references, UNITS, left_out=(DEAD,), tolerance=1e-6,
        undefined=[[DEAD._replace(truth=TRUTHS[0])] * 3], most=8, examples=10,
    ),
    "auroc": MetricTester(
        lambda units: auroc([s for s, _ in units], [y for _, y in units]), area,
        st.tuples(coarse, st.booleans()), undefined=[[], [(1.0, True)], [(NAN, True), (0, False)]],
    ),
    "bleu": MetricTester(
        lambda units: corpus_bleu([text for text, _ in units], [texts for _, texts in units]),
        lambda units: sacrebleu([text for text, _ in units], [texts for _, texts in units]),
        st.tuples(WORDS, st.lists(WORDS.filter(bool), min_size=1, max_size=3).map(tuple)), most=6,
    ),
    "decisions": MetricTester(
        decisions, decision_reference, st.tuples(st.integers(0, 3), st.integers(-1, 2)),
        left_out=[(0, NONE), (3, NONE)], undefined=[[], [(0, NONE)]],
    ),
    "difference": MetricTester(
        lambda pairs: float(compare_pairs(np.array(pairs).T, resamples=9).differences[0, 1]),
        lambda pairs: float(np.mean([a - b for a, b in pairs])), st.tuples(coarse, coarse),
        left_out=[(NAN, 1.0), (0.0, NAN)], undefined=[],
    ),
    "mcnemar": MetricTester(
        lambda pairs: float(compare_pairs(np.array(pairs).T).p[0, 1]), mcnemar_reference,
        st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])),
        left_out=[(NAN, 1.0), (1.0, 1.0)], undefined=[],
    ),
    "wilson": MetricTester(
        lambda hits: wilson(sum(hits), len(hits)),
        lambda hits: tuple(stats.binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")),
        st.booleans(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TESTERS)
def test_metric(name: str) -> None:
    TESTERS[name].run()


def test_each_metric_of_the_table_has_a_tester() -> None:
    other = {
        "bertscore_f1": "tests/metrics/test_references.py",
        "reach": "tests/metrics/test_reach.py",
        "concept_iou": "tests/metrics/test_concept_sets.py",
        "exact_concepts": "tests/metrics/test_concept_sets.py",
        **dict.fromkeys(ANSWER_METRICS, "tests/metrics/test_answers.py"),
        "false_labels": "tests/metrics/test_concept_sets.py",
        "concept_auroc": "tests/metrics/test_concept_sets.py",
        "label_stability": "tests/bench/run/test_stability.py",
    }
    covered = set(label_references([Unit((0.0,) * len(CONCEPTS), TRUTHS[0])])) | set(TESTERS)
    covered |= {"decision_truth", "decision_prediction"}
    assert set(METRICS) - set(other) <= covered
