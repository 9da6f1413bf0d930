"""`dissectbench demo`: a table after the first jobs, all tables at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.cli import demo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.run.plan import JobPlan


FEW = ("target=glyphs_objects", "probe=glyphs_val", "target.layers=[fc]")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Record the steps of a demo, and the number of their jobs, in place of running them."""
    made: list[tuple[str, int]] = []

    def step(name: str, code: int) -> None:
        def record(plans: Sequence[JobPlan | Path], *_: object) -> int:
            made.append((name, len(plans)))
            return code

        monkeypatch.setattr(demo, name, record)

    step("launch", 1)
    for name in ("show", "report", "make_board", "make_site"):
        step(name, 0)
    return made


def test_a_table_is_shown_before_most_jobs_run(
    steps: list[tuple[str, int]], tmp_path: Path
) -> None:
    assert main(["demo", *FEW, f"results={tmp_path}"]) == 0
    assert steps == [
        ("launch", 8), ("show", 8), ("launch", 5),
        ("report", 13), ("make_board", 1), ("make_site", 1),
    ]  # fmt: skip


def test_finished_jobs_are_shown_once(
    steps: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "launch", lambda *_: 0)
    assert main(["demo", *FEW, f"results={tmp_path}", "--out", str(tmp_path / "out")]) == 0
    assert steps == [("report", 13), ("make_board", 1), ("make_site", 1)]
