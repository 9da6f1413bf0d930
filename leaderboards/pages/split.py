"""Split long pages into several files, which web sites show in full."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE_BYTES = 200_000
"""Greatest size of a page."""

_ROOM = 20_000
"""Bytes left for headings that are repeated and links between pages."""

_ANCHOR = re.compile(r'<a id="([^"]+)">')
PART = re.compile(r"(README|board|labels|costs)-\d+\.md")
"""Names of the pages after a first one."""


def split_page(name: str, page: str, *, whole_bytes: int = PAGE_BYTES) -> dict[str, str]:
    """Return a page as one file, or as several where it is too long.

    Pages end between paragraphs, and a table that is longer than a page between its rows, with its
    header repeated. Each page repeats the headings that it continues, and links to the others.

    Args:
        name: File name of the page, such as "board.md".
        page: Markdown, with blank lines between paragraphs.
        whole_bytes: Greatest size of a page that is not split, where this is more.

    Returns:
        Pages by file name, the first one under `name`.
    """
    if _size(page) <= whole_bytes:
        return {name: page}
    pages: list[list[str]] = [[]]
    headings: list[str] = []
    room = PAGE_BYTES - _ROOM
    for block in _blocks(page, room // 2):
        if sum(_size(one) + 2 for one in pages[-1]) + _size(block) > room:
            carried = _last_headings(pages[-1])
            pages.append(
                [f"{heading} (continued)" for heading in headings if heading not in carried]
            )
            pages[-1] += carried
        pages[-1].append(block)
        if level := _level(block):
            headings = [*(one for one in headings if _level(one) < level), block]
    stem = PurePath(name).stem
    names = [name, *(f"{stem}-{number}.md" for number in range(2, len(pages) + 1))]
    places = {
        anchor: own
        for own, blocks in zip(names, pages, strict=True)
        for block in blocks
        for anchor in _ANCHOR.findall(block)
    }
    return {
        own: _with_links(blocks, own, names, places)
        for own, blocks in zip(names, pages, strict=True)
    }


def _blocks(page: str, limit: int) -> Iterator[str]:
    """Yield the paragraphs of a page; those above the limit in pieces of whole lines."""
    for block in page.rstrip("\n").split("\n\n"):
        lines = block.split("\n")
        header = lines[:2] if block.startswith("|") else []
        piece: list[str] = []
        for line in lines:
            if piece and sum(_size(one) + 1 for one in piece) + _size(line) > limit:
                yield "\n".join(piece)
                piece = [*header]
            piece.append(line)
        yield "\n".join(piece)


def _last_headings(blocks: list[str]) -> list[str]:
    """Take headings without a text below them, and their anchors, from the end of a page."""
    last = list(takewhile(lambda block: _level(block) or _ANCHOR.match(block), reversed(blocks)))
    del blocks[len(blocks) - len(last) :]
    return last[::-1]


def _with_links(
    blocks: Sequence[str], own: str, names: Sequence[str], places: dict[str, str]
) -> str:
    """Join a page: links to the other pages below its title, and to anchors on other pages."""
    numbered = [
        f"**{number}**" if name == own else f"[{number}]({name})"
        for number, name in enumerate(names, start=1)
    ]
    text = "\n\n".join([blocks[0], f"Pages: {' '.join(numbered)}", *blocks[1:]]) + "\n"
    for anchor, place in places.items():
        if place != own:
            text = text.replace(f"](#{anchor})", f"]({place}#{anchor})")
    return text


def _level(block: str) -> int:
    """Return the level of a heading; 0 for another paragraph."""
    return len(block) - len(block.lstrip("#")) if "\n" not in block else 0


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
