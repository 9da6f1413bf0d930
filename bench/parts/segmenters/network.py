"""A segmentation network as the benchmark uses it: images in, positions of labels out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, get_args

from bench.errors import UserError
from bench.parts.encoders.build import Precision
from bench.parts.protocols import LoadedSegmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

__all__ = ["SEGMENTER_VERSION", "Precision", "check_precision", "wrap_network"]

SEGMENTER_VERSION = 1
"""Raised when equal networks mark other pixels; part of every segmenter's fingerprint."""


def check_precision(precision: str) -> None:
    """Refuse precisions that there are not.

    Raises:
        UserError: As said.
    """
    if precision not in get_args(Precision):
        raise UserError(
            f"unknown precision {precision!r}",
            where="segmenter.params.precision",
            valid=get_args(Precision),
        )


def wrap_network(
    module: nn.Module,
    logits_of: Callable[[Tensor], Sequence[Tensor]],
    transform: Callable[[Any], Tensor],
    positions: Sequence[Sequence[int]],
    mask_size: tuple[int, int],
    *,
    device: str,
    precision: str,
) -> LoadedSegmenter:
    """Put a network, its transform and the meaning of its classes together.

    Args:
        module: The network; made ready here: float32, eval mode, on the device.
        logits_of: Runs it: [B, 3, H, W] -> P tensors of logits [B, K_p, h, w].
        transform: RGB image to the network's input.
        positions: For each plane the label of each of its K_p classes, -1 for none.
        mask_size: (sh, sw) of the result. Logits are brought to it (bilinear, by the centres of
            the pixels) before the best class is taken: labels themselves cannot be averaged.
        device: Where the network runs.
        precision: Of the arithmetic (autocast); weights are float32.
    """
    import torch
    from torch.nn.functional import interpolate

    module.float().eval().requires_grad_(False).to(device)
    # Convolutions run up to twice as fast in this layout; other layers do not mind.
    module.to(memory_format=torch.channels_last)
    tables = [torch.tensor(list(each), dtype=torch.int16, device=device) for each in positions]

    def arithmetic() -> AbstractContextManager[Any]:
        if precision == "float32":
            return nullcontext()
        return torch.autocast(torch.device(device).type, getattr(torch, precision))

    def plane(logits: Tensor, table: Tensor) -> Tensor:
        logits = logits.float()
        if tuple(logits.shape[2:]) != mask_size:
            logits = interpolate(logits, mask_size, mode="bilinear", align_corners=False)
        return table[logits.argmax(dim=1)]

    def segment(images: Tensor) -> Tensor:
        batch = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        with torch.inference_mode():
            with arithmetic():
                found = logits_of(batch)
            planes = [plane(each, table) for each, table in zip(found, tables, strict=True)]
            return torch.stack(planes, dim=1)

    return LoadedSegmenter(transform, segment, mask_size)
