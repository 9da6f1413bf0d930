"""Time and memory of each cell, by hardware. Unlike scores, they differ from run to run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.hashing import page_hash
from leaderboards.timings import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leaderboards.naming import NamedCell
    from leaderboards.record import Record

MARKS = {
    "warm": "the process had run other cells, so its peak memory may include theirs",
    "gpu-shared": "other processes used the GPU",
    "gpu-use-unknown": "the driver does not say whether other processes used the GPU",
}
"""What may have disturbed a timed run, by the word in the column `marks`."""

_COUNTS = ("repeats", "units", "peak_host_bytes", "peak_device_bytes")
_TIMES = (
    *(f"{name}_s" for name in PHASES),
    "cold_total_s",
    "match_per_unit_s",
    "match_min_s",
    "match_max_s",
)
COLUMNS = (
    *("hardware", "device", "board", "target", "layer", "probe", "concepts", "method", "key"),
    *_COUNTS,
    *_TIMES,
    "cached",
    "reason",
    "marks",
)


def costs_frame(cells: Iterable[NamedCell]) -> pd.DataFrame:
    """Return one row per cell and hardware, from its run with the most repeats.

    The cold total is what the cell would cost with an empty cache: its own phases as far as they
    did not come from the cache, plus what the cached evidence cost when it was made. It is missing
    where that was on other hardware or is not known. The cost per unit is the matching alone:
    evidence is shared by all methods.
    """
    rows = []
    for named in cells:
        condition = named.condition
        names = ("board", "target", "layer", "probe", "concepts")
        shared = {name: getattr(condition, name) for name in names}
        shared |= {"method": named.row, "key": named.cell.record.key}
        for cost in best_costs(named.cell.timings):
            place = (cost["hardware"], cost["device"], condition.order)
            speed = cost["match_per_unit_s"]
            order = (*place, float("inf") if speed is None else speed, *list(shared.values())[-2:])
            rows.append((order, shared | cost))
    rows.sort(key=lambda pair: pair[0])
    table = pd.DataFrame([row for _, row in rows], columns=pd.Index(COLUMNS))
    types = dict.fromkeys(_COUNTS, "Int64") | dict.fromkeys(_TIMES, "float64")
    return table.astype(types)


@dataclass(frozen=True)
class Untimed:
    """A measured cell without a timing.

    Attributes:
        label: The row of its method.
        where: Its place on the board.
        command: The command that times it, or its whole experiment.
    """

    label: str
    where: str
    command: str


def find_untimed(cells: Iterable[NamedCell]) -> list[Untimed]:
    """Return the finished cells of our own methods that no run has timed."""
    found = [
        Untimed(
            named.row, named.condition.title, run_command(named.cell.record, "runtime.retime=true")
        )
        for named in cells
        if named.cell.record.status == "ok"
        and not named.cell.record.is_imported
        and not named.cell.timings
    ]
    return sorted(found, key=lambda one: (one.command, one.where, one.label))


def run_command(record: Record, *more: str) -> str:
    """Return the command that runs a cell, or its whole experiment; "" for imported labels.

    Args:
        record: The record of the cell.
        more: Further overrides.
    """
    if record.is_imported:
        return ""
    words = [str(word) for word in record.run.get("overrides", ())]
    # The blocks of an experiment do not combine with the words of one of its jobs.
    experiment = [word for word in words if word.startswith("experiment=")]
    return shlex.join(["dissectbench", "run", *(experiment or words), *more])


def best_costs(timings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the cost on each hardware: of the run with the most repeats, the last of equals."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for run in timings:
        place = (_hardware(run.get("hardware")), str(run.get("device")))
        if place not in best or (run.get("repeats") or 1) >= (best[place].get("repeats") or 1):
            best[place] = run
    return [run_cost(best[place]) for place in sorted(best)]


def _hardware(value: object) -> str:
    """Return hardware in words, with a hash of the facts that do not fit a title."""
    if not isinstance(value, Mapping):
        return str(value)
    gpu = value.get("gpu")
    words = [str(value.get("cpu") or "unknown processor"), f"{value.get('threads')} threads"]
    if isinstance(gpu, Mapping):
        words.insert(0, str(gpu.get("name")))
    return f"{', '.join(words)} #{page_hash(value, 6)}"


def run_cost(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cost of one timed run: seconds by phase, the cold total, memory."""
    phases = _dicts(run.get("phases"))
    cold, reason = _cold_total(run, phases)
    phases = [phase for phase in phases if not phase.get("note")]
    wall = {name: _sum(phases, name) for name in PHASES}
    units = run.get("units")
    match = wall["match"]
    peaks = {
        name: max((p[name] for p in phases if as_number(p.get(name)) is not None), default=None)
        for name in ("peak_host_bytes", "peak_device_bytes")
    }
    return {
        "hardware": _hardware(run.get("hardware")),
        "device": str(run.get("device", "?")),
        "repeats": run.get("repeats", 1),
        "units": units,
        **{f"{name}_s": wall[name] for name in PHASES},
        "cold_total_s": cold,
        "match_per_unit_s": match / units if match is not None and units else None,
        "match_min_s": _sum(phases, "match", "wall_min_s"),
        "match_max_s": _sum(phases, "match", "wall_max_s"),
        **peaks,
        "cached": " ".join(sorted({str(p["name"]) for p in phases if p.get("cached")})),
        "reason": reason,
        "marks": " ".join(_marks(run)),
    }


def _marks(run: Mapping[str, Any]) -> list[str]:
    """Return words for what may have disturbed a timed run; see `MARKS`."""
    marks = ["warm"] if run.get("earlier_cells") else []
    if "gpu_shared" in run:
        shared = run["gpu_shared"]
        marks += ["gpu-use-unknown"] if shared is None else ["gpu-shared"] if shared else []
    return marks


def _cold_total(
    run: Mapping[str, Any], phases: Sequence[Mapping[str, Any]]
) -> tuple[float | None, str]:
    for phase in phases:
        if phase.get("note"):
            return None, str(phase["note"])
    evidence = _dicts(run.get("evidence_cost"))
    own = [p for p in phases if p.get("name") in PHASES and not p.get("cached")]
    if any(p.get("cached") for p in phases) and not evidence:
        return None, "what the cached evidence cost is not known"
    counted = set()
    for entry in evidence:
        if entry.get("complete") is False:
            return None, "the evidence was made in several runs"
        # Entries that came out of one pass over the images share its cost.
        if entry.get("pass") is not None:
            if entry["pass"] in counted:
                continue
            counted.add(entry["pass"])
        if entry.get("hardware") != run.get("hardware"):
            return None, "cached evidence was made on other hardware"
        own += [p for p in _dicts(entry.get("phases")) if p.get("name") in PHASES]
    walls = [as_number(p.get("wall_s")) for p in own]
    known = [wall for wall in walls if wall is not None]
    if not walls or len(known) < len(walls):
        return None, "a phase has no wall time"
    return sum(known), ""


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _sum(phases: Sequence[Mapping[str, Any]], name: str, column: str = "wall_s") -> float | None:
    walls = [as_number(phase.get(column)) for phase in phases if phase.get("name") == name]
    known = [wall for wall in walls if wall is not None]
    return sum(known) if known else None


def as_number(value: object) -> float | None:
    """Return a number from JSON; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
