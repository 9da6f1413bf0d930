"""The rows of `dissectbench faithfulness`: for its table, its file, and what is missing in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboards.faithfulness import describe_presence
from metrics.faithfulness_scores import REPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leaderboards.faithfulness import FaithfulnessSet
    from leaderboards.record import Record


def rows_of(record: Record, measured: FaithfulnessSet) -> list[dict[str, Any]]:
    """Return a row of the file for each metric."""
    control = record.target.get("control")
    setting = measured.setting
    row = {
        "board": record.board,
        "method": record.method["name"],
        "key": record.key,
        "target": record.target["name"],
        "control": f"{control['name']} {control['seed']}" if control else "",
        "layer": record.target["layer"],
        "probe": record.probe["name"],
        "concepts": record.concepts["name"],
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

    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("method", style="bold", overflow="fold")
    shown.add_column("layer", overflow="fold")
    for column in ("n", "unknown", *names):
        shown.add_column(column, justify="right", overflow="fold")
    for start in range(0, len(rows), len(names)):
        first = rows[start]
        control = f" ({first['control']})" if first["control"] else ""
        shown.add_row(
            f"{first['method']} {first['key'][:6]}",
            f"{first['layer']}{control}",
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


def explain_empty(rows: Sequence[Mapping[str, Any]], images: str) -> str:
    """Return why no unit of a record is scored, with a hint; "" if some are.

    Args:
        rows: The record's rows.
        images: The folder with images of concepts; "" for none.
    """
    if any(row["n"] for row in rows):
        return ""
    first = rows[0]
    if not first["unknown"]:
        return (
            f"no unit is scored: their activations do not differ on {first['images']:,} "
            f"image{'' if first['images'] == 1 else 's'}\n"
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
