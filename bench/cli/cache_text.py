"""A cache entry in words: what it is of, its parts, and what tells two apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.evidence.inventory import Kept

_FIRST = ("target", "layer", "encoder", "probe", "texts", "record", "concepts")
"""Parts in the order of their reading; others follow."""

_PLAIN = frozenset({"kind", "layout", "extractor", "pooling", "precision", "n"})
"""Parts that are the same for most entries, or stand in a column of their own."""

_HASH = re.compile(r"[0-9a-f]{64}")

_SHORT = 8
"""Digits of a hash that are shown in a table."""


def what(kept: Kept) -> str:
    """What an entry is of, in one line of short words."""
    parts = kept.parts
    if parts is None:
        return "nothing in it says what it is of"
    names = [name for name in _FIRST if name in parts]
    names += [name for name in parts if name not in _FIRST and name not in _PLAIN]
    words = []
    for name in names:
        value = parts[name]
        if isinstance(value, Mapping):
            prefix = "" if name in ("target", "encoder") else f"{name} "
            words.append(prefix + _identity(value))
        else:
            words.append(f"{name} {_short(value)}")
    return ", ".join(words)


def rows(kept: Kept) -> int | None:
    """Images, texts or units in an entry; None where that is not known yet."""
    return int(kept.parts["n"]) if kept.parts else None


def made_in(kept: Kept) -> float | None:
    """Wall seconds of the pass that made an entry; None where none were noted."""
    phases = (kept.manifest or {}).get("cost", {}).get("phases") or [{}]
    wall = phases[0].get("wall_s")
    return None if wall is None else float(wall)


def flat(value: Any, at: str = "") -> dict[str, str]:
    """Nested parts as one level: {"target.transform.size": "224"}; lists stay whole."""
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for name, inner in value.items():
            found |= flat(inner, f"{at}.{name}" if at else str(name))
        return found
    return {at: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(part, value in one, value in the other) wherever two keys differ; "—" for no such part."""
    a, b = flat(one), flat(other)
    names = [*a, *(name for name in b if name not in a)]
    pairs = [(name, a.get(name, "—"), b.get(name, "—")) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _identity(fingerprint: Mapping[str, Any]) -> str:
    """The words of a fingerprint, and the beginning of the hash that tells equal words apart."""
    names = sorted(fingerprint, key=lambda name: (name != "kind", name))
    words = [
        str(fingerprint[name])
        for name in names
        if isinstance(fingerprint[name], str)
        and not _HASH.fullmatch(fingerprint[name])
        and name not in (*_PLAIN - {"kind"}, "transform", "text_tower")
    ]
    hashes = [fingerprint[name] for name in ("weights", "sha256") if name in fingerprint]
    words += [value[:_SHORT] for value in map(str, hashes[:1]) if _HASH.fullmatch(value)]
    return " ".join(words)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_SHORT] if _HASH.fullmatch(text) else text
