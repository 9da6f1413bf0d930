"""What killed runs left is deleted after a day, by the next run and by `cache prune`."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.__main__ import main
from bench.evidence.prune import delete_leftovers
from bench.files import atomic_folder, atomic_path
from bench.leases import Lease
from bench.leftovers import DAY_S, sweep

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ab" * 32
RECORD = "board/method/0123456789abcdef"
LEFT = (
    f"board/method/.0123456789abcdef.{uuid4().hex}.tmp/record.json",
    f"board/method/.0123456789abcdef.{uuid4().hex}.old/record.json",
    "board/method/.0123456789abcdef.claim",
    f"{RECORD}/scores/.8c.json.{uuid4().hex}.tmp",
    f"activations/ab/{KEY}/.begun.json.k3_x9abc.tmp",
    f"trees/ab/.{KEY}.tmp/images/val/0.png",
    f"trees/ab/..{KEY}.tmp.{uuid4().hex}.tmp/index.csv",
)
KEPT = (
    f"{RECORD}/record.json",
    f"activations/ab/{KEY}/manifest.json",
    "notes.tmp",
    ".mine.tmp",
    ".mine/content.old",
)


def make(root: Path, name: str, age_s: float) -> Path:
    """Make a file; it and the folders above it were changed so many seconds ago."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("content")
    for path in (file, *file.parents):
        if path.is_relative_to(root):
            os.utime(path, (time.time() - age_s,) * 2)
    return file


def test_old_temporary_files_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    left = [make(tmp_path, name, 2 * DAY_S) for name in LEFT]
    kept = [make(tmp_path, name, 2 * DAY_S) for name in KEPT]
    assert sweep(tmp_path) == len(LEFT)
    assert not [file for file in left if file.exists()]
    assert all(file.exists() for file in kept)
    assert sweep(tmp_path) == 0


def test_temporary_files_of_running_processes_are_kept(tmp_path: Path) -> None:
    young = [make(tmp_path, name, DAY_S / 2) for name in LEFT]
    assert sweep(tmp_path) == 0
    assert all(file.exists() for file in young)
    assert sweep(tmp_path / "missing") == 0


def test_names_of_our_own_writers_are_recognised(tmp_path: Path) -> None:
    # Renaming fails at the end, since the temporary paths are gone.
    with suppress(FileNotFoundError), atomic_folder(tmp_path / "a"), atomic_path(tmp_path / "b"):
        assert len(list(tmp_path.iterdir())) == 2
        assert sweep(tmp_path, older_than_s=-1) == 2
    assert not list(tmp_path.iterdir())


def test_lists_of_ended_processes_are_deleted(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.add(KEY)
    old = [make(tmp_path, f"uses/{uuid4().hex}{end}", 2 * DAY_S) for end in (".lock", ".keys")]
    young = make(tmp_path, f"uses/{uuid4().hex}.lock", 1)
    tree = make(tmp_path, "trees/glyphs-val-masks-v1-f16352255ea3b8e1-4000/index.csv", 2 * DAY_S)
    delete_leftovers(tmp_path)
    assert not [file for file in old if file.exists()]
    assert young.exists()
    assert not tree.parent.exists()
    assert len(list((tmp_path / "uses").glob("*.keys"))) == 1


def test_cache_prune_sweeps(tmp_path: Path) -> None:
    left = make(tmp_path, LEFT[3], 2 * DAY_S)
    assert main(["cache", "prune", "--dry-run", "--cache", str(tmp_path)]) == 0
    assert left.exists()
    assert main(["cache", "prune", "--cache", str(tmp_path)]) == 0
    assert not left.exists()
