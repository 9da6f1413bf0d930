"""Publications that a method, a network, a data set or a judge is cited by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FILE = Path(__file__).with_name("references.bib")
_ENTRY = re.compile(r"^@\w+\{([^,]+),\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_KEYWORDS = re.compile(r"^  keywords = \{(.*?)\},\n", re.MULTILINE | re.DOTALL)
_EPRINT = re.compile(r"^  eprint = \{(.*?)\},\n", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """An entry of the bibliography.

    Attributes:
        key: Its BibTeX key.
        entry: Its BibTeX text.
        patterns: Parts that cite it, as shell patterns of "role:word" in lower case.
        arxiv: Its arXiv number; empty for none.
    """

    key: str
    entry: str
    patterns: tuple[str, ...]
    arxiv: str

    def is_of(self, role: str, words: Iterable[str]) -> bool:
        """Return whether a part with some words cites it."""
        names = [f"{role}:{word.lower()}" for word in words]
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.patterns)


@cache
def load_references() -> tuple[Reference, ...]:
    """Return all entries of references.bib, in its order."""
    found = []
    for match in _ENTRY.finditer(_FILE.read_text(encoding="utf-8")):
        keywords, arxiv = _KEYWORDS.search(match[0]), _EPRINT.search(match[0])
        patterns = tuple(keywords[1].replace("\n", " ").split(",")) if keywords else ()
        found.append(
            Reference(
                match[1],
                _KEYWORDS.sub("", match[0]),
                tuple(pattern.strip() for pattern in patterns),
                arxiv[1] if arxiv else "",
            )
        )
    return tuple(found)


def cite_part(role: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys that a part of a record cites.

    Args:
        role: "target", "probe", "concepts", "encoder", "judge", ...
        part: Its name and parameters; the names of files and of inner parts count as well.
    """
    words = list(_words([part.get("name"), part.get("params")]))
    return tuple(one.key for one in load_references() if one.is_of(role, words))


def cite_method(method: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of the publications in a method's source; without any, those of its name."""
    source = str(method.get("source", ""))
    named = tuple(one.key for one in load_references() if one.arxiv and one.arxiv in source)
    return named or cite_part("method", {"name": method.get("name")})


def bibliography(keys: Iterable[str]) -> str:
    """Return a BibTeX file with some entries."""
    wanted = set(keys)
    return "\n".join(one.entry for one in load_references() if one.key in wanted)


def _words(value: object) -> Iterator[str]:
    """Yield the texts in a value; of a path or "fetched:NAME", the last part."""
    if isinstance(value, str):
        yield re.split(r"[/\\:]", value)[-1]
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)
