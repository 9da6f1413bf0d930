"""`dissectbench sanity RECORD`: units of a small run on held-out images."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.cli import sanity_units

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(here: Path) -> Path:
    [found] = (here / "results" / "local" / "clip_dissect").iterdir()
    return found


def test_a_table_of_the_units(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    file = tmp_path / "sanity.csv"
    request = [str(folder), "--metrics", "iou", "recall", "recall_auc", "--alpha", "0.05"]
    assert main(["sanity", *request, "--draws", "20", "--out", str(file)]) == 0
    first, header, *lines = capsys.readouterr().out.splitlines()
    table = pd.read_csv(file)
    assert first == f"{folder}: {table['n'].max()} units"
    assert header.split() == [
        "metric", "alpha,", "%", "missing", "paper", "extra", "paper", "passes", "paper",
    ]  # fmt: skip
    rows = {words[0]: words[1:] for line in lines if (words := line.split())}
    falls = table.set_index(["metric", "test"])["falls"] * 100
    for name, networks in {"iou": ("93.6", "99.8"), "recall": ("98.7", "0.0")}.items():
        missing, extra = (f"{falls[name, test]:.1f}" for test in ("missing", "extra"))
        assert rows[name][:5] == ["5", missing, networks[0], extra, networks[1]]
    assert rows["recall"][5:] == ["no", "no"]
    assert falls["recall", "extra"] == 0
    assert falls["iou", "extra"] > 20
    assert len(rows["recall_auc"]) == 4  # the paper has none of its figures on networks
    assert {path: path.read_bytes() for path in before} == before


def test_only_right_labels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def check(_a: object, _c: object, labels: np.ndarray, *_: object, **__: object) -> pd.DataFrame:
        seen["labels"] = labels
        return pd.DataFrame({"metric": ["iou"], "test": ["missing"], "n": [0]})

    monkeypatch.setattr(sanity_units, "check_units", check)
    [file] = folder.glob("scores/*.units.csv.gz")
    right = pd.read_csv(file).set_index("unit")["accuracy_at_1"] == 1
    for correct in (False, True):
        sanity_units.check_record(folder, (), ["iou"], chosen=False, correct=correct)
        known = set(np.flatnonzero(seen["labels"] >= 0))
        assert (known <= set(right.index[right])) is correct
    file.unlink()


def test_images_that_do_not_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sanity", str(folder), "probe.params.size=1000000000"]) == 2
    assert "GB of memory" in capsys.readouterr().err


def test_records_that_cannot_be_tested_are_skipped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = folder.with_name("beside")
    shutil.copytree(folder, beside)
    (beside / "config.yaml").unlink()
    assert main(["sanity", str(folder), str(beside), "--metrics", "iou", "--draws", "1"]) == 0
    out = capsys.readouterr().out
    assert f"{beside}: skipped, " in out
    assert f"{folder}: skipped" not in out
    shutil.rmtree(beside)
    (folder / "config.yaml").rename(folder / "config.yaml~")
    shutil.copytree(folder, beside)
    try:
        assert main(["sanity", str(folder), str(beside)]) == 2
        assert "no record can be tested" in capsys.readouterr().err
    finally:
        (folder / "config.yaml~").rename(folder / "config.yaml")
        shutil.rmtree(beside)


def test_too_few_units(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sanity", str(folder), "probe.params.size=1"]) == 2
    error = capsys.readouterr().err
    assert "no unit can be tested; 2 are needed" in error
    assert "fewer than half" in error
