"""The table that `dissectbench faithfulness` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.faithfulness_table import print_rows

if TYPE_CHECKING:
    import pytest


def test_rows_of_several_networks_name_them(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"layer": "fc", "n": 5, "unknown": 0, "value": 0.5, "p_shuffled": 0.01}
    rows = [
        {"row": "invert", "target": "glyphs scenes", **value},
        {"row": "invert, random weights 0", "target": "glyphs objects", **value},
    ]
    print_rows(rows[:1], ["iou"])
    assert "glyphs" not in capsys.readouterr().out
    print_rows(rows, ["iou"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["invert", "glyphs", "scenes,", "fc", "5", "0", "0.500*"]
    assert "invert, random weights 0 glyphs objects, fc" in lines[2]
