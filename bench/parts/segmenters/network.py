"""Inference of segmentation networks: images in, positions of labels out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.parts.precision import autocast
from bench.parts.protocols import LoadedSegmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

SEGMENTER_VERSION = 1
"""Incremented when equal networks give other masks; part of every segmenter's fingerprint."""


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
    """Combine a network, its transform and the labels of its classes.

    Args:
        module: The network; brought to float32, eval mode and the device.
        logits_of: Run it: [B, 3, H, W] -> P tensors of logits [B, K_p, h, w].
        transform: RGB image to the network's input.
        positions: For each plane the label of each of its K_p classes, -1 for none.
        mask_size: (sh, sw) of the result. Logits, not labels, are resized (bilinear, aligned to
            the centres of the pixels), since labels cannot be averaged.
        device: Device of the network.
        precision: Of the arithmetic (autocast); weights are float32.
    """
    import torch
    from torch.nn.functional import interpolate

    module.float().eval().requires_grad_(False).to(device)
    # Convolutions are up to twice as fast in this layout.
    module.to(memory_format=torch.channels_last)
    tables = [torch.tensor(list(each), dtype=torch.int16, device=device) for each in positions]

    def plane(logits: Tensor, table: Tensor) -> Tensor:
        logits = logits.float()
        if tuple(logits.shape[2:]) != mask_size:
            logits = interpolate(logits, mask_size, mode="bilinear", align_corners=False)
        return table[logits.argmax(dim=1)]

    def segment(images: Tensor) -> Tensor:
        batch = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        with torch.inference_mode():
            with autocast(precision, device):
                found = logits_of(batch)
            planes = [plane(each, table) for each, table in zip(found, tables, strict=True)]
            return torch.stack(planes, dim=1)

    return LoadedSegmenter(transform, segment, mask_size)
