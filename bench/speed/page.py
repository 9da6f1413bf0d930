"""Tables and numbers of the pages, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed.benchmarks import hardware_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def fill(template: str, record: Mapping[str, Any], **more: Any) -> str:
    """Fill a page's template with the fields of a record, its hardware and further values.

    Each paragraph of the template becomes one line.
    """
    paragraphs = (" ".join(block.split("\n")) for block in template.strip().split("\n\n"))
    values = {**record, "where": hardware_title(record["hardware"]), **more}
    return "\n\n".join(paragraphs).format(**values) + "\n"


def table(header: Sequence[str], rows: Iterable[Iterable[object]], left: int = 1) -> str:
    """Return a Markdown table.

    Args:
        header: Titles of the columns.
        rows: Cells.
        left: Number of columns aligned to the left; the others are numbers.
    """
    rule = [":--"] * left + ["--:"] * (len(header) - left)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (header, rule, *rows))


def size(count: int | None, digits: int = 0) -> str:
    """Return bytes as GB or MB; a dash for None."""
    if count is None:
        return "—"
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.{digits}f} MB"


def number(value: Any, pattern: str = ",") -> str:
    """Return a formatted number; a dash for None."""
    return "—" if value is None else format(value, pattern)


def ratio(row: Mapping[str, Any], kind: str, ours: str = "ours", other: str = "plain") -> float:
    """Return how many times the cost of ours another side took.

    Args:
        row: With `<side>_<kind>`; costs are per unit if there is `<side>_units`.
        kind: "s" or "cpu_s".
        ours: Side below the line.
        other: Side above it.
    """
    cost = {side: row[f"{side}_{kind}"] / row.get(f"{side}_units", 1) for side in (ours, other)}
    return float(cost[other] / max(cost[ours], 1e-9))


COST_COLUMNS = ("plain loop", "ours", "ratio", "CPU plain", "ours", "ratio", "peak plain", "ours")


def cost_cells(row: Mapping[str, Any]) -> list[str]:
    """Return the cells of `COST_COLUMNS`; dashes if there is no plain loop."""
    cells = []
    for kind in ("s", "cpu_s"):
        ours, plain = row[f"ours_{kind}"], row[f"plain_{kind}"]
        if plain is None:
            cells += ["—", f"{ours:.2f} s", "—"]
        else:
            times = f"{ratio(row, kind):.1f}x"
            cells += [f"{plain:.2f} s", f"{ours:.2f} s", f"**{times}**" if kind == "s" else times]
    return [*cells, size(row["plain_bytes"]), size(row["ours_bytes"])]
