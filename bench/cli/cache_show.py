"""Cache entries on a terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from bench.cli.cache_text import differences, flat, made_in, rows, what
from bench.cli.units import show_size, show_span
from bench.evidence.chunks import is_sound, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from bench.evidence.inventory import Kept

SHORT = 8
"""Digits of a key in a table; more where two entries share them."""

_STYLES = {"complete": "green", "begun": "yellow", "damaged": "red"}


def print_kind(console: Console, kind: str, found: Sequence[Kept]) -> None:
    """Print the entries of one kind as a table."""
    title = f"{kind} ({show_size(sum(kept.size for kept in found))})"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("key", style="bold", no_wrap=True)
    table.add_column("what", overflow="fold")
    for name in ("rows", "size", "last used", "made in"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    beginnings = Counter(kept.key[:SHORT] for kept in found)
    now = time.time()
    for kept in found:
        count, seconds = rows(kept), made_in(kept)
        table.add_row(
            kept.key[: SHORT if beginnings[kept.key[:SHORT]] == 1 else 2 * SHORT],
            Text(what(kept)),
            "—" if count is None else f"{count:,}",
            show_size(kept.size),
            f"{show_span(max(0.0, now - kept.used))} ago",
            "—" if seconds is None else show_span(seconds),
            Text(kept.state, style=_STYLES[kept.state]),
        )
    console.print(table, markup=False)
    console.print()


def print_entry(console: Console, kept: Kept) -> None:
    """Print all that is known of one entry; its chunks' bytes are checked."""
    checked = _check(kept)
    state = kept.state
    if state == "complete" and any(verdict != "sound" for _, _, verdict in checked):
        state = "damaged"
    tree = Tree(Text(f"{kept.kind} {kept.key}", style="bold"))
    head = f"{state}, {show_size(kept.size)}, last used {show_span(time.time() - kept.used)} ago"
    tree.add(Text(head, style=_STYLES[state]))
    tree.add(Text(str(kept.folder), style="dim"))
    manifest = kept.manifest or {}
    for facts, title in ((kept.parts, "key parts"), (manifest.get("meta"), "facts")):
        if facts:
            _grow(tree.add(title), facts)
    _add_cost(tree, manifest.get("cost", {}))
    chunks = tree.add(f"chunks ({len(checked)})")
    for name, shape, verdict in checked:
        style = "" if verdict == "sound" else "red"
        chunks.add(Text(f"{name}  {shape}  {verdict}", style=style))
    console.print(tree)


def print_differences(console: Console, one: Kept, other: Kept) -> None:
    """Print the key parts in which two entries differ."""
    assert one.parts
    assert other.parts
    found = differences(one.parts, other.parts)
    table = Table(box=None, pad_edge=False)
    table.add_column("part", style="bold", overflow="fold")
    table.add_column(one.key[:SHORT], overflow="fold")
    table.add_column(other.key[:SHORT], overflow="fold")
    for row in found:
        table.add_row(*map(Text, row))
    if found:
        console.print(table, markup=False)
    names = flat(one.parts).keys() | flat(other.parts).keys()
    console.print(f"{len(found)} parts differ, {len(names) - len(found)} are equal", style="dim")


def _grow(branch: Tree, value: Mapping[str, Any]) -> None:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            _grow(branch.add(Text(name)), inner)
        else:
            branch.add(Text(f"{name}: {flat(inner)['']}"))


def _add_cost(tree: Tree, cost: Mapping[str, Any]) -> None:
    phases = cost.get("phases")
    if not phases:
        return
    share = "" if cost.get("complete", True) else "; it finished what an interrupted run began"
    branch = tree.add(Text(f"cost (of the whole pass {str(cost.get('pass', ''))[:SHORT]}{share})"))
    for phase in phases:
        seconds = phase.get("wall_s")
        wall = "—" if seconds is None else show_span(seconds)
        branch.add(Text(f"{phase.get('name')}: {wall}, {phase.get('items')} items"))
    hardware = {k: v for k, v in dict(cost.get("hardware", {})).items() if v is not None}
    branch.add(Text(", ".join(f"{name} {value}" for name, value in hardware.items())))


def _check(kept: Kept) -> list[tuple[str, str, str]]:
    """(name, shape, verdict) of each chunk."""
    if not kept.manifest:
        return [(_name(file), "", _verdict(file)) for file in kept.chunk_files]
    found = []
    for chunk in kept.manifest["chunks"]:
        file = kept.folder / chunk["file"]
        shape = " x ".join(str(size) for size in chunk.get("shape", ()))
        found.append((_name(file), shape, _verdict(file)))
    return found


def _name(file: Path) -> str:
    return f"{number_of(file):06d}"


def _verdict(file: Path) -> str:
    if not file.exists():
        return "gone"
    return "sound" if is_sound(file) else "damaged: its bytes changed"
