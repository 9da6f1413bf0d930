"""Planted units as a user runs them: named by their concepts, scored by kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboards.record_tables import read_units

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.slow
def test_a_method_names_planted_units_and_the_table_has_their_kinds(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = ("target=planted", "target.layers=[strong]", "probe=glyphs_noisy_masks")
    wide = ("probe.params.size=120", "concepts=glyphs_all", "method=netdissect")
    assert run(*overrides, *wide) == 0
    [file] = Path("results").rglob("record.json")
    target = json.loads(file.read_text(encoding="utf-8"))["target"]
    assert target["units"] == 280
    assert target["dead_units"] == list(range(272, 280))
    [table] = file.parent.glob("scores/*.units.csv.gz")
    units = read_units(file.parent, table.name.partition(".")[0])
    assert set(units["group"]) == {"single", "conjunction", "union", "duplicate", ""}
    right = (units["lexical_match"] == 1).groupby(units["group"]).mean()
    assert right["single"] > 0.5
    half = (units["lexical_match"] >= 0.5).groupby(units["group"]).mean()
    assert half["union"] > 0.5
