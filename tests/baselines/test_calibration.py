"""Calibration of image-text similarities."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.calibration import PUBLISHED, Calibration, fit_calibration


def test_published_value() -> None:
    clip = PUBLISHED["ViT-L-14-336", "openai"]
    found = clip.probabilities(torch.tensor([0.20, 0.25], dtype=torch.float64))
    assert found.tolist() == pytest.approx([0.052154, 0.5], abs=1e-6)


def test_a_fit_finds_the_calibration() -> None:
    rng = np.random.default_rng(0)
    true = Calibration(20, -0.3)
    cosines = torch.from_numpy(rng.normal(0.25, 0.1, (400, 50)))
    presence = rng.random(cosines.shape) < true.probabilities(cosines).numpy()
    found = fit_calibration(cosines, presence)
    assert found.scale == pytest.approx(20, rel=0.05)
    assert found.bias == pytest.approx(-0.3, abs=0.01)
    # The mean probability is the share of pairs, as of every logistic regression.
    assert found.probabilities(cosines).mean() == pytest.approx(presence.mean(), abs=1e-4)


def test_separable_pairs_have_a_finite_scale() -> None:
    found = fit_calibration(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1]))
    assert 0 < found.scale < 1e4
    assert found.bias == pytest.approx(-0.25, abs=1e-3)


@pytest.mark.parametrize(("presence", "says"), [([1, 1], "all concepts"), ([1, 0], "less likely")])
def test_useless_similarities_are_refused(presence: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fit_calibration(np.array([0.1, 0.3]), np.array(presence))
