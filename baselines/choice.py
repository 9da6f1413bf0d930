"""Check parameters that are one of a few names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_choice(name: str, value: object, valid: Sequence[str]) -> None:
    """Check that a parameter is one of its valid names.

    Raises:
        ValueError: It is not.
    """
    if value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(valid)}, not {value!r}")
