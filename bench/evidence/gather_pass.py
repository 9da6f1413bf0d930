"""One pass over a probe set: decode images, run the networks, write chunks."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.batches import ChunkWork, Decoded, batches
from bench.evidence.fast_transforms import fast_transform
from bench.evidence.layouts import check_layouts
from bench.evidence.maps import ROWS, map_bytes, storable_bytes
from bench.evidence.model_cache import load_encoder
from bench.evidence.store import CHUNK, Entry
from bench.networks.batch_runner import BatchRunner
from bench.networks.forward import Forward
from bench.networks.hooks import LayerHooks
from bench.networks.pooling import Pooled, check_mixed
from bench.networks.precision import set_precision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.evidence.pass_entries import PassEntries
    from bench.evidence.request import EvidenceRequest
    from bench.networks.layout import Layout
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import LoadedEncoder
    from bench.timing import Timer


class GatherPass:
    """One pass over the chunks that some entry lacks.

    Args:
        request: What to gather, and how to run the networks.
        layouts: How the layers are read.
        missing: The incomplete entries; no other is filled.
        timer: Gets the parts of its current phase.
        chunks: The chunks to look at; None for all.

    Attributes:
        too_large: Layers whose maps turned out to exceed the limit, and were not stored.
        notes: What the network cannot do, for the record.
    """

    def __init__(
        self,
        request: EvidenceRequest,
        layouts: Mapping[str, Layout],
        missing: PassEntries,
        timer: Timer,
        chunks: range | None = None,
    ) -> None:
        self.too_large: set[str] = set()
        self.notes: tuple[str, ...] = ()
        self._request = request
        self._execution = request.execution
        self._layouts = layouts
        self._missing = missing
        self._timer = timer
        self._chunks = chunks
        self._runner = BatchRunner(self._execution.device, self._execution.batch_size)
        self._hooks: LayerHooks
        self._forward: Forward
        self._unchecked: LoadedTarget | None = None

    @property
    def batch_size(self) -> int:
        """Images in a forward pass: the requested number, or less where memory ran out."""
        return self._runner.batch_size

    def run(self) -> int:
        """Make all missing chunks.

        Returns:
            The number of images that were looked at.
        """
        works = self._list_work()
        total = sum(len(work.images) for work in works)
        with ExitStack() as stack:
            target = encoder = None
            if any(work.pooled or work.maps for work in works):
                target = self._request.target.load(self._execution.device)
                self._hooks = stack.enter_context(self._hook(target.module))
                self._forward = Forward(target.module, self._hooks, self._execution)
                self._unchecked = target
                target = replace(target, transform=fast_transform(target.transform, total))
            if self._request.encoder and any(work.embeds for work in works):
                encoder = load_encoder(self._request.encoder, self._execution.device)
                encoder = replace(encoder, transform=fast_transform(encoder.transform, total))
            hidden = None if self._execution.progress else True  # None: hidden without a terminal
            bar = stack.enter_context(
                tqdm(total=total, unit="image", desc="gather", disable=hidden)
            )
            probe = self._request.probe
            source = batches(works, probe, target, encoder, self._execution, self._timer)
            stack.enter_context(closing(source))
            for work in works:
                self._fill_chunk(work, source, encoder, bar)
        if target:
            self.notes = self._forward.notes
        return total

    def _hook(self, network: Any) -> LayerHooks:
        from bench.networks.layers import resolve_layers

        layers = list(dict.fromkeys([*self._missing.activations, *self._missing.maps]))
        resolve_layers(network, layers)
        layouts = {layer: self._layouts[layer] for layer in layers}
        return LayerHooks(network, layouts, maps=list(self._missing.maps))

    def _list_work(self) -> list[ChunkWork]:
        """List what each chunk lacks; after interruptions entries may lack different chunks."""
        n, missing = len(self._request.probe), self._missing
        works = []
        for chunk in range(-(-n // CHUNK)) if self._chunks is None else self._chunks:
            pieces = range(chunk * CHUNK // ROWS, (chunk + 1) * CHUNK // ROWS)
            work = ChunkWork(
                chunk=chunk,
                images=range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)),
                pooled=frozenset(k for k, e in missing.activations.items() if chunk in e.missing),
                maps=frozenset(k for k, e in missing.maps.items() if e.missing_in(pieces)),
                embeds=missing.embeddings is not None and chunk in missing.embeddings.missing,
            )
            if work.pooled or work.maps or work.embeds:
                works.append(work)
        return works

    def _fill_chunk(
        self, work: ChunkWork, source: Iterator[Decoded], encoder: LoadedEncoder | None, bar: Any
    ) -> None:
        pooled: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in work.pooled}
        first = work.images.start // ROWS
        writers = {layer: _MapWriter(self._missing.maps[layer], first) for layer in work.maps}
        embedded: list[NDArray[np.float32]] = []
        done = 0
        while done < len(work.images):
            inputs, pictures = next(source)
            size = len(inputs if inputs is not None else pictures)  # type: ignore[arg-type]
            if inputs is not None:
                with self._timer.part("target_forward", size):
                    for part in self._runner.run(self._run_target, inputs):
                        for layer, parts in pooled.items():
                            parts.append(part[layer].values.numpy())
                        for layer in work.maps - self.too_large:
                            self._add_maps(layer, part[layer], writers[layer])
            if pictures is not None and encoder is not None:
                with self._timer.part("image_encoding", size):
                    embedded += self._runner.run(partial(self._encode, encoder), pictures)
            bar.update(size)
            done += size
        for layer, parts in pooled.items():
            self._missing.activations[layer].put(work.chunk, np.concatenate(parts, axis=1))
        for layer in work.maps - self.too_large:
            writers[layer].flush()
        if embedded and self._missing.embeddings:
            table = np.concatenate(embedded)
            self._missing.embeddings.begin({"dim": table.shape[1]})
            self._missing.embeddings.put(work.chunk, table)

    def _add_maps(self, layer: str, pooled: Pooled, writer: _MapWriter) -> None:
        assert pooled.maps is not None
        entry = self._missing.maps[layer]
        _, units, height, width = pooled.maps.shape
        limit = storable_bytes(entry, self._execution.maps_limit)
        if map_bytes(len(self._request.probe), units, (height, width)) > limit:
            self.too_large.add(layer)
            self._hooks.drop_maps(layer)
            return
        entry.begin({"units": units, "map_size": [height, width]})
        writer.add(pooled.maps.numpy())

    def _encode(self, encoder: LoadedEncoder, pictures: Tensor) -> NDArray[np.float32]:
        # Without the target's precision: the encoder sets its own.
        with set_precision(self._execution.device, tf32=self._execution.tf32):
            embeddings: NDArray[np.float32] = encoder.encode_images(pictures).float().cpu().numpy()
        return embeddings

    def _run_target(self, inputs: Tensor) -> dict[str, Pooled]:
        outputs = self._forward(inputs)
        self._check_layouts(outputs)
        for layer, entry in self._missing.activations.items():
            size = outputs[layer].map_size
            units = int(outputs[layer].values.shape[2])
            count = self._hooks.calls[layer]
            calls = {"calls": count} if count > 1 else {}
            entry.begin({"units": units, "map_size": list(size) if size else None, **calls})
        return {layer: pooled.cpu() for layer, pooled in outputs.items()}

    def _check_layouts(self, outputs: Mapping[str, Pooled]) -> None:
        """Compare the first batch with the run that the layouts were found in."""
        if self._unchecked is None:
            return
        loaded, self._unchecked = self._unchecked, None
        other = {
            layer: self._layouts[layer]
            for layer, pooled in outputs.items()
            if self._layouts[layer].shape not in ((), pooled.shape)
        }
        # Another number of classes, or another network than the one without weights.
        if other and hasattr(self._request.target, "untrained"):
            check_layouts(loaded, other, self._request.layout)
        for layer, pooled in outputs.items():
            if self._layouts[layer].class_token:
                check_mixed(pooled.values[0], layer)


class _MapWriter:
    """Write maps of `ROWS` images at a time, for any batch size.

    Args:
        entry: Where they are stored; pieces that it has are skipped.
        number: Number of the first piece.
    """

    def __init__(self, entry: Entry, number: int) -> None:
        self._entry = entry
        self._number = number
        self._waiting: list[NDArray[np.float32]] = []
        self._missing = set(entry.missing)

    def add(self, maps: NDArray[np.float32]) -> None:
        """Take the maps of the next images, float32 [B, U, h, w]."""
        self._waiting.append(maps)
        if sum(map(len, self._waiting)) >= ROWS:
            maps = np.concatenate(self._waiting)
            whole = len(maps) // ROWS * ROWS
            for start in range(0, whole, ROWS):
                self._put(maps[start : start + ROWS])
            self._waiting = [maps[whole:]]

    def flush(self) -> None:
        """Write the last images of the probe set."""
        if sum(map(len, self._waiting)):
            self._put(np.concatenate(self._waiting))
        self._waiting = []

    def _put(self, piece: NDArray[np.float32]) -> None:
        if self._number in self._missing:
            self._entry.put(self._number, piece)
        self._number += 1
