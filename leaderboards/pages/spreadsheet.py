"""Tables for spreadsheets, which evaluate texts that look like formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "@", "+", "-", "\t", "\r", "\n", "＝", "＠", "＋", "－")
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Characters that a terminal obeys, and those that reverse the order of a text."""


def escape_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose texts a spreadsheet does not evaluate and a terminal does not obey.

    Texts that look like formulas get an apostrophe before them (OWASP, CSV injection); control
    characters become U+FFFD.
    """
    texts = table.select_dtypes(include=["object", "string"])
    return table.assign(**{str(name): texts[name].map(_escape) for name in texts})


def _escape(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    plain = _CONTROLS.sub("\ufffd", cell)
    return f"'{plain}" if plain.startswith(_FORMULA_STARTS) else plain
