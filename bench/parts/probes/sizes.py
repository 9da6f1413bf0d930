"""How many images a probe set may be asked for."""

from __future__ import annotations

from bench.errors import UserError


def check_limit(limit: int | None) -> None:
    """Refuse a limit that leaves nothing.

    Raises:
        UserError: It is below 1; None stands for all images.
    """
    if limit is not None and limit < 1:
        raise UserError(
            f"a limit of {limit} leaves no image",
            where="probe.params.limit",
            hint="give a number from 1, or null for all images",
        )


def check_size(size: int) -> None:
    """Refuse an empty set.

    Raises:
        UserError: The size is below 1.
    """
    if size < 1:
        raise UserError(
            f"a probe set of {size} images is empty",
            where="probe.params.size",
            hint="give a number from 1",
        )
