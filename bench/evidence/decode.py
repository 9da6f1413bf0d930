"""Images decoded ahead of their use, by a bounded number of threads."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

S = TypeVar("S")
T = TypeVar("T")


def ahead(
    work: Callable[[S], T], places: Iterable[S], *, workers: int, window: int
) -> Generator[T, None, None]:
    """Apply `work` to each place, in their order, in background threads.

    Args:
        work: What to do with one place; must be safe to call from several threads.
        places: In the order in which results are wanted.
        workers: Number of threads; 0 works in the caller's own.
        window: Results that may wait at a time: memory does not grow with the number of places.

    Yields:
        The results, in order. What `work` raises is raised here.
    """
    if workers < 1:
        yield from map(work, places)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        pending: deque[Future[T]] = deque()
        try:
            for place in places:
                pending.append(pool.submit(work, place))
                if len(pending) >= max(window, workers):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # On an error or an interruption nobody wants what is still queued.
            for future in pending:
                future.cancel()
