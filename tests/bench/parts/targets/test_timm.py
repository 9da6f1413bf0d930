"""timm's models: files of its names, its data configuration, weights that are not here."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from bench.errors import UserError
from bench.offline import offline
from bench.parts.protocols import Target
from bench.parts.targets import TimmTarget, expand_layers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.parts.targets.conftest import Run

NET = "resnet10t.c3_in1k"


def saved(name: str, file: Path, **more: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    state = timm.create_model(name, pretrained=False, **more).state_dict()
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"state_dict": state}, file)
    return dict(state)


@pytest.fixture
def image() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_cell_of_a_timm_model(away: Path, run_cells: Callable[..., Run]) -> None:
    saved(NET, away / "net.safetensors", num_classes=6)
    (away / "truth.csv").write_text("unit,name\n2,sea\n5,forest\n")
    done = run_cells(
        "target=timm", f"target.params.model={NET}", "target.params.file=net.safetensors",
        "target.layers=[layer*,fc]", "target.truth_layer=fc", "target.truth.name=file",
        "target.truth.params.path=truth.csv",
    )  # fmt: skip
    assert done.widths == {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512, "fc": 6}
    assert done.truth["fc"] == {2: "sea", 5: "forest"}


def test_the_number_of_classes_is_read_off_the_file(away: Path) -> None:
    for name, more, width in ((NET, {"num_classes": 3}, 3), (NET, {"num_classes": 0}, 512)):
        state = saved(name, away / "net.pth", **more)
        target = TimmTarget(name, file="net.pth")
        assert isinstance(target, Target)
        module = target.load("cpu").module
        assert not module.training
        assert module(torch.zeros(1, 3, 64, 64)).shape == (1, width)
        assert torch.equal(module.state_dict()["conv1.0.weight"], state["conv1.0.weight"])


def test_the_transform_is_the_models_own(away: Path, image: Image.Image) -> None:
    saved(NET, away / "net.pth")
    target = TimmTarget(NET, file="net.pth")
    module = timm.create_model(NET, pretrained=False)
    config = timm.data.resolve_model_data_config(module)
    wanted = timm.data.create_transform(**config, is_training=False)(image)
    assert torch.equal(target.load("cpu").transform(image), wanted)
    assert target.visible_share is None
    own = target.fingerprint()["transform"]
    assert own == {"own": NET, "timm": version("timm")}


def test_parts_of_the_transform_may_be_set(away: Path, image: Image.Image) -> None:
    saved(NET, away / "net.pth")
    size = TimmTarget(NET, file="net.pth", input_size=64)
    seen = size.load("cpu").transform(image)
    assert seen.shape == (3, 64, 64)
    assert size.visible_share is None
    both = TimmTarget(NET, file="net.pth", input_size=64, resize=0, mean=(0, 0, 0))
    squashed = both.load("cpu").transform(image)
    assert squashed.shape == (3, 64, 64)
    assert squashed.min() >= 0
    assert both.visible_share == 1
    assert both.squashes
    every = TimmTarget(NET, file="net.pth", input_size=64, resize=64, mean=(0, 0, 0), std=(1, 1, 1))
    assert every.fingerprint()["transform"] == {
        "size": 64, "resize": 64, "mean": [0, 0, 0], "std": [1, 1, 1],
    }  # fmt: skip
    assert every.load("cpu").transform(image).max() <= 1
    prints = [str(target.fingerprint()) for target in (size, both, every)]
    assert len(set(prints)) == 3


def test_what_the_version_decides_is_known_by_it(away: Path) -> None:
    tagged = TimmTarget("resnet50.a1_in1k", pretrained=True).fingerprint()["weights"]
    assert tagged == {"timm": "resnet50.a1_in1k"}
    moving = TimmTarget("resnet50", pretrained=True).fingerprint()["weights"]
    assert moving == {"timm": "resnet50", "version": version("timm")}
    saved(NET, away / "net.pth")
    file = TimmTarget(NET, file="net.pth").fingerprint()["weights"]
    assert list(file) == ["sha256"]


def test_modules_are_known_without_weights() -> None:
    vit = TimmTarget("vit_tiny_patch16_224.augreg_in21k", pretrained=True)
    assert expand_layers(vit, ["blocks.*"]) == tuple(f"blocks.{n}" for n in range(12))
    assert expand_layers(vit, ["head*"]) == ("head_drop", "head")


def test_published_weights_that_are_not_here(away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(away / "hub"))
    for name in ("resnet18.a1_in1k", "resnet18", "hf-hub:timm/resnet18.a1_in1k@main"):
        target = TimmTarget(name, pretrained=True)
        [requirement] = target.unmet_requirements()
        assert requirement.automatic
        folder = away / "hub" / "models--timm--resnet18.a1_in1k" / "snapshots" / "abc"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_bytes(b"")
        assert target.unmet_requirements() == ()
        (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"cannot get the weights of resnet18\.a1_in1k"):
        TimmTarget("resnet18.a1_in1k", pretrained=True).load("cpu")
    [gone] = TimmTarget(NET, file="gone.pth").unmet_requirements()
    assert "gone.pth" in gone.name


@pytest.mark.parametrize("name", [NET, f"hf-hub:timm/{NET}", f"hf-hub:timm/{NET}@main"])
def test_published_weights_in_the_hubs_cache(
    away: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(away / "hub"))
    commit = "0123456789" * 4
    folder = away / "hub" / f"models--timm--{NET}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    torch.manual_seed(3)
    module = timm.create_model(NET, pretrained=False)
    timm.models.save_for_hf(module, folder / "snapshots" / commit, safe_serialization=True)
    target = TimmTarget(name, pretrained=True)
    assert target.unmet_requirements() == ()
    with offline():
        weights = target.fingerprint()["weights"]
        loaded = target.load("cpu")
    named = {"timm": NET} if name == NET else {"hub": f"timm/{NET}", "commit": commit}
    assert weights == named
    assert torch.equal(loaded.module.state_dict()["fc.weight"], module.state_dict()["fc.weight"])


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"model": "resnet18"}, "either the published ones or a file"),
        ({"model": "resnet18", "pretrained": True, "file": "a.pth"}, "either the published"),
        ({"model": "hf-hub:timm/resnet18", "file": "a.pth"}, "invalid name of a timm model"),
        ({"model": "local-dir:folder", "pretrained": True}, "invalid name of a timm model"),
        ({"model": "resnet18", "pretrained": True, "num_classes": 3}, "own number of classes"),
        ({"model": "resnet18", "pretrained": True, "mean": (0.5,)}, "three numbers"),
    ],
)
def test_faults_are_named(params: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        TimmTarget(**params)


def test_unknown_models_have_neighbours() -> None:
    with pytest.raises(UserError) as caught:
        TimmTarget("resnet118", pretrained=True).load("cpu")
    assert "resnet18" in caught.value.valid
    with pytest.raises(UserError) as caught:
        TimmTarget("resnet18.a9_in1k", pretrained=True).module_paths()
    assert "resnet18.a1_in1k" in caught.value.valid


def test_a_file_of_another_model(away: Path) -> None:
    saved(NET, away / "net.pth")
    with pytest.raises(UserError, match="does not fit timm's resnet18"):
        TimmTarget("resnet18", file="net.pth").load("cpu")
