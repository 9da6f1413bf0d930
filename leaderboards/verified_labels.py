"""Whether a run here gives the labels that others handed in, in a file beside their record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from leaderboards.files import json_bytes, replace_file
from leaderboards.record import RecordError, read_json_object

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "verified.json"
_SCHEMA = 1
AGREEMENT = 0.95
"""Share of equal labels from which a board says "verified"."""


@dataclass(frozen=True)
class LabelVerification:
    """A comparison of first labels with those of a run here.

    Attributes:
        record: Key of the record of that run.
        equal: Units with the same first label.
        units: Units that were compared.
    """

    record: str
    equal: int
    units: int

    @property
    def share(self) -> float:
        """The share of equal labels."""
        return self.equal / self.units if self.units else 0.0

    @property
    def is_verified(self) -> bool:
        """Whether enough labels are equal."""
        return self.share >= AGREEMENT


def write_verification(folder: Path, found: LabelVerification) -> None:
    """Write the comparison beside a record, or replace it."""
    replace_file(folder / _FILE, json_bytes({"schema": _SCHEMA, **asdict(found)}))


def read_verification(folder: Path) -> LabelVerification | None:
    """Read the comparison of a record's labels; None where there is none.

    Raises:
        RecordError: The file is damaged, unreadable, or of a later version.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    data = read_json_object(path, _SCHEMA)
    equal, units = data.get("equal"), data.get("units")
    if type(equal) is not int or type(units) is not int or not 0 <= equal <= units:
        raise RecordError(f"{path}: {equal!r} of {units!r} is no number of equal labels")
    return LabelVerification(str(data.get("record")), equal, units)
