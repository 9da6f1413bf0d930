"""`dissectbench export-exemplars`: arrays in the layout of MILANNOTATIONS."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.errors import UserError
from bench.parts.probes import GlyphsProbe
from bench.parts.view import square_view
from bench.run.exemplar_files import file_name, layer_folders, write_exemplars
from bench.run.exemplar_sheet import GAP, TITLE, draw_sheet
from tests.baselines.exemplars_made import make_exemplars

if TYPE_CHECKING:
    from pathlib import Path

SMALL = (
    "target=glyphs_scenes", "target.layers=[layer4,fc]", "probe.params.size=40",
    "runtime.progress=false", "runtime.device=cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def export(*arguments: str) -> int:
    return main(["export-exemplars", *arguments, *SMALL])


def test_what_is_exported_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--size", "32", "--top-k", "3", "--quantile", "0.95")
    assert export("--out", "first", *options) == 0
    base = tmp_path / "first" / "glyphs-scenes" / "glyphs-val-40"
    assert str(base.relative_to(tmp_path) / "fc") in capsys.readouterr().out
    for layer, units in (("layer4", 512), ("fc", 25)):
        folder = base / layer
        ids = np.loadtxt(folder / "ids.csv", delimiter=",", dtype=np.int64)
        images, masks = np.load(folder / "images.npy"), np.load(folder / "masks.npy")
        values = np.loadtxt(folder / "activations.csv", delimiter=",", dtype=np.float32)
        live = len(ids)
        numbers = folder / "units.npy"
        assert numbers.is_file() == (live < units)
        if numbers.is_file():
            kept = np.load(numbers)
            assert kept.dtype == np.int64
            assert len(kept) == live
        assert (images.dtype, images.shape) == (np.uint8, (live, 3, 3, 32, 32))
        assert (masks.dtype, masks.shape) == (np.uint8, (live, 3, 1, 32, 32))
        assert ids.shape == values.shape == (live, 3)
        assert ((ids >= 0) & (ids < 40)).all()
        assert (np.diff(values, axis=1) <= 0).all()
        assert masks.max() == 1
        assert bool(masks.all()) == (layer == "fc")
        view = np.asarray(square_view(GlyphsProbe("val", 40).image(int(ids[0, 1])), 1.0, 32))
        assert np.array_equal(images[0, 1], view.transpose(2, 0, 1))
    # Again from the cache, and again the same bytes.
    assert export("--out", "second", *options) == 0
    for file in sorted((tmp_path / "first").rglob("*.*")):
        again = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert file.is_dir() or again.read_bytes() == file.read_bytes()


def test_activations_are_those_of_the_evidence(tmp_path: Path) -> None:
    assert export("--out", "out", "--model", "m", "--dataset", "d", "--size", "8") == 0
    folder = tmp_path / "out" / "m" / "d" / "fc"
    ids = np.loadtxt(folder / "ids.csv", delimiter=",", dtype=np.int64)
    values = np.loadtxt(folder / "activations.csv", delimiter=",", dtype=np.float32)
    tables = [np.load(file) for file in (tmp_path / "cache" / "activations").rglob("*.npy")]
    [pooled] = [table[0] for table in tables if table.shape[2] == 25]
    assert np.array_equal(np.take_along_axis(pooled.T, ids, axis=1), values)


def doubles(ids: list[list[int]]) -> SimpleNamespace:
    table = np.array(ids, dtype=np.int64)
    return SimpleNamespace(
        ids=table,
        activations=np.where(table < 0, np.nan, table / 3).astype(np.float32),
        size=2,
        masks=lambda unit: np.full((table.shape[1], 2, 2), unit % 2 == 0),
        images=lambda wanted: np.stack([np.full((2, 2, 3), i, np.uint8) for i in wanted]),
    )


def test_dead_units_are_left_out_and_named_by_what_remains(tmp_path: Path) -> None:
    assert write_exemplars(doubles([[4, 2], [-1, -1], [9, 0]]), tmp_path / "layer") == 2
    folder = tmp_path / "layer"
    assert np.load(folder / "units.npy").tolist() == [0, 2]
    assert (folder / "ids.csv").read_text() == "4,2\n9,0\n"
    values = np.loadtxt(folder / "activations.csv", delimiter=",", dtype=np.float32)
    assert np.array_equal(values, np.array([[4, 2], [9, 0]], np.float32) / np.float32(3))
    assert np.load(folder / "images.npy")[1, 0].tolist() == [[[9, 9]] * 2] * 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["layer"]


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = doubles([[1, 2], [3, 4]])
    broken.masks = {0: np.ones((2, 2, 2))}.__getitem__
    with pytest.raises(KeyError):
        write_exemplars(broken, tmp_path / "layer")
    with pytest.raises(UserError, match="no unit"):
        write_exemplars(doubles([[-1, -1]]), tmp_path / "layer")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    with pytest.raises(UserError, match="are needed"):
        write_exemplars(doubles([[1, 2]]), tmp_path / "layer")
    assert not list(tmp_path.iterdir())


def test_no_name_leaves_the_folder(tmp_path: Path) -> None:
    for text in ("../../etc", "/a\\b", "..x", "a/../b", "layer.0", "ü", "a" * 500):
        try:
            name = file_name(text)
        except UserError:
            assert text == "ü"
            continue
        folder = (tmp_path / name).resolve()
        assert folder.parent == tmp_path.resolve()
        assert not name.startswith(".")
    with pytest.raises(UserError, match="both go"):
        layer_folders(tmp_path, "m", "d", ["a b", "A-b"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--out"),
        (("--out", "out", "--size", "0"), "--size"),
        (("--out", "out", "--top-k", "0"), "--top-k"),
        (("--out", "out", "--quantile", "1"), "--quantile"),
        (("--out", "out", "--model", ".."), "cannot name"),
        (("--out", "there", "--model", "m", "--dataset", "d"), "fc exists"),
        (("--out", "out", "runtime.share=1/2"), "one target and one whole probe set"),
        (("--out", "out", "experiment=glyphs_demo"), "one target and one whole probe set"),
        (("--out", "out", "target.layers=[layer9]"), "layer9"),
    ],
)
def test_wrong_requests(
    arguments: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there" / "m" / "d" / "fc").mkdir(parents=True)
    own = [text for text in SMALL if not any("layers" in a for a in arguments) or "lay" not in text]
    assert main(["export-exemplars", *own, *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sheet_shows_images_bright_where_units_fire(tmp_path: Path) -> None:
    made = make_exemplars(units=4, k=3, size=16, dead=(2,))
    draw_sheet(made, [1, 2], {1: "sea\nshore"}, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    row = TITLE + 16 + GAP
    assert pixels.shape == (2 * row + GAP, GAP + 3 * (16 + GAP), 3)
    [first, *_] = made.images([int(made.ids[1, 0])])
    fires = made.masks(1)[0]
    shown = pixels[TITLE : TITLE + 16, GAP : GAP + 16]
    assert (shown[fires] == first[fires]).all()
    assert (shown[~fires] == (first[~fires] * 0.3).astype(int)).all()
    assert (pixels[row + TITLE :] == 255).all(), "a dead unit has no images"
    assert (pixels[:TITLE] < 128).any(), "its number stands above"
    with pytest.raises(UserError, match="no unit 4"):
        draw_sheet(made, [4], {}, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_a_sheet_is_drawn_in_place_of_the_arrays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--size", "32", "--top-k", "3", "--sheet", "0,7")
    assert export("--out", "first", *options) == 0
    files = [file.name for file in (tmp_path / "first").rglob("*") if file.is_file()]
    assert sorted(files) == ["fc.png", "layer4.png"]
    assert "2 units" in capsys.readouterr().out
    assert export("--out", "first", "--sheet", "0,x") == 2
