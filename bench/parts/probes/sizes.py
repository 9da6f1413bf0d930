"""Checks of the number of images in a probe set."""

from __future__ import annotations

from bench.errors import UserError


def check_limit(limit: int | None) -> None:
    """Check a limit; None means all images.

    Raises:
        UserError: It is below 1.
    """
    if limit is not None and limit < 1:
        raise UserError(
            f"invalid limit {limit}",
            where="probe.params.limit",
            hint="give a number of at least 1, or null for all images",
        )


def check_size(size: int) -> None:
    """Check a size.

    Raises:
        UserError: It is below 1.
    """
    if size < 1:
        raise UserError(
            f"invalid size {size}",
            where="probe.params.size",
            hint="give a number of at least 1",
        )
