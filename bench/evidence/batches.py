"""Decode images in batches, for the chunks that a pass has to make."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import NetworkError
from bench.evidence.prefetch import prefetch
from bench.networks.faults import apply_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import torch
    from PIL.Image import Image
    from torch import Tensor

    from bench.networks.execution import Execution
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import LoadedEncoder, Probe
    from bench.timing import Timer

_BATCHES_AHEAD = 3
"""Most decoded batches that may wait for the networks."""

_SIZE_HINTS = {
    "target": "add a CenterCrop to the transform, or replace it by target.params.input_size=224",
    "encoder": "add a CenterCrop to the transform",
}

S = TypeVar("S")

Decoded = Sequence["Tensor | None"]
"""A batch as input of the target and of the encoder; None for a network that does not need it."""


@dataclass(frozen=True)
class ChunkWork:
    """What one chunk lacks.

    Attributes:
        chunk: Its number.
        images: Its images.
        pooled: Layers without pooled activations.
        maps: Layers with some missing maps.
        embeds: Whether embeddings are missing.
    """

    chunk: int
    images: range
    pooled: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    embeds: bool = False


def batches(
    works: Sequence[ChunkWork],
    probe: Probe,
    target: LoadedTarget | None,
    encoder: LoadedEncoder | None,
    execution: Execution,
    timer: Timer | None = None,
) -> Generator[Decoded, None, None]:
    """Decode the images of chunks in batches; see `in_batches`.

    Args:
        works: The chunks in order.
        probe: The images.
        target: The network; None where no chunk lacks a layer.
        encoder: The image-text model; None where no chunk lacks embeddings.
        execution: Device, batch size and number of threads.
        timer: Its current phase gets the part "decode"; None to measure nothing.

    Yields:
        The batches, in order.

    Raises:
        UserError: An image cannot be read.
        NetworkError: The output of a transform is not an image tensor, or not of one size.
    """
    shapes: dict[str, tuple[torch.Size, int]] = {}

    def decode(item: tuple[ChunkWork, int]) -> Decoded:
        work, index = item
        start = time.perf_counter()
        image = probe.image(index)
        inputs = picture = None
        if target and (work.pooled or work.maps):
            inputs = transform(target, "target", image, index)
        if encoder and work.embeds:
            picture = transform(encoder, "encoder", image, index)
        if timer:
            timer.add("decode", time.perf_counter() - start, items=1)
        return inputs, picture

    def transform(
        network: LoadedTarget | LoadedEncoder, role: str, image: Image, index: int
    ) -> Tensor:
        tensor = apply_transform(network.transform, image, role, _image_name(probe, index))
        shape, first = shapes.setdefault(role, (tensor.shape, index))
        if tensor.shape != shape:
            raise NetworkError(
                f"the {role}'s transform gives images of several sizes: {list(shape)} for "
                f"{_image_name(probe, first)} and "
                f"{list(tensor.shape)} for {_image_name(probe, index)}",
                where=role,
                hint=_SIZE_HINTS[role],
            )
        return tensor

    groups = [[(work, index) for index in work.images] for work in works]
    yield from in_batches(decode, groups, execution)


def in_batches(
    decode: Callable[[S], Sequence[Tensor | None]],
    groups: Sequence[Sequence[S]],
    execution: Execution,
) -> Generator[Any, None, None]:
    """Decode items in batches, in order, in background threads.

    Each thread writes its result directly into the batch: collating afterwards would keep the
    networks waiting.

    Args:
        decode: Turns an item into tensors; each of them has the same shape for all items.
        groups: The items; no batch spans two groups, so that a chunk can be written as soon as its
            last image was run.
        execution: Device, batch size and number of threads.

    Yields:
        For each batch a list of tensors [B, ...], with None where `decode` gave None.
    """
    batch_size = max(1, execution.batch_size)
    # Copies from pinned memory to a GPU do not wait.
    pinned = execution.device.startswith("cuda")

    def rows() -> Iterator[tuple[S, _Batch, int]]:
        for group in groups:
            for start in range(0, len(group), batch_size):
                part = group[start : start + batch_size]
                batch = _Batch(len(part), pinned)
                yield from ((item, batch, row) for row, item in enumerate(part))

    def fill(row: tuple[S, _Batch, int]) -> _Batch:
        item, batch, number = row
        batch.put(number, decode(item))
        return batch

    with closing(
        prefetch(fill, rows(), workers=execution.workers, window=_BATCHES_AHEAD * batch_size)
    ) as done:
        for batch in done:
            for _ in range(batch.size - 1):
                next(done)
            yield batch.columns


class _Batch:
    """A batch, allocated when its first item is decoded."""

    def __init__(self, size: int, pinned: bool) -> None:
        self.size = size
        self.columns: list[Tensor | None] = []
        self._pinned = pinned
        self._lock = Lock()

    def put(self, row: int, tensors: Sequence[Tensor | None]) -> None:
        """Write the tensors of one item; safe in threads.

        Raises:
            ValueError: Their shapes or types differ from those of other items.
        """
        with self._lock:
            if not self.columns:
                self.columns = [None if one is None else self._allocate(one) for one in tensors]
        for column, tensor in zip(self.columns, tensors, strict=True):
            if column is None and tensor is None:
                continue
            if column is None or tensor is None or column.dtype != tensor.dtype:
                kinds = [None if one is None else one.dtype for one in (column, tensor)]
                raise ValueError(f"images of one batch have the types {kinds[0]} and {kinds[1]}")
            if column.shape[1:] != tensor.shape:
                raise ValueError(
                    f"images of one batch have the shapes {list(column.shape[1:])} and "
                    f"{list(tensor.shape)}: a network's transform must give one size"
                )
            # NumPy copies in this thread; PyTorch would use threads that wait for each other.
            column.numpy()[row] = tensor.numpy()

    def _allocate(self, one: Tensor) -> Tensor:
        import torch

        # PyTorch reuses pinned memory.
        return torch.empty((self.size, *one.shape), dtype=one.dtype, pin_memory=self._pinned)


def _image_name(probe: Probe, index: int) -> str:
    """Return the name of an image for messages, with its file where it has one."""
    files = getattr(probe, "files", ())
    named = isinstance(files, tuple) and index < len(files)
    return f"image {index} ({files[index]})" if named else f"image {index}"
