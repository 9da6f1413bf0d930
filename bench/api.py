"""Commands as functions, for notebooks and programs; tables are pandas data frames.

`import dissectbench` re-exports this module. Overrides are those of the command line.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.describe import describe
from bench.errors import UserError
from bench.imports.labels import Columns
from bench.imports.labels_file import import_labels_file
from bench.imports.record import NOT_STATED, Claim
from leaderboards.board import Board
from leaderboards.record import IncompleteError, Record, RecordError
from metrics.development import is_development_unit

if TYPE_CHECKING:
    from bench.config.compose import Job
    from bench.run.plan import JobPlan

    PathLike = str | os.PathLike[str]

__all__ = [
    "Board",
    "Columns",
    "UserError",
    "describe",
    "development_units",
    "import_labels",
    "load_board",
    "plan",
    "run",
    "score",
]

CHOICES = ("method", "target", "probe", "concepts")
FIELDS = (*CHOICES, "layer", "state", "record")

_RUN_FIRST = "run something first: dissectbench.run(...)"


def run(
    overrides: str | Sequence[str] = (),
    *,
    multirun: bool = False,
    possible: bool = False,
    config_dir: PathLike | None = None,
) -> pd.DataFrame:
    """Run a request, as `dissectbench run` does; finished cells are not run again.

    Args:
        overrides: Settings as on the command line: a list of `key=value`, or one string of them.
            "-m" among them is the same as `multirun=True`.
        multirun: Sweep over comma-separated values.
        possible: Leave out the jobs for which something is missing, instead of raising an error.
        config_dir: A folder of your own config groups.

    Returns:
        One row a cell: method, target, probe, concepts, layer, state ("done", "failed"), record
        (its folder) and error (the message of a failed cell).

    Raises:
        UserError: The request is wrong, or something that it needs is missing.
    """
    from bench.run import survey
    from bench.run.launch import launch

    words, jobs = _jobs(overrides, multirun, config_dir)
    planned = survey.plan(jobs, only_possible=possible)
    launch(planned, words)
    table = _cells(planned)
    return table.assign(error=[_error(folder) for folder in table["record"]])


def plan(
    overrides: str | Sequence[str] = (),
    *,
    multirun: bool = False,
    config_dir: PathLike | None = None,
) -> pd.DataFrame:
    """Return what a request would do and what is missing for it, as `dissectbench plan` prints.

    Args:
        overrides: Settings, as for `run`.
        multirun: Sweep over comma-separated values.
        config_dir: A folder of your own config groups.

    Returns:
        One row a cell: method, target, probe, concepts, layer, state ("done", "to score",
        "to run", "failed", "impossible"), record (its folder; empty where it is not known yet) and
        missing (what is missing, with the command that fetches it, or why the job cannot run).

    Raises:
        UserError: The request is wrong.
    """
    from bench.run.survey import survey

    _, jobs = _jobs(overrides, multirun, config_dir)
    rows = []
    for found in survey(jobs):
        missing = [f"{need.name}: {need.hint}" for need in found.unmet]
        missing += [str(found.fault)] if found.fault else []
        if found.plan:
            table = _cells([found.plan])
        else:
            layers = [str(layer) for layer in found.job.config.target.layers]
            table = pd.DataFrame(
                [{**_choices(found.job), "layer": layer, "record": ""} for layer in layers]
            )
        if not found.possible():
            table["state"] = "impossible"
        rows.append(table.assign(missing="\n".join(missing)))
    return pd.concat(rows, ignore_index=True)[[*FIELDS, "missing"]]


def score(
    records: PathLike | Iterable[PathLike],
    overrides: str | Sequence[str] = (),
    *,
    replace: bool = False,
) -> pd.DataFrame:
    """Score existing labels under other settings, as `dissectbench score` does.

    Args:
        records: Records, or folders of them.
        overrides: Of `scoring.*`, `target.truth.*` and `runtime.*`.
        replace: Replace scores that exist under these settings, as those of an older release.

    Returns:
        One row a record: record (its folder), scores (the file), state ("scored"; "kept" for
        scores that were there already; "failed" for a record without labels) and fault (why no
        candidate label can be right; empty where one can).

    Raises:
        UserError: There is no record, or an override is wrong.
    """
    from bench.rescore import check_settings, find_folders, rescore

    words = _words(overrides)
    check_settings(words)
    folders = find_folders(_paths(records))
    return pd.DataFrame([rescore(folder, words, replace=replace) for folder in folders])


def load_board(results: PathLike | Iterable[PathLike]) -> Board:
    """Load the board of some records; nothing is written.

    Args:
        results: Folders of records, such as "results/local" or the column `record` of `run`'s
            table, or archives (`records.tar.xz`).

    Returns:
        The board, with its tables as data frames: `summary` (headline scores with intervals),
        `results` (every score), `units` (each unit's label and scores), `costs` (times and memory)
        and `detectors`.

    Raises:
        UserError: There is no record.
    """
    from bench.run.archive import record_folders
    from leaderboards import board as boards

    paths = _paths(results)
    try:
        with record_folders(paths) as folders:
            board = boards.load_board(folders)
    except RecordError as error:
        raise UserError(str(error), hint=_RUN_FIRST) from error
    if not board.n_records and not board.problems:
        where = ", ".join(map(str, paths)) or "an empty list of folders"
        raise UserError(f"there is no record under {where}", hint=_RUN_FIRST)
    return board


def import_labels(
    file: PathLike,
    *,
    method: str,
    target: str,
    layer: str,
    board: str = "imported",
    results: PathLike = "results",
    units: int | None = None,
    given: str = NOT_STATED,
    source: str = NOT_STATED,
    vocabulary: str | None = None,
    tuned_on: str = "",
    official: bool | None = None,
    columns: Columns | None = None,
    overrides: str | Sequence[str] = (),
) -> Path:
    """Score labels that others made, as `dissectbench import` does.

    Args:
        file: The labels: CSV, TSV or JSON lines.
        method: Name of the method, which is its row on the board.
        target: Name of the network, such as "resnet50_imagenet".
        layer: Name of the layer, such as "fc".
        board: Name of the board.
        results: Folder of results.
        units: Units of a layer that is not listed here.
        given: What the method was given besides images.
        source: Paper, repository or commit.
        vocabulary: "concept set", "mask labels" or "free text"; None to detect it in the header.
        tuned_on: "dev" if the method's settings were tuned on `development_units`.
        official: Whether to compare labels as CLIP-Dissect's published code does.
        columns: Names of the file's columns (`dissectbench.Columns`); None for unit and label.
        overrides: Of `scoring.*`, `target.truth.*` and `runtime.*`.

    Returns:
        The record's folder.

    Raises:
        UserError: The file, a name or a setting is wrong.
    """
    written, _ = import_labels_file(
        Claim(os.fspath(file), method, target, layer, source, given, tuned_on),
        columns or Columns(),
        board=board,
        results=os.fspath(results),
        units=units,
        vocabulary=vocabulary,
        official=official,
        overrides=_words(overrides),
    )
    return written.folder


def development_units(layer: str, units: int) -> list[int]:
    """Return the units of a layer that a method's settings may be tuned on, about a fifth of it.

    A method whose settings were chosen by true names of these units says `tuned_on=dev`; boards
    compare it on the other units.

    Args:
        layer: Name of the layer, such as "fc".
        units: Its number of units.
    """
    return [unit for unit in range(units) if is_development_unit(layer, unit)]


def _words(overrides: str | Sequence[str]) -> list[str]:
    """Split overrides as a shell does.

    Raises:
        UserError: A quotation mark is not closed, or the overrides are neither a text nor a list.
    """
    hint = 'give "key=value key=value", or ["key=value", "key=value"]'
    if isinstance(overrides, str):
        try:
            return shlex.split(overrides)
        except ValueError as error:
            raise UserError(f"{error} in {overrides!r}", where="overrides", hint=hint) from error
    if not isinstance(overrides, Sequence) or not all(isinstance(text, str) for text in overrides):
        raise UserError(
            f"given as {type(overrides).__name__}, not as text or a list of texts",
            where="overrides",
            hint=hint,
        )
    return list(overrides)


def _jobs(
    overrides: str | Sequence[str], multirun: bool, config_dir: PathLike | None
) -> tuple[list[str], list[Job]]:
    from bench.config.compose import expand

    words = _words(overrides)
    plain = [word for word in words if word not in ("-m", "--multirun")]
    folder = None if config_dir is None else Path(config_dir)
    return plain, expand(plain, multirun=multirun or plain != words, config_dir=folder)


def _paths(given: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return one path or several as a list.

    Raises:
        UserError: One of them is empty, which would mean the working directory, or not a path.
    """
    paths: list[Any] = [given]
    if isinstance(given, Iterable) and not isinstance(given, str | os.PathLike):
        paths = list(given)
    for path in paths:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise UserError(
                f"{path!r} is not a path",
                where="records",
                hint="give folders, such as results/local or the column `record` of run's table",
            )
    return [Path(path) for path in paths]


def _choices(job: Job) -> dict[str, str]:
    return {role: job.choices.get(role) or str(job.config[role].name) for role in CHOICES}


def _cells(plans: Sequence[JobPlan]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            **_choices(job.job),
            "layer": cell.layer,
            "state": str(cell.read_state()),
            "record": cell.folder,
        }
        for job in plans
        for cell in job.cells
    ]
    return pd.DataFrame(rows, columns=pd.Index(FIELDS))


def _error(folder: Path) -> str:
    try:
        record = Record.read(folder)
    except IncompleteError:  # nothing is recorded, as for a share of the images
        return ""
    return "" if record.status == "ok" else str((record.error or {}).get("message", "no reason"))
