"""Describe cache entries in words: what they are of, and where their keys differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.evidence.inventory import EntryInfo

_FIRST = ("target", "layer", "encoder", "probe", "texts", "record", "concepts")
"""Key parts that are described first, in this order."""

_OMITTED = frozenset({"kind", "layout", "extractor", "pooling", "precision", "n"})
"""Key parts that are equal for most entries, or have a column of their own."""

_HASH = re.compile(r"[0-9a-f]{64}")

_SHORT = 8
"""Digits of a hash in a table."""


def describe(entry: EntryInfo) -> str:
    """Describe what an entry is of, in one line."""
    parts = entry.parts
    if parts is None:
        return "unknown: its manifest is missing or damaged"
    names = [name for name in _FIRST if name in parts]
    names += [name for name in parts if name not in _FIRST and name not in _OMITTED]
    words = []
    for name in names:
        value = parts[name]
        if isinstance(value, Mapping):
            prefix = "" if name in ("target", "encoder") else f"{name} "
            words.append(prefix + _describe_fingerprint(value))
        else:
            text = flatten(value)[""]
            words.append(f"{name} {text[:_SHORT] if _HASH.fullmatch(text) else text}")
    return ", ".join(words)


def seconds_to_make(entry: EntryInfo) -> float | None:
    """Return the wall seconds of the pass that made an entry; None where they are unknown."""
    phases = (entry.manifest or {}).get("cost", {}).get("phases") or [{}]
    wall = phases[0].get("wall_s")
    return None if wall is None else float(wall)


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Flatten nested parts: {"target.transform.size": "224"}; lists stay whole."""
    if isinstance(value, Mapping) and value:
        flat: dict[str, str] = {}
        for name, inner in value.items():
            flat |= flatten(inner, f"{path}.{name}" if path else str(name))
        return flat
    return {path: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (part, value in one, value in the other) where two keys differ; "—" for no part."""
    a, b = flatten(one), flatten(other)
    rows = [(name, a.get(name, "—"), b.get(name, "—")) for name in {**a, **b}]
    return [row for row in rows if row[1] != row[2]]


def _describe_fingerprint(fingerprint: Mapping[str, Any]) -> str:
    """Join the words of a fingerprint, and the first digits of a hash that identifies it."""
    names = sorted(fingerprint, key=lambda name: (name != "kind", name))
    words = [
        str(fingerprint[name])
        for name in names
        if isinstance(fingerprint[name], str)
        and not _HASH.fullmatch(fingerprint[name])
        and name not in (*_OMITTED - {"kind"}, "transform", "text_tower")
    ]
    hashes = [fingerprint[name] for name in ("weights", "sha256") if name in fingerprint]
    words += [value[:_SHORT] for value in map(str, hashes[:1]) if _HASH.fullmatch(value)]
    return " ".join(words)
