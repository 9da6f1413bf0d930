"""Read and write the CSV files of a tree; errors name the line."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from bench.downloads.paths import read_text
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Table:
    """A CSV file of a tree: its header and its text."""

    file: Path
    columns: tuple[str, ...]
    text: str

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Iterate over the rows below the header.

        Args:
            names: Columns to return.

        Yields:
            The last line of a row, from 1, and its cells. Blank lines are skipped.

        Raises:
            UserError: A row has too few or too many cells, or is not valid CSV.
        """
        places = [self.columns.index(name) for name in names]
        width = len(self.columns)
        reader = csv.reader(io.StringIO(self.text))
        try:
            next(reader)
            for cells in reader:
                if len(cells) == width:
                    yield reader.line_num, [cells[place] for place in places]
                elif cells:
                    raise self.fault(
                        f"{len(cells)} cells, but the header has {width}",
                        reader.line_num,
                        "the file may be truncated; unpack or write it again",
                    )
        except csv.Error as error:
            hint = "unpack or write the file again"
            raise self.fault(f"invalid CSV: {error}", reader.line_num, hint) from error

    def fault(self, what: str, line: int, hint: str, valid: Sequence[str] = ()) -> UserError:
        """Return an error about one line of this file."""
        return UserError(what, where=f"{self.file}:{line}", valid=valid, hint=hint)

    def number(
        self, kind: type[_Number], cell: str, column: str, line: int, least: int = 0
    ) -> _Number:
        """Parse a cell as an int or a float.

        Raises:
            UserError: It is not a number, or below `least`.
        """
        try:
            value = kind(cell)
        except ValueError:
            value = kind(least - 1)
        if not value >= least:  # also for NaN
            what = "an integer" if kind is int else "a number"
            raise self.fault(
                f"{column} is {cell!r}, not {what} of at least {least}",
                line,
                f"write the {column} as {what}",
            )
        return value


def read_table(file: Path, required: Sequence[str]) -> Table:
    """Read a CSV file of a tree.

    Args:
        file: The file.
        required: Columns that it must have, among others.

    Raises:
        UserError: It is missing, empty, not UTF-8, or has missing or duplicate columns.
    """
    if not file.is_file():
        raise UserError(
            f"no {file.name} in {file.parent}",
            where=str(file),
            valid=nearest(file.name, [other.name for other in file.parent.glob("*.csv")]),
            hint="unpack the whole tree (index.csv, label.csv, category.csv, c_*.csv, images/), "
            "or write one with `dissectbench export-broden`",
        )
    text = read_text(str(file), str(file))
    first = next(csv.reader(io.StringIO(text)), [])
    table = Table(file, tuple(name.strip() for name in first), text)
    if not table.columns:
        raise table.fault("the file is empty", 1, "unpack or write it again")
    for name in table.columns:
        if table.columns.count(name) > 1:
            raise table.fault(f"duplicate column {name!r}", 1, "rename one of them")
    for name in required:
        if name not in table.columns:
            hint = f"required columns: {', '.join(required)}"
            raise table.fault(f"no column {name!r}", 1, hint, nearest(name, table.columns))
    return table


@contextmanager
def write_table(file: Path, columns: Sequence[str]) -> Iterator[Callable[[Iterable[object]], Any]]:
    """Write a CSV file of a tree.

    Yields:
        A function that writes one row; numbers round-trip exactly.
    """
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(columns)
        yield writer.writerow
