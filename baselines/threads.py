"""Compile loops, and run them in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numba
import torch
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCKS = 4  # blocks per thread, to balance the load


def compiled(function: Callable[..., Any], *, parallel: bool = False) -> Callable[..., Any]:
    """Compile a function at its first call, and cache it on disk if a folder can be written.

    Args:
        function: The function, of what Numba compiles.
        parallel: Whether Numba runs the function's ``prange`` loops in threads of its own.
    """
    try:
        return numba.njit(function, nogil=True, parallel=parallel, cache=True)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(function, nogil=True, parallel=parallel)  # type: ignore[no-any-return]


class Workers:
    """Threads that process whole units.

    The loops release Python's lock. Numba's parallel loops are not used, since they abort if two
    threads of a program or a forked process enter them, and compile more slowly.
    """

    def __init__(self, pool: ThreadPoolExecutor | None, threads: int) -> None:
        self._pool, self._threads = pool, threads

    def over(self, total: int, run: Callable[[int, int], None], multiple: int = 1) -> None:
        """Call `run(start, stop)` on blocks that cover 0..total, and wait for all of them.

        Args:
            total: Number of units.
            run: Processes the units start..stop - 1.
            multiple: Each start is a multiple of this number.
        """
        if self._pool is None:
            run(0, total)
            return
        step = multiple * max(1, -(-total // (self._threads * _BLOCKS * multiple)))
        starts = range(0, total, step)
        list(self._pool.map(lambda start: run(start, min(start + step, total)), starts))


@contextmanager
def workers(threads: int | None = None) -> Iterator[Workers]:
    """Start worker threads for the block; None for torch's number of threads."""
    count = threads or torch.get_num_threads()
    if count < 2:
        yield Workers(None, 1)
        return
    with ThreadPoolExecutor(count, thread_name_prefix="loops") as pool:
        yield Workers(pool, count)


@contextmanager
def torch_threads() -> Iterator[None]:
    """Run Numba's own parallel loops on as many threads as torch uses, within the block."""
    before = numba.get_num_threads()
    launched = int(vars(config)["NUMBA_NUM_THREADS"])  # set by numba at run time
    numba.set_num_threads(min(torch.get_num_threads(), launched))
    try:
        yield
    finally:
        numba.set_num_threads(before)
