"""Layers by pattern."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from torch import nn

from bench.config.compose import expand
from bench.errors import UserError
from bench.networks.loaded import LoadedTarget
from bench.parts.targets import GlyphsTarget, TorchvisionTarget, expand_layers
from bench.run.exemplars import ExemplarSource
from bench.run.plan import plan_job

if TYPE_CHECKING:
    from bench.parts.protocols import Fingerprint

NET = TorchvisionTarget("resnet50", weights="IMAGENET1K_V1")


@dataclass(frozen=True)
class Listed:
    """A target that only knows its layers when it is loaded."""

    summary: ClassVar[str] = "a test"
    loaded: list[str] = field(default_factory=list, compare=False)

    def fingerprint(self) -> Fingerprint:
        return {}

    def load(self, device: str) -> LoadedTarget:
        self.loaded.append(device)
        return LoadedTarget(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), torch.as_tensor)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["layer*"], "layer1 layer2 layer3 layer4"),
        (["fc", "layer*"], "fc layer1 layer2 layer3 layer4"),
        (["layer4", "layer*", "fc"], "layer4 layer1 layer2 layer3 fc"),
        (["layer4.*.conv3"], "layer4.0.conv3 layer4.1.conv3 layer4.2.conv3"),
        (["*.1"], "layer1.1 layer2.1 layer3.1 layer4.1"),
        (["**.downsample"], " ".join(f"layer{n}.0.downsample" for n in (1, 2, 3, 4))),
        (["**.fc"], "fc"),
        (["layer4.0.down**"], "layer4.0.downsample layer4.0.downsample.0 layer4.0.downsample.1"),
        (["layer4.0.downsample.**"], "layer4.0.downsample.0 layer4.0.downsample.1"),
        ([" conv* "], "conv1"),
        (["anything", "anything"], "anything"),
        (["anything ", " anything"], "anything"),
    ],
)
def test_what_patterns_stand_for(names: list[str], found: str) -> None:
    assert expand_layers(NET, names) == tuple(found.split())


def test_every_depth_and_one_depth() -> None:
    assert len(expand_layers(NET, ["**.conv3"])) == 16
    assert len(expand_layers(NET, ["*.*.conv3"])) == 16
    assert len(expand_layers(NET, ["**"])) == 150
    assert expand_layers(GlyphsTarget(), ["layer?", "l*2"]) == ("layer?", "layer2")


def test_a_pattern_that_matches_nothing_lists_the_layers() -> None:
    for pattern in ("layr*", "*.conv4", "fc*.x", "*conv3", "layer1.*conv3"):
        with pytest.raises(UserError) as caught:
            expand_layers(NET, [pattern])
        assert "layer1  .0 .1 .2 (and" in str(caught.value)
        assert caught.value.where == "target.layers"
    with pytest.raises(UserError) as caught:
        expand_layers(NET, ["layer9*"])
    assert "layer1" in caught.value.valid


def test_a_target_without_paths_is_loaded_only_for_a_pattern() -> None:
    target = Listed()
    assert expand_layers(target, ["0"]) == ("0",)
    assert target.loaded == []
    assert expand_layers(target, ["*"]) == ("0", "1")
    assert target.loaded == ["cpu"]


def test_heads_of_training_alone_are_no_layers() -> None:
    found = expand_layers(TorchvisionTarget("googlenet", weights="IMAGENET1K_V1"), ["*"])
    assert "inception4a" in found
    assert not any(name.startswith("aux") for name in found)


def test_plain_names_need_no_torch() -> None:
    code = (
        "import sys; from bench.run.plan import plan_job; from bench.config.compose import expand\n"
        "job = plan_job(*expand(['target=resnet50_imagenet', 'target.layers=[layer4,fc]']))\n"
        "assert len(job.cells) == 2\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_patterns_in_a_sweep_and_for_exemplars() -> None:
    jobs = expand(
        ["target=resnet18_imagenet,resnet50_imagenet", "target.layers=[**.conv2,fc]"], multirun=True
    )
    assert [len(plan_job(job).cells) for job in jobs] == [9, 17]
    found = ExemplarSource.of(expand(["target.layers=[ layer*,fc]"])[0].config).layers
    assert found == ["layer1", "layer2", "layer3", "layer4", "fc"]


def test_a_cell_of_a_pattern_is_that_of_its_name() -> None:
    job = plan_job(*expand(["target=resnet50_imagenet", "target.layers=[layer*,fc]"]))
    assert [cell.layer for cell in job.cells] == ["layer1", "layer2", "layer3", "layer4", "fc"]
    same = plan_job(*expand(["target=resnet50_imagenet", "target.layers=[layer4]"]))
    assert same.cells[0].key == job.cells[3].key
