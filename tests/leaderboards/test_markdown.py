from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboards.pages.markdown import clean, escape, quoted, table
from leaderboards.pages.numbers import show, show_interval
from metrics.catalog import metric_of


@given(st.text())
def test_escaped_text_can_neither_end_a_cell_nor_open_a_tag(text: str) -> None:
    safe = escape(text)
    assert "<" not in safe
    assert "\n" not in safe
    assert not re.search(r"(?<!\\)(\\\\)*[|`*\[\]$]", safe)
    assert quoted(text).count("`") == 2


def test_ordinary_names_stay_readable() -> None:
    assert escape("clip_dissect soft_wpmi") == "clip_dissect soft_wpmi"
    assert escape("_x_ a|b") == r"\_x\_ a\|b"
    assert clean("a\u202eb\tc\n") == "a b c"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000"), (1.0, "1.000"), (0.9999, ">0.999"), (5e-5, "<0.001"), (0.9474, "0.947"),
     (None, "—"), (-0.25, "-0.250"), (1.2, "1.200")],
)  # fmt: skip
def test_rounding_never_reaches_the_ends(value: float | None, text: str) -> None:
    assert show(value, "fraction") == text


def test_interval_and_kinds() -> None:
    assert show_interval(0.8712, 0.9849, "fraction") == "[0.87, 0.98]"
    assert show_interval(None, 0.5, "fraction") == ""
    assert show(12.34, "rank") == "12.3"
    assert show(41.0, "count") == "41"
    assert metric_of("lexical_match[unseen]").title == "lexical match, unseen names"


def test_table_is_aligned_as_text() -> None:
    lines = table(["", "value"], [["a", "1.000"], ["longer", "0.5"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "| :----- | ----: |"


def test_wide_table_is_not_padded() -> None:
    lines = table(["", "value"], [["a", "x"], ["a" * 120, "y"]]).splitlines()
    assert lines == ["|     | value |", "| :-- | --: |", "| a   |   x |", f"| {'a' * 120} |   y |"]


def test_wide_table_is_split_into_balanced_ones_that_repeat_the_keys() -> None:
    header = ["unit", "name", *(f"c{number}" for number in range(12))]
    rows = [
        ["0", "a", *"123456789", "x", "y", "z"],
        ["1", "b", "—", "", "—", "—", *"5678", *"9xyz"],
    ]
    tables = table(header, rows, keys=2).split("\n\n")
    heads = [[cell.strip() for cell in one.split("\n")[0].strip("|").split("|")] for one in tables]
    assert [head[:2] for head in heads] == [["unit", "name"]] * 3
    assert [head[2:] for head in heads] == [header[2:6], header[6:10], header[10:]]
    # The second row has no value in the first table.
    assert [one.count("\n") for one in tables] == [2, 3, 3]
    assert "| 0" in tables[0]
    assert table(["", *"abcdef"], [list("1234567")]).count("\n") == 2
