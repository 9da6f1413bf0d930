"""Modules that run several times, return several tensors, or have several names."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from bench.errors import LayerError, UserError
from bench.networks.layout import Layout
from bench.networks.layout.address import Address, parse_address
from bench.parts.targets import expand_layers, resolve_layers
from tests.bench.networks.layout.networks import (
    Autoencoder,
    Given,
    Repeats,
    Tied,
    evidence,
    layouts,
    outputs,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def test_names_of_layers() -> None:
    assert parse_address("layer4.0") == Address("layer4.0")
    assert parse_address("relu:0") == Address("relu", either="0")
    assert parse_address("sae:latents") == Address("sae", either="latents")
    assert parse_address("block:2:1") == Address("block", 2, "1")
    assert [parse_address(name) for name in ("a:", "a:b:c", "a:1:2:3", "a::1")] == [None] * 4


@pytest.mark.parametrize("call", [0, 1])
def test_a_call_is_named(call: int) -> None:
    found = evidence(Repeats, "repeats", f"relu:{call}")
    expected = outputs(Repeats, "repeats", "relu")[call].mean((2, 3))
    torch.testing.assert_close(found.activations(f"relu:{call}"), expected, **CLOSE)
    assert found.layouts[f"relu:{call}"].describe()["call"] == call


def test_calls_of_equal_width_are_noted_and_of_different_width_refused() -> None:
    build = partial(Repeats, same=True)
    found = evidence(build, "same", "relu")
    expected = outputs(build, "same", "relu")[1].mean((2, 3))
    torch.testing.assert_close(found.activations("relu"), expected, **CLOSE)
    [note] = found.layouts["relu"].notes("relu")
    assert note == (
        "relu runs 2 times a pass; call 1, the last, is described; name another as relu:0"
    )
    error = layouts(Repeats(), "relu")["relu"]
    assert isinstance(error, LayerError)
    assert "different numbers of units (6, 7)" in error.what
    assert error.hint == "name a call: relu:0 to relu:1"


def test_axes_of_a_module_are_those_of_its_calls() -> None:
    told = layouts(Repeats(), "relu:0", "relu:1", axes={"relu": "BUHW", "relu:1": "BHWU"})
    assert [layout.axes for layout in told.values()] == ["BUHW", "BHWU"]
    error = layouts(Repeats(), "relu:0", axes="UBHW")["relu:0"]
    assert r"target.axes={relu\:0: ...}" in error.hint


def test_a_call_that_there_is_not() -> None:
    found = layouts(Repeats(), "relu:2", "first:1", "first:0")
    assert "2 outputs a pass: there is no call 2" in str(found["relu:2"])
    assert "there is no call 1" in str(found["first:1"])
    assert layouts(Repeats(), "relu:-1")["relu:-1"].hint == "name a call: relu:0 to relu:1"
    assert found["first:0"].axes == "BUHW"


@pytest.mark.parametrize(
    ("named", "layer", "units"),
    [(False, "sae:1", 9), (False, "sae:0", 6), (True, "sae:latents", 9), (True, "sae:1", 9)],
)
def test_an_output_is_named(named: bool, layer: str, units: int) -> None:
    build = partial(Autoencoder, named)
    found = evidence(build, f"sae {named}", layer)
    out = outputs(build, f"sae {named}", "sae")[0]
    out = list(out.values()) if named else out
    assert found.units == {layer: units}
    torch.testing.assert_close(found.activations(layer), out[units == 9], **CLOSE)


def test_the_first_of_several_outputs_is_noted() -> None:
    found = evidence(Autoencoder, "sae False", "sae")
    assert found.units == {"sae": 6}
    [note] = found.layouts["sae"].notes("sae")
    assert note == "sae returns 2 tensors (0, 1); 0 is described; name another as sae:1"
    assert "name one of sae:0, sae:1" in str(layouts(Autoencoder(), "sae:latents")["sae:latents"])


def test_calls_and_outputs_are_named_together() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sae = Autoencoder().sae
            self.conv = nn.Conv2d(3, 6, 4, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.sae(self.sae(self.conv(x).mean((2, 3)))[0])[0]

    found = layouts(Twice(), "sae:0:1", "sae:1", "sae")
    assert isinstance(found["sae:0:1"], Layout)
    assert (found["sae:0:1"].call, found["sae:0:1"].output) == (0, "1")
    assert "1 may mean either" in str(found["sae:1"])
    assert found["sae:1"].hint.startswith("name both: sae:1:0")
    assert len(found["sae"].notes("sae")) == 2


def test_a_tied_module_goes_by_each_of_its_names() -> None:
    network = Tied()
    assert resolve_layers(network, ["again", "conv:0"]) == ["again", "conv:0"]
    first, second = outputs(Tied, "tied", "conv")
    for layer, expected in {"again": second, "again:0": first, "conv": second}.items():
        found = evidence(Tied, "tied", layer)
        torch.testing.assert_close(found.activations(layer), expected.mean((2, 3)), **CLOSE)
    assert "runs 2 times" in evidence(Tied, "tied", "again").layouts["again"].notes("again")[0]
    with pytest.raises(UserError, match="no layer 'agian'") as caught:
        resolve_layers(network, ["agian"])
    assert caught.value.valid == ("again",)


def test_patterns_keep_what_follows_the_colon() -> None:
    target = Given(Tied, "tied")
    assert expand_layers(target, ["a*:0", "con*"]) == ("again:0", "conv")
