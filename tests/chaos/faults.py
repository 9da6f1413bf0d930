"""Fail, or kill the process, at each file operation of one cell.

Python's audit events report each file that is opened, renamed, made or deleted. Each child process
is forked from one that has imported everything, so that a run takes seconds.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.chaos.requests import CELL
from tests.chaos.state import Loss, compare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.state import State

_CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.utime", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def count_operations(results: Path) -> int:
    """Run the cell, count its file operations under its results, and import what it imported."""
    report = results.with_suffix(".json")
    counted = [0]

    def count() -> None:
        counted[0] += 1

    def write() -> None:
        content = {"operations": counted[0], "modules": sorted(sys.modules)}
        report.write_text(json.dumps(content), encoding="utf-8")

    _run_forked(results, count, write)
    content = json.loads(report.read_text(encoding="utf-8"))
    for name in content["modules"]:
        with suppress(Exception):  # some modules are aliases that exist in a running program only
            importlib.import_module(name)
    return int(content["operations"])


def disturb_each(
    folder: Path, expected: State, operations: int, *, kill: bool, step: int = 1
) -> tuple[Loss, int]:
    """Disturb one file operation after the other; run the cell again after each, and compare.

    Args:
        folder: Scratch.
        expected: The state of an undisturbed run.
        operations: Number of file operations of a run.
        kill: Kill the process before the operation; otherwise the operation fails (ENOSPC).
        step: 2 disturbs every second operation.

    Returns:
        What was lost, and the number of operations that were disturbed.
    """
    total = Loss()
    numbers = range(0, operations, step)
    for number in numbers:
        results = folder / f"{'kill' if kill else 'fault'}-{number}"
        _run_forked(results, _disturbance(number, kill))
        _run_forked(results)
        loss = compare(results, expected)
        if loss != Loss():
            sys.stderr.write(f"operation {number}, {'killed' if kill else 'failed'}: {loss}\n")
        total += loss
        shutil.rmtree(results)
    return total, len(numbers)


def _disturbance(number: int, kill: bool) -> Callable[[], None]:
    left = [number]

    def act() -> None:
        left[0] -= 1
        if left[0] == -1:
            if kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return act


def _run_forked(
    results: Path, act: Callable[[], None] | None = None, finish: Callable[[], None] | None = None
) -> None:
    """Run the cell in a forked child, which calls `act` at each file operation."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    code = 1
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        if act:
            sys.addaudithook(_hook(str(results), act))
        from bench.__main__ import main

        code = main([*CELL, f"results={results}"])
        if finish:
            finish()
    finally:
        os._exit(code)


def _hook(folder: str, act: Callable[[], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, values: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(values[2], int) and values[2] & _WRITING
        makes = event == "os.mkdir" and not os.path.isdir(values[0])  # noqa: PTH112
        if (writes or makes or event in _CHANGES) and str(values[0]).startswith(folder):
            act()

    return hook
