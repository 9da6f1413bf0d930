"""Activation maps: stored in pieces or computed anew, always the same values."""

from __future__ import annotations

import pytest
import torch

from bench.errors import UserError
from bench.evidence import Store
from tests.bench.evidence.tiny import COUNTS, Net, TinyProbe, run, to_tensor

pytestmark = pytest.mark.usefixtures("small_chunks")
LAYERS = ("conv", "tokens", "head")


def read(found, layer):
    maps = found.maps(layer)
    whole = torch.cat(list(maps.batches()))
    assert whole.shape == (maps.n_images, maps.n_units, *maps.map_size)
    return whole


def direct(layer):
    """The layer's output on all images at once, before anything later writes into it."""
    torch.manual_seed(3)
    net, kept = Net().eval(), {}
    hook = dict(net.named_modules())[layer].register_forward_hook
    hook(lambda _module, _inputs, output: kept.update(out=output.detach().clone()))
    net(torch.stack([to_tensor(TinyProbe().image(i)) for i in range(30)]))
    return kept["out"]


@pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
@pytest.mark.parametrize("limit", [8e9, 0])
def test_values_are_the_layers_own(tmp_path, batch_size, limit):
    found = run(Store(tmp_path), LAYERS, maps=True, batch_size=batch_size, maps_limit=limit)
    assert found.reruns == (frozenset() if limit else frozenset(LAYERS))
    torch.testing.assert_close(read(found, "conv"), direct("conv"), rtol=1e-5, atol=1e-6)
    tokens = direct("tokens").mean(dim=1)[:, :, None, None]
    torch.testing.assert_close(read(found, "tokens"), tokens, rtol=1e-5, atol=1e-6)
    vectors = direct("head")[:, :, None, None]
    torch.testing.assert_close(read(found, "head"), vectors, rtol=1e-5, atol=1e-6)


def test_maps_may_be_gone_through_again(tmp_path):
    for limit in (8e9, 0):
        maps = run(Store(tmp_path), ["conv"], maps=True, maps_limit=limit).maps("conv")
        assert torch.equal(torch.cat(list(maps.batches())), torch.cat(list(maps.batches())))


def test_only_maps_too_large_are_left_out(tmp_path):
    # 30 images: conv 30 * 5 * 16 * 4 = 9,600 bytes, head 30 * 4 * 4 = 480
    found = run(Store(tmp_path), ["conv", "head"], maps=True, maps_limit=1000)
    assert found.reruns == {"conv"}
    seen = COUNTS["seen"]
    again = run(Store(tmp_path), ["conv", "head"], maps=True, maps_limit=1000)
    assert again.cached
    assert COUNTS["seen"] == seen
    read(again, "head")
    assert COUNTS["seen"] == seen
    read(again, "conv")
    assert COUNTS["seen"] == seen + 30


def test_maps_beside_pooled_ones_that_are_there(tmp_path):
    run(Store(tmp_path), ["conv"])
    found = run(Store(tmp_path), ["conv"], maps=True, encoder=None)
    assert not found.cached
    torch.testing.assert_close(read(found, "conv").mean(dim=(2, 3)), found.activations("conv"))
    assert run(Store(tmp_path), ["conv"], maps=True).cached


def test_pooled_and_maps_come_from_one_forward_pass(tmp_path):
    run(Store(tmp_path), ["conv", "head"], maps=True)
    assert COUNTS["seen"] == COUNTS["image"] == 30


def test_an_interrupted_pass_keeps_its_pieces(tmp_path):
    broken = TinyProbe(broken=frozenset({20}))
    with pytest.raises(UserError, match="broken"):
        run(Store(tmp_path), ["conv"], maps=True, batch_size=4, probe=broken)
    COUNTS["seen"] = 0
    found = run(Store(tmp_path), ["conv"], maps=True, batch_size=4)
    assert COUNTS["seen"] == 14  # from the chunk of image 20 on
    torch.testing.assert_close(read(found, "conv"), direct("conv"), rtol=1e-5, atol=1e-6)


def test_half_precision_is_another_arithmetic_and_stored_as_float32(tmp_path):
    exact = read(run(Store(tmp_path), ["conv"], maps=True), "conv")
    for limit in (8e9, 0):
        found = run(Store(tmp_path), ["conv"], maps=True, precision="bfloat16", maps_limit=limit)
        half = read(found, "conv")
        assert half.dtype == torch.float32
        assert not torch.equal(half, exact)
        torch.testing.assert_close(half, exact, rtol=0.05, atol=0.05)
