"""The catalog of `dissectbench fetch`.

Sizes and hashes are those that somebody published; unpublished ones are None and are recorded at
the first download. Addresses are those of the publishers' own pages and scripts.
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
"""All entries by kind, in the order of the list."""

ENTRIES: tuple[Download, ...] = tuple(entry for kind in HEADINGS.values() for entry in kind)
BY_NAME = {entry.name: entry for entry in ENTRIES}


def choose(words: Sequence[str]) -> list[Download]:
    """Return the entries of names, groups ("paper") and patterns ("broden1_*").

    Returns:
        Each entry once, in the order of the request.

    Raises:
        UserError: A word matches no entry.
    """
    chosen: dict[str, Download] = {}
    groups = sorted({entry.group for entry in ENTRIES if entry.group})
    for word in words:
        key = word.strip().lower().replace("-", "_")
        matches = [e for e in ENTRIES if e.name == key]
        matches = matches or [e for e in ENTRIES if key == e.group or fnmatchcase(e.name, key)]
        if not matches:
            raise UserError(
                f"unknown download {word!r}",
                where="NAME",
                valid=nearest(key, [*BY_NAME, *groups]),
                hint="`dissectbench fetch --list` lists all",
            )
        chosen |= {entry.name: entry for entry in matches}
    return list(chosen.values())
