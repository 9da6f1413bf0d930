"""Sanity checks on units: made units whose falls are known, and the choice of alpha."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.faithfulness import AGREEMENTS
from metrics.observations import Observations
from metrics.sanity import expected_change
from metrics.sanity_of_units import ALPHAS, check_units

IMAGES, UNITS, SHARE = 4_000, 30, 0.05
NAMES = ["recall", "precision", "f1", "iou", "correlation", "cosine", "auprc"]


@pytest.fixture(scope="module")
def presence() -> np.ndarray:
    """Which images show the concept of each unit, exactly 5 % of them."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(IMAGES) < SHARE * IMAGES for _ in range(UNITS)]
    return np.array(rows, float).T


def test_ideal_units_change_as_the_closed_forms_say(presence: np.ndarray) -> None:
    own = np.arange(UNITS)
    found = check_units(presence, presence, own, NAMES, alpha=SHARE, draws=20)
    assert list(found) == ["metric", "test", "alpha", "penalty", "change", "falls", "n"]
    assert len(found) == 2 * len(NAMES)
    for row in found.itertuples():
        low, high = AGREEMENTS[row.metric].limits
        expected = expected_change(row.metric, row.test, SHARE) / (high - low)
        assert row.change == pytest.approx(expected, abs=0.01), (row.metric, row.test)
        assert row.falls == (expected < 0)
        assert (row.alpha, row.n) == (
            SHARE,
            UNITS // 2,
        )  # fewer than 40: half of them choose the settings


def test_the_range_of_a_metric_without_limits_is_over_all_pairs(presence: np.ndarray) -> None:
    """One draw, which this repeats: the choice of units comes first, then both tests."""
    own = np.arange(UNITS)
    found = check_units(presence, presence, own, ["mad"], alpha=SHARE).set_index("test")
    rng = np.random.default_rng(0)
    tested = rng.permutation(UNITS)[UNITS // 2 :]
    kept = presence * (rng.random(presence.shape) < 0.5)
    more = np.minimum(1, presence + (rng.random(presence.shape) < SHARE / (1 - SHARE)))
    tables = [
        AGREEMENTS["mad"].compute(Observations(presence[:, tested], c, SHARE))
        for c in (presence, kept, more)
    ]
    size = np.max(tables) - np.min(tables)
    for test, table in zip(("missing", "extra"), tables[1:], strict=True):
        change = (table - tables[0])[np.arange(len(tested)), tested] / size
        assert found.loc[test, "change"] == pytest.approx(change.mean())


def test_alpha_is_chosen_by_what_tells_the_concepts(presence: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, presence.shape)
    found = check_units(3 * presence + noise, presence, np.arange(UNITS), ["iou", "wpmi"])
    chosen = found.drop_duplicates("metric").set_index("metric")
    assert 0.01 <= chosen.loc["iou", "alpha"] <= 0.1
    assert chosen.loc["iou", "alpha"] in ALPHAS
    assert np.isnan(chosen.loc["iou", "penalty"])
    assert 0 <= chosen.loc["wpmi", "penalty"] <= 1


def test_units_that_cannot_be_tested_are_left_out(presence: np.ndarray) -> None:
    activations, labels, shown = presence.copy(), np.arange(UNITS), presence.copy()
    activations[:, 0] = 1
    labels[1] = -1
    shown[:, 2] = 0
    shown[: IMAGES // 2, 3] = 1
    found = check_units(activations, shown, labels, ["iou"], alpha=SHARE)
    assert set(found["n"]) == {(UNITS - 4) // 2}
    with pytest.raises(ValueError, match="one unit only can be tested"):
        check_units(activations, shown, np.where(labels == 4, 4, -1), ["iou"])
    with pytest.raises(ValueError, match="no unit can be tested"):
        check_units(activations, shown[:, :0], np.full(UNITS, -2), ["iou"])


def test_a_label_that_is_wrong_does_not_fall(presence: np.ndarray) -> None:
    wrong = np.roll(np.arange(UNITS), 1)
    found = check_units(presence, presence, wrong, ["correlation"], alpha=SHARE, draws=5)
    assert (found["falls"] < 0.8).all()


def test_units_depend_on_the_seed_alone(presence: np.ndarray) -> None:
    own = np.arange(UNITS)
    one, same, other = (check_units(presence, presence, own, ["f1"], seed=s) for s in (0, 0, 1))
    assert one.equals(same)
    assert not one.equals(other)
