"""Hash of a list of words, for all keys that depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.files import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence


def words_sha256(words: Sequence[str]) -> str:
    """Return the sha256 of a list of words in order, whatever its source."""
    return sha256_json(list(words))
