"""Run batches with a batch size that fits in the device's memory."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

T = TypeVar("T")

log = logging.getLogger(__name__)


class BatchRunner:
    """Runs batches, and halves the batch size when the device runs out of memory.

    Args:
        device: Where they run.
        batch_size: Images in a forward pass at first.

    Attributes:
        batch_size: Images in a forward pass: the requested number, or less where memory ran out.
    """

    def __init__(self, device: str, batch_size: int) -> None:
        self.device = device
        self.batch_size = max(1, batch_size)

    def run(self, work: Callable[[Tensor], T], batch: Tensor) -> list[T]:
        """Run a batch.

        Args:
            work: What to do with a part of the batch.
            batch: [B, ...].

        Returns:
            The result of each part, in order.

        Raises:
            UserError: The device has no memory for a single image.
        """
        import torch

        while True:
            try:
                return [work(part) for part in torch.split(batch, self.batch_size)]
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise UserError(
                        f"{self.device} has no memory for a single image: {error}",
                        where="runtime.device",
                        hint="free its memory, or run with runtime.device=cpu",
                    ) from error
            self.batch_size = max(1, min(self.batch_size, len(batch)) // 2)
            log.warning(
                "out of memory on %s: continuing with batches of %d", self.device, self.batch_size
            )
            if self.device.startswith("cuda"):
                torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device is out of memory."""
    import torch

    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
