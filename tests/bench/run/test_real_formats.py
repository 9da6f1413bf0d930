"""One cell through each data set in the form in which its publisher hands it out, and through an
open_clip checkpoint: what `plan` and `fetch` point at must also run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from bench.__main__ import main
from leaderboards.storage import find_records
from tests.bench.broden.tree_made import write_tree
from tests.bench.parts.probes.cifar_made import pack_cifar100, write_cifar100
from tests.bench.parts.probes.imagenet_made import image_name, pack, write_devkit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leaderboards.record import Record


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, with nothing in it."""
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DISSECTBENCH_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def imagenet_flat(data: Path) -> int:
    pictures(data / "imagenet_val", [image_name(number) for number in range(1, 8)])
    archive = pack(write_devkit(data))
    archive.rename(data / "imagenet_val" / archive.name)
    return 7


def imagenet_folders(data: Path) -> int:
    for synset in ("n01440764", "n02119789"):
        pictures(data / "imagenet_val" / synset, ["a.JPEG", "b.JPEG"])
    return 4


def places365(data: Path) -> int:
    names = [f"Places365_val_{number:08d}.jpg" for number in range(1, 6)]
    pictures(data / "places365_val", names)
    listed = "".join(f"{name} {at}\r\n" for at, name in enumerate(names))
    (data / "places365_val" / "places365_val.txt").write_text(listed)
    return 5


def cifar100(data: Path) -> int:
    write_cifar100(data / "cifar100")
    return 20


def cifar100_packed(data: Path) -> int:
    pack_cifar100(write_cifar100(data / "cifar100"))
    return 20


def tiny_imagenet(data: Path) -> int:
    root = data / "tiny-imagenet-200"
    names = [f"val_{number}.JPEG" for number in range(6)]
    pictures(root / "val" / "images", names)
    synsets = ("n03444034", "n01443537")
    (root / "wnids.txt").write_text("".join(f"{synset}\n" for synset in synsets))
    (root / "words.txt").write_text("n03444034\tgo-kart\nn01443537\tgoldfish\n")
    listed = (f"{name}\t{synsets[at % 2]}\t0\t0\t9\t9\n" for at, name in enumerate(names))
    (root / "val" / "val_annotations.txt").write_text("".join(listed))
    return 6


def broden(data: Path) -> int:
    write_tree(data / "broden1_224")
    return 3


FORMS = {
    "imagenet_val": [imagenet_flat, imagenet_folders],
    "places365_val": [places365],
    "cifar100_val": [cifar100, cifar100_packed],
    "tiny_imagenet": [tiny_imagenet],
    "broden1_224": [broden],
}
CASES = [(choice, write) for choice, writers in FORMS.items() for write in writers]


def ran(cache: Path, *overrides: str) -> Record:
    small = ("target=glyphs_scenes", "concepts=glyphs_scenes", "encoder=glyphs")
    quiet = ("scoring=none", "runtime.progress=false")
    assert main(["run", *small, *quiet, f"runtime.cache={cache}", "board=real", *overrides]) == 0
    from pathlib import Path

    found = find_records(Path("results") / "real")
    [(_, record)] = found.records
    assert not found.problems
    return record


@pytest.mark.parametrize(("choice", "write"), CASES, ids=[write.__name__ for _, write in CASES])
@pytest.mark.parametrize("method", ["clip_dissect", "netdissect"])
def test_a_cell_on_published_images(
    data: Path, cache: Path, choice: str, write: Callable[[Path], int], method: str
) -> None:
    count = write(data)
    record = ran(cache, f"probe={choice}", f"method={method}")
    assert record.probe["n"] == count
    assert record.counts["units"] == 25
    assert record.run["choices"]["probe"] == choice
    given = {"clip_dissect": "captions", "netdissect": "class labels"}[method]
    if choice == "broden1_224" and method == "netdissect":
        given = "masks"
    assert given in record.method["given"]
    assert str(data) not in json.dumps(record.probe)


def test_a_cell_with_an_open_clip_checkpoint(
    data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file as open_clip's training writes it, of an architecture that open_clip knows by name."""
    import open_clip
    from open_clip import factory

    tower = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
    words = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
    config = {"embed_dim": 32, "vision_cfg": tower, "text_cfg": words}
    (tmp_path / "tiny-cell.json").write_text(json.dumps(config))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    open_clip.add_model_config(tmp_path / "tiny-cell.json")
    torch.manual_seed(0)
    state = open_clip.create_model("tiny-cell").state_dict()
    checkpoint = {
        "epoch": 1,
        "name": "run",
        "state_dict": {f"module.{k}": v for k, v in state.items()},
    }
    torch.save(checkpoint, tmp_path / "epoch_1.pt")
    record = ran(
        cache, "probe.params.size=20", "encoder=open_clip", "encoder.params.model=tiny-cell",
        "encoder.params.pretrained=epoch_1.pt", 'encoder.params.templates=["a {}","the {}"]',
    )  # fmt: skip
    assert len(record.encoder["fingerprint"]["weights"]) == 64
    assert record.encoder["params"]["templates"] == ["a {}", "the {}"]
