"""Put imported labels on disk, scored: the whole record or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from omegaconf import OmegaConf

from bench.errors import UserError
from bench.imports.judges import imported_judges
from bench.run.archive import results_folder
from leaderboards.storage import add_scores, is_finished, record_folder, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from omegaconf import DictConfig

    from bench.imports.labels import Labels
    from leaderboards.record import Record


@dataclass(frozen=True)
class Written:
    """What came of it.

    Attributes:
        folder: The record's folder.
        skey: Key of the scores that were asked for.
        what: Whether the record is new, or only these scores are, or nothing is.
    """

    folder: Path
    skey: str
    what: Literal["imported", "scored", "skipped"]


def write_import(record: Record, labels: Labels, config: DictConfig) -> Written:
    """Score labels and write their record; one that is there already gets at most new scores.

    Raises:
        UserError: The truth is not about this layer, or `results` is a file.
        RecordError: A name cannot stand in a path.
    """
    judges = imported_judges(config, record)
    root = results_folder(config.results)
    folder = record_folder(root, record)
    skey = judges.scores_key(record.target["layer"], folder)
    known = is_finished(folder)
    if known and (folder / "scores" / f"{skey}.json").is_file():
        return Written(folder, skey, "skipped")
    from bench.run.scoring import score_table

    try:
        scores = score_table(record, labels.table, judges)
    except ValueError as error:
        raise UserError(str(error), where="target.truth") from error
    if known:
        add_scores(folder, *scores)
        return Written(folder, skey, "scored")
    write_record(
        root,
        record,
        descriptions=labels.table,
        scores=[scores],
        texts={"config.yaml": OmegaConf.to_yaml(config, resolve=True)},
    )
    return Written(folder, skey, "imported")
