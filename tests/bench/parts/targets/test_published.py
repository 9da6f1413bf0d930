"""torchvision's own weights: where they are looked for, and what they are known by."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
import torch
import torchvision

from bench.downloads.catalog import TORCHVISION
from bench.errors import UserError
from bench.parts.targets import TorchvisionTarget
from bench.parts.targets.torchvision_files import find_weights, hub_folder, matches_name

if TYPE_CHECKING:
    from pathlib import Path

NAME = "mobilenet_v3_small-047dcff4.pth"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(torchvision.models.mobilenet_v3_small().state_dict())


def file_with_hash(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose name tells the truth, as the one that resnet18's V1 weights are read from."""
    digits = hashlib.sha256(content).hexdigest()[:8]
    entry = TORCHVISION["resnet18/IMAGENET1K_V1"]
    changed = type(entry)(name="resnet18_imagenet", summary="", licence="",
                          url=f"https://example.org/resnet18-{digits}.pth")  # fmt: skip
    monkeypatch.setitem(TORCHVISION, "resnet18/IMAGENET1K_V1", changed)
    file = folder / changed.file_name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("given", [{"TORCH_HOME": "a"}, {"XDG_CACHE_HOME": "b"}, {}])
def test_the_hub_folder_is_torchs(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert str(hub_folder()) == torch.hub.get_dir()


@pytest.mark.parametrize("key", TORCHVISION)
def test_entries_are_torchvisions(key: str) -> None:
    arch, name = key.split("/")
    weights = torchvision.models.get_model_weights(arch)[name]
    entry = TORCHVISION[key]
    assert entry.url == weights.url
    assert entry.sha256_prefix in entry.file_name
    assert entry.estimate == pytest.approx(weights.meta["_file_size"] * 2**20, abs=1)
    preset = weights.transforms()
    target = TorchvisionTarget(arch, weights=name)
    assert target.visible_share == preset.crop_size[0] / preset.resize_size[0]


def test_the_hub_cache_comes_before_the_data_folder(checkpoints: Path, data: Path) -> None:
    assert find_weights("a.pth") is None
    (data / "a.pth").write_bytes(b"1")
    assert find_weights("a.pth") == data / "a.pth"
    (checkpoints / "a.pth").write_bytes(b"2")
    assert find_weights("a.pth") == checkpoints / "a.pth"


def test_other_bytes_never_pass_for_the_published_ones(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TorchvisionTarget("resnet18", weights="IMAGENET1K_V1")
    named = {"torchvision": "resnet18/IMAGENET1K_V1"}
    without = target.fingerprint()
    assert without["weights"] == named
    assert without["transform"] == {
        "own": "resnet18/IMAGENET1K_V1", "torchvision": version("torchvision"),
    }  # fmt: skip
    (checkpoints / "resnet18-f37072fd.pth").write_bytes(b"other")
    other = hashlib.sha256(b"other").hexdigest()
    assert target.fingerprint()["weights"] == {"sha256": other}
    file = file_with_hash(b"the published bytes", checkpoints, monkeypatch)
    assert matches_name(file)
    assert target.fingerprint()["weights"] == named


def test_weights_without_an_entry_are_refused_where_they_differ(
    checkpoints: Path, data: Path, state: dict[str, torch.Tensor]
) -> None:
    target = TorchvisionTarget("mobilenet_v3_small", weights="IMAGENET1K_V1")
    [requirement] = target.unmet_requirements()
    assert requirement.automatic
    assert requirement.size is None
    for folder in (checkpoints, data):
        torch.save(state, folder / NAME)
        assert target.unmet_requirements() == ()
        with pytest.raises(UserError, match="does not have the sha256 in its name"):
            target.load("cpu")
        (folder / NAME).unlink()
    assert target.fingerprint()["weights"] == {"torchvision": "mobilenet_v3_small/IMAGENET1K_V1"}


def test_default_and_other_weights_are_read_from_this_machine(
    data: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(state, data / NAME)
    monkeypatch.setattr("bench.parts.targets.pretrained.matches_name", lambda _file: True)
    loaded = TorchvisionTarget("mobilenet_v3_small", weights="DEFAULT").load("cpu")
    found = loaded.module.state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())
    assert "get_state_dict" not in vars(torchvision.models.MobileNet_V3_Small_Weights)


def test_old_names_of_densenet_are_told_apart_by_torchvision(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.parts.targets.pretrained.matches_name", lambda _file: True)
    state = torchvision.models.densenet121().state_dict()
    old = {
        name.replace("norm1.", "norm.1.").replace("conv1.", "conv.1."): value
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    torch.save(old, data / "densenet121-a639ec97.pth")
    loaded = TorchvisionTarget("densenet121", weights="IMAGENET1K_V1").load("cpu")
    name = "features.denseblock1.denselayer1.conv1.weight"
    assert torch.equal(loaded.module.state_dict()[name], state[name])


def test_a_wrong_file_in_the_hub_cache_is_a_users_error(checkpoints: Path) -> None:
    target = TorchvisionTarget("resnet18", weights="IMAGENET1K_V1")
    torch.save({"weight": torch.zeros(2)}, checkpoints / "resnet18-f37072fd.pth")
    with pytest.raises(UserError, match="does not fit"):
        target.load("cpu")
    torch.save({"code": torch.nn.Linear(2, 2)}, checkpoints / "resnet18-f37072fd.pth")
    with pytest.raises(UserError, match="refused"):
        target.load("cpu")


def test_offline_says_how_to_get_them() -> None:
    with pytest.raises(UserError, match="connections are disabled") as caught:
        TorchvisionTarget("resnet18", weights="IMAGENET1K_V1").load("cpu")
    assert "`dissectbench fetch resnet18_imagenet`" in caught.value.hint


def test_what_downloads_lands_in_the_hub_cache_under_its_hash(
    checkpoints: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISSECTBENCH_OFFLINE")
    asked = []

    def download(url: str, file: str, hash_prefix: str) -> None:
        asked.append((url, hash_prefix))
        torch.save(state, file)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    TorchvisionTarget("mobilenet_v3_small", weights="IMAGENET1K_V1").load("cpu")
    assert asked == [(f"https://download.pytorch.org/models/{NAME}", "047dcff4")]
    assert (checkpoints / NAME).is_file()


def test_unmet_requirements_of_a_file(away: Path) -> None:
    def unmet(file: str) -> list[tuple[str, bool]]:
        found = TorchvisionTarget("resnet18", file=file).unmet_requirements()
        return [(requirement.hint, requirement.automatic) for requirement in found]

    assert unmet("gone.pth") == [("give an existing path", False)]
    (away / "gone.pth").write_bytes(b"")
    assert unmet("gone.pth") == []
    assert unmet("fetched:resnet50_places365") == [
        ("dissectbench fetch resnet50_places365", False),
    ]
    assert unmet("fetched:no_such_thing") == [("`dissectbench fetch --list` lists all", False)]


def test_describing_a_target_needs_no_torch() -> None:
    code = (
        "import sys; from bench.parts.targets import *\n"
        "from bench.parts.targets import TimmTarget\n"
        "parts = [TorchvisionTarget('resnet18', weights='IMAGENET1K_V1'), GlyphsTarget(),\n"
        "         TimmTarget('resnet18', pretrained=True)]\n"
        "[part.fingerprint() for part in parts]\n"
        "parts += [TorchvisionTarget('vgg11', weights='DEFAULT'),\n"
        "          TorchHubTarget('net', 'folder'), CallableTarget('package.module:net')]\n"
        "assert [len(part.unmet_requirements()) for part in parts] == [1, 0, 1, 1, 1, 1]\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
