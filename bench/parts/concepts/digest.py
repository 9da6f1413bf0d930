"""One hash for a list of words, so that all who key by it agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.files import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence


def words_sha256(words: Sequence[str]) -> str:
    """sha256 of a list of words in order; equal lists, equal hashes, whatever they came from."""
    return sha256_json(list(words))
