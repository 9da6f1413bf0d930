"""Read and write the CSV files of a tree; errors name the line."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.downloads.paths import read_text
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Table:
    """A CSV file of a tree.

    Attributes:
        file: The file.
        columns: Names in the header.
        text: Content of the file.
    """

    file: Path
    columns: tuple[str, ...]
    text: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Iterate over the rows below the header.

        Yields:
            The last line of a row, from 1, and its cells, one per column. Blank lines are skipped.

        Raises:
            UserError: A row has too few or too many cells, or is not valid CSV.
        """
        reader = csv.reader(io.StringIO(self.text))
        width = len(self.columns)
        try:
            next(reader)
            for cells in reader:
                if len(cells) != width:
                    if not cells:
                        continue
                    raise UserError(
                        f"{len(cells)} cells, but the header has {width}",
                        where=f"{self.file}:{reader.line_num}",
                        hint="the file may be truncated; unpack or write it again",
                    )
                yield reader.line_num, cells
        except csv.Error as error:
            raise UserError(
                f"invalid CSV: {error}",
                where=f"{self.file}:{reader.line_num}",
                hint="unpack or write the file again",
            ) from error

    def positions(self, *names: str) -> tuple[int, ...]:
        """Return the positions of columns in a row's cells.

        Raises:
            UserError: One of them is missing.
        """
        for name in names:
            if name not in self.columns:
                raise UserError(
                    f"no column {name!r}",
                    where=f"{self.file}:1",
                    valid=nearest(name, self.columns),
                    hint=f"required columns: {', '.join(names)}",
                )
        return tuple(self.columns.index(name) for name in names)

    def fault(
        self, what: str, line: int, *, valid: Sequence[str] = (), hint: str = ""
    ) -> UserError:
        """Return an error about one line of this file."""
        return UserError(what, where=f"{self.file}:{line}", valid=valid, hint=hint)

    def whole(self, cell: str, column: str, line: int, least: int = 0) -> int:
        """Parse a cell as a whole number.

        Raises:
            UserError: It is not an integer, or below `least`.
        """
        try:
            value = int(cell)
        except ValueError:
            value = least - 1
        if value < least:
            raise self.fault(
                f"{column} is {cell!r}, not an integer of at least {least}",
                line,
                hint=f"write the {column} as digits",
            )
        return value

    def share(self, cell: str, column: str, line: int) -> float:
        """Parse a cell as a non-negative number.

        Raises:
            UserError: It is not.
        """
        try:
            value = float(cell)
        except ValueError:
            value = -1.0
        if not value >= 0:  # also for NaN
            raise self.fault(
                f"{column} is {cell!r}, not a number of at least 0",
                line,
                hint=f"write the {column} as a number",
            )
        return value


def read_table(file: Path) -> Table:
    """Read a CSV file of a tree.

    Raises:
        UserError: It is missing, empty, not UTF-8, or has duplicate columns.
    """
    if not file.is_file():
        others = [other.name for other in file.parent.glob("*.csv")]
        raise UserError(
            f"no {file.name} in {file.parent}",
            where=str(file),
            valid=nearest(file.name, others),
            hint="unpack the whole tree (index.csv, label.csv, category.csv, c_*.csv, images/), "
            "or write one with `dissectbench export-broden`",
        )
    text = read_text(str(file), str(file))
    first = next(csv.reader(io.StringIO(text)), [])
    columns = tuple(name.strip() for name in first)
    if not columns:
        raise UserError("the file is empty", where=f"{file}:1", hint="unpack or write it again")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"duplicate column {twice!r}", where=f"{file}:1", hint="rename one of them")
    return Table(file, columns, text)


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
