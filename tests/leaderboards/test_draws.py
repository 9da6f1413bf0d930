"""Draws of a probe set share a column, with the spread of each score between them."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.draws import DRAW_COLUMNS, are_disjoint, draw_spread
from leaderboards.pages.render import render_scores

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"a": (0.8, 0.6, 0.7), "b": (0.5, 0.5, 0.5)}


def write(
    build: Any,
    root: Path,
    offsets: tuple[int, ...] = (0, 1000, 2000),
    values: dict[str, tuple[float, ...]] = VALUES,
    **params: Any,
) -> None:
    """Write a record of each method on each draw of 1,000 images."""
    for method, scores in values.items():
        for offset, value in zip(offsets, scores, strict=False):
            record = build.make_record(method, probe="images", probe_print=f"images {offset}")
            found = {"limit": 1000, **params} | ({"offset": offset} if offset else {})
            record = replace(record, probe={**record.probe, "params": found})
            build.put(root, record, build.make_scores(value))


def test_the_spread_is_the_sample_deviation_and_the_range() -> None:
    # Deviations -1, 0 and 1: a variance of 2 / (3 - 1).
    assert draw_spread([2.0, None, 1.0, 3.0]) == {
        "draws": 3, "draw_sd": 1.0, "draw_min": 1.0, "draw_max": 3.0
    }  # fmt: skip
    assert draw_spread([2.0, None]) == {}


def test_ranges_that_touch_are_disjoint() -> None:
    assert are_disjoint([(1000, 1000), (0, 1000)])
    assert not are_disjoint([(999, 1000), (0, 1000)])


def test_draws_are_one_column(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path)
    board = load_board([tmp_path])
    [shown] = board.tables
    assert [one.condition.n_images for one in shown.draws] == [1000, 1000]
    assert {len(summary.columns) for summary in board.summaries} == {1}
    own = board.summary[board.summary["metric"] == "lexical_match"].set_index("row")
    first, second = own.loc["clip_dissect a"], own.loc["clip_dissect b"]
    assert first["value"] == pytest.approx(0.8)
    assert first[list(DRAW_COLUMNS)].tolist() == pytest.approx([3, 0.1, 0.6, 0.8])
    assert second[list(DRAW_COLUMNS)].tolist() == pytest.approx([3, 0.0, 0.5, 0.5])


def test_results_hold_every_draw_and_the_first_has_the_spread(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path)
    found = load_board([tmp_path]).results
    own = found[(found["metric"] == "lexical_match") & (found["row"] == "clip_dissect a")]
    assert sorted(own["value"]) == pytest.approx([0.6, 0.7, 0.8])
    assert own["draw_sd"].dropna().tolist() == pytest.approx([0.1])
    assert own.dropna(subset="draws")["value"].tolist() == pytest.approx([0.8])


def test_the_page_shows_the_spread(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path)
    files = render_scores(load_board([tmp_path]))
    page = files["README.md"].decode()
    assert "first of 3 draws" in page
    section = page.partition("## Between draws of the probe set")[2].partition("\n## ")[0]
    [row] = [line for line in section.splitlines() if line.startswith("| clip_dissect a")]
    assert [cell.strip() for cell in row.split("|")][4:7] == ["0.100", "[0.60, 0.80]", "3"]
    assert "draw_sd" in pd.read_csv(io.BytesIO(files["summary.csv"]))


@pytest.mark.parametrize(
    ("offsets", "columns"),
    [((0, 500, 1500), 3), ((1000, 2000), 1), ((0, 1000), 1)],
)
def test_draws_that_overlap_stay_columns(
    build: Any, tmp_path: Path, offsets: tuple[int, ...], columns: int
) -> None:
    write(build, tmp_path, offsets)
    assert len(load_board([tmp_path]).tables) == columns


def test_a_draw_with_a_further_method_stays_a_column(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path)
    write(build, tmp_path, (3000,), {"c": (0.4,)})
    board = load_board([tmp_path])
    assert len(board.tables) == 2
    assert len(board.tables[0].draws) == 2


def test_probe_sets_that_differ_in_more_than_the_offset_are_no_draws(
    build: Any, tmp_path: Path
) -> None:
    write(build, tmp_path, (0,))
    write(build, tmp_path, (1000,), order="names")
    board = load_board([tmp_path])
    assert len(board.tables) == 2
    assert board.results["draws"].isna().all()
    assert "Between draws" not in render_scores(board)["README.md"].decode()
