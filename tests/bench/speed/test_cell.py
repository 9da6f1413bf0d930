"""The job of a timing: a fault in it is told as it was told in the record."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import UserError
from bench.run import execute, survey
from bench.speed.cell_job import run_job
from leaderboards.record import Record


@pytest.mark.parametrize(
    ("kind", "raised", "told"),
    [
        ("UserError", UserError, "^no layer x$"),
        ("ValueError", RuntimeError, "^conv1: ValueError: no layer x\nTraceback"),
    ],
)
def test_a_failed_cell_says_why(
    kind: str, raised: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = SimpleNamespace(layer="conv1", folder=None)
    error = {"type": kind, "message": "no layer x", "traceback": "Traceback ..."}
    failed = SimpleNamespace(status="failed", error=error)
    monkeypatch.setattr(survey, "plan", lambda _: [SimpleNamespace(cells=[cell])])
    monkeypatch.setattr(execute, "execute", lambda _: None)
    monkeypatch.setattr(Record, "read", lambda _: failed)
    job: Any = None
    with pytest.raises(raised, match=told):
        run_job(job)
