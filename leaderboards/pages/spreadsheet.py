"""Tables for spreadsheets, which evaluate texts that look like formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "@", "+", "-", "\t", "\r", "\n")


def escape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before each text that a spreadsheet would evaluate (OWASP, CSV injection).

    Returns:
        A copy.
    """
    texts = table.select_dtypes(include=["object", "string"])
    return table.assign(**{str(name): texts[name].map(_escape) for name in texts})


def _escape(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
