"""Print cache entries on a terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from bench.cli.cache_text import describe, differences, flatten, seconds_to_make
from bench.cli.units import show_size, show_span
from bench.evidence.entry_files import chunk_number, is_intact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from bench.evidence.inventory import EntryInfo

SHORT = 8
"""Digits of a key in a table; more where two entries share them."""

_STYLES = {"complete": "green", "begun": "yellow", "damaged": "red"}


def print_kind(console: Console, kind: str, entries: Sequence[EntryInfo]) -> None:
    """Print the entries of one kind as a table."""
    title = f"{kind} ({show_size(sum(entry.size for entry in entries))})"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("key", style="bold", no_wrap=True)
    table.add_column("what", overflow="fold")
    for name in ("rows", "size", "last used", "made in"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    prefixes = Counter(entry.key[:SHORT] for entry in entries)
    now = time.time()
    for entry in entries:
        seconds = seconds_to_make(entry)
        table.add_row(
            entry.key[: SHORT if prefixes[entry.key[:SHORT]] == 1 else 2 * SHORT],
            Text(describe(entry)),
            f"{int(entry.parts['n']):,}" if entry.parts else "—",
            show_size(entry.size),
            f"{show_span(max(0.0, now - entry.used))} ago",
            "—" if seconds is None else show_span(seconds),
            Text(entry.state, style=_STYLES[entry.state]),
        )
    console.print(table, markup=False)
    console.print()


def print_entry(console: Console, entry: EntryInfo) -> None:
    """Check the bytes of one entry's chunks, and print all that is known of it."""
    chunks = _check_chunks(entry)
    state = entry.state
    if state == "complete" and any(verdict != "sound" for _, _, verdict in chunks):
        state = "damaged"
    tree = Tree(Text(f"{entry.kind} {entry.key}", style="bold"))
    head = f"{state}, {show_size(entry.size)}, last used {show_span(time.time() - entry.used)} ago"
    tree.add(Text(head, style=_STYLES[state]))
    tree.add(Text(str(entry.folder), style="dim"))
    manifest = entry.manifest or {}
    for facts, title in ((entry.parts, "key parts"), (manifest.get("meta"), "facts")):
        if facts:
            _add_facts(tree.add(title), facts)
    _add_cost(tree, manifest.get("cost", {}))
    branch = tree.add(f"chunks ({len(chunks)})")
    for number, shape, verdict in chunks:
        style = "" if verdict == "sound" else "red"
        branch.add(Text(f"{number}  {shape}  {verdict}", style=style))
    console.print(tree)


def print_differences(console: Console, one: EntryInfo, other: EntryInfo) -> None:
    """Print the key parts in which two entries differ."""
    assert one.parts
    assert other.parts
    rows = differences(one.parts, other.parts)
    table = Table(box=None, pad_edge=False)
    table.add_column("part", style="bold", overflow="fold")
    table.add_column(one.key[:SHORT], overflow="fold")
    table.add_column(other.key[:SHORT], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    if rows:
        console.print(table, markup=False)
    names = flatten(one.parts).keys() | flatten(other.parts).keys()
    console.print(f"{len(rows)} parts differ, {len(names) - len(rows)} are equal", style="dim")


def _add_facts(branch: Tree, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            _add_facts(branch.add(Text(name)), value)
        else:
            branch.add(Text(f"{name}: {flatten(value)['']}"))


def _add_cost(tree: Tree, cost: Mapping[str, Any]) -> None:
    phases = cost.get("phases")
    if not phases:
        return
    share = "" if cost.get("complete", True) else "; it completed an interrupted run"
    branch = tree.add(Text(f"cost (of the whole pass {str(cost.get('pass', ''))[:SHORT]}{share})"))
    for phase in phases:
        seconds = phase.get("wall_s")
        wall = "—" if seconds is None else show_span(seconds)
        branch.add(Text(f"{phase.get('name')}: {wall}, {phase.get('items')} items"))
    hardware = {k: v for k, v in dict(cost.get("hardware", {})).items() if v is not None}
    branch.add(Text(", ".join(f"{name} {value}" for name, value in hardware.items())))


def _check_chunks(entry: EntryInfo) -> list[tuple[str, str, str]]:
    """Return (number, shape, verdict) of each chunk."""
    if entry.manifest:
        chunks = [
            (entry.folder / chunk["file"], " x ".join(map(str, chunk.get("shape", ()))))
            for chunk in entry.manifest["chunks"]
        ]
    else:
        chunks = [(file, "") for file in entry.chunk_files]
    return [(f"{chunk_number(file):06d}", shape, _verdict(file)) for file, shape in chunks]


def _verdict(file: Path) -> str:
    if not file.exists():
        return "missing"
    return "sound" if is_intact(file) else "damaged: its bytes changed"
