"""Work done ahead of its use, by a bounded number of threads."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

S = TypeVar("S")
T = TypeVar("T")


def prefetch(
    work: Callable[[S], T], items: Iterable[S], *, workers: int, window: int
) -> Generator[T, None, None]:
    """Apply `work` to each item, in order, in background threads.

    Args:
        work: A function that is safe to call from several threads.
        items: In the order in which results are needed.
        workers: Number of threads; 0 works in the caller's own.
        window: Most results that may wait: memory does not grow with the number of items.

    Yields:
        The results, in order. Exceptions of `work` are raised here.
    """
    if workers < 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(
        workers, thread_name_prefix="decode", initializer=_use_single_thread
    ) as pool:
        pending: deque[Future[T]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= max(window, workers):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # After an error or an interruption, what is queued is not needed.
            for future in pending:
                future.cancel()


def _use_single_thread() -> None:
    """Let PyTorch's operations of this thread use no further threads.

    Otherwise each of N decoding threads starts N more on N cores, and these wait for each other.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # a thread's first call would replace the limit by the global number
    threadpool_limits(1, user_api="openmp")  # OpenMP keeps the limit by thread
