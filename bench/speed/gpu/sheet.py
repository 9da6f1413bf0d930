"""The JSON file of one part: rows as they come, by a clock."""

from __future__ import annotations

import json
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.files import write_atomic
from bench.speed.naming import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SCHEMA = 1
_TRACE = 4_000
"""Characters of a traceback that are kept: its end."""


class Sheet:
    """Rows of one part; each is written down before it begins and again when it ends.

    A part whose process died goes on where it stopped, with `resume`: its rows are kept, and the
    one that was under way counts as failed. Nothing is kept of an earlier run: its rows may be of
    other code.

    Args:
        part: The part's name.
        out: Folder of the file; made where it is missing.
        device: Where the part computes.
        seconds: After so many seconds no further row begins.
        resume: Whether the file that is there is of this run.
    """

    def __init__(
        self, part: str, out: Path, device: str, seconds: float, *, resume: bool = False
    ) -> None:
        from bench.environment import environment, hardware

        self.device = device
        self._end = time.monotonic() + seconds
        machine = hardware(device)
        self.path = sheet_path(part, out, device)
        out.mkdir(parents=True, exist_ok=True)
        self.content: dict[str, Any] = {
            "schema": SCHEMA,
            "part": part,
            "made": datetime.now(UTC).strftime("%Y-%m-%d"),
            "hardware": machine,
            "environment": environment(device),
            "device": device,
            "budget_s": round(seconds, 1),
            "facts": {},
            "rows": self._earlier() if resume else [],
        }
        self._write()

    @property
    def left(self) -> float:
        """Seconds until no further row begins."""
        return self._end - time.monotonic()

    def say(self, **facts: Any) -> None:
        """Write down what holds for all rows."""
        self.content["facts"] |= facts
        self._write()

    def row(self, name: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Do one row of work, unless an earlier process did it or the time is up.

        Args:
            name: The row's name.
            work: Returns what was found, ready for JSON.

        Returns:
            The row: {"name", "status", "seconds", ...}; `status` is "ok", "failed" (with "error")
            or "skipped" (with "reason").
        """
        rows = self.content["rows"]
        if found := next((row for row in rows if row["name"] == name), None):
            return dict(found)
        row: dict[str, Any] = {"name": name, "status": "started"}
        rows.append(row)
        if self.left <= 0:
            row |= {
                "status": "skipped",
                "reason": f"{max(0.0, self.left):.0f} s left of {self.content['budget_s']:.0f} s",
            }
            self._write()
            return row
        self._write()
        start = time.monotonic()
        try:
            found = dict(work())
            row |= {"status": "ok", **found}
        except Exception as error:  # the other rows are wanted all the same
            row |= {
                "status": "failed",
                "error": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc()[-_TRACE:],
            }
        row["seconds"] = round(time.monotonic() - start, 3)
        self._write()
        told = row["status"] if row["status"] != "failed" else row["error"].splitlines()[0]
        sys.stderr.write(f"{self.content['part']}: {name}: {told} ({row['seconds']:.1f} s)\n")
        return row

    def _earlier(self) -> list[dict[str, Any]]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError):
            return []
        for row in rows:
            if row["status"] == "started":
                row |= {"status": "failed", "error": "the process ended"}
        return list(rows)

    def _write(self) -> None:
        write_atomic(self.path, json.dumps(self.content, indent=1, sort_keys=True) + "\n")


def sheet_path(part: str, out: Path, device: str) -> Path:
    """The file of a part on this machine."""
    from bench.environment import hardware

    return out / f"gpu-{part}-{slug(hardware(device))}.json"


def write_skipped(part: str, out: Path, device: str, reason: str) -> None:
    """Write the file of a part that did not begin."""
    sheet = Sheet(part, out, device, 0)
    sheet.say(skipped=reason)
