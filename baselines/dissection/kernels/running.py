"""How the loops are compiled, and run in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numba
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCKS = 4  # per thread: one that is held up leaves its blocks to the others


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call and cache on disk, where there is a folder to write to."""
    try:
        return numba.njit(function, nogil=True, cache=True)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(function, nogil=True)  # type: ignore[no-any-return]


class Workers:
    """As many threads as torch has, each with whole units to itself.

    Threads of our own, as the loops release the interpreter lock: Numba's parallel loops abort
    when two threads of a program enter them or when a forked process does.
    """

    def __init__(self, pool: ThreadPoolExecutor | None, threads: int) -> None:
        self._pool, self._threads = pool, threads

    def over(self, total: int, run: Callable[[int, int], None]) -> None:
        """Call `run(start, stop)` on blocks that cover 0..total, and wait for all."""
        step = max(1, -(-total // (self._threads * _BLOCKS)))
        starts = range(0, total, step)
        if self._pool is None:
            run(0, total)
            return
        list(self._pool.map(lambda start: run(start, min(start + step, total)), starts))


@contextmanager
def workers(threads: int | None = None) -> Iterator[Workers]:
    """Start worker threads for the block.

    Args:
        threads: How many; None for as many as torch uses.
    """
    count = threads or torch.get_num_threads()
    if count < 2:
        yield Workers(None, 1)
        return
    with ThreadPoolExecutor(count, thread_name_prefix="dissection") as pool:
        yield Workers(pool, count)
