"""A layer's activations on images of a method's own: those of images of the probe set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.evidence import Store, gather
from bench.evidence.target_layer import LoadedLayer
from bench.parts.directions import Rotation
from bench.timing import Timer
from tests.bench.evidence import tiny
from tests.bench.evidence.tiny import COUNTS, TinyProbe

IMAGES = np.stack([np.asarray(TinyProbe().image(index)) for index in range(30)])


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("layer", ["conv", "tokens", "head"])
@pytest.mark.parametrize("directions", [None, Rotation(3)])
def test_activations_are_those_that_are_gathered(layer, pooling, directions):
    if directions is not None and (layer, pooling) == ("tokens", "max"):
        return  # refused for the probe set too
    store = Store(None)
    request = tiny.request(
        [layer], pooling, encoder=None, directions=directions, batch_size=7, progress=False
    )
    evidence = gather(request, store=store, timer=Timer())
    loaded = LoadedLayer(
        request.target, layer, evidence.layouts[layer], request.execution, directions
    )
    before = COUNTS["target"]
    found = loaded.activations(IMAGES)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, evidence.activations(layer), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(loaded.activations(IMAGES[4:5]), found[4:5], rtol=1e-5, atol=1e-6)
    assert COUNTS["target"] == before + 1  # loaded once


def test_batches_change_nothing_and_hooks_are_removed():
    request = tiny.request(["conv"], encoder=None)
    layouts = gather(request, store=Store(None), timer=Timer()).layouts
    layer = LoadedLayer(request.target, "conv", layouts["conv"], request.execution)
    small = replace(layer, execution=replace(request.execution, batch_size=4))
    torch.testing.assert_close(small.activations(IMAGES), layer.activations(IMAGES))
    assert not layer._loaded.module.conv._forward_hooks
