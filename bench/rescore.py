"""Score existing labels, our own or imported ones, under another truth, judge or rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bench.config.amend import amend
from bench.errors import UserError
from bench.imports.judges import imported_judges
from bench.offline import offline
from bench.parts.choice import CONF
from bench.run.archive import is_archive
from bench.run.candidates import explain_no_match
from bench.run.judges import SelectionJudges
from bench.run.plan import explain_fault
from bench.run.selection import build_selection
from leaderboards.record import Record, RecordError
from leaderboards.storage import delete_scores, has_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.judges import Judges

SETTINGS = ("scoring", "target.truth", "runtime")
"""Settings that decide scores and no label; `runtime.tf32` is the exception."""


class ScoreOutcome(NamedTuple):
    """Outcome for one record.

    Attributes:
        record: Its folder.
        scores: The file of its scores; None for a record without labels.
        state: "scored", "kept" (these scores were there already) or "failed" (no labels).
        fault: Why no candidate label can be right; empty where one can.
    """

    record: Path
    scores: Path | None
    state: str
    fault: str = ""


def check_settings(overrides: Sequence[str]) -> None:
    """Refuse a setting that decides the labels themselves.

    Raises:
        UserError: There is one.
    """
    for text in overrides:
        key = text.lstrip("+").partition("=")[0]
        if not key.startswith(SETTINGS) or key == "runtime.tf32":
            raise UserError(
                f"{key!r} decides the labels themselves",
                where=key,
                hint="use `dissectbench run`; score takes scoring.*, target.truth.* and runtime.*",
            )


def find_folders(folders: Sequence[Path]) -> list[Path]:
    """Return the folders that are records, and all records below the others.

    Raises:
        UserError: There is none, or a folder is an archive.
    """
    found: list[Path] = []
    for folder in folders:
        if is_archive(folder):
            raise UserError(
                "this command takes folders of records, not an archive",
                where=str(folder),
                hint=f"`dissectbench unpack {folder} --out DIR`, then give DIR",
            )
        files = (file.relative_to(folder) for file in sorted(folder.rglob("record.json")))
        # Hidden folders hold unfinished writes.
        below = [folder / f.parent for f in files if not any(p.startswith(".") for p in f.parts)]
        if not below:
            raise UserError(
                "there is no record here" if folder.exists() else "no such file or folder",
                where=str(folder),
                hint="give a record, or a folder of records such as results/local",
            )
        found += below
    return found


def rescore(folder: Path, overrides: Sequence[str], *, replace: bool = False) -> ScoreOutcome:
    """Score one record under its own settings, changed by the overrides.

    Args:
        folder: The record's folder.
        overrides: Of `SETTINGS`.
        replace: Replace scores that exist under these settings, as those of an older release.

    Raises:
        UserError: The record or its scores cannot be used, or its truth is not about this layer.
    """
    try:
        record = Record.read(folder)
        if record.status != "ok":
            return ScoreOutcome(folder, None, "failed")
        config = record_config(folder, overrides)
        with offline(config.runtime.offline):
            return _write_scores(folder, record, config, replace)
    except RecordError as error:
        raise explain_fault(error) from error


def _write_scores(folder: Path, record: Record, config: DictConfig, replace: bool) -> ScoreOutcome:
    from bench.run.scoring import score_record

    judges: Judges
    if record.origin == "imported":
        judges = imported_judges(config, record)
    else:
        judges = SelectionJudges.of(build_selection(config))
    layer = record.target["layer"]
    skey = judges.scores_key(layer, folder)
    file = folder / "scores" / f"{skey}.json"
    if has_scores(folder, skey) and not replace:
        return ScoreOutcome(folder, file, "kept")
    try:
        written = score_record(folder, record, judges)
    except RecordError:
        raise
    except ValueError as error:
        raise UserError(str(error), where=f"{folder}: target.truth") from error
    if written != file:
        # An older release put more into the key of these scores.
        delete_scores(folder, skey)
    fault = ""
    if isinstance(judges, SelectionJudges):
        fault = explain_no_match(judges.selection, layer)
    return ScoreOutcome(folder, written, "scored", fault)


def record_config(folder: Path, overrides: Sequence[str]) -> DictConfig:
    """Return a record's configuration with overrides; its cache is found from anywhere.

    Raises:
        UserError: Its config.yaml cannot be read, or an override is wrong.
    """
    file = folder / "config.yaml"
    try:
        config = OmegaConf.load(file)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise UserError(
            f"cannot read the record's configuration: {error}",
            where=str(file),
            hint="run the cell again: `dissectbench run`",
        ) from error
    if not isinstance(config, DictConfig):
        raise UserError(
            "the configuration is not a mapping of settings",
            where=str(file),
            hint="run the cell again",
        )
    amended = amend(config, overrides, CONF)
    if amended.runtime.cache == config.runtime.cache:
        amended.runtime.cache = str(_started_in(folder, config.results) / config.runtime.cache)
    return amended


def _started_in(folder: Path, results: str) -> Path:
    """Return the working directory of the run that wrote a record, from its `results`."""
    given = Path(results)
    if given.is_absolute() or ".." in given.parts or str(given).startswith("~"):
        return Path()
    # folder is RESULTS/<board>/<method>/<key>
    return folder.resolve().parents[2 + len(given.parts)]
