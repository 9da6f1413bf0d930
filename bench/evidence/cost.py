"""What making a cache entry cost, as its manifest keeps it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from bench.environment import hardware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def make_cost(
    phases: Sequence[Mapping[str, Any]], device: str, *, complete: bool
) -> dict[str, Any]:
    """Describe a cost.

    Entries that came out of one pass over the images share one cost: equal `pass`, counted once.

    Args:
        phases: Records of the phase that made the entries and of its parts.
        device: Where it ran.
        complete: Whether it made them whole; False where it finished what an interrupted run began.

    Returns:
        {pass, complete, hardware, phases}.
    """
    return {
        "pass": uuid.uuid4().hex,
        "complete": complete,
        "hardware": hardware(device),
        "phases": [dict(phase) for phase in phases],
    }
