"""The benchmark of decoders: kinds of files, differences of pixels, the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench.parts.probes.images import open_rgb
from bench.speed.benchmarks import run
from bench.speed.decoding import verdict
from bench.speed.decoding_steps import (
    DECODERS,
    compare_pixels,
    find_files,
    kind_of,
    write_alike,
    write_mixed,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")


def test_files_of_all_kinds(tmp_path: Path) -> None:
    files = write_mixed(tmp_path / "a", 8)
    assert [kind_of(file) for file in files] == [
        "RGB 4:2:0",
        "RGB 4:4:4",
        "RGB 4:2:2",
        "RGB 4:2:0, progressive",
        "RGB 4:4:4, progressive",
        "L",
        "CMYK",
        "turned by EXIF",
    ]
    assert open_rgb(files[0]).size == (500, 375)
    assert open_rgb(files[-1]).size == (375, 500)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    assert find_files(tmp_path, 3) == sorted(files)[:3]


def test_differences_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_alike(tmp_path / "a", 2, (20, 10))

    def off_by_two(file: Path) -> Image.Image:
        pixels = np.array(open_rgb(file)).astype(int)
        pixels[0, 0, 0] += 2 if pixels[0, 0, 0] < 128 else -2
        return Image.fromarray(pixels.astype(np.uint8))

    def refuses(_file: Path) -> Image.Image:
        raise RuntimeError

    def smaller(file: Path) -> Image.Image:
        return open_rgb(file).reduce(2)

    ways = {"off": off_by_two, "no": refuses, "same": open_rgb, "half": smaller}
    for name, decoder in ways.items():
        monkeypatch.setitem(DECODERS, name, decoder)
    rows = {row["decoder"]: row for row in compare_pixels(files)}
    found_out = {
        name: (rows[name]["files"], rows[name]["equal"], rows[name]["refused"]) for name in rows
    }
    assert found_out["off"] == (2, 0, 0)
    assert found_out["no"] == (2, 0, 2)
    assert found_out["same"] == (2, 2, 0)
    assert rows["half"]["other_size"] == 2
    assert [rows[name]["largest"] for name in ("off", "same")] == [2, 0]


@pytest.mark.slow
def test_the_page_and_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--images", "8", "--timed", "2", "--size", "300x260", "--workers", "2"]
    assert run("decoding", [*sizes, "--repeats", "1", "--out", str(tmp_path)]) == 0
    [record] = tmp_path.glob("decoding-*.json")
    content = json.loads(record.read_text())
    assert [row["name"] for row in content["decoding"]] == list(DECODERS)
    assert all(row["cpu_s"] > 0 for row in [*content["decoding"], *content["parts"]])
    assert sum(row["files"] for row in content["pixels_compared"]) == 8 * (len(DECODERS) - 1)
    page = record.with_suffix(".md").read_text()
    assert page == capsys.readouterr().out
    assert page.startswith("# Decoding on ")


def test_the_gain_from_which_a_decoder_is_worth_a_setting() -> None:
    def said(cpu_s: float) -> str:
        costs = {"plain": 9.0, "now": 2.6, "other": cpu_s}
        return verdict([{"name": n, "cpu_s": s} for n, s in costs.items()])

    assert "1.30 with other" in said(2.0)
    assert "other would be worth one" in said(1.9)
    assert "none is offered" in said(2.1)


@pytest.mark.parametrize("wrong", [["--size", "500"], ["--timed", "0"]])
def test_wrong_sizes_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("decoding", wrong)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err
