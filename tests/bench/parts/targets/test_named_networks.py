"""The networks of real studies by their own names: files of the published form, random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torchvision

from bench.config.compose import expand
from bench.imports.targets import TARGETS
from bench.parts.targets import resolve_layers
from bench.run.selection import build_selection
from tests.bench.parts.targets.old_files import save_like_python_2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.parts.targets.conftest import Run

FEW = ("target.truth.params.units=few.csv",)
"""Three of the thousand classes are scored: embedding a thousand names takes its time."""

TWO = ("target.truth.params.scenes=scenes.csv",)
"""Two of the 365, likewise."""


def state_of(arch: str, classes: int = 1000) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(torchvision.models.get_model(arch, num_classes=classes).state_dict())


def checkpoint(arch: str) -> dict[str, object]:
    """What the authors of Places365 publish: a training checkpoint of a DataParallel network."""
    named = {f"module.{name}": value for name, value in state_of(arch, 365).items()}
    return {"epoch": 90, "arch": arch, "state_dict": named, "best_prec1": torch.tensor([54.65])}


@pytest.fixture
def few(away: Path) -> None:
    (away / "few.csv").write_text("unit\n0\n7\n999\n")
    (away / "scenes.csv").write_text("code,name\n1,airfield-s\n2,bus_station-indoor-s\n")


@pytest.mark.usefixtures("few")
def test_resnet18_imagenet_from_the_hub_cache(
    checkpoints: Path, run_cells: Callable[..., Run]
) -> None:
    torch.save(state_of("resnet18"), checkpoints / "resnet18-f37072fd.pth")
    done = run_cells("target=resnet18_imagenet", *FEW)
    assert done.widths == {"fc": 1000}
    assert done.truth["fc"] == {
        0: "tench, Tinca tinca", 7: "cock", 999: "toilet tissue, toilet paper, bathroom tissue",
    }  # fmt: skip
    assert done.records["fc"]["target"]["params"]["weights"] == "IMAGENET1K_V1"


@pytest.mark.usefixtures("few")
def test_resnet50_imagenet_from_the_data_folder_with_patterns(
    data: Path, run_cells: Callable[..., Run]
) -> None:
    torch.save(state_of("resnet50"), data / "resnet50-0676ba61.pth")
    layers = "target.layers=[conv1,layer*,layer4.*.conv3,**.downsample.1,fc]"
    done = run_cells("target=resnet50_imagenet", layers, *FEW)
    assert done.widths == {
        "conv1": 64, "layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048,
        "layer4.0.conv3": 2048, "layer4.1.conv3": 2048, "layer4.2.conv3": 2048,
        "layer1.0.downsample.1": 256, "layer2.0.downsample.1": 512,
        "layer3.0.downsample.1": 1024, "layer4.0.downsample.1": 2048, "fc": 1000,
    }  # fmt: skip
    assert set(done.truth["fc"]) == {0, 7, 999}
    assert all(not names for layer, names in done.truth.items() if layer != "fc")


@pytest.mark.usefixtures("few")
def test_resnet18_places365_as_its_authors_publish_it(
    data: Path, run_cells: Callable[..., Run]
) -> None:
    save_like_python_2(checkpoint("resnet18"), data / "resnet18_places365.pth.tar")
    done = run_cells("target=resnet18_places365", *TWO)
    assert done.widths == {"fc": 365}
    assert done.truth["fc"] == {0: "airfield", 71: "bus station/indoor"}


@pytest.mark.usefixtures("few")
def test_resnet50_places365_as_its_authors_publish_it(
    data: Path, run_cells: Callable[..., Run]
) -> None:
    torch.save(checkpoint("resnet50"), data / "resnet50_places365.pth.tar")
    done = run_cells("target=resnet50_places365", *TWO)
    assert done.widths == {"fc": 365}
    assert done.truth["fc"] == {0: "airfield", 71: "bus station/indoor"}


def test_vit_b_16_imagenet(checkpoints: Path) -> None:
    state = state_of("vit_b_16")
    torch.save(state, checkpoints / "vit_b_16-c867db91.pth")
    [job] = expand(["target=vit_b_16_imagenet"])
    parts = build_selection(job.config)
    loaded = parts.target.load("cpu")
    assert torch.equal(loaded.module.state_dict()["class_token"], state["class_token"])
    assert parts.layers == ("heads",)
    assert len(parts.true_names("heads")) == 1000
    outputs = []
    loaded.module.get_submodule("heads").register_forward_hook(
        lambda _module, _inputs, output: outputs.append(output.shape)
    )
    with torch.inference_mode():
        loaded.module(torch.zeros(1, 3, 224, 224))
    assert outputs == [(1, 1000)]


@pytest.mark.parametrize("name", TARGETS)
def test_every_known_network_is_a_target_with_its_final_layer(
    name: str, data: Path, checkpoints: Path
) -> None:
    [job] = expand([f"target={name}"])
    parts = build_selection(job.config)
    [layer] = parts.layers
    known = TARGETS[name].layers[layer]
    assert len(parts.true_names(layer)) == known.units
    paths = parts.target.module_paths()  # type: ignore[attr-defined]
    assert set(TARGETS[name].layers) <= set(paths)
    [requirement] = parts.target.unmet_requirements()  # type: ignore[attr-defined]
    assert requirement.hint == f"dissectbench fetch {name}"
    assert requirement.size > 40_000_000
    assert requirement.automatic == name.endswith("_imagenet")
    file = (
        data / f"{name}.pth.tar"
        if name.endswith("places365")
        else checkpoints / parts.target._catalog_entry.file_name  # type: ignore[attr-defined]
    )
    file.write_bytes(b"anything")
    assert parts.target.unmet_requirements() == ()  # type: ignore[attr-defined]


def test_safetensors_under_another_name(away: Path) -> None:
    from safetensors.torch import save_file

    from bench.parts.targets import TorchvisionTarget

    save_file(state_of("resnet34", 5), away / "mine.safetensors")
    loaded = TorchvisionTarget(arch="resnet34", file="mine.safetensors").load("cpu")
    assert resolve_layers(loaded.module, ["fc"]) == ["fc"]
    assert loaded.module.get_submodule("fc").out_features == 5
