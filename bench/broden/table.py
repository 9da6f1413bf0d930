"""The CSV files of a tree, row by row; what is wrong with one is named by its line."""

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
        file: Where it lies.
        columns: Names in its first row.
        text: The whole file.
    """

    file: Path
    columns: tuple[str, ...]
    text: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Go through the rows below the first.

        Yields:
            The line on which a row ends, from 1, and its cells, one a column. Blank lines are
            passed over.

        Raises:
            UserError: A row has too few or too many cells, or is no CSV.
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
                        f"this row has {len(cells)} cells, the first row has {width}",
                        where=f"{self.file}:{reader.line_num}",
                        hint="the file may be cut short; unpack or write it again",
                    )
                yield reader.line_num, cells
        except csv.Error as error:
            raise UserError(
                f"this row is no CSV: {error}",
                where=f"{self.file}:{reader.line_num}",
                hint="unpack or write the file again",
            ) from error

    def positions(self, *names: str) -> tuple[int, ...]:
        """Where columns stand in a row's cells.

        Raises:
            UserError: One of them is missing.
        """
        for name in names:
            if name not in self.columns:
                raise UserError(
                    f"there is no column {name!r}",
                    where=f"{self.file}:1",
                    valid=nearest(name, self.columns),
                    hint=f"its columns must be: {', '.join(names)}",
                )
        return tuple(self.columns.index(name) for name in names)

    def fault(
        self, what: str, line: int, *, valid: Sequence[str] = (), hint: str = ""
    ) -> UserError:
        """An error about one line of this file."""
        return UserError(what, where=f"{self.file}:{line}", valid=valid, hint=hint)

    def whole(self, cell: str, column: str, line: int, least: int = 0) -> int:
        """A cell as a whole number.

        Raises:
            UserError: It is none, or below `least`.
        """
        try:
            value = int(cell)
        except ValueError:
            value = least - 1
        if value < least:
            raise self.fault(
                f"{column} is {cell!r}, not a whole number from {least}",
                line,
                hint=f"write the {column} as digits",
            )
        return value

    def share(self, cell: str, column: str, line: int) -> float:
        """A cell as a number from 0.

        Raises:
            UserError: It is none.
        """
        try:
            value = float(cell)
        except ValueError:
            value = -1.0
        if not value >= 0:  # NaN is refused as well
            raise self.fault(
                f"{column} is {cell!r}, not a number from 0",
                line,
                hint=f"write the {column} as a number",
            )
        return value


def read_table(file: Path) -> Table:
    """Read a CSV file of a tree.

    Raises:
        UserError: It is missing, empty, no UTF-8 text, or names a column twice.
    """
    if not file.is_file():
        others = [other.name for other in file.parent.glob("*.csv")]
        raise UserError(
            f"there is no {file.name} in {file.parent}",
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
        raise UserError(
            f"the column {twice!r} stands there twice", where=f"{file}:1", hint="rename one"
        )
    return Table(file, columns, text)


@contextmanager
def write_table(file: Path, columns: Sequence[str]) -> Iterator[Callable[[Iterable[object]], Any]]:
    """Write a CSV file of a tree.

    Yields:
        A function that writes one row; numbers are written so that they read back exactly.
    """
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(columns)
        yield writer.writerow
