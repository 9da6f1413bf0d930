"""The work of one segmentation pass: decode, show to the segmenter, write chunks."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.batches import in_batches
from bench.evidence.store import CHUNK
from bench.networks.halving import Halving
from bench.networks.precision import arithmetic

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.evidence.store import Entry
    from bench.networks.execution import How
    from bench.parts.protocols import LoadedSegmenter, Probe, Segmenter
    from bench.timing import Timer


@dataclass
class SegmentPass:
    """One pass over the chunks that an entry lacks.

    Attributes:
        segmenter: The network; loaded when the pass runs.
        probe: The images.
        entry: What is to be filled.
        labels: Number of labels; positions at or beyond it are a fault of the segmenter.
        how: Device, batch size and the like.
        timer: Its phase under way gets the parts.
        chunks: The chunks to look at; None for all.
        meta: What was learned: {planes, mask_size}.
    """

    segmenter: Segmenter
    probe: Probe
    entry: Entry
    labels: int
    how: How
    timer: Timer
    chunks: range | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._halving = Halving(self.how.device, max(1, self.how.batch_size))

    @property
    def fits(self) -> int:
        """Images that went through the network at a time in the end."""
        return self._halving.fits

    def run(self) -> int:
        """Make all missing chunks.

        Returns:
            The number of images that were looked at.
        """
        missing = {
            number: range(number * CHUNK, min((number + 1) * CHUNK, len(self.probe)))
            for number in self.entry.missing
            if self.chunks is None or number in self.chunks
        }
        if not missing:
            return 0
        total = sum(len(images) for images in missing.values())
        loaded = self.segmenter.load(self.how.device)
        quiet = not self.how.progress or not sys.stderr.isatty()
        with ExitStack() as stack:
            bar = stack.enter_context(
                tqdm(total=total, unit="image", desc="segment", disable=quiet, file=sys.stderr)
            )
            batches = stack.enter_context(closing(self._batches(loaded, [*missing.values()])))
            for number, images in missing.items():
                found: list[NDArray[np.int16]] = []
                done = 0
                while done < len(images):
                    batch = next(batches)
                    with self.timer.part("segmenter_forward", len(batch)):
                        found += self._halving.run(lambda part: self._segment(loaded, part), batch)
                    bar.update(len(batch))
                    done += len(batch)
                self.entry.begin(self.meta)
                self.entry.put(number, np.concatenate(found))
        return total

    def _segment(self, loaded: LoadedSegmenter, images: Tensor) -> NDArray[np.int16]:
        with arithmetic(self.how.device, tf32=self.how.tf32):
            planes = loaded.segment(images).cpu().numpy()
        count, size = len(images), tuple(loaded.mask_size)
        if planes.ndim != 4 or planes.shape[0] != count or planes.shape[2:] != size:
            raise ValueError(f"the segmenter gave {planes.shape} for {count} images, masks {size}")
        if planes.size and not -1 <= planes.min() <= planes.max() < self.labels:
            raise ValueError(f"the segmenter marked a label beyond its {self.labels}")
        self.meta = {"planes": int(planes.shape[1]), "mask_size": list(size)}
        return planes.astype(np.int16)

    def _batches(
        self, loaded: LoadedSegmenter, chunks: Sequence[range]
    ) -> Generator[Tensor, None, None]:
        """Decoded batches of all chunks; the next chunk is decoded while one is worked on."""
        pinned = self.how.device.startswith("cuda")

        def decode(index: int) -> tuple[Tensor]:
            start = time.perf_counter()
            decoded = loaded.transform(self.probe.image(index))
            self.timer.add("decode", time.perf_counter() - start, items=1)
            return (decoded,)

        size, workers = max(1, self.how.batch_size), self.how.workers
        batches = in_batches(decode, chunks, batch_size=size, workers=workers, pinned=pinned)
        with closing(batches):
            for [batch] in batches:
                yield batch
