"""Use torch's number of threads in compiled loops."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numba
import torch
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def torch_threads() -> Iterator[None]:
    """Run Numba's loops on as many threads as torch uses, within the block."""
    before = numba.get_num_threads()
    launched = int(vars(config)["NUMBA_NUM_THREADS"])  # set by numba at run time
    numba.set_num_threads(min(torch.get_num_threads(), launched))
    try:
        yield
    finally:
        numba.set_num_threads(before)
