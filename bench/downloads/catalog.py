"""The catalog of `dissectbench fetch`, read from catalog.yaml."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bench.downloads.entry import Download, Packages
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE = Path(__file__).with_name("catalog.yaml")


def _entry(name: str, fields: dict[str, Any]) -> Download:
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    if packages := plain.pop("packages", None):
        plain["packages"] = Packages(tuple(packages["wheels"].items()), packages["root"])
    return Download(name=name, **plain)


def _read() -> dict[str, tuple[Download, ...]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded = yaml.load(_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506  (a safe loader)
    del loaded["shared"]
    return {
        heading: tuple(_entry(name, fields) for name, fields in entries.items())
        for heading, entries in loaded.items()
    }


HEADINGS = _read()
"""All entries by kind, in the order of the list."""

ENTRIES = tuple(entry for entries in HEADINGS.values() for entry in entries)
BY_NAME = {entry.name: entry for entry in ENTRIES}

TORCHVISION = {
    f"{entry.name.removesuffix('_imagenet')}/IMAGENET1K_V1": entry
    for entry in ENTRIES
    if entry.group == "imagenet_networks"
}
"""torchvision's own weights by "architecture/name of the weights"."""


def choose(words: Sequence[str]) -> list[Download]:
    """Return the entries of names, groups ("paper") and patterns ("broden1_*").

    Returns:
        Each entry once, in the order of the request.

    Raises:
        UserError: A word matches no entry.
    """
    chosen: dict[str, Download] = {}
    for word in words:
        key = word.strip().lower().replace("-", "_")
        matches = [e for e in ENTRIES if key == e.group or fnmatchcase(e.name, key)]
        if key in BY_NAME:
            matches = [BY_NAME[key]]
        if not matches:
            groups = sorted({entry.group for entry in ENTRIES if entry.group})
            raise UserError(
                f"unknown download {word!r}",
                where="NAME",
                valid=nearest(key, [*BY_NAME, *groups]),
                hint="`dissectbench fetch --list` lists all",
            )
        chosen |= {entry.name: entry for entry in matches}
    return list(chosen.values())
