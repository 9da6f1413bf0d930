"""The benchmark of unit embeddings and linear explanations: both sides agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.speed.benchmarks import render, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_both_sides_agree_and_a_page_is_written(tmp_path: Path) -> None:
    sizes = "--images 600 --units 5 --concepts 40 --width 32 --plain-units 3 --repeats 1"
    assert run("alignment", [*sizes.split(), "--out", str(tmp_path)]) == 0
    [file] = tmp_path.glob("alignment-*.json")
    content = json.loads(file.read_text())
    rows = content["rows"]
    assert [row["method"] for row in rows] == ["semantic_lens", "csp", "direction", "linear"]
    assert all(row["difference"] < 1e-5 for row in rows[:3])
    assert rows[3]["same_concepts"] == 1
    assert all(row["ratio_s"] > 0 for row in rows)
    assert file.with_suffix(".md").read_text() == render("alignment", content)


def test_no_more_plain_units_than_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alignment", ["--units", "1", "--plain-units", "2", "--out", str(tmp_path)]) == 2
    assert "--plain-units: 2 exceeds --units 1" in capsys.readouterr().err
