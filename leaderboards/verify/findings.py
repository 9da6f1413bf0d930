"""Results of verification: what differs, and what could not be recomputed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """Results for one record.

    Attributes:
        where: The record, as `board/method/key`.
        mismatches: What differs from its recomputation: file, place, both values.
        trusted: What could not be recomputed, each with the reason.
    """

    where: str
    mismatches: list[str] = field(default_factory=list)
    trusted: list[tuple[str, str]] = field(default_factory=list)

    def differ(self, where: str, message: str) -> None:
        """Add a mismatch in a file or at a place of it."""
        self.mismatches.append(f"{where}: {message}")

    def trust(self, what: str, why: str) -> None:
        """Add what is taken on trust, once."""
        if (what, why) not in self.trusted:
            self.trusted.append((what, why))
