"""Fill pages in Markdown with records."""

from __future__ import annotations

import math
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGES = Path(__file__).with_name("pages")


class _Formatter(Formatter):
    """Format products and quotients of fields, and values as size, list, sentence or yes."""

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, str]:
        if field_name.isdigit():
            return int(field_name), ""
        if "*" not in field_name and "/" not in field_name:
            return super().get_field(field_name, args, kwargs)  # type: ignore[no-any-return]
        above, *below = field_name.split("/")
        value = math.prod(self.get_field(name, args, kwargs)[0] for name in above.split("*"))
        for name in below:
            value /= max(self.get_field(name, args, kwargs)[0], 1e-9)
        return value, ""

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            raise TypeError("no value to format")
        if format_spec.startswith("size"):
            return size(value, int(format_spec[4:] or 0))
        if format_spec == "list":
            return ", ".join(value)
        if format_spec == "sentence":
            return str(value[:1].upper() + value[1:])
        return ("no", "yes")[value] if format_spec == "yes" else format(value, format_spec)


def fill(name: str, record: Mapping[str, Any]) -> str:
    """Fill the template `pages/<name>.md` with a record; join the lines of each paragraph.

    The last line of a table may be `name: | {a} | {b:.2f} |`: it is repeated for the rows in the
    field `name`, with a dash in cells whose value is missing. A table without rows is left out.
    """
    blocks = []
    for block in (PAGES / f"{name}.md").read_text(encoding="utf-8").strip().split("\n\n"):
        head, _, last = block.rpartition("\n")
        if block[0] == "|" and last[0] != "|":
            field, _, cells = last.partition(": ")
            columns = cells.strip("| ").split(" | ")
            lines = [" | ".join(_cell(column, row) for column in columns) for row in record[field]]
            block = "\n".join([_Formatter().format(head, **record), *(f"| {x} |" for x in lines)])
            if not lines:
                continue
        else:
            text = block if block[0] in "|-" else block.replace("\n", " ")
            block = _Formatter().format(text, **record)
        blocks.append(block)
    return "\n\n".join(blocks) + "\n"


def _cell(template: str, row: Mapping[str, Any]) -> str:
    try:
        return _Formatter().format(template, **row)
    except (KeyError, TypeError):
        return "—"


def size(count: float, digits: int = 0) -> str:
    """Return bytes as GB or MB."""
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.{digits}f} MB"
