"""Entries of known sizes, other processes that use a store, and folders that refuse."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.evidence import model_cache
from bench.evidence.store import Entry, Store
from tests.bench.evidence import tiny

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
COST = {"pass": "x", "complete": True, "phases": [{"name": "gather", "wall_s": 3.5, "items": 5}]}

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from bench.evidence.store import CHUNK, Store
root, log = Path(sys.argv[1]), Path(sys.argv[2])
N = CHUNK + 10
PARTS = {"kind": "activations", "target": {"weights": "aa"}, "layer": "layer4", "n": N}
TABLE = np.arange(N * 3, dtype=np.float32).reshape(N, 3)
def note(text):
    with log.open("a") as file:
        file.write(text + "\\n")
def fill(entry):
    for number in entry.missing:
        note(f"made {number}")
        entry.put(number, TABLE[number * CHUNK : (number + 1) * CHUNK])
    entry.finish({"units": 3}, {"phases": []})
"""
"""The beginning of every worker."""


class Other:
    """Another process; its end may be waited for, and it can be killed."""

    def __init__(self, code: str, root: Path, log: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code, str(root), str(log)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_for(self, line: str) -> None:
        """Wait until it prints a line."""
        assert self.process.stdout
        assert self.process.stdout.readline().strip() == line

    def end(self) -> int:
        """Let it go on to its end; returns its exit status."""
        self.process.communicate("\n", timeout=60)
        return self.process.returncode


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """`other(code)` starts a process with `root`, `log`, PARTS, TABLE, note and fill at hand."""
    started: list[Other] = []

    def start(code: str) -> Other:
        started.append(Other(code, tmp_path / "store", tmp_path / "log"))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(30)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Entry]:
    """`make(name, kilobytes, age)`: an entry that was last used `age` seconds ago."""

    def made(name: str, kilobytes: int = 1, age: float = 0.0, kind: str = "activations") -> Entry:
        store = Store(tmp_path / "store")
        table = np.zeros((5, kilobytes * 50), dtype=np.float32)  # kilobytes * 1000 bytes
        parts = {"kind": kind, "target": {"weights": name}, "layer": "fc", "n": 5}
        with store.hold(parts) as [entry]:
            entry.put(0, table)
            entry.finish({"units": kilobytes * 50}, COST)
        then = (entry.folder / "manifest.json").stat().st_mtime - age
        os.utime(entry.folder / "manifest.json", (then, then))
        return entry

    return made


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """`refuse(folder, errno)`: nothing below the folder can be made, changed or deleted."""

    def refuse_all(folder: Path, number: int = errno.EROFS) -> None:
        def guard(name: str) -> None:
            real = getattr(os, name)

            def guarded(path: Any, *args: Any, **kwargs: Any) -> Any:
                here = isinstance(path, str | os.PathLike) and Path(path).is_relative_to(folder)
                flags = args[0] if name == "open" and args else 0
                if here and (name != "open" or flags & (os.O_WRONLY | os.O_RDWR)):
                    if name == "mkdir" and os.path.lexists(path):
                        raise FileExistsError(errno.EEXIST, "exists", str(path))
                    raise OSError(number, os.strerror(number), str(path))
                return real(path, *args, **kwargs)

            monkeypatch.setattr(os, name, guarded)

        for name in ("open", "mkdir", "unlink", "rename", "utime", "rmdir"):
            guard(name)

    return refuse_all


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 8 images and pieces of 2 maps, no network loaded and nothing counted yet."""
    tiny.find_tiny_layouts()
    for name in tiny.COUNTS:
        tiny.COUNTS[name] = 0
    model_cache._models.clear()
    for name in ("store", "gather_pass", "gather"):
        monkeypatch.setattr(sys.modules[f"bench.evidence.{name}"], "CHUNK", 8)
    for name in ("maps", "gather_pass", "request"):
        monkeypatch.setattr(sys.modules[f"bench.evidence.{name}"], "ROWS", 2)
