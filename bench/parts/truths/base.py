"""Truths that are read from files, as a base of the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from bench.parts.file_params import FileParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName


class CachedTruth(FileParams, ABC):
    """True names that are read once."""

    config_key = "target.truth.params"

    def names(self) -> Mapping[int, TrueName]:
        """Return true names by unit."""
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        return self._read()

    @abstractmethod
    def _read(self) -> Mapping[int, TrueName]:
        """Read the files."""
