"""Write records, scores and timings; results that cannot be written are a user error."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from bench.files import writing
from leaderboards import faithfulness, stability, storage, timings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


P = ParamSpec("P")
R = TypeVar("R")


def _reported(write: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """Return a function that raises `UnwritableError` instead of OSError."""

    @wraps(write)
    def write_or_report(folder: Path, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with writing(folder, "results"):
            return write(folder, *args, **kwargs)

    return write_or_report


write_record = _reported(storage.write_record)
add_scores = _reported(storage.add_scores)
add_phases = _reported(timings.add_phases)
write_stability = _reported(stability.write_stability)
write_faithfulness = _reported(faithfulness.write_faithfulness)
append_timing = _reported(timings.append_timing)
