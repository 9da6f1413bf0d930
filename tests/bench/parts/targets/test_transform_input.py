"""What a state dict does not say: whether torchvision's Inceptions change their input first."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
import torch
from torchvision import models

from bench.errors import UserError
from bench.files import sha256_file
from bench.parts.targets import TorchvisionTarget
from bench.parts.targets.torchvision_models import SWITCHED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a GoogLeNet."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "net.pth"
    torch.save(models.googlenet(init_weights=False).state_dict(), path)
    return path


def changed(module: torch.nn.Module) -> torch.Tensor:
    """What the network's first convolution gets of an input of ones."""
    with torch.inference_mode():
        return module._transform_input(torch.ones(1, 3, 1, 1)).flatten()  # type: ignore[operator]


MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
# One is mean + std in values of 0 to 1; the published weights want these less 0.5, over 0.5.
WANTED = {True: (MEAN + STD - 0.5) / 0.5, False: torch.ones(3)}


def test_every_architecture_with_the_switch_is_known() -> None:
    for name in models.list_models(module=models):
        builder = models.get_model_builder(name)
        assert ("transform_input" in inspect.getsource(builder)) == (name in SWITCHED), name
    for name, digits in SWITCHED.items():
        [entry] = models.get_model_weights(name)
        assert entry.url.endswith(f"-{digits}.pth")


@pytest.mark.parametrize("given", [True, False])
def test_it_is_asked_for_and_obeyed(file: Path, given: bool) -> None:
    unsaid = TorchvisionTarget("googlenet", file=str(file))
    with pytest.raises(UserError, match="is unknown") as caught:
        unsaid.fingerprint()
    assert "target.params.transform_input=true" in caught.value.hint
    with pytest.raises(UserError, match="is unknown"):
        unsaid.load("cpu")
    target = TorchvisionTarget("googlenet", file=str(file), transform_input=given)
    torch.testing.assert_close(changed(target.load("cpu").module), WANTED[given])
    # Cells without the switch keep the keys that they had before there was one.
    extra = {"transform_input": True} if given else {}
    assert target.fingerprint() == {
        "kind": "torchvision",
        "arch": "googlenet",
        "weights": {"sha256": sha256_file(file)},
        "transform": {
            "size": 224, "resize": 256, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        },
        **extra,
    }  # fmt: skip


def test_published_weights_are_known_by_their_bytes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = sha256_file(file)[:8]
    monkeypatch.setitem(SWITCHED, "googlenet", digits)
    monkeypatch.setattr("bench.parts.targets.pretrained._digits", lambda _entry: digits)
    target = TorchvisionTarget("googlenet", file=str(file))
    assert target.fingerprint()["transform_input"] is True
    loaded = target.load("cpu")
    torch.testing.assert_close(changed(loaded.module), WANTED[True])
    [note] = loaded.notes
    assert note == "weights: the file holds torchvision's GoogLeNet_Weights.IMAGENET1K_V1"
    other = TorchvisionTarget("googlenet", file=str(file), transform_input=False)
    torch.testing.assert_close(changed(other.load("cpu").module), WANTED[False])


def test_it_is_refused_where_it_says_nothing() -> None:
    with pytest.raises(UserError, match="resnet18 has no such"):
        TorchvisionTarget("resnet18", file="a.pth", transform_input=True)
    with pytest.raises(UserError, match="own weights decide it"):
        TorchvisionTarget("googlenet", weights="DEFAULT", transform_input=True)
