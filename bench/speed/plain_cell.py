"""The whole cell as a first reading of the paper would run it: what the benchmark compares with.

Written from the description of CLIP-Dissect's procedure (Oikarinen and Weng, ICLR 2023, section 3):
the images are decoded once for the target, all layers at once, and once more for the encoder; all
that was pooled stays in memory; the matrix of images x concepts is made for each layer, and
soft_wpmi goes through its units one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import normalize

from bench.evidence.prefetch import prefetch
from bench.networks.hooks import LayerHooks
from bench.networks.layout import Layout
from bench.networks.precision import set_precision
from bench.speed import plain
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from torch import Tensor

    from bench.parts.protocols import Probe
    from bench.run.selection import Selection


def describe(
    parts: Selection, device: str, batch_size: int, workers: int, precision: str = "float32"
) -> list[dict[str, Any]]:
    """Describe every layer of a job.

    Args:
        parts: The job's parts; its method is not looked at.
        device: Where the networks and the loop run.
        batch_size: Images in a forward pass.
        workers: Threads that decode.
        precision: Of the target; the encoder has its own.

    Returns:
        The phases "gather", "text" and "match" (`bench.timing.Phase`).
    """
    assert parts.encoder is not None
    timer = Timer(device)
    timer.warm_up()
    with timer.phase("gather", items=len(parts.probe)), torch.inference_mode():
        target = parts.target.load(device)
        pooled: dict[str, list[Tensor]] = {layer: [] for layer in parts.layers}
        layouts = {k: v for k, v in parts.layouts.items() if isinstance(v, Layout)}
        with LayerHooks(target.module, layouts) as tap:
            for batch in _batches(parts.probe, target.transform, batch_size, workers):
                with set_precision(device, precision):
                    outputs = tap.run(batch.to(device))
                for layer, found in outputs.items():
                    pooled[layer].append(found.values[0].cpu())
        encoder = parts.encoder.load(device)
        with set_precision(device):
            images = torch.cat(
                [
                    encoder.encode_images(batch.to(device)).float().cpu()
                    for batch in _batches(parts.probe, encoder.transform, batch_size, workers)
                ]
            )
    with timer.phase("text", items=len(parts.words)), torch.inference_mode():
        texts = torch.cat(
            [
                encoder.encode_texts(parts.words[start : start + batch_size]).float().cpu()
                for start in range(0, len(parts.words), batch_size)
            ]
        )
    with timer.phase("match"), torch.inference_mode():
        for layer in parts.layers:
            scores = normalize(images.to(device)) @ normalize(texts.to(device)).T
            plain.soft_wpmi(scores, torch.cat(pooled[layer]).to(device)).argmax(dim=1).cpu()
    return timer.records()


def _batches(
    probe: Probe, transform: Callable[[Image], Tensor], size: int, workers: int
) -> Iterator[Tensor]:
    def decode(index: int) -> Tensor:
        return transform(probe.image(index))

    held: list[Tensor] = []
    for tensor in prefetch(decode, range(len(probe)), workers=workers, window=3 * size):
        held.append(tensor)
        if len(held) == size:
            yield torch.stack(held)
            held = []
    if held:
        yield torch.stack(held)
