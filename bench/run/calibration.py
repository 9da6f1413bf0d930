"""Check that a method knows how to turn an encoder's cosines into probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import explain_refusal

if TYPE_CHECKING:
    from bench.run.selection import Selection


def check_calibration(selection: Selection) -> None:
    """Refuse a job whose method needs a calibration where none is known or given.

    Raises:
        UserError: Says what to set.
    """
    if "calibration" not in selection.method.needs:
        return
    try:
        selection.method.calibrate(selection.calibration)  # type: ignore[attr-defined]
    except ValueError as error:
        raise explain_refusal(error, "method.params") from error
