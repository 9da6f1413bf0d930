"""Checks of numbers among the parameters of parts."""

from __future__ import annotations

from bench.errors import UserError


def check_positive(value: int | None, where: str, hint: str = "") -> None:
    """Check a number of images or pixels.

    Args:
        value: The number; None for no number.
        where: Its config key.
        hint: How to correct it, after "give a number of at least 1".

    Raises:
        UserError: It is below 1.
    """
    if value is not None and value < 1:
        name = where.rpartition(".")[2].replace("_", " ")
        hint = f"give a number of at least 1{hint}"
        raise UserError(f"invalid {name} {value}", where=where, hint=hint)


def check_not_negative(value: int, where: str) -> None:
    """Check a number of images or labels that may be 0.

    Raises:
        UserError: It is negative.
    """
    if value < 0:
        name = where.rpartition(".")[2]
        raise UserError(f"invalid {name} {value}", where=where, hint="give a number of at least 0")


def check_limit(limit: int | None) -> None:
    """Check a probe set's limit; None means all images."""
    check_positive(limit, "probe.params.limit", ", or null for all images")


def check_mask_size(size: int) -> None:
    """Check the side of a probe set's masks."""
    check_positive(size, "probe.params.mask_size", "; Broden's masks have 112")


def check_index(index: int, count: int) -> None:
    """Check the position of an image in a probe set.

    Raises:
        IndexError: There is no such image.
    """
    if not 0 <= index < count:
        raise IndexError(f"image {index} of {count}")
