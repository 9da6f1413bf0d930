"""Scoring of imported labels, and their records on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from omegaconf import OmegaConf

from bench.errors import UserError
from bench.imports.judges import imported_judges
from bench.run.archive import results_folder
from bench.run.plan import check_tuning, explain_fault
from bench.run.results import add_scores, write_record
from leaderboards.development import tuned_on
from leaderboards.record import Record, RecordError
from leaderboards.storage import has_scores, is_finished, record_folder

if TYPE_CHECKING:
    from pathlib import Path

    from omegaconf import DictConfig

    from bench.imports.labels import Labels


@dataclass(frozen=True)
class ImportResult:
    """Result of an import.

    Attributes:
        folder: The record's folder.
        skey: Key of the requested scores.
        what: "imported" for a new record, "scored" for new scores only, "skipped" for neither.
    """

    folder: Path
    skey: str
    what: Literal["imported", "scored", "skipped"]


def write_import(record: Record, labels: Labels, config: DictConfig) -> ImportResult:
    """Score labels and write their record, or add scores to an existing record.

    Raises:
        UserError: The truth belongs to another layer, `results` is a file, or the existing record
            is of a later version or unreadable.
        RecordError: A name is invalid in a path.
    """
    judges = imported_judges(config, record)
    root = results_folder(config.results)
    folder = record_folder(root, record)
    skey = judges.scores_key(record.target["layer"], folder)
    try:
        exists = is_finished(folder)
        if exists:
            check_tuning(Record.read(folder), tuned_on(record), folder)
        scored = exists and has_scores(folder, skey)
    except RecordError as error:
        raise explain_fault(error) from error
    if scored:
        return ImportResult(folder, skey, "skipped")
    from bench.run.scoring import score_table

    # As in the file, so that the scores follow from it.
    table = labels.table.astype({"score": "float32"}).astype({"score": "float64"})
    try:
        scores = score_table(record, table, judges)
    except ValueError as error:
        raise UserError(str(error), where="target.truth") from error
    if exists:
        add_scores(folder, *scores)
        return ImportResult(folder, skey, "scored")
    write_record(
        root,
        record,
        descriptions=table,
        scores=[scores],
        texts={"config.yaml": OmegaConf.to_yaml(config, resolve=True)},
    )
    return ImportResult(folder, skey, "imported")
