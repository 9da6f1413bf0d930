"""Curves over the sizes of probe sets and concept sets: statistics, page, figure."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import render_pictures, render_scores
from leaderboards.record import Record
from leaderboards.sensitivity import COLUMNS, rank_agreement, settled_size

if TYPE_CHECKING:
    from pathlib import Path

SIZES, OFFSETS = (10, 100, 1000), (0, 1000, 2000)
# At 10 images "a" and "b" are swapped; at 100 in the last draw only.
VALUES = {
    "a": {10: (0.2, 0.2, 0.2), 100: (0.6, 0.6, 0.4), 1000: (0.8, 0.9, 0.7)},
    "b": {10: (0.3, 0.3, 0.3), 100: (0.5, 0.5, 0.5), 1000: (0.6, 0.6, 0.6)},
    "c": {10: (0.1, 0.1, 0.1), 100: (0.1, 0.1, 0.1), 1000: (0.1, 0.1, 0.1)},
}


def write(build: Any, root: Path, axis: str, offsets: tuple[int, ...] = OFFSETS) -> None:
    """Write a record for each method, size and draw."""
    for method, by_size in VALUES.items():
        for size, values in by_size.items():
            for offset, value in zip(offsets, values, strict=True):
                name = f"{axis}-{size}-{offset}"
                params = {"limit": size} | ({"offset": offset} if offset else {})
                if axis == "images":
                    changes = {"n_images": size, "probe": "folder", "probe_print": name}
                else:
                    changes = {"n_concepts": size + 5, "concepts": name}
                record = build.make_record(method, **changes)
                part = "probe" if axis == "images" else "concepts"
                found = {**getattr(record, part), "name": "nested", "params": params}
                build.put(root, replace(record, **{part: found}), build.make_scores(value))


def test_tau_equals_its_closed_form() -> None:
    # Of the six pairs of four methods, a swap of neighbours reverses one: tau = (5 - 1) / 6.
    order = [1.0, 2.0, 3.0, 4.0]
    tau = rank_agreement([[[2, 1, 3, 4], order], [[4, 3, 2, 1], order], [order, order]])
    assert tau == pytest.approx(np.array([[4 / 6, 1], [-1, 1], [1, 1]]))


def test_a_draw_is_compared_with_the_mean_of_the_others() -> None:
    # Own scores rank the first method first; the mean of the other two draws ranks it last.
    largest = [[3.0, 2.0, 1.0], [0.0, 2.0, 1.0], [0.0, 2.0, 1.0]]
    assert rank_agreement([largest])[0] == pytest.approx([-1 / 3, 1 / 3, 1 / 3])


def test_ties_follow_tau_b() -> None:
    # Five of six pairs of one ranking are ordered, all concordant: 5 / sqrt(5 * 6).
    tau = rank_agreement([[[1, 1, 2, 3], [1, 1, 1, 1]], [[1, 2, 3, 4], [1, 2, 3, 4]]])
    assert tau[0, 0] == pytest.approx(5 / np.sqrt(30))
    assert np.isnan(tau[0, 1])


@pytest.mark.parametrize(
    ("tau", "settled"),
    [
        ([1, 1, 1], 10),
        ([1, 0.8, 1], 1000),  # agreement by chance at a small size does not count
        ([0.8, 0.9, 1], 100),
        ([1, 1, 0.89], None),
        ([1, float("nan"), 1], 1000),
    ],
)
def test_settled_is_the_size_from_which_tau_stays_high(
    tau: list[float], settled: int | None
) -> None:
    assert settled_size(SIZES, tau) == settled


@pytest.mark.parametrize(("axis", "extra"), [("images", 0), ("concepts", 5)])
def test_a_sweep_gives_curves(build: Any, tmp_path: Path, axis: str, extra: int) -> None:
    write(build, tmp_path, axis)
    found = load_board([tmp_path]).sensitivity
    assert tuple(found.columns) == COLUMNS
    assert set(found["axis"]) == {axis}
    assert set(found["metric"]) == {"lexical_match", "accuracy_at_1", "sentence_cosine"}
    own = found[found["metric"] == "lexical_match"].set_index(["method", "size"])
    first = own.loc[("clip_dissect a", 1000 + extra)]
    assert first[["mean", "low", "high"]].tolist() == pytest.approx([0.8, 0.7, 0.9])
    assert first["draws"] == 3
    middle = own.loc[("clip_dissect c", 100 + extra)]
    assert middle[["tau", "tau_low", "tau_high"]].tolist() == pytest.approx([7 / 9, 1 / 3, 1])
    assert set(own["settled"]) == {1000 + extra}


def test_a_board_shows_curves_and_picture(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "images")
    board = load_board([tmp_path])
    files = render_scores(board)
    page = files["README.md"].decode()
    verdict = "agrees between draws only at the largest size, 1,000 probe images"
    assert f"the ranking of 3 methods by lexical match {verdict}" in page
    assert "| 100" in page
    assert "0.33, 1.00" in page
    assert len(pd.read_csv(io.BytesIO(files["sensitivity.csv"]))) == 27
    pictures = render_pictures(board)
    assert pictures["sensitivity.png"].startswith(b"\x89PNG")
    assert b"Kendall" in pictures["sensitivity.svg"]


@pytest.mark.parametrize(
    ("settled", "verdict"),
    [(pd.NA, "is not settled at 1,005 candidate labels, the largest size"),
     (105, "is settled from 105 candidate labels")],
)  # fmt: skip
def test_the_page_says_where_a_ranking_is_settled(
    build: Any, tmp_path: Path, settled: object, verdict: str
) -> None:
    write(build, tmp_path, "concepts")
    board = load_board([tmp_path])
    board.sensitivity["settled"] = settled
    assert verdict in render_scores(board)["README.md"].decode()


def test_draws_that_overlap_give_no_curves(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "images", (0, 500, 2000))
    assert not len(load_board([tmp_path]).sensitivity)


def test_a_size_of_one_draw_alone_is_left_out(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "images")
    record = build.make_record("a", n_images=4000, probe="folder")
    probe = {**record.probe, "name": "nested", "params": {"limit": 4000}}
    build.put(tmp_path, replace(record, probe=probe), build.make_scores(0.9))
    assert set(load_board([tmp_path]).sensitivity["size"]) == set(SIZES)


def test_a_method_without_some_value_is_left_out(build: Any, tmp_path: Path) -> None:
    write(build, tmp_path, "images")
    cells = [(path, Record.read(path.parent)) for path in tmp_path.rglob("record.json")]
    lost = [p for p, r in cells if r.method["params"]["similarity"] == "c" and r.probe["n"] == 10]
    shutil.rmtree(lost[0].parent)
    found = load_board([tmp_path]).sensitivity
    assert set(found["method"]) == {"clip_dissect a", "clip_dissect b"}


def test_other_boards_gain_nothing(build: Any, tmp_path: Path) -> None:
    for number, size in enumerate(SIZES):  # one draw, several sizes
        record = build.make_record(probe_print=f"p{number}", n_images=size)
        build.put(tmp_path, record, build.make_scores(0.5))
    board = load_board([tmp_path])
    assert not len(board.sensitivity)
    assert "sensitivity.csv" not in render_scores(board)
    assert "Sensitivity" not in render_scores(board)["README.md"].decode()
    assert render_pictures(board) == {}
