"""Canonical JSON and its hashes, in one place for keys, fingerprints and published pages.

Two forms are in use, and neither may change: hashes of both are on disk.

- keys and fingerprints: `canonical_json`, which accepts nothing that JSON does not know;
- hashes on published pages: `page_json`, which accepts all values of a record from disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

KEY_LENGTH = 16


def canonical_json(value: Any) -> str:
    """Serialise with sorted keys and no spaces, so that equal values give equal texts.

    Raises:
        TypeError: The value holds an object that has no JSON form.
        ValueError: The value holds NaN or an infinity.
    """
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_to_dict,
    )


def sha256_json(value: Any) -> str:
    """Return the sha256 of the canonical JSON of a value, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def short_hash(value: Any) -> str:
    """Return the first 16 hex digits of `sha256_json`, the length of a key."""
    return sha256_json(value)[:KEY_LENGTH]


def words_sha256(words: Sequence[str]) -> str:
    """Return the sha256 of a list of words; their order matters, the type of the list does not."""
    return sha256_json(list(words))


def page_json(value: object) -> str:
    """Serialise with sorted keys; accept NaN, and replace any unknown object by its text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def page_hash(value: object, length: int = 8) -> str:
    """Return the first hex digits of the sha256 of `page_json`, as pages show them."""
    return sha256_lines([page_json(value)])[:length]


def sha256_lines(lines: Sequence[str]) -> str:
    """Return the sha256 of some lines in their order, 64 hex digits."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _to_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")
