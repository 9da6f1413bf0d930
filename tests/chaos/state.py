"""What a sweep left on disk, compared with a sweep that was left alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from leaderboards.record_tables import read_descriptions
from leaderboards.storage import find_records
from leaderboards.timings import read_timings

if TYPE_CHECKING:
    from pathlib import Path


class Cell(NamedTuple):
    """A finished cell: a hash of its labels, its scores, and the number of its timings."""

    labels: str
    scores: dict[str, Any]
    timings: int


class State(NamedTuple):
    """Finished cells by key, what a board would report, and temporary files."""

    cells: dict[str, Cell]
    problems: list[str]
    leftovers: list[str]


@dataclass(frozen=True)
class Loss:
    """Numbers of cells in which two states differ, and of temporary files."""

    lost: int = 0
    damaged: int = 0
    untimed: int = 0
    leftovers: int = 0

    def __add__(self, other: Loss) -> Loss:
        """Add up two losses."""
        return Loss(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))


def read_state(results: Path) -> State:
    """Read all records under a folder."""
    cells = {}
    found = find_records(results)
    for folder, record in found.records:
        if record.status == "ok":
            table = read_descriptions(folder).to_csv(index=False)
            files = sorted((folder / "scores").glob("*.json"))
            scores = {file.name: json.loads(file.read_bytes())["scores"] for file in files}
            labels = hashlib.sha256(table.encode()).hexdigest()
            cells[record.key] = Cell(labels, scores, len(read_timings(folder)[0]))
    temporary = sorted(path.name for path in results.rglob("*") if path.suffix in (".tmp", ".old"))
    problems = [f"{problem.where}: {problem.message}" for problem in found.problems]
    return State(cells, problems, temporary)


def compare(results: Path, expected: State) -> Loss:
    """Count what a disturbed sweep lost, after it was run to its end."""
    state = read_state(results)
    both = expected.cells.keys() & state.cells.keys()
    wrong = [
        key for key in both
        if (state.cells[key].labels, state.cells[key].scores)
        != (expected.cells[key].labels, expected.cells[key].scores)
    ]  # fmt: skip
    return Loss(
        lost=len(expected.cells) - len(both),
        damaged=len(wrong) + len(state.problems),
        untimed=sum(state.cells[key].timings == 0 for key in both),
        leftovers=len(state.leftovers),
    )
