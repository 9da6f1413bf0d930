from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import load_board
from leaderboards.pages.costs import costs_page
from leaderboards.storage import write_record
from leaderboards.timings import append_timing

if TYPE_CHECKING:
    from pathlib import Path


def costs(tmp_path: Path, build: Any, timing: dict[str, Any]) -> Any:
    write_record(tmp_path, build.make_record(), timing=timing)
    return load_board([tmp_path]).costs.iloc[0]


def test_cold_total_adds_what_the_evidence_cost(tmp_path: Path, build: Any) -> None:
    row = costs(tmp_path, build, build.make_timing(match=2.0))
    # text 1 + match 2 + score 0.5 + the gather of the manifest 30; decode is inside gather, and
    # reading the cache (0.25) is no part of a cold run.
    assert row["cold_total_s"] == pytest.approx(33.5)
    assert row["match_per_unit_s"] == pytest.approx(2.0 / 56)
    assert row["peak_host_bytes"] == 2**30


def test_evidence_of_other_hardware_leaves_the_total_open(tmp_path: Path, build: Any) -> None:
    timing = build.make_timing()
    timing["evidence_cost"][0]["hardware"] = "a GPU"
    row = costs(tmp_path, build, timing)
    assert row["cold_total_s"] != row["cold_total_s"]
    assert "other hardware" in row["reason"]


def test_unknown_cost_of_cached_evidence_leaves_the_total_open(tmp_path: Path, build: Any) -> None:
    row = costs(tmp_path, build, build.make_timing(evidence_cost=[]))
    assert row["cold_total_s"] != row["cold_total_s"]


def test_one_pass_is_counted_once_and_half_a_pass_not_at_all(tmp_path: Path, build: Any) -> None:
    timing = build.make_timing()
    shared = timing["evidence_cost"][0] | {"pass": "p"}
    row = costs(tmp_path / "a", build, timing | {"evidence_cost": [shared, shared]})
    assert row["cold_total_s"] == pytest.approx(33.5)
    part = shared | {"complete": False}
    row = costs(tmp_path / "b", build, timing | {"evidence_cost": [part]})
    assert row["cold_total_s"] != row["cold_total_s"]


def test_hardware_may_be_a_list_of_facts(tmp_path: Path, build: Any) -> None:
    facts = {"cpu": "X1", "cores": 2, "threads": 4, "gpu": {"name": "G"}}
    row = costs(tmp_path, build, build.make_timing(hardware=facts))
    assert row["hardware"].startswith("G, X1, 4 threads #")
    assert row["cold_total_s"] == pytest.approx(33.5)


def test_hardware_is_never_mixed_and_most_repeats_count(tmp_path: Path, build: Any) -> None:
    folder = write_record(tmp_path, build.make_record(), timing=build.make_timing(5.0))
    append_timing(folder, build.make_timing(2.0, repeats=3))
    append_timing(folder, build.make_timing(9.0))
    append_timing(folder, build.make_timing(0.1, "a <GPU>"))
    board = load_board([tmp_path])
    assert list(board.costs["match_s"]) == [2.0, 0.1]
    page = costs_page(board)
    assert page.index("## 2 cores (cpu)") < page.index("## a &lt;GPU&gt; (cpu)")
    assert page.count("| clip_dissect") == 4  # of each hardware a total and its phases


@pytest.mark.parametrize(
    ("facts", "marks"),
    [
        ({}, ""),
        ({"earlier_cells": 0, "gpu_shared": False}, ""),
        ({"earlier_cells": 3, "gpu_shared": True}, "warm gpu-shared"),
        ({"gpu_shared": None}, "gpu-use-unknown"),
    ],
)
def test_what_disturbed_a_timing_is_marked(
    tmp_path: Path, build: Any, facts: dict[str, Any], marks: str
) -> None:
    write_record(tmp_path, build.make_record(), timing=build.make_timing(**facts))
    board = load_board([tmp_path])
    assert list(board.costs["marks"]) == [marks]
    page = costs_page(board)
    for mark in marks.split():
        assert f"\n- ({mark}): " in page
    assert page.count("| 1 (") == bool(marks)


def test_cells_without_a_timing_are_listed_by_the_command_that_times_them(
    tmp_path: Path, build: Any
) -> None:
    def put(similarity: str, *overrides: str, **changes: Any) -> None:
        record = build.make_record(similarity, run={"overrides": list(overrides)}, **changes)
        write_record(tmp_path, record)

    put("wpmi", "target=a b", "seed=1")
    put("soft_wpmi", "target=c", "experiment=demo")
    put("rank_reorder", "target=d", "experiment=demo")
    put("cos_similarity", origin="imported")
    build.put(tmp_path, build.make_record("cos_similarity_cubed"), build.make_scores(0.5))
    page = costs_page(load_board([tmp_path]))
    section = page.partition("## Not timed")[2]
    commands = [line for line in section.splitlines() if line.startswith("`")]
    assert commands == [
        "`dissectbench run 'target=a b' seed=1 runtime.retime=true`",
        "`dissectbench run experiment=demo runtime.retime=true`",
    ]
    assert section.count("\n- clip_dissect") == 3
    assert "glyphs_objects fc, glyphs_val" in section


def test_what_arrays_cost_is_not_shown(tmp_path: Path, build: Any) -> None:
    timing = build.make_timing(evidence_cost=[])
    gather = next(phase for phase in timing["phases"] if phase["name"] == "gather")
    gather["note"] = "activations given as arrays"
    row = costs(tmp_path, build, timing)
    assert row["cold_total_s"] != row["cold_total_s"]
    assert row["gather_s"] != row["gather_s"]
    assert row["reason"] == "activations given as arrays"
    assert row["match_s"] > 0
