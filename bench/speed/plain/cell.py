"""Run a whole cell of CLIP-Dissect plainly.

Written from the description of the procedure (Oikarinen and Weng, ICLR 2023, section 3): decode the
images once for all layers of the target and once more for the encoder; keep all pooled activations
in memory; compute the matrix of images x concepts for each layer, and soft_wpmi unit by unit.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import normalize

from bench.evidence.prefetch import prefetch
from bench.networks.hooks import LayerHooks
from bench.networks.layout import Layout
from bench.networks.precision import set_precision
from bench.run.selection import build_selection
from bench.speed.plain import similarity
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from torch import Tensor

    from bench.config.compose import Job
    from bench.parts.protocols import Probe
    from bench.speed.jobs import Setting


def describe(job: Job, setting: Setting) -> list[dict[str, Any]]:
    """Describe every layer of a job, whatever its method.

    Returns:
        The phases "gather", "text" and "match" (`bench.timing.Phase`).
    """
    parts = build_selection(job.config)
    device, batch_size, workers = setting.device, setting.batch_size, setting.workers
    assert parts.encoder is not None
    timer = Timer(device)
    timer.warm_up()
    with timer.phase("gather", items=len(parts.probe)), torch.inference_mode():
        target = parts.target.load(device)
        pooled: dict[str, list[Tensor]] = {layer: [] for layer in parts.layers}
        layouts = {k: v for k, v in parts.layouts.items() if isinstance(v, Layout)}
        with LayerHooks(target.module, layouts) as tap:
            for batch in _batches(parts.probe, target.transform, batch_size, workers):
                with set_precision(device, setting.precision):
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
            similarity.soft_wpmi(scores, torch.cat(pooled[layer]).to(device)).argmax(dim=1).cpu()
    return timer.records()


def _batches(
    probe: Probe, transform: Callable[[Image], Tensor], size: int, workers: int
) -> Iterator[Tensor]:
    def decode(index: int) -> Tensor:
        return transform(probe.image(index))

    tensors = prefetch(decode, range(len(probe)), workers=workers, window=3 * size)
    while batch := list(islice(tensors, size)):
        yield torch.stack(batch)
