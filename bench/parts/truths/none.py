"""Layers whose units have no known names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.truth import TrueName


@dataclass(frozen=True)
class NoTruth:
    """No true names; scores that need them are null."""

    summary: ClassVar[str] = "no true names"

    def names(self) -> Mapping[int, TrueName]:
        """Return nothing."""
        return {}
