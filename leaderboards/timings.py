"""The timed runs of a record: add them to timings.jsonl, and read them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from leaderboards.files import json_line, replace_file
from leaderboards.record import IncompleteError, UnreadableError, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TIMINGS = "timings.jsonl"

PHASES = ("gather", "segment", "exemplars", "text", "match", "score")
"""Phases whose wall times add up; decode, target_forward and others are parts of these."""


def append_timing(folder: Path, timing: Mapping[str, Any]) -> None:
    """Append one timed run to timings.jsonl, on a new line even after an incomplete one.

    Raises:
        RecordError: The timing cannot be written as JSON.
    """
    line = json_line(timing) + b"\n"
    with (folder / TIMINGS).open("ab+") as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                line = b"\n" + line
        stream.write(line)


def add_phases(folder: Path, hardware: object, phases: Sequence[Mapping[str, Any]]) -> None:
    """Add phases to the last timed run of a record, such as scoring, which comes last.

    Do nothing if some run has a phase of that name, or if the last run was on other hardware.

    Args:
        folder: The record's folder.
        hardware: Where the phases ran.
        phases: As in a timed run.
    """
    runs, faults = read_timings(folder)
    timed = {phase["name"] for run in runs for phase in run.get("phases", ())}
    if not runs or faults or timed.intersection(phase["name"] for phase in phases):
        return
    if runs[-1].get("hardware") == hardware:
        runs[-1] = {**runs[-1], "phases": [*runs[-1].get("phases", ()), *phases]}
        replace_file(folder / TIMINGS, b"".join(json_line(run) + b"\n" for run in runs))


def read_timings(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Read timings.jsonl; a missing file is an empty list.

    Returns:
        The timed runs in the order of their lines, and a message for each line that is damaged.
    """
    path = folder / TIMINGS
    try:
        lines = read_file(path).splitlines()
    except UnreadableError as error:
        return [], [str(error)]
    except IncompleteError:
        return [], []
    runs: list[dict[str, Any]] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            run = json.loads(line)
        except ValueError as error:
            faults.append(f"{path}:{number}: not readable as JSON ({error})")
            continue
        if isinstance(run, dict):
            runs.append(run)
        else:
            faults.append(f"{path}:{number}: not a JSON object")
    return runs, faults
