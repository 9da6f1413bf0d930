"""Read single rows of a cache entry."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.evidence.entry import Entry

_MAX_OPEN = 32
"""Chunk files that stay memory-mapped; the operating system caches their bytes."""


class RowReader:
    """Reads rows of a complete entry; safe to use from several threads.

    Args:
        entry: The entry.
        rows: Rows of a chunk.
    """

    def __init__(self, entry: Entry, rows: int) -> None:
        self._entry, self._rows = entry, rows
        self._open: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, numbers: Sequence[int]) -> NDArray[Any]:
        """Read rows.

        Args:
            numbers: Which, from 0, at least one; in any order.

        Returns:
            The rows in this order, a copy.

        Raises:
            UserError: The entry was deleted from the cache since it was opened.
        """
        places = [divmod(int(number), self._rows) for number in numbers]
        return np.stack([self._chunk(number)[row] for number, row in places])

    def _chunk(self, number: int) -> NDArray[Any]:
        with self._lock:
            if number not in self._open:
                while len(self._open) >= _MAX_OPEN:
                    self._open.popitem(last=False)
                self._open[number] = self._entry.chunk(number, mapped=True)
            self._open.move_to_end(number)
            return self._open[number]
