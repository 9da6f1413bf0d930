"""The work of one pass: decode, show to the target and the encoder, write chunks."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from tqdm import tqdm

from bench.evidence.decode import ahead
from bench.evidence.halving import Halving
from bench.evidence.hooks import LayerTap
from bench.evidence.loading import loaded_encoder
from bench.evidence.store import CHUNK, Entry

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.parts import Encoder, LoadedEncoder, LoadedTarget, Probe, Target
    from bench.timing import Timer

_BATCHES_AHEAD = 3
"""Decoded batches that may wait for the networks."""

T = TypeVar("T")

Decoded = tuple["Tensor | None", "Tensor | None"]


@dataclass(frozen=True)
class _ChunkWork:
    """What one chunk still needs: layers, and the networks that are to see its images."""

    chunk: int
    images: range
    lacking: frozenset[str]
    target: LoadedTarget | None
    encoder: LoadedEncoder | None


@dataclass
class Pass:
    """One pass over the chunks that some entry lacks.

    Attributes:
        target: The network; loaded only where `activations` asks for layers.
        activations: Unfinished entries by layer.
        probe: The images.
        encoder: The image-text model; None where no embeddings are wanted.
        embeddings: Their unfinished entry.
        device: Where the networks run.
        batch_size: Images in a forward pass.
        workers: Threads that decode.
        progress: Whether to show a bar on a terminal.
        timer: Its phase under way gets the parts.
    """

    target: Target
    activations: Mapping[str, Entry]
    probe: Probe
    encoder: Encoder | None
    embeddings: Entry | None
    device: str
    batch_size: int
    workers: int
    progress: bool
    timer: Timer
    _meta: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._halving = Halving(self.device, self.batch_size)

    @property
    def fits(self) -> int:
        """Images that went through a network at a time in the end.

        The batch size, or less where the device ran out of memory.
        """
        return self._halving.fits

    def run(self) -> int:
        """Make all missing chunks.

        Returns:
            The number of images that were looked at.
        """
        chunks = sorted({number for entry in self._entries() for number in entry.missing})
        ranges = [range(c * CHUNK, min((c + 1) * CHUNK, len(self.probe))) for c in chunks]
        total = sum(len(images) for images in ranges)
        with ExitStack() as stack:
            target = self._load_target()
            tap = None
            if target:
                from bench.targets.layers import resolve_layers

                resolve_layers(target.module, list(self.activations))
                tap = stack.enter_context(LayerTap(target.module, list(self.activations)))
            encoder = loaded_encoder(self.encoder, self.device) if self.encoder else None
            quiet = not self.progress or not sys.stderr.isatty()
            bar = stack.enter_context(
                tqdm(total=total, unit="image", desc="gather", disable=quiet, file=sys.stderr)
            )
            works = [
                self._work(chunk, images, target, encoder)
                for chunk, images in zip(chunks, ranges, strict=True)
            ]
            batches = stack.enter_context(closing(self._batches(works)))
            for work in works:
                self._chunk(work, batches, tap, bar)
        return total

    def meta(self, entry: Entry) -> dict[str, Any]:
        """What was learned of an entry: {units, map_size} of a layer, {dim} of embeddings."""
        return self._meta[id(entry)]

    def _entries(self) -> list[Entry]:
        return [*self.activations.values(), *([self.embeddings] if self.embeddings else [])]

    def _load_target(self) -> LoadedTarget | None:
        if not self.activations:
            return None
        import torch

        target = self.target.load(self.device)
        # Convolutions run up to twice as fast in this layout; other layers do not mind.
        target.module.to(memory_format=torch.channels_last)
        return target

    def _work(
        self,
        chunk: int,
        images: range,
        target: LoadedTarget | None,
        encoder: LoadedEncoder | None,
    ) -> _ChunkWork:
        # Entries may be at different chunks, where a run with fewer layers was interrupted.
        lacking = frozenset(k for k, entry in self.activations.items() if chunk in entry.missing)
        embeds = self.embeddings is not None and chunk in self.embeddings.missing
        return _ChunkWork(
            chunk, images, lacking, target if lacking else None, encoder if embeds else None
        )

    def _chunk(
        self, work: _ChunkWork, batches: Iterator[Decoded], tap: LayerTap | None, bar: Any
    ) -> None:
        pooled: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in work.lacking}
        embedded: list[NDArray[np.float32]] = []
        done = 0
        while done < len(work.images):
            inputs, pictures = next(batches)
            size = len(inputs if inputs is not None else pictures)  # type: ignore[arg-type]
            if inputs is not None and tap is not None:
                with self.timer.part("target_forward", size):
                    for part in self._halving.run(partial(self._forward, tap), inputs):
                        for layer in work.lacking:
                            pooled[layer].append(part[layer])
            if pictures is not None and work.encoder is not None:
                with self.timer.part("image_encoding", size):
                    embedded += self._halving.run(partial(self._encode, work.encoder), pictures)
            bar.update(size)
            done += size
        for layer, parts in pooled.items():
            self.activations[layer].put(work.chunk, np.concatenate(parts, axis=1))
        if embedded and self.embeddings:
            table = np.concatenate(embedded)
            self._meta[id(self.embeddings)] = {"dim": table.shape[1]}
            self.embeddings.put(work.chunk, table)

    def _encode(self, encoder: LoadedEncoder, pictures: Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = encoder.encode_images(pictures).float().cpu().numpy()
        return found

    def _forward(self, tap: LayerTap, inputs: Tensor) -> dict[str, NDArray[np.float32]]:
        import torch

        with torch.inference_mode():
            found = tap.run(
                inputs.to(self.device, memory_format=torch.channels_last, non_blocking=True)
            )
        for layer, pooled in found.items():
            size = list(pooled.map_size) if pooled.map_size else None
            units = int(pooled.values.shape[2])
            self._meta[id(self.activations[layer])] = {"units": units, "map_size": size}
        return {layer: pooled.values.cpu().numpy() for layer, pooled in found.items()}

    def _batches(self, works: Sequence[_ChunkWork]) -> Generator[Decoded, None, None]:
        """Decoded batches of all chunks; the next chunk is decoded while one is worked on."""
        import torch

        pinned = self.device.startswith("cuda")  # copies from pinned memory do not wait

        def decode(place: tuple[_ChunkWork, int]) -> tuple[Tensor | None, Tensor | None]:
            work, index = place
            start = time.perf_counter()
            image = self.probe.image(index)
            inputs = work.target.transform(image) if work.target else None
            picture = work.encoder.transform(image) if work.encoder else None
            self.timer.add("decode", time.perf_counter() - start, items=1)
            return inputs, picture

        def joined(tensors: Sequence[Tensor]) -> Tensor:
            batch = torch.stack(list(tensors))
            return batch.pin_memory() if pinned else batch

        window = _BATCHES_AHEAD * self.batch_size
        places = [(work, index) for work in works for index in work.images]
        decoded = ahead(decode, places, workers=self.workers, window=window)
        for work in works:
            # No batch spans two chunks: a chunk is written as soon as its images are through.
            for start in range(0, len(work.images), self.batch_size):
                size = min(self.batch_size, len(work.images) - start)
                # zip(*) cannot tell the checker that each column is all tensors or all None.
                columns: list[list[Any]] = [
                    list(c) for c in zip(*islice(decoded, size), strict=True)
                ]
                yield (
                    joined(columns[0]) if work.target else None,
                    joined(columns[1]) if work.encoder else None,
                )
