"""From records to a board, a pure function of what is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from leaderboards.cells import Cell, hash_scores, hash_timings, load_cells
from leaderboards.confidence import confidence_frame
from leaderboards.costs import Untimed, costs_frame, find_untimed
from leaderboards.detectors import detectors_frame
from leaderboards.draws import group_draws
from leaderboards.frames import results_frame, summary_frame, units_frame
from leaderboards.judges import RankingGroup, compare_judges, judges_frame
from leaderboards.labels import LabelTable, build_label_tables
from leaderboards.naming import NamedCell, name_cells
from leaderboards.reproduction import compare_published, experiments_of
from leaderboards.seeds import seeds_frame
from leaderboards.sensitivity import sensitivity_frame
from leaderboards.summary import Summary, build_summaries
from leaderboards.tables import ConditionTable, build_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from leaderboards.reproduction import Comparison
    from leaderboards.storage import Problem

COMMAND = "dissectbench board RESULTS --out DIR"


@dataclass(frozen=True)
class Failure:
    """A cell that failed, its place on the board, and its error."""

    label: str
    where: str
    error: str


@dataclass(frozen=True, repr=False)
class Board:
    """Everything that a page shows, before any rounding.

    Attributes:
        name: Names of the boards, joined by commas.
        command: The command that made the board.
        score_hash: sha256 over the records and scores shown.
        timing_hash: sha256 over the timed runs.
        n_records: Records read.
        tables: One table per condition; of several draws of a probe set the first, with the others.
        summaries: One table per layer and headline metric.
        results: Every number, long format.
        summary: The summaries' numbers and verdicts, long format.
        costs: Time and memory, one row per cell and hardware.
        untimed: Finished cells that no run has timed.
        detectors: Detectors of each layer by category; empty where no method counts them.
        sensitivity: Scores by size of the sets; empty where no records sweep sizes with draws.
        seeds: Spread of scores over training seeds; empty where no network has several.
        rankings: Rankings of the methods by each score and judge, compared in pairs.
        judges: The same, one row per pair of rankings.
        labels: Labels side by side, of layers that some method describes in sentences.
        comparisons: By experiment, its published figures with our own scores.
        failures: Cells that failed.
        problems: Files that were left out, and why.
        cells: All cells with their names, sorted by board and key.
    """

    name: str
    command: str
    score_hash: str
    timing_hash: str
    n_records: int
    tables: tuple[ConditionTable, ...]
    summaries: tuple[Summary, ...]
    results: pd.DataFrame
    summary: pd.DataFrame
    costs: pd.DataFrame
    untimed: tuple[Untimed, ...]
    detectors: pd.DataFrame
    sensitivity: pd.DataFrame
    seeds: pd.DataFrame
    rankings: tuple[RankingGroup, ...]
    judges: pd.DataFrame
    labels: tuple[LabelTable, ...]
    comparisons: Mapping[str, tuple[Comparison, ...]]
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    cells: tuple[NamedCell, ...]

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per condition, method and unit; computed when it is first read."""
        return units_frame(self.tables)

    @cached_property
    def confidence(self) -> pd.DataFrame:
        """What methods' own scores say of their labels, by condition and method.

        Computed when it is first read: of large boards it takes longer than all other tables.
        """
        return confidence_frame(self.tables)

    def __repr__(self) -> str:
        """Return the size of the board, since its tables would fill many screens."""
        counts = {
            "records": self.n_records,
            "conditions": len(self.tables),
            "failures": len(self.failures),
            "problems": len(self.problems),
        }
        return f"<Board {self.name}: {', '.join(f'{n} {name}' for name, n in counts.items())}>"


def load_board(roots: Iterable[Path], command: str = COMMAND) -> Board:
    """Return the board of all records under some folders, its tables as data frames.

    Args:
        roots: Folders of records, such as `results/glyphs`; archives have to be unpacked first
            (`bench.run.archive.record_folders`).
        command: The command to print on every file.

    Raises:
        RecordError: A root is not a folder.
    """
    cells, problems = load_cells(roots)
    return build_board(cells, problems, command)


def build_board(
    cells: Iterable[Cell], problems: Iterable[Problem] = (), command: str = COMMAND
) -> Board:
    """Build the board of some cells, in any order.

    Args:
        cells: Records with their scores and timings.
        problems: What could not be read.
        command: The command to print on every file.
    """
    named = name_cells(cells)
    cells = [one.cell for one in named]
    every_draw = build_tables(named)
    tables = group_draws(every_draw)
    summaries = build_summaries(tables)
    rankings = compare_judges(tables)
    return Board(
        name=", ".join(sorted({cell.record.board for cell in cells})) or "empty",
        command=command,
        score_hash=hash_scores(cells),
        timing_hash=hash_timings(cells),
        n_records=len(cells),
        tables=tuple(tables),
        summaries=tuple(summaries),
        results=results_frame(tables),
        summary=summary_frame(summaries),
        costs=costs_frame(named),
        untimed=tuple(find_untimed(named)),
        detectors=detectors_frame(named),
        sensitivity=sensitivity_frame(every_draw),
        seeds=seeds_frame(tables),
        rankings=tuple(rankings),
        judges=judges_frame(rankings),
        labels=tuple(build_label_tables(tables)),
        comparisons={name: tuple(compare_published(cells, name)) for name in experiments_of(cells)},
        failures=tuple(_failures(named)),
        problems=tuple(sorted(problems, key=lambda p: (p.kind, p.where, p.message))),
        cells=tuple(named),
    )


def _failures(cells: Iterable[NamedCell]) -> list[Failure]:
    failures = []
    for named in cells:
        record, condition = named.cell.record, named.condition
        if record.status == "failed":
            error = record.error or {}
            message = f"{error.get('type', 'error')}: {error.get('message', 'no reason recorded')}"
            failures.append(Failure(named.row, condition.title, message))
    return sorted(failures, key=lambda failure: (failure.where, failure.label, failure.error))
