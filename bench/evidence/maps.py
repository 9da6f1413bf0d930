"""Activation maps of a layer: read from the cache, or computed by running the network again.

Maps are the only evidence that can exceed the size of a disk (a layer of 256 maps of 56 x 56 over
63,305 images: 203 GB). Up to a limit they are stored, in pieces that fit in memory; larger maps are
computed in another pass of the network each time they are read.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from bench.evidence import memory
from bench.evidence.batches import ChunkWork, batches
from bench.evidence.fast_transforms import fast_transform
from bench.networks.batch_runner import BatchRunner
from bench.networks.forward import Forward
from bench.networks.hooks import LayerHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from bench.evidence.store import Entry
    from bench.networks.execution import Execution
    from bench.networks.layout import Layout
    from bench.parts.protocols import Probe, Target

ROWS = 32
"""Images in a stored piece of maps: 103 MB at 256 maps of 56 x 56."""

_BATCH_BYTES = 64 << 20
"""Stored pieces are read in batches of up to this size."""


@dataclass(frozen=True)
class LayerMaps:
    """Maps of a layer over a probe set; `baselines.spatial.Maps`.

    Attributes:
        n_images: N.
        n_units: U.
        map_size: (h, w).
        read: Goes through all maps once, in batches float32 [B, U, h, w].
        title: Text of a progress bar in each reading; "" for none.
    """

    n_images: int
    n_units: int
    map_size: tuple[int, int]
    read: Callable[[], Iterator[Tensor]]
    title: str = ""

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        hidden = None if self.title else True  # None: hidden without a terminal
        with tqdm(total=self.n_images, unit="image", desc=self.title, disable=hidden) as bar:
            for batch in self.read():
                yield batch
                bar.update(len(batch))


def map_bytes(n: int, units: int, size: tuple[int, int]) -> int:
    """Return the bytes of the maps of a layer over n images."""
    return 4 * n * units * size[0] * size[1]


def storable_bytes(entry: Entry, limit: float) -> float:
    """Return the most bytes of maps that an entry may hold: less where it is in memory."""
    return limit if entry.on_disk else min(limit, memory.LIMIT_BYTES)


def read_maps(entry: Entry) -> Iterator[Tensor]:
    """Read stored maps, whose pieces have the shape [ROWS, U, h, w]."""
    import torch

    together = max(1, _BATCH_BYTES // entry.chunk(0, mapped=True).nbytes)
    for start in range(0, entry.count, together):
        stop = min(start + together, entry.count)
        pieces = [entry.chunk(number) for number in range(start, stop)]
        yield torch.from_numpy(pieces[0] if len(pieces) == 1 else np.concatenate(pieces))


def compute_maps(
    target: Target, layer: str, layout: Layout, probe: Probe, execution: Execution
) -> Iterator[Tensor]:
    """Run the network over all images once, and copy the maps of a layer to the CPU.

    Values are the same in each run.
    """
    loaded = target.load(execution.device)
    loaded = replace(loaded, transform=fast_transform(loaded.transform, len(probe)))
    work = ChunkWork(0, range(len(probe)), maps=frozenset({layer}))
    source = batches([work], probe, loaded, None, execution)
    hooks = LayerHooks(loaded.module, {layer: layout}, maps=[layer])
    with hooks, closing(source):
        forward = Forward(loaded.module, hooks, execution)
        runner = BatchRunner(execution.device, execution.batch_size)

        def run(inputs: Tensor) -> Tensor:
            maps = forward(inputs)[layer].maps
            assert maps is not None
            # Methods count maps on the CPU: small steps for each image keep a GPU waiting.
            return maps.cpu()

        for inputs, _ in source:
            assert inputs is not None
            yield from runner.run(run, inputs)
