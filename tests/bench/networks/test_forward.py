"""A network that does not bear what makes it fast is run without."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from bench.errors import NetworkError, UserError
from tests.bench.networks.layout.networks import Flattens, evidence, outputs

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


class Adds(nn.Module):
    """Keeps its first input and adds to it in place, which inference mode forbids afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_inference_mode_enabled():
            raise RuntimeError("inference tensors cannot be saved")
        return self.conv(x).mean((2, 3))


@pytest.mark.parametrize("maps_limit", [8e9, 0])
def test_a_view_that_needs_its_own_memory_format(
    maps_limit: float, caplog: pytest.LogCaptureFixture
) -> None:
    found = evidence(Flattens, "flattens", "conv", "fc", maps=True, maps_limit=maps_limit)
    conv, fc = (outputs(Flattens, "flattens", layer)[0] for layer in ("conv", "fc"))
    torch.testing.assert_close(found.activations("conv"), conv.mean((2, 3)), **CLOSE)
    torch.testing.assert_close(found.activations("fc"), fc, **CLOSE)
    maps = torch.cat(list(found.maps("conv").batches()))
    torch.testing.assert_close(maps, conv, **CLOSE)
    [note] = found.notes
    assert "runs without torch's memory format channels_last" in note
    assert "view size is not compatible" in caplog.text


def test_the_setting_leaves_it_out_or_insists() -> None:
    assert not evidence(Flattens, "flattens", "fc", channels_last="false").notes
    with pytest.raises(UserError, match="fails in the memory format channels_last") as caught:
        evidence(Flattens, "flattens", "fc", channels_last="true")
    assert caught.value.where == "runtime.channels_last"


def test_inference_mode_is_left_out_where_it_must_be() -> None:
    found = evidence(Adds, "adds", "conv")
    expected = outputs(Adds, "adds", "conv")[0].mean((2, 3))
    torch.testing.assert_close(found.activations("conv"), expected, **CLOSE)
    assert "inference mode" in found.notes[0]


class Squeezes(nn.Module):
    """Loses the axis of the images where there is one alone; `norm` then fails."""

    def __init__(self, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.BatchNorm1d(6) if norm else nn.Identity()
        self.fc = nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.norm(self.conv(x).mean((2, 3), keepdim=True).squeeze()))


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(("images", "batch_size"), [(13, 4), (1, 4)])
def test_a_batch_of_one_image_is_shown_twice_where_it_must_be(
    norm: bool, images: int, batch_size: int
) -> None:
    name, layers = f"squeezes {norm}", ("conv", "norm", "fc")
    build = partial(Squeezes, norm)
    found = evidence(build, name, *layers, n=images, batch_size=batch_size, maps=True)
    for layer in layers:
        expected = outputs(build, name, layer, n=13)[0][:images]
        values = expected.mean((2, 3)) if layer == "conv" else expected
        torch.testing.assert_close(found.activations(layer), values, **CLOSE)
    assert sum(len(maps) for maps in found.maps("conv").batches()) == images
    assert found.notes == (
        "the network cannot take a batch of one image; such an image is shown to it twice",
    )


def test_a_compiled_network_is_read_as_it_was_written() -> None:
    name, layers = "compiled", ("_orig_mod.conv", "_orig_mod.fc")
    build = partial(torch.compile, Flattens(), backend="eager")
    found = evidence(build, name, *layers)
    plain = evidence(lambda: build()._orig_mod, "plain", "conv", "fc")
    for layer, own in zip(layers, ("conv", "fc"), strict=True):
        torch.testing.assert_close(found.activations(layer), plain.activations(own), **CLOSE)


def test_a_network_that_fails_in_every_way_fails_with_its_own_words() -> None:
    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 4, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 3:
                raise RuntimeError("three at most")
            return self.conv(x).mean((2, 3))

    with pytest.raises(NetworkError, match="three at most"):
        evidence(Fails, "fails", "conv")
