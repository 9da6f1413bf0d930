"""Pseudo-masks: what a segmenter predicts for each pixel of a probe set, made once and cached."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from baselines.spatial import ImageMasks
from bench.errors import UserError
from bench.evidence.batches import in_batches
from bench.evidence.cost import make_cost
from bench.evidence.row_reader import RowReader
from bench.evidence.store import CHUNK, chunks_of_share
from bench.networks.batch_runner import BatchRunner
from bench.networks.execution import Execution
from bench.networks.precision import key_part, set_precision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import MaskLabel
    from bench.evidence.store import Entry, Store
    from bench.parts.protocols import LoadedSegmenter, Probe, Segmenter
    from bench.timing import Timer

EXTRACTOR_VERSION = 1
"""Increase when masks of equal key parts change."""


@dataclass(frozen=True)
class SegmentedMasks:
    """Pseudo-masks of N probe images; `baselines.spatial.Masks`. Read as they are asked for.

    Attributes:
        labels: The segmenter's C labels.
        categories: Their categories.
        mask_size: (sh, sw).
        costs: What they cost when they were made (see `make_cost`).
        cached: Whether nothing had to be computed.
        batch_size: Images in a forward pass: the requested number, or less where memory ran out.
    """

    labels: tuple[MaskLabel, ...]
    categories: tuple[str, ...]
    mask_size: tuple[int, int]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    _n: int
    _rows: RowReader

    def __len__(self) -> int:
        return self._n

    def image(self, index: int) -> ImageMasks:
        """Read the masks of one image; safe to call from several threads.

        Raises:
            IndexError: There is no such image.
            UserError: The entry was deleted from the cache since it was opened.
        """
        if not 0 <= index < self._n:
            raise IndexError(f"image {index} of {self._n} segmented images")
        return ImageMasks(self._rows.take([index])[0].astype(np.int32))


def segment(
    segmenter: Segmenter,
    probe: Probe,
    *,
    store: Store,
    timer: Timer,
    execution: Execution | None = None,
) -> SegmentedMasks:
    """Segment a probe set, or read its masks from the store.

    Write chunks to the store as they are made; an interrupted run continues after its last chunk.
    Do not load the network where the store holds everything.

    Args:
        segmenter: The network and its labels.
        probe: The images.
        store: The evidence cache; masks are stored as int16.
        timer: Gets the phase "segment" with its parts "decode" and "segmenter_forward".
        execution: Device, batch size and the like. The segmenter has its own precision.

    Returns:
        The masks; they are read when asked for.

    Raises:
        UserError: The segmenter has no network or more labels than int16 can count, or an image
            cannot be read.
    """
    execution = execution or Execution()
    labels = _labels(segmenter)
    runner = BatchRunner(execution.device, execution.batch_size)
    key = _key(segmenter, probe, execution)
    with timer.phase("segment", items=len(probe)) as phase, store.hold(key) as [entry]:
        phase.cached = entry.complete
        if not entry.complete:
            untouched = entry.empty
            phase.items = _fill(entry, entry.missing, segmenter, probe, execution, runner, timer)
            entry.finish(
                entry.meta, make_cost(timer.so_far(), execution.device, complete=untouched)
            )
    assert entry.cost is not None
    height, width = entry.meta["mask_size"]
    return SegmentedMasks(
        labels=labels,
        categories=segmenter.categories(),
        mask_size=(int(height), int(width)),
        costs=(entry.cost,),
        cached=phase.cached,
        batch_size=runner.batch_size,
        _n=len(probe),
        _rows=RowReader(entry, CHUNK),
    )


def segment_share(
    segmenter: Segmenter,
    probe: Probe,
    share: tuple[int, int],
    *,
    store: Store,
    timer: Timer,
    execution: Execution | None = None,
) -> int:
    """Segment one of several shares of the images; `segment` then reads what all shares made.

    Args:
        segmenter: As for `segment`, like all but `share`.
        probe: The images.
        share: (number from 1, of how many).
        store: The evidence cache.
        timer: Gets the phase "segment".
        execution: Device, batch size and the like.

    Returns:
        The number of images that were looked at.
    """
    execution = execution or Execution()
    _labels(segmenter)
    key = _key(segmenter, probe, execution)
    runner = BatchRunner(execution.device, execution.batch_size)
    with (
        timer.phase("segment", items=len(probe)) as phase,
        store.hold(key, share="{}-of-{}".format(*share)) as [entry],
    ):
        chunks = [c for c in chunks_of_share(len(probe), share) if c in entry.missing]
        phase.items = _fill(entry, chunks, segmenter, probe, execution, runner, timer)
        return phase.items


def _fill(
    entry: Entry,
    chunks: list[int],
    segmenter: Segmenter,
    probe: Probe,
    execution: Execution,
    runner: BatchRunner,
    timer: Timer,
) -> int:
    """Make chunks of an entry; return the number of images that were looked at."""
    groups = [range(c * CHUNK, min((c + 1) * CHUNK, len(probe))) for c in chunks]
    total = sum(map(len, groups))
    if not total:
        return 0
    loaded = segmenter.load(execution.device)
    n_labels = len(segmenter.labels())

    def decode(index: int) -> tuple[Tensor]:
        start = time.perf_counter()
        decoded = loaded.transform(probe.image(index))
        timer.add("decode", time.perf_counter() - start, items=1)
        return (decoded,)

    def predict(images: Tensor) -> NDArray[np.int16]:
        with set_precision(execution.device, tf32=execution.tf32):
            return _segment(loaded, images, n_labels)

    with ExitStack() as stack:
        hidden = None if execution.progress else True  # None: hidden without a terminal
        bar = stack.enter_context(tqdm(total=total, unit="image", desc="segment", disable=hidden))
        batches = stack.enter_context(closing(in_batches(decode, groups, execution)))
        for chunk, images in zip(chunks, groups, strict=True):
            planes: list[NDArray[np.int16]] = []
            while sum(map(len, planes)) < len(images):
                [batch] = next(batches)
                with timer.part("segmenter_forward", len(batch)):
                    planes += runner.run(predict, batch)
                bar.update(len(batch))
            entry.begin({"planes": planes[0].shape[1], "mask_size": list(loaded.mask_size)})
            entry.put(chunk, np.concatenate(planes))
    return total


def _segment(loaded: LoadedSegmenter, images: Tensor, n_labels: int) -> NDArray[np.int16]:
    """Run the network, and check its output."""
    planes = loaded.segment(images).cpu().numpy()
    count, size = len(images), tuple(loaded.mask_size)
    if planes.ndim != 4 or planes.shape[0] != count or planes.shape[2:] != size:
        raise ValueError(f"the segmenter gave {planes.shape} for {count} images, masks {size}")
    if planes.size and not -1 <= planes.min() <= planes.max() < n_labels:
        raise ValueError(f"the segmenter marked a label beyond its {n_labels}")
    return planes.astype(np.int16)


def _labels(segmenter: Segmenter) -> tuple[MaskLabel, ...]:
    if segmenter.uses_probe_masks:
        raise UserError(
            "the probe's own masks are read from the probe, not made by a segmenter",
            where="segmenter",
            hint="choose a segmenter with a network, such as segmenter=glyphs",
        )
    labels = segmenter.labels()
    if len(labels) > np.iinfo(np.int16).max:
        raise UserError(f"{len(labels)} labels are more than masks can hold", where="segmenter")
    return labels


def _key(segmenter: Segmenter, probe: Probe, execution: Execution) -> dict[str, Any]:
    fingerprint = dict(segmenter.fingerprint())
    return {
        "kind": "segments",
        "segmenter": fingerprint,
        "probe": dict(probe.fingerprint()),
        "n": len(probe),
        "precision": fingerprint.get("precision", "float32"),
        **key_part(tf32=execution.tf32),
        "extractor": EXTRACTOR_VERSION,
    }
