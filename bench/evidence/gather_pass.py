"""The work of one pass: decode, show to the target and the encoder, write chunks."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.decode import ahead
from bench.evidence.hooks import LayerTap
from bench.evidence.loading import loaded_encoder
from bench.evidence.store import CHUNK, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.parts import Encoder, LoadedEncoder, LoadedTarget, Probe, Target
    from bench.timing import Timer

_BATCHES_AHEAD = 3
"""Decoded batches that may wait for the networks."""

Decoded = tuple["Tensor | None", "Tensor | None"]


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
            for chunk, images in zip(chunks, ranges, strict=True):
                self._chunk(chunk, images, target, tap, encoder, bar)
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

    def _chunk(
        self,
        chunk: int,
        images: range,
        target: LoadedTarget | None,
        tap: LayerTap | None,
        encoder: LoadedEncoder | None,
        bar: Any,
    ) -> None:
        # Entries may be at different chunks, where a run with fewer layers was interrupted.
        lacking = {k for k, entry in self.activations.items() if chunk in entry.missing}
        for_target = target if lacking else None
        for_encoder = encoder if self.embeddings and chunk in self.embeddings.missing else None
        pooled: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in lacking}
        embedded: list[NDArray[np.float32]] = []
        for inputs, pictures in self._batches(images, for_target, for_encoder):
            size = len(inputs if inputs is not None else pictures)  # type: ignore[arg-type]
            if inputs is not None and tap is not None:
                with self.timer.part("target_forward", size):
                    for layer, values in self._forward(tap, inputs).items():
                        if layer in lacking:
                            pooled[layer].append(values)
            if pictures is not None and for_encoder is not None:
                with self.timer.part("image_encoding", size):
                    embedded.append(for_encoder.encode_images(pictures).float().cpu().numpy())
            bar.update(size)
        for layer, parts in pooled.items():
            self.activations[layer].put(chunk, np.concatenate(parts, axis=1))
        if embedded and self.embeddings:
            table = np.concatenate(embedded)
            self._meta[id(self.embeddings)] = {"dim": table.shape[1]}
            self.embeddings.put(chunk, table)

    def _forward(self, tap: LayerTap, inputs: Tensor) -> dict[str, NDArray[np.float32]]:
        import torch

        with torch.inference_mode():
            found = tap.run(inputs.to(self.device, memory_format=torch.channels_last))
        for layer, pooled in found.items():
            size = list(pooled.map_size) if pooled.map_size else None
            units = int(pooled.values.shape[2])
            self._meta[id(self.activations[layer])] = {"units": units, "map_size": size}
        return {layer: pooled.values.cpu().numpy() for layer, pooled in found.items()}

    def _batches(
        self, images: range, target: LoadedTarget | None, encoder: LoadedEncoder | None
    ) -> Iterator[Decoded]:
        import torch

        def decode(index: int) -> Decoded:
            start = time.perf_counter()
            image = self.probe.image(index)
            inputs = target.transform(image) if target else None
            picture = encoder.transform(image) if encoder else None
            self.timer.add("decode", time.perf_counter() - start, items=1)
            return inputs, picture

        window = _BATCHES_AHEAD * self.batch_size
        decoded = ahead(decode, images, workers=self.workers, window=window)
        while batch := list(islice(decoded, self.batch_size)):
            # zip(*) cannot tell the checker that each column is all tensors or all None.
            inputs: list[Any] = [each[0] for each in batch]
            pictures: list[Any] = [each[1] for each in batch]
            yield (
                torch.stack(inputs) if target else None,
                torch.stack(pictures) if encoder else None,
            )
