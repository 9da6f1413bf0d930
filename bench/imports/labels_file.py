"""Import of one file of labels: read, score, write the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.config.validate import check_tuned_on
from bench.errors import UserError
from bench.imports.labels import VOCABULARIES, Columns, read_labels
from bench.imports.record import Claim, import_config, imported_record
from bench.imports.targets import find_layer
from bench.imports.verification import compare_labels
from bench.imports.write import ImportResult, write_import
from leaderboards.record import RecordError, slug
from leaderboards.verified_labels import write_verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SETTINGS = ("scoring", "target.truth", "runtime")
"""Settings that scoring reads."""


def import_labels_file(
    claim: Claim,
    columns: Columns,
    *,
    board: str,
    results: str,
    units: int | None = None,
    vocabulary: str | None = None,
    official: bool | None = None,
    overrides: Sequence[str] = (),
    verified_by: Sequence[Path] = (),
) -> tuple[ImportResult, Sequence[str]]:
    """Read labels, score them and write their record.

    Args:
        claim: The user's statements about the file.
        columns: Columns of the file.
        board: Name of the board.
        results: Folder of results.
        units: Units of a layer that is not listed here; None for a listed one.
        vocabulary: Source of the labels; None to detect it in the header.
        official: Whether to use the official label rules; None for the default.
        overrides: Overrides of `SETTINGS`.
        verified_by: Records of runs here, one of them of this layer, whose first labels are
            compared with these.

    Returns:
        The result, and notes about the labels.

    Raises:
        UserError: The file, a name or a setting is wrong.
    """
    for option, name in (("method", claim.method), ("board", board)):
        try:
            slug(name, option)
        except RecordError as error:
            hint = f"choose another name: --{option} NAME or {option}=NAME"
            raise UserError(str(error), hint=hint) from error
    for text in overrides:
        key = text.lstrip("+").partition("=")[0]
        if "=" not in text or not key.startswith(SETTINGS):
            raise UserError(
                f"{text!r} is not a setting of scoring",
                where=key,
                hint="give scoring.*, target.truth.* or runtime.* as key=value",
            )
    if vocabulary is not None and vocabulary not in VOCABULARIES:
        raise UserError(
            f"unknown vocabulary {vocabulary!r}",
            where="vocabulary",
            hint=f"choose one of: {', '.join(VOCABULARIES)}",
        )
    check_tuned_on(claim.tuned_on)
    if units is not None and units < 1:
        raise UserError(f"invalid number of units {units}", where="units", hint="give 1 or more")
    layer = find_layer(claim.target, claim.layer, units)
    config = import_config(
        claim, layer, board=board, results=results, official=official, overrides=overrides
    )
    labels = read_labels(claim.file, columns, claim.layer, layer.units, vocabulary)
    record = imported_record(claim, columns, labels, layer, board)
    verification = compare_labels(labels, record, verified_by) if verified_by else None
    result = write_import(record, labels, config)
    notes = list(labels.notes)
    if verification is not None:
        write_verification(result.folder, verification)
        state = "verified" if verification.is_verified else "not verified"
        notes.append(
            f"{state}: {verification.equal:,} of {verification.units:,} first labels are those of "
            f"record {verification.record}"
        )
    return result, notes
