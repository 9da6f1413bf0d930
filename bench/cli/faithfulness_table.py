"""The rows of `dissectbench faithfulness`: for its table, its file, and what is missing in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboards.cells import Cell
from leaderboards.faithfulness import describe_presence
from leaderboards.naming import name_cells
from metrics.faithfulness_scores import REPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.faithfulness import FaithfulnessSet
    from leaderboards.naming import NamedCell
    from leaderboards.record import Record


def table_rows(measured: Sequence[tuple[Record, FaithfulnessSet]]) -> list[dict[str, Any]]:
    """Return a row for each record and metric; names of rows and targets are those of boards."""
    cells = [Cell(record) for record, _ in measured]
    named = {named.cell.record.key: named for named in name_cells(cells)}
    return [
        row for record, scores in measured for row in _rows_of(record, scores, named[record.key])
    ]


def _rows_of(record: Record, measured: FaithfulnessSet, named: NamedCell) -> list[dict[str, Any]]:
    control = record.target.get("control")
    setting = measured.setting
    row = {
        "board": record.board,
        "row": named.row,
        "method": record.method["name"],
        "key": record.key,
        "target": named.condition.target,
        "control": f"{control['name']} {control['seed']}" if control else "",
        "layer": record.target["layer"],
        "probe": named.condition.probe,
        "concepts": named.condition.concepts,
        "images": setting["probe"]["n"],
        "alpha": setting["alpha"],
    }
    return [
        {
            **row,
            "metric": name,
            "value": score.value,
            "ci_low": score.ci_low,
            "ci_high": score.ci_high,
            "n": score.n,
            "n_unlabelled": score.n_unlabelled,
            "unknown": score.detail["unknown"],
            "chance": score.chance,
            "ceiling": score.ceiling,
            "p_shuffled": score.p_shuffled,
            "presence": describe_presence(setting),
            "circular": measured.circular,
            "reported": name in REPORTED,
        }
        for name, score in measured.scores.items()
    ]


def print_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print a line for each record; its rows follow one another, one for each metric."""
    from rich.table import Table

    from bench.cli.console import Console

    several = len({row["target"] for row in rows}) > 1
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("method", style="bold")
    shown.add_column("target, layer" if several else "layer")
    for column in ("n", "unknown", *names):
        shown.add_column(column, justify="right", overflow="fold")
    for start in range(0, len(rows), len(names)):
        first = rows[start]
        shown.add_row(
            first["row"],
            f"{first['target']}, {first['layer']}" if several else first["layer"],
            str(first["n"]),
            str(first["unknown"]),
            *map(_cell, rows[start : start + len(names)]),
        )
    console = Console()
    console.print(shown, markup=False)
    console.print("\n* better than the same labels in random order (p < 0.05)", markup=False)


def _cell(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return ""
    return f"{row['value']:.3f}{'*' if row['p_shuffled'] < 0.05 else ' '}"


def explain_empty(measured: FaithfulnessSet, images: str) -> str:
    """Return why no unit of a record is scored, with a hint; "" if some are.

    Args:
        measured: The record's scores.
        images: The folder with images of concepts; "" for none.
    """
    scores = measured.scores.values()
    if any(score.n for score in scores):
        return ""
    if not any(score.detail["unknown"] for score in scores):
        number = measured.setting["probe"]["n"]
        return (
            f"no unit is scored: their activations do not differ on {number:,} "
            f"image{'' if number == 1 else 's'}\n"
            "  hint: choose more images: probe.params.size=..."
        )
    if images:
        return (
            f"no unit is scored: no folder in {images} has the name of a label\n"
            "  hint: name folders as in the record's descriptions.csv.gz"
        )
    return (
        "no unit is scored: the labels are not among the concepts that are known of these images\n"
        "  hint: choose images with masks or classes that the labels name, or let an image-text "
        "encoder judge: judge=ENCODER"
    )
