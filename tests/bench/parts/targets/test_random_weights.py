"""Networks with random weights, as controls."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
import torch
import torchvision

from bench.errors import UserError
from bench.parts.optional_protocols import HasUntrained
from bench.parts.protocols import Target
from bench.parts.targets import CallableTarget, GlyphsTarget, TorchvisionTarget
from bench.parts.targets.random_weights import RandomWeights
from bench.run.identity import params_of

if TYPE_CHECKING:
    from pathlib import Path

GLYPHS = GlyphsTarget("scenes")


def test_a_seed_gives_the_same_weights_again() -> None:
    """Weights depend on the seed alone, and drawing them leaves torch's generator as it was."""
    control = RandomWeights(GLYPHS, 1)
    assert isinstance(control, Target)
    assert isinstance(control, HasUntrained)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = control.untrained().module.state_dict()
    assert torch.equal(torch.rand(3), expected)
    again = control.load("cpu").module.state_dict()
    other = RandomWeights(GLYPHS, 2).untrained().module.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])
    trained = GLYPHS.load("cpu").module.state_dict()
    assert {name: value.shape for name, value in first.items()} == {
        name: value.shape for name, value in trained.items()
    }
    assert not torch.equal(first["conv1.weight"], trained["conv1.weight"])


def test_the_fingerprint_tells_architecture_seed_and_version() -> None:
    """The trained weights decide nothing; all else that decides a value is there."""
    own = RandomWeights(GLYPHS, 1).fingerprint()
    assert (own["kind"], own["seed"], own["torch"]) == ("random_weights", 1, version("torch"))
    assert own["of"] == {k: v for k, v in GLYPHS.fingerprint().items() if k != "weights"}
    assert RandomWeights(GLYPHS, 2).fingerprint() != own
    assert RandomWeights(GlyphsTarget("objects"), 1).fingerprint() != own


def test_parameters_and_layers_are_those_of_the_target() -> None:
    """A record of the control shows the network that it belongs to."""
    control = RandomWeights(GLYPHS)
    assert params_of(control) == params_of(GLYPHS) == {"net": "scenes"}
    assert control.module_paths() == GLYPHS.module_paths()
    assert (control.plain_layers, control.visible_share, control.squashes) == (True, 1.0, False)
    torchvision_target = TorchvisionTarget("resnet18", weights="DEFAULT", input_size=64, resize=0)
    control = RandomWeights(torchvision_target)
    assert params_of(control)["arch"] == "resnet18"
    assert control.squashes


def test_a_function_of_the_user_is_refused() -> None:
    """Code of a user has no network without weights; the hint says what to do."""
    control = RandomWeights(CallableTarget("torchvision.models:resnet18"))
    with pytest.raises(UserError, match="without weights") as caught:
        control.untrained()
    assert caught.value.where == "target.control"
    assert "callable" in caught.value.hint


def test_another_number_of_units_is_refused(tmp_path: Path) -> None:
    """The library's default of 1,000 classes is not that of the file, unless it is set."""
    file = tmp_path / "small.pth"
    torch.save(torchvision.models.squeezenet1_0(num_classes=7).state_dict(), file)
    target = TorchvisionTarget("squeezenet1_0", file=str(file))
    with pytest.raises(UserError, match=r"classifier\.1\.\w+ has the shape \[1000.*\[7") as caught:
        RandomWeights(target).load("cpu")
    assert "num_classes" in caught.value.hint
    target = TorchvisionTarget("squeezenet1_0", file=str(file), num_classes=7)
    module = RandomWeights(target).load("cpu").module
    assert module.classifier[1].out_channels == 7
