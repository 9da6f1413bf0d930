"""The cost of making a cache entry, as in its manifest."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from bench.environment import hardware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def make_cost(
    phases: Sequence[Mapping[str, Any]], device: str, *, complete: bool
) -> dict[str, Any]:
    """Describe the cost of a pass.

    Entries made in one pass share one cost, with equal `pass`, which is counted once.

    Args:
        phases: Records of the phase that made the entries and of its parts.
        device: Where it ran.
        complete: Whether the pass made all of them; False where it completed an interrupted run.

    Returns:
        {pass, complete, hardware, phases}.
    """
    return {
        "pass": uuid.uuid4().hex,
        "complete": complete,
        "hardware": hardware(device),
        "phases": [dict(phase) for phase in phases],
    }
