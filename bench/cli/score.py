"""`dissectbench score`: score existing labels again, without running the method."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bench.cli.arguments import parser
from bench.config.amend import amend
from bench.errors import UserError
from bench.imports.judges import imported_judges
from bench.offline import offline
from bench.parts.choice import CONF
from bench.run.answers import why_none_right
from bench.run.archive import is_archive
from bench.run.judges import scores_key
from bench.run.selection import Parts, build_parts
from leaderboards.record import Record, RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.judges import Judges

RESCORABLE = ("scoring", "target.truth", "runtime")
EPILOG = """\
examples:
  dissectbench score results/glyphs scoring.official_labels=true
  dissectbench score RECORD target.truth.name=file target.truth.params.path=names.csv
  dissectbench score RECORD scoring.decisions.classifier=fc

Scores of decisions need activations: where the cache no longer holds them they are gathered anew,
for which the network and the probe images must be there.
"""


def main(arguments: Sequence[str]) -> int:
    """Score each record under the given settings; a score that exists already is kept."""
    options = parser("score", "Score existing labels under another truth, scorer or rule.", EPILOG)
    options.add_argument(
        "records",
        nargs="+",
        metavar="RECORD|key=value",
        help="records, or folders of them; and overrides",
    )
    given = options.parse_args(arguments).records
    overrides = [text for text in given if "=" in text]
    for text in overrides:
        key = text.lstrip("+").partition("=")[0]
        if not key.startswith(RESCORABLE) or key == "runtime.tf32":
            raise UserError(
                f"{key!r} decides the labels themselves",
                where=key,
                hint="use `dissectbench run`; score takes scoring.*, target.truth.* and runtime.*",
            )
    folders = [Path(text) for text in given if "=" not in text]
    if not folders:
        raise UserError("no record is named", hint="give the folder of a record.json")
    for folder in _records(folders):
        _score(folder, overrides)
    return 0


def _records(folders: Sequence[Path]) -> list[Path]:
    """The folders themselves where they are records, and else all records below them."""
    found: list[Path] = []
    for folder in folders:
        if is_archive(folder):
            raise UserError(
                "scores are not written into an archive",
                where=str(folder),
                hint=f"`dissectbench unpack {folder} --out DIR`, then score that folder",
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


def _score(folder: Path, overrides: Sequence[str]) -> None:
    try:
        record = Record.read(folder)
    except RecordError as error:
        raise UserError(str(error), hint="give the folder of a record.json") from error
    if record.status != "ok":
        sys.stdout.write(f"{folder}: skipped, its run failed\n")
        return
    config = _config(folder, overrides)
    with offline(config.runtime.offline):
        _write_scores(folder, record, config)


def _write_scores(folder: Path, record: Record, config: DictConfig) -> None:
    from bench.run.scoring import score_record

    imported = record.origin == "imported"
    judges: Judges = imported_judges(config, record) if imported else build_parts(config)
    skey = scores_key(judges, record.target["layer"], folder)
    if (folder / "scores" / f"{skey}.json").is_file():
        sys.stdout.write(f"{folder}: scores/{skey}.json is there already\n")
        return
    try:
        score_record(folder, record, judges)
    except ValueError as error:
        raise UserError(str(error), where=f"{folder}: target.truth") from error
    sys.stdout.write(f"{folder}: wrote scores/{skey}.json\n")
    if isinstance(judges, Parts) and (fault := why_none_right(judges, record.target["layer"])):
        sys.stdout.write(f"{folder}: cannot score: {fault}\n")


def _config(folder: Path, overrides: Sequence[str]) -> DictConfig:
    """The record's configuration, changed by the overrides; its cache is found from anywhere."""
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
        raise UserError("it holds no settings", where=str(file), hint="run the cell again")
    amended = amend(config, overrides, CONF)
    if amended.runtime.cache == config.runtime.cache:
        amended.runtime.cache = str(_started_in(folder, config.results) / config.runtime.cache)
    return amended


def _started_in(folder: Path, results: str) -> Path:
    """The working directory of the run that wrote a record, by where its results went."""
    given = Path(results)
    if given.is_absolute() or ".." in given.parts or str(given).startswith("~"):
        return Path()
    # folder is RESULTS/<board>/<method>/<key>
    return folder.resolve().parents[2 + len(given.parts)]
