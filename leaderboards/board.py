"""Records to a board: a pure function of what is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.cells import Cell, hash_scores, hash_timings, load_cells
from leaderboards.costs import build_costs
from leaderboards.detectors import detectors_frame
from leaderboards.frames import results_frame, summary_frame, units_frame
from leaderboards.naming import name_conditions, name_rows
from leaderboards.reproduction import experiments_of, reproduce
from leaderboards.sheets import Sheet, build_sheets
from leaderboards.summary import Summary, build_summaries
from leaderboards.words import WordTable, build_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from leaderboards.reproduction import Line
    from leaderboards.storage import Problem

COMMAND = "dissectbench board RESULTS --out DIR"


@dataclass(frozen=True)
class Failure:
    """A cell that failed: which, and with what error."""

    label: str
    where: str
    error: str


@dataclass(frozen=True)
class Board:
    """Everything that a page shows, before any rounding.

    Attributes:
        name: The boards' names, joined.
        command: The command that made it.
        score_hash: sha256 over the records and scores shown.
        timing_hash: sha256 over the timed runs.
        n_records: Records read.
        sheets: One table per condition.
        summaries: One table per target and headline metric.
        results: Every number, long format.
        summary: The summaries' numbers and verdicts, long format.
        units: One row per condition, method and unit; empty unless they were asked for.
        costs: One row per cell and hardware.
        detectors: What layers detect, by category; empty where no method counts it.
        words: Labels side by side, of the layers that some method describes in sentences.
        reproductions: By experiment, its published figures with what we have for them.
        failures: Cells that failed.
        problems: What was left out, and why.
    """

    name: str
    command: str
    score_hash: str
    timing_hash: str
    n_records: int
    sheets: tuple[Sheet, ...]
    summaries: tuple[Summary, ...]
    results: pd.DataFrame
    summary: pd.DataFrame
    units: pd.DataFrame
    costs: pd.DataFrame
    detectors: pd.DataFrame
    words: tuple[WordTable, ...]
    reproductions: Mapping[str, tuple[Line, ...]]
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]


def load_board(roots: Iterable[Path], command: str = COMMAND, *, units: bool = False) -> Board:
    """Return the board of all records under some folders, its tables as data frames.

    Args:
        roots: Folders of records, such as `results/glyphs`; archives have to be unpacked first
            (`bench.run.archive.record_folders`).
        command: The command to print on every file.
        units: Fill `Board.units` too, for which every table of units is read.

    Raises:
        RecordError: A root is not a folder.
    """
    cells, problems = load_cells(roots, units=units)
    return build_board(cells, problems, command)


def build_board(
    cells: Sequence[Cell], problems: Iterable[Problem] = (), command: str = COMMAND
) -> Board:
    """Build the board of some cells; their order does not matter.

    Args:
        cells: Records with their scores and timings.
        problems: What could not be read.
        command: The command to print on every file.
    """
    sheets = build_sheets([cell for cell in cells if cell.record.status == "ok"])
    summaries = build_summaries(sheets)
    return Board(
        name=", ".join(sorted({cell.record.board for cell in cells})) or "empty",
        command=command,
        score_hash=hash_scores(cells),
        timing_hash=hash_timings(cells),
        n_records=len(cells),
        sheets=tuple(sheets),
        summaries=tuple(summaries),
        results=results_frame(sheets),
        summary=summary_frame(summaries),
        units=units_frame(sheets, cells),
        costs=build_costs(cells),
        detectors=detectors_frame(cells),
        words=tuple(build_words(sheets, cells)),
        reproductions={name: tuple(reproduce(cells, name)) for name in experiments_of(cells)},
        failures=tuple(_failures(cells)),
        problems=tuple(sorted(problems, key=lambda p: (p.kind, p.where, p.message))),
    )


def _failures(cells: Sequence[Cell]) -> list[Failure]:
    labels = name_rows([cell.record for cell in cells])
    conditions = name_conditions([(cell, None) for cell in cells])
    failures = []
    for cell, label, condition in zip(cells, labels, conditions, strict=True):
        if cell.record.status == "failed":
            error = cell.record.error or {}
            message = f"{error.get('type', 'error')}: {error.get('message', 'no reason recorded')}"
            where = f"{condition.target} {condition.layer}, {' × '.join(condition.heading)}"
            failures.append(Failure(label, where, message))
    return sorted(failures, key=lambda failure: (failure.where, failure.label, failure.error))
