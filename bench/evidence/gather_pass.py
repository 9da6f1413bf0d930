"""The work of one pass: decode, show to the target and the encoder, write chunks."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.batches import ChunkWork, Decoded, batches
from bench.evidence.layouts import confirm
from bench.evidence.loading import loaded_encoder
from bench.evidence.maps import ROWS, map_bytes, storable
from bench.evidence.store import CHUNK, Entry
from bench.evidence.views import quick_view
from bench.networks.forward import Forward
from bench.networks.halving import Halving
from bench.networks.hooks import LayerTap
from bench.networks.pooling import Pooled, check_mixed
from bench.networks.precision import arithmetic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.evidence.held import Held
    from bench.networks.execution import How
    from bench.networks.layout import Layout, Reading
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Encoder, LoadedEncoder, Probe, Target
    from bench.timing import Timer


@dataclass
class Pass:
    """One pass over the chunks that some entry lacks.

    Attributes:
        target: The network; loaded only where `activations` asks for layers.
        layouts: How its layers are read.
        reading: What was asked for of that.
        activations: Unfinished entries of pooled activations by layer.
        maps: Unfinished entries of maps by layer; one that turns out to be larger than the
            limit is left as it is.
        chunks: The chunks to look at; None for all.
        probe: The images.
        encoder: The image-text model; None where no embeddings are wanted.
        embeddings: Their unfinished entry.
        how: Device, batch size, precision and the like.
        timer: Its phase under way gets the parts.
        too_large: Layers whose maps were left out.
        notes: What the network did not bear, for the record.
    """

    target: Target
    layouts: Mapping[str, Layout]
    reading: Reading
    activations: Mapping[str, Entry]
    maps: Mapping[str, Entry]
    probe: Probe
    encoder: Encoder | None
    embeddings: Entry | None
    how: How
    timer: Timer
    chunks: range | None = None
    too_large: set[str] = field(default_factory=set)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._halving = Halving(self.how.device, max(1, self.how.batch_size))
        self._network: Forward | None = None
        self._loaded: LoadedTarget | None = None

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
        works = self._works()
        total = sum(len(work.images) for work in works)
        with ExitStack() as stack:
            shown = any(work.pooled or work.maps for work in works)
            target = self.target.load(self.how.device) if shown else None
            tap = None
            if target:
                from bench.networks.layers import resolve_layers

                layers = list(dict.fromkeys([*self.activations, *self.maps]))
                resolve_layers(target.module, layers)
                layouts = {layer: self.layouts[layer] for layer in layers}
                tap = LayerTap(target.module, layouts, maps=list(self.maps))
                self._network = Forward(target.module, stack.enter_context(tap), self.how)
                self._loaded = target
            wants = any(work.embeds for work in works)
            encoder = (
                loaded_encoder(self.encoder, self.how.device) if wants and self.encoder else None
            )
            if target:
                target = replace(target, transform=quick_view(target.transform, total))
            if encoder:
                encoder = replace(encoder, transform=quick_view(encoder.transform, total))
            works = [work.shown_to(target, encoder) for work in works]
            quiet = not self.how.progress or not sys.stderr.isatty()
            bar = stack.enter_context(
                tqdm(total=total, unit="image", desc="gather", disable=quiet, file=sys.stderr)
            )
            source = batches(
                works,
                self.probe,
                batch_size=max(1, self.how.batch_size),
                workers=self.how.workers,
                pinned=self.how.device.startswith("cuda"),
                timer=self.timer,
            )
            stack.enter_context(closing(source))
            for work in works:
                self._chunk(work, source, tap, bar)
            self.notes = self._network.notes if self._network else ()
        return total

    def _works(self) -> list[ChunkWork]:
        """What each chunk still needs: entries may be at different ones, after interruptions."""
        count = -(-len(self.probe) // CHUNK)
        works = []
        for chunk in range(count) if self.chunks is None else self.chunks:
            pieces = range(chunk * CHUNK // ROWS, (chunk + 1) * CHUNK // ROWS)
            work = ChunkWork(
                chunk=chunk,
                images=range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(self.probe))),
                pooled=frozenset(k for k, e in self.activations.items() if chunk in e.missing),
                maps=frozenset(k for k, e in self.maps.items() if e.missing_in(pieces)),
                embeds=self.embeddings is not None and chunk in self.embeddings.missing,
            )
            if work.pooled or work.maps or work.embeds:
                works.append(work)
        return works

    def _chunk(
        self, work: ChunkWork, source: Iterator[Decoded], tap: LayerTap | None, bar: Any
    ) -> None:
        pooled: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in work.pooled}
        writers = {k: _Pieces(self.maps[k], work.images.start // ROWS) for k in work.maps}
        embedded: list[NDArray[np.float32]] = []
        done = 0
        while done < len(work.images):
            inputs, pictures = next(source)
            size = len(inputs if inputs is not None else pictures)  # type: ignore[arg-type]
            if inputs is not None and tap is not None:
                with self.timer.part("target_forward", size):
                    for part in self._halving.run(partial(self._forward, tap), inputs):
                        for layer, parts in pooled.items():
                            parts.append(part[layer].values.numpy())
                        for layer in work.maps - self.too_large:
                            self._keep_maps(layer, part[layer], writers[layer], tap)
            if pictures is not None and work.encoder is not None:
                with self.timer.part("image_encoding", size):
                    embedded += self._halving.run(partial(self._encode, work.encoder), pictures)
            bar.update(size)
            done += size
        for layer, parts in pooled.items():
            self.activations[layer].put(work.chunk, np.concatenate(parts, axis=1))
        for layer in work.maps - self.too_large:
            writers[layer].flush()
        if embedded and self.embeddings:
            table = np.concatenate(embedded)
            self.embeddings.begin({"dim": table.shape[1]})
            self.embeddings.put(work.chunk, table)

    def _keep_maps(self, layer: str, found: Pooled, writer: _Pieces, tap: LayerTap) -> None:
        assert found.maps is not None
        _, units, *size = found.maps.shape
        limit = storable(self.maps[layer], self.how.maps_limit)
        if map_bytes(len(self.probe), units, (size[0], size[1])) > limit:
            self.too_large.add(layer)
            tap.drop_maps(layer)
            return
        self.maps[layer].begin({"units": units, "map_size": size})
        writer.add(found.maps.numpy())

    def _encode(self, encoder: LoadedEncoder, pictures: Tensor) -> NDArray[np.float32]:
        # The encoder knows its own precision.
        with arithmetic(self.how.device, tf32=self.how.tf32):
            found: NDArray[np.float32] = encoder.encode_images(pictures).float().cpu().numpy()
        return found

    def _forward(self, tap: LayerTap, inputs: Tensor) -> dict[str, Pooled]:
        assert self._network is not None
        found = self._network(inputs)
        self._check(found)
        for layer, entry in self.activations.items():
            size = found[layer].map_size
            units = int(found[layer].values.shape[2])
            calls = {"calls": tap.calls[layer]} if tap.calls[layer] > 1 else {}
            entry.begin({"units": units, "map_size": list(size) if size else None, **calls})
        return {layer: pooled.on_host() for layer, pooled in found.items()}

    def _check(self, found: Mapping[str, Pooled]) -> None:
        """Compare the first batch with what the layouts were found on."""
        if self._loaded is None:
            return
        loaded, self._loaded = self._loaded, None
        other = {
            layer: self.layouts[layer]
            for layer, pooled in found.items()
            if self.layouts[layer].shape not in ((), pooled.shape)
        }
        # Another number of classes, or another network than the one without weights.
        if other and hasattr(self.target, "untrained"):
            confirm(loaded, other, self.reading)
        for layer, pooled in found.items():
            if self.layouts[layer].class_token:
                check_mixed(pooled.values[0], layer)


def make_pass(
    target: Target,
    layouts: Mapping[str, Layout],
    reading: Reading,
    probe: Probe,
    encoder: Encoder | None,
    held: Held,
    unfinished: Collection[Entry],
    how: How,
    timer: Timer,
) -> Pass:
    """A pass over what some entries lack; the others are left alone."""
    embeds = held.embeddings in unfinished
    return Pass(
        target=target,
        layouts=layouts,
        reading=reading,
        activations={k: v for k, v in held.activations.items() if v in unfinished},
        maps={k: v for k, v in held.maps.items() if v in unfinished},
        probe=probe,
        encoder=encoder if embeds else None,
        embeddings=held.embeddings if embeds else None,
        how=how,
        timer=timer,
    )


class _Pieces:
    """Writes maps of `ROWS` images at a time, whatever the batches.

    Args:
        entry: Where they go; pieces that it holds are passed over.
        number: Number of the first piece.
    """

    def __init__(self, entry: Entry, number: int) -> None:
        self._entry = entry
        self._number = number
        self._held: list[NDArray[np.float32]] = []
        self._missing = set(entry.missing)

    def add(self, maps: NDArray[np.float32]) -> None:
        """Take the maps of the next images, float32 [B, U, h, w]."""
        self._held.append(maps)
        if sum(map(len, self._held)) >= ROWS:
            joined = np.concatenate(self._held)
            whole = len(joined) // ROWS * ROWS
            for start in range(0, whole, ROWS):
                self._put(joined[start : start + ROWS])
            self._held = [joined[whole:]]

    def flush(self) -> None:
        """Write what is left: the last images of the probe set."""
        if sum(map(len, self._held)):
            self._put(np.concatenate(self._held))
        self._held = []

    def _put(self, piece: NDArray[np.float32]) -> None:
        if self._number in self._missing:
            self._entry.put(self._number, piece)
        self._number += 1
