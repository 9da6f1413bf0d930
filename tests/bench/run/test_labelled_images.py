"""Ordinary labelled images as users run them: classes for masks, archives, images left out."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.__main__ import main
from bench.config.compose import expand
from bench.glyphs import world
from bench.run.provenance import describe_given
from bench.run.survey import plan
from leaderboards.record import Record

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = 150


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Glyphs images in one folder a scene, with a file that is no image."""
    root = tmp_path_factory.mktemp("scenes")
    for index in range(IMAGES):
        sample = world.render(index, "val")
        folder = root / world.SCENES[sample.scene_id].name.replace(" ", "_")
        folder.mkdir(exist_ok=True)
        Image.fromarray(sample.image).save(folder / f"{index}.png")
    (next(root.iterdir()) / "bad.jpg").write_text("no image")
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def labelled(*overrides: str) -> list[str]:
    """The small cell's target on another probe set, which knows no `size`."""
    return [
        "target=glyphs_scenes", "concepts=glyphs_scenes", "runtime.progress=false",
        "board=labelled", "encoder=glyphs", *overrides,
    ]  # fmt: skip


def records(folder: Path) -> dict[str, tuple[Record, Path]]:
    found = [file.parent for file in (folder / "results" / "labelled").rglob("record.json")]
    return {(record := Record.read(one)).target["layer"]: (record, one) for one in found}


def scores(folder: Path) -> dict[str, Any]:
    [file] = (folder / "scores").glob("*.json")
    told: dict[str, Any] = json.loads(file.read_text())["scores"]
    return told


@pytest.mark.parametrize("method", ["netdissect", "compositional"])
def test_classes_serve_as_masks(
    scenes: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = labelled(
        f"method={method}", "probe=class_folder", f"probe.params.path={scenes}",
        "probe.params.on_error=skip", "target.layers=[layer4,fc]", f"runtime.cache={cache}",
        "target.truth_layer=fc",
    )  # fmt: skip
    assert main(["run", *cell]) == 0
    found = records(tmp_path)
    assert found.keys() == {"layer4", "fc"}
    for record, folder in found.values():
        assert record.status == "ok"
        assert record.method["given"] == "class labels"
        assert record.probe["n"] == IMAGES
        assert record.probe["skipped"]["n"] == 1
        [bad] = record.probe["skipped"]["files"]
        assert bad.endswith("/bad.jpg")
        assert any("left out 1 image" in note for note in record.notes)
        counts = record.counts
        assert counts["detectors_class"] + counts.get("detectors_mixed", 0) > 0
        labels = pd.read_csv(folder / "descriptions.csv.gz")
        assert (labels.score > 0).all()
    record, folder = found["fc"]
    assert scores(folder)["accuracy_at_1"]["value"] > 0.9

    board = ["board", "results/labelled", "--out", "tables"]
    assert main(board) == 0
    assert main([*board, "--check"]) == 0
    page = "".join(file.read_text() for file in (tmp_path / "tables").rglob("*.md"))
    assert "class labels" in page
    detectors = pd.read_csv(tmp_path / "tables" / "detectors.csv")
    assert "class" in set(detectors.category)


def test_a_target_may_crop_where_labels_are_of_whole_images(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"x")
    cell = labelled(
        "method=netdissect", "probe=class_folder", f"probe.params.path={scenes}",
        "target=torchvision", "target.params.arch=resnet18", "target.layers=[layer4]",
        f"target.params.file={tmp_path / 'net.pth'}",
    )  # fmt: skip
    [job] = plan(expand(cell))
    assert describe_given(job.selection) == "class labels"
    assert job.cells[0].key
    [job] = plan(expand([*cell, "method=netdissect2020", "segmenter=masks"]))
    assert describe_given(job.selection) == "class labels"
    [job] = plan(expand([*cell, "method=clip_dissect"]))
    assert describe_given(job.selection).startswith("captions")


def test_cifar_is_read_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "cifar100" / "cifar-100-python"
    folder.mkdir(parents=True)
    told = {
        b"data": draw.integers(0, 256, (40, 3072), dtype=np.uint8),
        b"fine_labels": [at % 3 for at in range(40)],
    }
    (folder / "test").write_bytes(pickle.dumps(told, protocol=2))
    meta = {b"fine_label_names": [b"apple", b"aquarium_fish", b"baby"]}
    (folder / "meta").write_bytes(pickle.dumps(meta, protocol=2))
    cell = labelled("method=clip_dissect", "probe=cifar100_val", f"runtime.cache={cache}")
    assert main(["run", *cell, "probe.params.limit=32"]) == 0
    [(record, _)] = records(tmp_path).values()
    assert record.status == "ok"
    assert record.probe["name"] == "cifar100"
    assert record.probe["params"] == {"split": "test", "limit": 32, "mask_size": 56}
    assert record.probe["n"] == 32
    assert "skipped" not in record.probe
    assert str(tmp_path) not in json.dumps(record.probe)
