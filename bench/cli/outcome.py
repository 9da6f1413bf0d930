"""What came of a request: one line a state, the failures with their reason."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from bench.run.plan import PlannedJob, State
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence


def report(planned: Sequence[PlannedJob]) -> int:
    """Print the states of all cells and return the exit code: 1 where some cell failed."""
    cells = [cell for job in planned for cell in job.cells]
    states = Counter(cell.state for cell in cells)
    parts = [f"{states[state]} {state}" for state in State if states[state]]
    sys.stdout.write(f"{len(cells)} cells: {', '.join(parts)}\n")
    for cell in cells:
        if cell.state is State.FAILED:
            error = Record.read(cell.folder).error or {}
            sys.stdout.write(
                f"  failed: {cell.folder}: {error.get('message', 'no reason recorded')}\n"
            )
    if states[State.FAILED]:
        sys.stdout.write("  runtime.retry_failed=true runs failed cells again\n")
    return 0 if states[State.DONE] == len(cells) else 1
