"""The planted target: layers, probe sets, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import UserError
from bench.parts.optional_protocols import GivesArrays
from bench.parts.probes import FolderProbe, GlyphsNoisyMasksProbe, GlyphsProbe
from bench.parts.protocols import Target
from bench.parts.targets import PlantedTarget


def test_a_layer_gives_arrays_of_one_shape_on_any_glyphs_images() -> None:
    target = PlantedTarget()
    assert isinstance(target, Target)
    assert isinstance(target, GivesArrays)
    assert target.module_paths() == ("strong", "middle", "weak")
    exact = target.arrays("weak", GlyphsProbe(size=6, offset=2))
    assert (exact.n, exact.units, exact.map_size) == (6, 280, (8, 8))
    assert exact.maps is not None
    maps = np.concatenate(list(exact.maps()))
    assert maps.shape == (6, 280, 8, 8)
    assert np.allclose(exact.activations(), maps.mean(axis=(2, 3)), atol=1e-6)
    noisy = target.arrays("weak", GlyphsNoisyMasksProbe(size=6, offset=2))
    assert (np.asarray(noisy.activations()) == np.asarray(exact.activations())).all()
    half = target.arrays("weak", GlyphsProbe("half", size=6, offset=2))
    assert not np.isclose(half.activations(), exact.activations())[:, :272].any()


def test_only_the_seed_decides() -> None:
    assert PlantedTarget(1).fingerprint() != PlantedTarget().fingerprint()
    with pytest.raises(UserError, match="invalid seed -1"):
        PlantedTarget(-1)


def test_other_layers_other_images_and_a_network_are_refused() -> None:
    target = PlantedTarget()
    with pytest.raises(UserError, match="no layer 'midle'") as caught:
        target.arrays("midle", GlyphsProbe(size=6))
    assert "middle" in str(caught.value.valid)
    with pytest.raises(UserError, match="images of Glyphs only"):
        target.arrays("middle", FolderProbe("images"))
    with pytest.raises(UserError, match="have no network"):
        target.load("cpu")
