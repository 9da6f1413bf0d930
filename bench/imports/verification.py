"""Compare labels of others with those that a run here gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.files import printable
from leaderboards.record import Record, RecordError
from leaderboards.record_tables import read_descriptions
from leaderboards.verified_labels import LabelVerification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.imports.labels import Labels


def compare_labels(labels: Labels, record: Record, folders: Sequence[Path]) -> LabelVerification:
    """Compare the first label of each unit in a file with that of a run here.

    Args:
        labels: The labels in the file.
        record: The record of the import.
        folders: Records of runs; the one with the layer and the number of units is taken.

    Raises:
        UserError: A folder is no record of a run here, or none is of this layer.
    """
    wanted = (record.target["layer"], record.target["units"])
    for folder in folders:
        try:
            own = Record.read(folder)
        except RecordError as error:
            hint = "give the folder of a record: results/BOARD/METHOD/KEY"
            raise UserError(str(error), where="--verified-by", hint=hint) from error
        if own.is_imported or own.status != "ok":
            raise UserError(
                f"{printable(folder)} is no finished run",
                where="--verified-by",
                hint="run the method here first: `dissectbench run`",
            )
        if (own.target.get("layer"), own.target.get("units")) == wanted:
            return _compare(labels, own.key, folder)
    raise UserError(
        f"no record has the layer {wanted[0]} with {wanted[1]} units",
        where="--verified-by",
        hint="give the record of a run on this layer of the same network",
    )


def _compare(labels: Labels, key: str, folder: Path) -> LabelVerification:
    table = read_descriptions(folder)
    made, given = (
        one[one["rank"] == 1].set_index("unit")["label"].str.strip().str.casefold().to_dict()
        for one in (table, labels.table)
    )
    equal = sum(made.get(unit, "") == given.get(unit, "") for unit in labels.units)
    return LabelVerification(key, equal, len(labels.units))
