"""Batches that are halved where the device has no room for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

T = TypeVar("T")

log = logging.getLogger(__name__)


class Halving:
    """Runs batches whole, or in as many parts as the device's memory asks for.

    Args:
        device: Where they run.
        batch_size: Images that are first tried at a time.

    Attributes:
        fits: Images that go through at a time: the batch size, or less where the device ran out of
            memory.
    """

    def __init__(self, device: str, batch_size: int) -> None:
        self.device = device
        self.fits = batch_size

    def run(self, work: Callable[[Tensor], T], batch: Tensor) -> list[T]:
        """Run a batch.

        Args:
            work: What to do with a part of the batch.
            batch: [B, ...].

        Returns:
            What `work` makes of each part, in order.

        Raises:
            UserError: There is no room for a single image.
        """
        import torch

        while True:
            try:
                return [work(part) for part in torch.split(batch, self.fits)]
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if self.fits == 1:
                    raise UserError(
                        f"{self.device} has no room for a single image: {error}",
                        where="runtime.device",
                        hint="free its memory, or run with runtime.device=cpu",
                    ) from error
            self.fits = max(1, min(self.fits, len(batch)) // 2)
            log.warning("out of memory on %s: going on with batches of %d", self.device, self.fits)
            if self.device.startswith("cuda"):
                torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device has no memory left."""
    import torch

    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
