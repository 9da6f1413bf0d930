"""The job of a timing: its errors are those of the record, and wrong names are clear errors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import UserError
from bench.run import execute, survey
from bench.speed import cell
from bench.speed.jobs import run_job
from leaderboards.record import Record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "expected", "message"),
    [
        ("UserError", UserError, "^no layer x$"),
        ("ValueError", RuntimeError, "^conv1: ValueError: no layer x\nTraceback"),
    ],
)
def test_the_error_of_a_failed_cell(
    kind: str, expected: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = SimpleNamespace(layer="conv1", folder=None)
    error = {"type": kind, "message": "no layer x", "traceback": "Traceback ..."}
    failed = SimpleNamespace(status="failed", error=error)
    monkeypatch.setattr(survey, "plan", lambda _: [SimpleNamespace(cells=[planned])])
    monkeypatch.setattr(execute, "execute", lambda _: None)
    monkeypatch.setattr(Record, "read", lambda _: failed)
    job: Any = None
    with pytest.raises(expected, match=message):
        run_job(job)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--arch=resnet5O", "torchvision has no network 'resnet5O'\n  nearest: resnet50"),
        ("--encoder=ViT-B-15", "open_clip has no network 'ViT-B-15'\n  nearest: ViT-B-1"),
    ],
)
def test_an_unknown_network_is_a_clear_error(
    option: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--arch=mobilenet_v3_small", "--images=1", "--device=cpu", f"--out={tmp_path}"]
    assert cell.main([*small, option]) == 2
    assert message in capsys.readouterr().err
