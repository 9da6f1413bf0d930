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

    from torch import Tensor

    from bench.config.compose import Job
    from bench.speed.jobs import Setting


def describe(job: Job, setting: Setting) -> list[dict[str, Any]]:
    """Describe every layer of a job, whatever its method.

    Returns:
        The phases "gather", "text" and "match" (`bench.timing.Phase`).
    """
    parts = build_selection(job.config)
    probe, device, size = parts.probe, setting.device, setting.batch_size
    assert parts.encoder is not None

    def batches(transform: Callable[[Any], Tensor]) -> Iterator[Tensor]:
        def decode(index: int) -> Tensor:
            return transform(probe.image(index))

        tensors = prefetch(decode, range(len(probe)), workers=setting.workers, window=3 * size)
        while batch := list(islice(tensors, size)):
            yield torch.stack(batch).to(device)

    timer = Timer(device)
    timer.warm_up()
    with timer.phase("gather", items=len(probe)), torch.inference_mode():
        target = parts.target.load(device)
        pooled: dict[str, list[Tensor]] = {layer: [] for layer in parts.layers}
        layouts = {k: v for k, v in parts.layouts.items() if isinstance(v, Layout)}
        with LayerHooks(target.module, layouts) as hooks:
            for batch in batches(target.transform):
                with set_precision(device, setting.precision):
                    outputs = hooks.run(batch)
                for layer, found in outputs.items():
                    pooled[layer].append(found.values[0].cpu())
        encoder = parts.encoder.load(device)
        with set_precision(device):
            embedded = [encoder.encode_images(each) for each in batches(encoder.transform)]
            images = torch.cat([each.float() for each in embedded])
    with timer.phase("text", items=len(parts.words)), torch.inference_mode():
        words = [parts.words[at : at + size] for at in range(0, len(parts.words), size)]
        texts = torch.cat([encoder.encode_texts(some).float() for some in words])
    with timer.phase("match"), torch.inference_mode():
        for layer in parts.layers:
            scores = normalize(images) @ normalize(texts).T
            similarity.soft_wpmi(scores, torch.cat(pooled[layer]).to(device)).argmax(dim=1).cpu()
    return timer.records()
