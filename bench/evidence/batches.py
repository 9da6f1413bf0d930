"""Decoded images in batches, for the chunks that a pass still has to make."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from bench.evidence.decode import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from torch import Tensor

    from bench.parts import LoadedEncoder, LoadedTarget, Probe
    from bench.timing import Timer

_BATCHES_AHEAD = 3
"""Decoded batches that may wait for the networks."""

S = TypeVar("S")
T = TypeVar("T")

Decoded = tuple["Tensor | None", "Tensor | None"]
"""A batch as the target and as the encoder are to see it; None for a network that is not to."""


@dataclass(frozen=True)
class ChunkWork:
    """What one chunk still needs.

    Attributes:
        chunk: Its number.
        images: Its images.
        pooled: Layers whose pooled activations it lacks.
        maps: Layers whose maps it lacks, at least in part.
        embeds: Whether it lacks embeddings.
        target: The network, once it is loaded, where any layer is lacking.
        encoder: The image-text model, once it is loaded, where embeddings are lacking.
    """

    chunk: int
    images: range
    pooled: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    embeds: bool = False
    target: LoadedTarget | None = None
    encoder: LoadedEncoder | None = None

    def shown_to(self, target: LoadedTarget | None, encoder: LoadedEncoder | None) -> ChunkWork:
        """The same work with the networks that are to see its images."""
        layers = self.pooled or self.maps
        return replace(
            self, target=target if layers else None, encoder=encoder if self.embeds else None
        )


def batches(
    works: Sequence[ChunkWork],
    probe: Probe,
    *,
    batch_size: int,
    workers: int,
    pinned: bool,
    timer: Timer | None = None,
) -> Generator[Decoded, None, None]:
    """Decode the images of all chunks; the next chunk is decoded while one is worked on.

    Args:
        works: The chunks in order.
        probe: The images.
        batch_size: Images of a batch; no batch spans two chunks, so that a chunk is written as
            soon as its images are through.
        workers: Threads that decode.
        pinned: Whether batches lie in pinned memory, from which copies to a GPU do not wait.
        timer: Its phase under way gets the part "decode"; None where nobody asks.

    Yields:
        The batches, in order.
    """

    def decode(place: tuple[ChunkWork, int]) -> Decoded:
        work, index = place
        start = time.perf_counter()
        image = probe.image(index)
        inputs = work.target.transform(image) if work.target else None
        picture = work.encoder.transform(image) if work.encoder else None
        if timer:
            timer.add("decode", time.perf_counter() - start, items=1)
        return inputs, picture

    def join(batch: Sequence[Decoded]) -> Decoded:
        # zip(*) cannot tell the checker that each column is all tensors or all None.
        columns: list[list[Any]] = [list(column) for column in zip(*batch, strict=True)]
        shown = [None if column[0] is None else joined(column, pinned) for column in columns]
        return shown[0], shown[1]

    groups = [[(work, index) for index in work.images] for work in works]
    with closing(grouped(decode, groups, batch_size=batch_size, workers=workers)) as decoded:
        if not pinned:
            yield from map(join, decoded)
            return
        # For a GPU the next batch is put together while it works on one.
        count = sum(-(-len(group) // batch_size) for group in groups)
        with closing(ahead(lambda _: join(next(decoded)), range(count), workers=1, window=2)) as it:
            yield from it


def grouped(
    decode: Callable[[S], T], groups: Sequence[Sequence[S]], *, batch_size: int, workers: int
) -> Generator[list[T], None, None]:
    """Decode places in batches, in their order; the next ones while one batch is worked on.

    Args:
        decode: What to do with a place; called in other threads.
        groups: The places; no batch spans two groups, so that a chunk is written as soon as its
            images are through.
        batch_size: Places of a batch.
        workers: Threads.

    Yields:
        What was decoded, batch by batch.
    """
    places = [place for group in groups for place in group]
    decoded = ahead(decode, places, workers=workers, window=_BATCHES_AHEAD * batch_size)
    for group in groups:
        for start in range(0, len(group), batch_size):
            yield list(islice(decoded, min(batch_size, len(group) - start)))


def joined(tensors: Sequence[Tensor], pinned: bool) -> Tensor:
    """One batch of several images; in pinned memory, from which copies to a GPU do not wait."""
    import torch

    if not pinned:
        return torch.stack(list(tensors))
    # Straight into pinned memory, which torch keeps and hands out again: no second copy, and no
    # fresh pages for each batch.
    first = tensors[0]
    batch = torch.empty((len(tensors), *first.shape), dtype=first.dtype, pin_memory=True)
    return torch.stack(list(tensors), out=batch)
