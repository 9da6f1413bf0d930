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

    No row starts after `seconds`.
    """

    def __init__(
        self, part: str, out: Path, device: str, seconds: float, *, resume: bool = False
    ) -> None:
        self.device, self.part = device, part
        self._end = time.monotonic() + seconds
        fields = {**header(device), "part": part, "device": device, "budget_s": round(seconds, 1)}
        self.path = record_path(f"gpu-{part}", out, fields["hardware"])
        resume = resume and self.path.exists()
        rows = json.loads(self.path.read_text(encoding="utf-8"))["rows"] if resume else []
        for row in rows:
            if row["status"] == "started":
                row |= {"status": "failed", "error": "the process ended"}
        self.content: dict[str, Any] = {**fields, "facts": {}, "rows": rows}
        write_record(self.path, self.content)

    @property
    def left(self) -> float:
        """Seconds until no further row starts."""
        return self._end - time.monotonic()

    def set_facts(self, **facts: Any) -> None:
        """Write values that hold for all rows."""
        self.content["facts"] |= facts
        write_record(self.path, self.content)

    def add_row(self, name: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Measure one row, unless an earlier process did or the time is up.

        Returns:
            The name, the results of `work`, "status" and "seconds"; the status is "ok", "failed"
            (with "error") or "skipped" (with "reason").
        """
        rows: list[dict[str, Any]] = self.content["rows"]
        if earlier := next((row for row in rows if row["name"] == name), None):
            return earlier
        row: dict[str, Any] = {"name": name, "status": "started"}
        rows.append(row)
        if (left := self.left) <= 0:
            reason = f"{max(0.0, left):.0f} s left of {self.content['budget_s']:.0f} s"
            row |= {"status": "skipped", "reason": reason}
            write_record(self.path, self.content)
            return row
        write_record(self.path, self.content)
        start = time.monotonic()
        try:
            row |= {"status": "ok", **work()}
        except Exception as error:  # continue with the other rows
            message, trace = f"{type(error).__name__}: {error}", traceback.format_exc()[-_TRACE:]
            row |= {"status": "failed", "error": message, "traceback": trace}
        row["seconds"] = round(time.monotonic() - start, 3)
        write_record(self.path, self.content)
        status = row.get("error", "ok").splitlines()[0]
        sys.stderr.write(f"{self.part}: {name}: {status} ({row['seconds']:.1f} s)\n")
        return row
