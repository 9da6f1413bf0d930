"""Every part from a file of the user's own, together in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ("sea", "forest", "umbrella", "red", "street")
LAYERS = {"resnet18": ["layer1", "fc"], "squeezenet1_0": ["features.3.squeeze", "classifier.1"]}
CLASSES = 12
IMAGES = 11


def noise(height: int, width: int, channels: int, seed: int) -> np.ndarray[Any, Any]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def paint(folder: Path) -> None:
    """Images of many sizes and modes, some in a sub-folder, and a file that is none."""
    (folder / "inside" / "deeper").mkdir(parents=True)
    Image.fromarray(noise(50, 90, 3, 0)).save(folder / "rgb.JPG")
    Image.fromarray(noise(90, 50, 3, 1)).save(folder / "rgb.png")
    Image.fromarray(noise(64, 64, 1, 2)).save(folder / "grey.png")
    Image.fromarray(noise(31, 200, 1, 3)).save(folder / "inside" / "grey.jpeg")
    Image.fromarray(noise(70, 70, 4, 4)).save(folder / "inside" / "rgba.png")
    Image.fromarray(noise(40, 60, 2, 5), mode=None).convert("LA").save(folder / "inside" / "la.png")
    palette = Image.fromarray(noise(80, 40, 3, 6)).convert("P")
    palette.save(folder / "inside" / "deeper" / "palette.png", transparency=0)
    palette.save(folder / "inside" / "deeper" / "palette.gif")
    Image.fromarray(noise(33, 33, 4, 7), mode="CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(noise(1, 1, 3, 8)).save(folder / "one_pixel.png")
    Image.fromarray(noise(2, 300, 3, 9)).save(folder / "line.png")
    (folder / "notes.txt").write_text("no image")


@pytest.fixture
def own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Files in the working directory, and the overrides that name them."""
    monkeypatch.chdir(tmp_path)
    paint(Path("images"))
    lines = "\ufeff" + "\r\n".join(["sea", "", "  forest ", "umbrella", "red", "sea", "street", ""])
    Path("words.txt").write_text(lines, encoding="utf-8", newline="")
    Path("truth.csv").write_text('unit,name\n4,sea\n0,parasol\n9,"wood, forest"\n')

    def overrides(arch: str) -> list[str]:
        torch.manual_seed(5)
        state = torchvision.models.get_model(arch, num_classes=CLASSES).state_dict()
        file = "net.safetensors" if arch == "resnet18" else "net.pth"
        if arch == "resnet18":
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, file)
        else:
            torch.save(state, file)
        layers = LAYERS[arch]
        return [
            "target=torchvision", f"target.params.arch={arch}", f"target.params.file={file}",
            "target.params.input_size=64", f"target.layers=[{','.join(layers)}]",
            f"target.truth_layer={layers[-1]}",
            "target.truth.name=file", "target.truth.params.path=truth.csv",
            "probe=folder", "probe.params.path=images",
            "concepts=file", "concepts.params.path=words.txt",
            "encoder=glyphs", "board=own", "runtime.progress=false",
        ]  # fmt: skip

    return overrides


def by_layer() -> dict[str, Path]:
    folders = Path("results/own/clip_dissect").iterdir()
    return {
        json.loads((folder / "record.json").read_text())["target"]["layer"]: folder
        for folder in folders
    }


def only_scores(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    [path] = folder.glob("scores/*.json")
    units = pd.read_csv(path.with_suffix(".units.csv.gz"), keep_default_na=False)
    return json.loads(path.read_text())["scores"], units


@pytest.mark.parametrize(
    "arch", ["resnet18", pytest.param("squeezenet1_0", marks=pytest.mark.slow)]
)
def test_all_parts_from_files_in_one_run(arch: str, own_parts: Callable[[str], list[str]]) -> None:
    assert main(["run", *own_parts(arch)]) == 0
    hidden, final = LAYERS[arch]
    found = by_layer()
    assert set(found) == {hidden, final}
    for folder in found.values():
        record = json.loads((folder / "record.json").read_text())
        assert record["status"] == "ok"
        assert record["probe"]["n"] == IMAGES
        assert record["concepts"]["n"] == len(WORDS)
        assert any("dropped 1 line" in note for note in record["notes"])
        labels = pd.read_csv(folder / "descriptions.csv.gz")
        assert set(labels.label) <= set(WORDS)
        assert len(labels) == (record["counts"]["units"] - record["counts"]["dead"]) * len(WORDS)
    record = json.loads((found[final] / "record.json").read_text())
    assert record["counts"]["units"] == CLASSES
    assert record["counts"]["dead"] == 0

    scores, units = only_scores(found[final])
    for name in ("accuracy_at_1", "sentence_cosine", "lexical_match"):
        assert scores[name]["n"] == 3, name
    assert scores["distinct_labels"]["n"] == CLASSES
    named = units[units.truth != ""]
    assert dict(zip(named.unit, named.truth, strict=True)) == {
        0: "parasol", 4: "sea", 9: "wood, forest",
    }  # fmt: skip
    assert (units[units.truth == ""].accuracy_at_1 == "").all()

    scores, units = only_scores(found[hidden])
    assert scores["accuracy_at_1"]["value"] is None
    assert scores["accuracy_at_1"]["n"] == 0
    assert (units.truth == "").all()
