"""Agreement of labels with units: published values, a plain reading, scikit-learn, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from metrics import numeric
from metrics.faithfulness import AGREEMENTS, COMBINATIONS, wpmi
from metrics.numeric import average_precision
from metrics.observations import Observations

ACTIVATIONS = np.array(
    [
        [0.9, 0.1],
        [0.8, 0.3],
        [0.7, 0.2],
        [0.4, 0.9],
        [0.3, 0.8],
        [0.2, 0.6],
        [0.1, 0.7],
        [0.05, 0.4],
    ]
)
PRESENCE = np.array(
    [[0.95, 0.05], [0.85, 0.15], [0.45, 0.6], [0.55, 0.9], [0.1, 0.7], [0.2, 0.3], [0.02, 0.52],
     [0.01, 0.4]]
)  # fmt: skip
UNBIASED = 8 / 7
"""The published code scales correlations by (N - 1) / N."""
PUBLISHED = {
    "recall": [[1, 0], [0.5, 1]],
    "precision": [[0.666667, 0], [0.333333, 0.5]],
    "f1": [[0.8, 0], [0.4, 0.666667]],
    "iou": [[0.666667, 0], [0.25, 0.5]],
    "accuracy": [[0.875, 0.25], [0.625, 0.75]],
    "balanced_accuracy": [[0.916667, 0.166667], [0.583333, 0.833333]],
    "inverse_balanced_accuracy": [[0.833333, 0.25], [0.566667, 0.75]],
    "auc": [[1, 0], [0.5, 1]],
    "inverse_auc": [[0.933333, 0.4375], [0.4, 0.8125]],
    "auprc": [[1, 0.196429], [0.333333, 1]],
    "inverse_auprc": [[0.916667, 0.50119], [0.569444, 0.892857]],
    "correlation": np.multiply([[0.816626, -0.366562], [-0.476021, 0.650873]], UNBIASED),
    "spearman": np.multiply([[0.833333, -0.270833], [-0.375, 0.645833]], UNBIASED),
    "cosine": [[0.968895, 0.578720], [0.484244, 0.937114]],
    "mad": [[0.43, -0.1125], [-0.106667, 0.3]],
    "wpmi": [[0.831502, -1.653459], [-0.511802, 0.56195]],
    "combined_auc": [[0.965517, 0], [0.444444, 0.896552]],
    "combined_balanced_accuracy": [[0.873016, 0.2], [0.574879, 0.789474]],
    "recall_auc": [[1, 0], [0.5, 1]],  # the published code has NaN for two zeros
    "recall_inverse_auc": [[0.965517, 0], [0.444444, 0.896552]],
    "precision_balanced": [[0.77193, 0], [0.424242, 0.625]],
    "precision_inverse_balanced": [[0.740741, 0], [0.419753, 0.6]],
}
SAMPLES = {"correlation_top_and_random", "spearman_top_and_random"}
EXACT = sorted(AGREEMENTS.keys() - SAMPLES)


def example(**changes) -> Observations:
    return Observations(ACTIVATIONS, PRESENCE, **{"alpha": 0.25, **changes})


@pytest.mark.parametrize("name", EXACT)
def test_published_values(name: str) -> None:
    np.testing.assert_allclose(AGREEMENTS[name].compute(example()), PUBLISHED[name], atol=2e-6)


def test_published_values_of_wpmi_without_penalty() -> None:
    expected = [[-0.106906, -2.446426], [-1.450211, -0.231018]]
    np.testing.assert_allclose(wpmi(example(), penalty=0), expected, atol=1e-6)


def test_the_paper_recommends_five() -> None:
    passing = {name for name, agreement in AGREEMENTS.items() if agreement.passes}
    assert passing == {"correlation", "cosine", "auprc", "f1", "iou"}
    assert not passing & COMBINATIONS.keys()


def plain(a: list[float], c: list[float], alpha: float) -> dict[str, float]:
    """Return all exact metrics of one unit and one concept, image by image."""
    n = len(a)
    k = next(k for k in range(1, n + 1) if k >= alpha * n - 1e-9)
    cut = sorted(a, reverse=True)[k - 1]
    b = [x >= cut and x > min(a) for x in a]
    p = [x >= 0.5 for x in c]
    tp = sum(x and y for x, y in zip(b, p, strict=True))
    fp = sum(x and not y for x, y in zip(b, p, strict=True))
    fn = sum(y and not x for x, y in zip(b, p, strict=True))
    tn = n - tp - fp - fn

    def share(above: float, below: float, otherwise: float = math.nan) -> float:
        return above / below if below else otherwise

    def mean(values: list[float]) -> float:
        return share(sum(values), len(values))

    def of(values, marks, mark):
        return [v for v, m in zip(values, marks, strict=True) if m == mark]

    def area(scores, marks) -> float:
        return roc_auc_score(marks, scores) if len(set(marks)) == 2 else math.nan

    def precision(scores, marks) -> float:
        return average_precision_score(marks, scores) if any(marks) else math.nan

    def correlation(function) -> float:
        if len(set(a)) == 1:
            return math.nan
        return function(a, c)[0] if len(set(c)) > 1 else 0.0

    norms = math.hypot(*a), math.hypot(*c)
    dot = sum(x * y for x, y in zip(a, c, strict=True))
    likelihood = share(sum(math.log(max(x, 1e-8)) for x in of(c, b, True)), sum(b), 0)
    found = {
        "recall": share(tp, tp + fp),
        "precision": share(tp, tp + fn, 0),
        "f1": share(2 * tp, 2 * tp + fp + fn),
        "iou": share(tp, tp + fp + fn),
        "accuracy": (tp + tn) / n,
        "balanced_accuracy": (share(tp, tp + fp, 0) + share(tn, tn + fn, 0)) / 2,
        "inverse_balanced_accuracy": (share(tp, tp + fn, 0) + share(tn, tn + fp, 0)) / 2,
        "auc": area(c, b),
        "inverse_auc": area(a, p),
        "auprc": precision(c, b),
        "inverse_auprc": precision(a, p),
        "correlation": correlation(pearsonr),
        "spearman": correlation(spearmanr),
        "cosine": dot / math.prod(norms) if all(norms) else 0 * share(1, norms[0]),
        "wpmi": likelihood - math.log(mean(c)) if any(c) else math.nan,
        "mad": mean(of(a, p, True)) - mean(of(a, p, False)),
    }
    for name, (one, other) in COMBINATIONS.items():
        x, y = found[one], found[other]
        found[name] = share(2 * x * y, x + y, 0)
    return found


# Few distinct values, so that ties, constant units and absent concepts are common.
values = st.integers(0, 4).map(lambda i: i / 4)
cases = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(values, min_size=n, max_size=n), st.lists(values, min_size=n, max_size=n)
    )
)
alphas = st.sampled_from([0.01, 0.07, 0.2, 0.5])


@settings(max_examples=40, deadline=None)
@given(cases, alphas)
def test_a_plain_reading_agrees(case, alpha) -> None:
    expected = plain(*case, alpha)
    observed = Observations(*case, alpha)
    assert expected.keys() == set(EXACT)
    for name, value in expected.items():
        found = AGREEMENTS[name].compute(observed)
        assert found.shape == (1, 1)
        assert found[0, 0] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(cases, alphas, st.integers(0, 99))
def test_counts_stand_for_equal_images(case, alpha, seed) -> None:
    counts = np.random.default_rng(seed).integers(1, 4, len(case[0]))
    brief = Observations(*case, alpha, counts)
    whole = Observations(*(np.repeat(values, counts) for values in case), alpha)
    for name in EXACT:
        one, other = (AGREEMENTS[name].compute(o)[0, 0] for o in (brief, whole))
        assert one == pytest.approx(other, abs=1e-9, nan_ok=True), name


@settings(max_examples=40, deadline=None)
@given(cases, alphas)
def test_scores_stay_within_their_limits(case, alpha) -> None:
    observed = Observations(*case, alpha)
    for agreement in AGREEMENTS.values():
        value = agreement.compute(observed)[0, 0]
        if agreement.limits and not math.isnan(value):
            assert agreement.limits[0] <= value <= agreement.limits[1], agreement.title


@settings(max_examples=25, deadline=None)
@given(cases, alphas)
def test_only_the_order_of_activations_matters_where_the_formula_says_so(case, alpha) -> None:
    """Scaling changes only MAD; another monotone function the correlations and cosine too."""
    activations, presence = np.array(case[0]), case[1]
    own = Observations(activations, presence, alpha)
    scaled = Observations(activations * 3, presence, alpha)
    bent = Observations(np.exp(2 * activations) - 1, presence, alpha)
    for name in EXACT:
        value = AGREEMENTS[name].compute(own)
        if name != "mad":
            np.testing.assert_allclose(AGREEMENTS[name].compute(scaled), value, atol=1e-9)
        if name not in ("mad", "correlation", "cosine"):
            np.testing.assert_allclose(AGREEMENTS[name].compute(bent), value, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9999), st.sampled_from([2, 5, 1000]), st.booleans())
def test_many_units_and_concepts_score_as_each_pair_does(seed, levels, weighted) -> None:
    """Few levels make ties; 1,000 nearly none."""
    rng = np.random.default_rng(seed)
    scores, marks = rng.integers(0, levels, (30, 3)) / levels, rng.random((30, 4)) < 0.3
    counts = rng.integers(1, 4, 30) if weighted else np.ones(30, int)
    found = average_precision(scores, marks.astype(float), counts[:, None].astype(float))
    for mark, score in np.ndindex(found.shape):
        one, other = (np.repeat(x, counts) for x in (marks[:, mark], scores[:, score]))
        expected = average_precision_score(one, other) if one.any() else math.nan
        assert found[mark, score] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_marks_are_sorted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 5, (60, 7)) / 5, (rng.random((60, 3)) < 0.5) * 1.0, np.ones((60, 1))
    whole = average_precision(*arrays)
    monkeypatch.setattr(numeric, "_TOGETHER", 64)
    np.testing.assert_array_equal(average_precision(*arrays), whole)


def test_the_order_of_images_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(8)
    moved = Observations(ACTIVATIONS[order], PRESENCE[order], 0.25)
    for name in EXACT:
        one, other = (AGREEMENTS[name].compute(o) for o in (example(), moved))
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_active_images() -> None:
    sparse = [5.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    shares = {0.1: 1, 0.25: 3, 0.3: 3, 0.5: 3}  # ties are active, the least activation never is
    for alpha, active in shares.items():
        assert Observations(sparse, PRESENCE, alpha).n_active[0, 0] == active
    assert Observations(np.arange(100), np.zeros(100), 0.07).n_active[0, 0] == 7
    assert Observations(np.ones(8), PRESENCE).n_active[0, 0] == 0


def test_a_constant_unit_has_no_score_and_a_constant_concept_none_above_chance() -> None:
    dead = Observations(np.zeros(8), PRESENCE)
    everywhere = Observations(ACTIVATIONS, np.ones(8))
    for name in ("correlation", "spearman", "cosine", "recall", "auc", "auprc"):
        assert np.isnan(AGREEMENTS[name].compute(dead)).all(), name
    for name, chance in {"correlation": 0, "spearman": 0, "auc": 0.5}.items():
        assert AGREEMENTS[name].compute(everywhere) == pytest.approx(chance), name


def test_top_and_random_samples() -> None:
    rng = np.random.default_rng(0)
    concept = np.repeat([1.0, 0.0], [100, 9900])
    activations = concept + rng.normal(0, 0.01, 10_000)
    ideal, noise = (
        Observations(a, concept, 0.01) for a in (activations, rng.permutation(activations))
    )
    for name in SAMPLES:
        compute = AGREEMENTS[name].compute
        assert compute(ideal)[0, 0] > 0.8
        assert abs(compute(noise)[0, 0]) < 0.4
        assert compute(ideal) == compute(ideal)
    # 25 of the active images and 25 of all: nearly half show the concept.
    assert AGREEMENTS["correlation_top_and_random"].compute(
        Observations(concept, concept, None)
    ) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"presence": PRESENCE[:4]}, "over the same images"),
        ({"activations": np.zeros((0, 2)), "presence": np.zeros((0, 2))}, "over the same images"),
        ({"activations": ACTIVATIONS * np.nan}, "finite"),
        ({"presence": PRESENCE * 2}, r"\[0, 1\]"),
        ({"alpha": 0.0}, "alpha lies between 0 and 1; got 0"),
        ({"alpha": None}, "zeros and ones"),
        ({"counts": np.zeros(8)}, "positive"),
        ({"counts": np.ones(7)}, "8 positive numbers"),
    ],
)
def test_wrong_observations_are_refused(changes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Observations(**{"activations": ACTIVATIONS, "presence": PRESENCE, **changes})
