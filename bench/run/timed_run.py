"""Timed runs as in timings.jsonl: hardware, phases, and what may have disturbed the measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.environment import gpu_is_shared, hardware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_cells = 0


def earlier_cells() -> int:
    """Return the number of cells that this process has run."""
    return _cells


def describe_timing(
    device: str,
    *,
    units: int,
    phases: Sequence[Mapping[str, Any]],
    repeats: int = 1,
    evidence_cost: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a line of timings.jsonl, and count the cell.

    Memory of a process that has run other cells includes what these left behind, so the line has
    their number. On a GPU it says whether other processes used the GPU at the end of the run.

    Args:
        device: Where the cell ran.
        units: Units of the layer.
        phases: The phases of the run, or their medians.
        repeats: Number of runs.
        evidence_cost: What cached evidence cost when it was gathered.
    """
    global _cells
    earlier, _cells = _cells, _cells + 1
    timing = {
        "hardware": hardware(device),
        "device": device,
        "repeats": repeats,
        "units": units,
        "phases": list(phases),
        "evidence_cost": list(evidence_cost),
        "earlier_cells": earlier,
    }
    return timing | ({"gpu_shared": gpu_is_shared(device)} if device.startswith("cuda") else {})
