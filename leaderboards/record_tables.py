"""The tables of a record: descriptions and units, their columns, bytes and hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.files import (
    csv_bytes,
    gzip_bytes,
    read_csv_gz,
    sha256_unpacked,
    shorten_floats,
    write_bytes,
)
from leaderboards.record import RecordError, slug
from leaderboards.stability import STABILITY_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

DESCRIPTIONS = "descriptions.csv.gz"
WORD_SETS = "word_sets.csv.gz"
"""Number of words in each unit's set, by methods whose answers are sets."""
_DESCRIPTION_TYPES = {"unit": "int64", "rank": "int64", "label": "str", "score": "float32"}
_UNIT_TYPES = {
    "unit": "int64",
    "truth": "str",
    "label": "str",
    "score": "float32",
    "truth_rank": "float64",
    "truth_score": "float32",
}


def description_bytes(table: pd.DataFrame) -> bytes:
    """Return the file of a table of descriptions: unit, rank, label, score.

    Raises:
        RecordError: A column is missing.
    """
    return _table_bytes(table, _DESCRIPTION_TYPES, DESCRIPTIONS)


def unit_bytes(table: pd.DataFrame, name: str) -> bytes:
    """Return the file of a table of units.

    Args:
        table: Columns unit, truth, label, score, truth_rank, truth_score, and one per metric.
        name: Name of the file, for messages.

    Raises:
        RecordError: A column is missing.
    """
    return _table_bytes(table, _UNIT_TYPES, name)


def _table_bytes(table: pd.DataFrame, dtypes: Mapping[str, str], name: str) -> bytes:
    missing = [column for column in dtypes if column not in table.columns]
    if missing:
        raise RecordError(f"{name}: the table has no column {', '.join(missing)}")
    narrow = [column for column, dtype in dtypes.items() if dtype == "float32"]
    return gzip_bytes(csv_bytes(shorten_floats(table, narrow)))


def read_descriptions(folder: Path) -> pd.DataFrame:
    """Read a record's labels: unit (int), rank (int, 1 = best), label (text), score (float).

    Raises:
        RecordError: The file is missing, damaged, or has another layout.
    """
    return read_csv_gz(folder / DESCRIPTIONS, _DESCRIPTION_TYPES)


def read_set_sizes(folder: Path, units: int) -> list[int] | None:
    """Read how many words the set of each unit has; None if the method does not answer in sets.

    Raises:
        RecordError: The file is damaged, or has another layout.
    """
    if not (folder / WORD_SETS).is_file():
        return None
    table = read_csv_gz(folder / WORD_SETS, {"unit": "int64", "words": "int64"})
    if list(table["unit"]) != list(range(units)):
        raise RecordError(f"{WORD_SETS}: units are not 0, 1, ..., {units - 1}")
    return [int(words) for words in table["words"]]


def read_units(folder: Path, skey: str, *, exact: bool = False) -> pd.DataFrame:
    """Read the table of units of one scores file; the label of a unit without one is "".

    Args:
        folder: The record's folder.
        skey: Key of the scores.
        exact: Read all digits of scores, of which older files have more than float32 holds.

    Raises:
        RecordError: The file is missing, damaged, or has another layout.
    """
    types = _UNIT_TYPES | ({"score": "float64"} if exact else {})
    return read_csv_gz(units_path(folder, skey), types)


def units_path(folder: Path, skey: str) -> Path:
    """Return the file of the table of units of one scores file."""
    return folder / "scores" / f"{slug(skey, 'scores key')}.units.csv.gz"


def shorten_scores(path: Path) -> None:
    """Write the scores of a table of an older release as float32, and keep all other text.

    Raises:
        RecordError: The table is unreadable or damaged.
    """
    columns = ("score", "truth_score")
    table = read_csv_gz(path, dict.fromkeys(("unit", "label", "score"), "str"), as_text=True)
    numbers = table.reindex(columns=[name for name in columns if name in table])
    short = shorten_floats(numbers.replace("", "nan").astype("float64"), columns)
    texts = {str(name): short[name].map(repr).replace("nan", "") for name in short}
    write_bytes(path, gzip_bytes(csv_bytes(table.assign(**texts))))


def hash_tables(folder: Path) -> dict[str, str]:
    """Return the sha256 of a record's tables of labels by file, unpacked.

    The table of stability is left out: it may be measured at any time after the labels.

    Raises:
        RecordError: A table is unreadable or damaged.
    """
    paths = sorted(folder.glob("[!.]*.csv.gz"))
    return {path.name: sha256_unpacked(path) for path in paths if path.name != STABILITY_UNITS}
