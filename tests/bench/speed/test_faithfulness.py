"""The benchmark of metrics of faithfulness: both sides agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.speed.benchmarks import render, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_both_sides_agree_and_a_page_is_written(tmp_path: Path) -> None:
    sizes = "--images 300 --units 6 --concepts 5 --plain-columns 4 --repeats 1"
    assert run("faithfulness", [*sizes.split(), "--out", str(tmp_path)]) == 0
    [file] = tmp_path.glob("faithfulness-*.json")
    content = json.loads(file.read_text())
    rows = content["rows"]
    assert len(rows) == 6
    compared = [row for row in rows if row["difference"] is not None]
    assert len(compared) == 4
    assert all(row["difference"] < 1e-12 and row["ratio_s"] > 0 for row in compared)
    assert file.with_suffix(".md").read_text() == render("faithfulness", content)


def test_no_more_columns_than_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = ["--units", "1", "--plain-columns", "2", "--out", str(tmp_path)]
    assert run("faithfulness", request) == 2
    assert "--plain-columns: 2 exceeds" in capsys.readouterr().err
