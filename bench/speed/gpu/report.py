"""The JSON file of one part: its rows, written one by one within a time limit."""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from bench.speed.benchmarks import header, record_path, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_TRACE = 4_000
"""Characters of a traceback in the file: its end."""


class Report:
    """Rows of one part; each is written before it starts and again when it ends.

    With `resume`, a part whose process died continues: its rows stay, and the one in progress
    counts as failed. Rows of earlier runs are dropped, since the code may have changed.

    Args:
        part: Name of the part.
        out: Folder of the file, created if missing.
        device: Device of the part.
        seconds: Time after which no row starts.
        resume: Whether the existing file is of this run.
    """

    def __init__(
        self, part: str, out: Path, device: str, seconds: float, *, resume: bool = False
    ) -> None:
        self.device = device
        self._end = time.monotonic() + seconds
        fields = header(device)
        self.path = record_path(f"gpu-{part}", out, fields["hardware"])
        self.content: dict[str, Any] = {
            **fields,
            "part": part,
            "device": device,
            "budget_s": round(seconds, 1),
            "facts": {},
            "rows": self._earlier_rows() if resume else [],
        }
        self._write()

    @property
    def left(self) -> float:
        """Seconds until no further row starts."""
        return self._end - time.monotonic()

    def set_facts(self, **facts: Any) -> None:
        """Write values that hold for all rows."""
        self.content["facts"] |= facts
        self._write()

    def add_row(self, name: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Measure one row, unless an earlier process did or the time is up.

        Args:
            name: Name of the row.
            work: Returns the results, ready for JSON.

        Returns:
            {"name", "status", "seconds", ...}; `status` is "ok", "failed" (with "error") or
            "skipped" (with "reason").
        """
        rows = self.content["rows"]
        if earlier := next((row for row in rows if row["name"] == name), None):
            return dict(earlier)
        row: dict[str, Any] = {"name": name, "status": "started"}
        rows.append(row)
        if self.left <= 0:
            reason = f"{max(0.0, self.left):.0f} s left of {self.content['budget_s']:.0f} s"
            row |= {"status": "skipped", "reason": reason}
            self._write()
            return row
        self._write()
        start = time.monotonic()
        try:
            row |= {"status": "ok", **work()}
        except Exception as error:  # continue with the other rows
            row |= {
                "status": "failed",
                "error": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc()[-_TRACE:],
            }
        row["seconds"] = round(time.monotonic() - start, 3)
        self._write()
        status = row["status"] if row["status"] != "failed" else row["error"].splitlines()[0]
        sys.stderr.write(f"{self.content['part']}: {name}: {status} ({row['seconds']:.1f} s)\n")
        return row

    def _earlier_rows(self) -> list[dict[str, Any]]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError):
            return []
        for row in rows:
            if row["status"] == "started":
                row |= {"status": "failed", "error": "the process ended"}
        return list(rows)

    def _write(self) -> None:
        write_record(self.path, self.content)
