"""All that `dissectbench fetch` knows.

Nothing in the lists is guessed: a size or hash that nobody published is None, and is recorded at
the first download. Addresses are those that the publishers' own pages and scripts give.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bench.downloads.published.datasets import DATASETS
from bench.downloads.published.described import DESCRIBED
from bench.downloads.published.models import MODELS
from bench.downloads.published.networks import NETWORKS
from bench.downloads.published.words import WORDS
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.downloads.entry import Download

HEADINGS: dict[str, tuple[Download, ...]] = {
    "word lists": WORDS,
    "images and classes": DATASETS,
    "networks": NETWORKS,
    "encoders (Hugging Face hub)": MODELS,
    "described units": DESCRIBED,
}
"""All entries by kind, as they are listed."""

ENTRIES: tuple[Download, ...] = tuple(entry for kind in HEADINGS.values() for entry in kind)
BY_NAME = {entry.name: entry for entry in ENTRIES}


def choose(words: Sequence[str]) -> list[Download]:
    """The entries that names, groups ("paper") and patterns ("broden1_*") stand for.

    Returns:
        Each once, in the order in which they were asked for.

    Raises:
        UserError: A word stands for nothing.
    """
    chosen: dict[str, Download] = {}
    groups = sorted({entry.group for entry in ENTRIES if entry.group})
    for word in words:
        key = word.strip().lower().replace("-", "_")
        found = [e for e in ENTRIES if e.name == key]
        found = found or [e for e in ENTRIES if key == e.group or fnmatchcase(e.name, key)]
        if not found:
            raise UserError(
                f"there is nothing called {word!r} to fetch",
                where="NAME",
                valid=nearest(key, [*BY_NAME, *groups]),
                hint="`dissectbench fetch --list` lists all",
            )
        chosen |= {entry.name: entry for entry in found}
    return list(chosen.values())
