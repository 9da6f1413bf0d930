"""A layer's activation maps as methods read them: from the cache, or by running the network again.

Maps are the only evidence whose size can exceed a disk's (a layer of 256 maps of 56 x 56 over
63,305 images: 203 GB). Up to a limit they are stored, in pieces that fit in memory; beyond it each
reading is another pass of the network over the images.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tqdm import tqdm

from bench.evidence import memory
from bench.evidence.batches import ChunkWork, batches
from bench.evidence.fast_transforms import fast_transform
from bench.networks.batch_runner import BatchRunner
from bench.networks.forward import Forward
from bench.networks.hooks import LayerHooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from baselines.spatial import Maps
    from bench.evidence.store import Entry
    from bench.networks.execution import Execution
    from bench.networks.layout import Layout
    from bench.parts.protocols import Probe, Target

ROWS = 32
"""Images in a stored piece of maps: 103 MB at 256 maps of 56 x 56."""

_JOINED_BYTES = 64 << 20
"""Stored pieces are handed out together up to this size."""


def map_bytes(n: int, units: int, size: tuple[int, int]) -> int:
    """Return the bytes of the maps of a layer over n images."""
    return 4 * n * units * size[0] * size[1]


def storable_bytes(entry: Entry, limit: float) -> float:
    """Return the most bytes of maps that an entry may hold: less where it lies in memory."""
    return limit if entry.on_disk else min(limit, memory.LIMIT_BYTES)


@dataclass(frozen=True)
class StoredMaps:
    """Maps that the cache holds.

    Attributes:
        entry: Pieces of shape [ROWS, U, h, w].
        n_images: N.
        n_units: U.
        map_size: (h, w).
    """

    entry: Entry
    n_images: int
    n_units: int
    map_size: tuple[int, int]

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        import numpy as np
        import torch

        together = max(1, _JOINED_BYTES // map_bytes(ROWS, self.n_units, self.map_size))
        for start in range(0, self.entry.count, together):
            stop = min(start + together, self.entry.count)
            pieces = [self.entry.chunk(number) for number in range(start, stop)]
            joined = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            yield torch.from_numpy(joined)


@dataclass(frozen=True)
class RerunMaps:
    """Maps that are computed anew in each reading; the values of a reading never differ.

    Attributes:
        target: The network.
        layer: Its layer.
        layout: Execution that is read.
        probe: The images.
        n_units: U.
        map_size: (h, w).
        execution: Device, batch size, precision and the like.
    """

    target: Target
    layer: str
    layout: Layout
    probe: Probe
    n_units: int
    map_size: tuple[int, int]
    execution: Execution

    @property
    def n_images(self) -> int:
        """N."""
        return len(self.probe)

    def batches(self) -> Iterator[Tensor]:
        """Run the network over all images once; copy its maps to the CPU."""
        execution = self.execution
        loaded = self.target.load(execution.device)
        loaded = replace(loaded, transform=fast_transform(loaded.transform, len(self.probe)))
        everything = ChunkWork(0, range(len(self.probe)), target=loaded)
        source = batches([everything], self.probe, execution)
        hooks = LayerHooks(loaded.module, {self.layer: self.layout}, maps=[self.layer])
        with hooks, closing(source):
            forward = Forward(loaded.module, hooks, execution)
            runner = BatchRunner(execution.device, execution.batch_size)

            def run(inputs: Tensor) -> Tensor:
                maps = forward(inputs)[self.layer].maps
                assert maps is not None
                # Maps are counted on the CPU: small steps for each image keep a GPU waiting.
                return maps.cpu()

            for inputs, _ in source:
                assert inputs is not None
                yield from runner.run(run, inputs)


@dataclass(frozen=True)
class ConcatMaps:
    """Maps of several probe sets, one after the other.

    Attributes:
        parts: Of the same layer.
    """

    parts: tuple[Maps, ...]

    @property
    def n_images(self) -> int:
        """N."""
        return sum(part.n_images for part in self.parts)

    @property
    def n_units(self) -> int:
        """U."""
        return self.parts[0].n_units

    @property
    def map_size(self) -> tuple[int, int]:
        """(h, w)."""
        return self.parts[0].map_size

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        for part in self.parts:
            yield from part.batches()


@dataclass(frozen=True)
class ProgressMaps:
    """Maps with a progress bar for each reading.

    Attributes:
        maps: The maps.
        title: Text of the bar.
        progress: Whether to show it on a terminal.
    """

    maps: Maps
    title: str
    progress: bool

    @property
    def n_images(self) -> int:
        """N."""
        return self.maps.n_images

    @property
    def n_units(self) -> int:
        """U."""
        return self.maps.n_units

    @property
    def map_size(self) -> tuple[int, int]:
        """(h, w)."""
        return self.maps.map_size

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once."""
        hidden = None if self.progress else True  # None: hidden without a terminal
        with tqdm(total=self.n_images, unit="image", desc=self.title, disable=hidden) as bar:
            for batch in self.maps.batches():
                yield batch
                bar.update(len(batch))
