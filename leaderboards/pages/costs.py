"""The page costs.md: time and memory, one section per hardware."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.costs import MARKS
from leaderboards.pages.markdown import escape, quoted, table
from leaderboards.pages.numbers import show_bytes, show_seconds
from leaderboards.pages.provenance import provenance
from leaderboards.timings import PHASES

if TYPE_CHECKING:
    from leaderboards.board import Board

_INTRODUCTION = """\
Times of different hardware stand in different tables and are never ranked together. Unlike the
score tables this page changes whenever a cell is timed again.

- **cold total**: what the cell takes from an empty cache: its own phases, and for evidence that
  came from the cache what it took to make; missing where that was on other hardware.
- **match per unit**: the method's own work alone, over the units of the layer. Evidence (images
  through the network and the encoder, embeddings of the concepts) is shared by all methods.
- **gather**, **segment**, **exemplars**, **text**, **match**, **score**: time of each phase in this
  run; `*` where its result came from the cache."""


_NOT_TIMED = """\
These cells have labels, but no timing. The command times them, in the working folder of their first
run and with its `results=`."""


def costs_page(board: Board) -> str:
    """Return costs.md: tables per hardware and layer, fast matching of a condition first."""
    made = provenance(board).removesuffix(".")
    parts = [
        f"# Time and memory: {escape(board.name)}",
        f"{made} and timing set `{board.timing_hash[:16]}`. Unrounded: [costs.csv](costs.csv).",
        _INTRODUCTION,
    ]
    shown = {mark for marks in board.costs["marks"] for mark in marks.split()}
    if shown:
        marks = (f"- ({mark}): {MARKS[mark]}." for mark in sorted(shown))
        parts.append("\n".join(["Marks in the column *runs*:\n", *marks]))
    if board.costs.empty:
        parts.append("No timings are recorded.")
    for (hardware, device), group in board.costs.groupby(["hardware", "device"], sort=True):
        parts.append(f"## {escape(str(hardware))} ({escape(str(device))})")
        for (target, layer), rows in group.groupby(["target", "layer"], sort=True):
            parts += [f"### {escape(f'{target}, {layer}')}", *_tables(rows)]
    parts += _untimed(board)
    return "\n\n".join(parts) + "\n"


def _untimed(board: Board) -> list[str]:
    """Return the section on cells without a timing, by the command that times them."""
    if not board.untimed:
        return []
    parts = ["## Not timed", _NOT_TIMED]
    for command, cells in groupby(board.untimed, key=lambda one: one.command):
        lines = [f"- {escape(one.label)} on {escape(one.where, 200)}" for one in cells]
        parts += [quoted(command, 2_000), "\n".join(lines)]
    return parts


def _tables(rows: pd.DataFrame) -> list[str]:
    """Return a table of totals and one of phases."""
    gpu = bool(rows["peak_device_bytes"].notna().any())
    phases = [name for name in PHASES if bool(rows[f"{name}_s"].notna().any())]
    header = ["method", "probe set × concepts"]
    memory = "peak memory (GPU)" if gpu else "peak memory"
    totals, parts = [], []
    for row in rows.to_dict("records"):
        names = [escape(str(row["method"])), escape(f"{row['probe']} × {row['concepts']}")]
        marks = f" ({', '.join(str(row['marks']).split())})" if row["marks"] else ""
        peak = show_bytes(row["peak_host_bytes"])
        peak += f" ({show_bytes(row['peak_device_bytes'])})" if gpu else ""
        counts = [_count(row["units"]), _count(row["repeats"]) + marks]
        times = [show_seconds(row["cold_total_s"]), show_seconds(row["match_per_unit_s"])]
        totals.append([*names, *counts, *times, peak])
        parts.append([*names, *(_phase(row, name) for name in phases)])
    columns = ["units", "runs", "cold total", "match per unit", memory]
    return [table([*header, *columns], totals), table([*header, *phases], parts, keys=2)]


def _phase(row: dict[Any, Any], name: str) -> str:
    text = show_seconds(row[f"{name}_s"]) + ("\\*" if name in str(row["cached"]).split() else "")
    if name == "match" and pd.notna(row["match_min_s"]):
        text += f" [{show_seconds(row['match_min_s'])}, {show_seconds(row['match_max_s'])}]"
    return text


def _count(value: Any) -> str:
    return "—" if pd.isna(value) else str(int(value))
