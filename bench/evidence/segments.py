"""Pseudo-masks: what a segmenter says of each pixel of a probe set, made once and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.spatial import ImageMasks
from bench.errors import UserError
from bench.evidence.cost import make_cost
from bench.evidence.segment_pass import SegmentPass
from bench.evidence.store import CHUNK
from bench.networks.execution import How
from bench.networks.precision import key_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.spatial import MaskLabel
    from bench.evidence.store import Entry, Store
    from bench.parts.protocols import Probe, Segmenter
    from bench.timing import Timer

EXTRACTOR_VERSION = 1
"""Raised when masks of equal parts come out otherwise."""

_KEPT_CHUNKS = 2
"""Chunks that stay in memory: threads that go through the images together may be at the end of one
and at the beginning of the next."""


@dataclass(frozen=True)
class SegmentedMasks:
    """Pseudo-masks of N probe images; `baselines.spatial.Masks`.

    They are read from the store a chunk at a time, never as a whole.

    Attributes:
        labels: The segmenter's C labels.
        categories: Their categories.
        mask_size: (sh, sw).
        costs: What they cost when they were made (see `make_cost`).
        cached: Whether nothing had to be computed.
        batch_size: Images that went through the network at a time: what was asked for, or less
            where the device ran out of memory.
    """

    labels: tuple[MaskLabel, ...]
    categories: tuple[str, ...]
    mask_size: tuple[int, int]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    _n: int
    _rows: int
    _entry: Entry
    _chunks: OrderedDict[int, NDArray[np.int16]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __len__(self) -> int:
        return self._n

    def image(self, index: int) -> ImageMasks:
        """The masks of one image; safe to call from several threads.

        Raises:
            IndexError: There is no such image.
            UserError: The entry was deleted from the cache meanwhile.
        """
        if not 0 <= index < self._n:
            raise IndexError(f"image {index} of {self._n} segmented ones")
        number, row = divmod(index, self._rows)
        return ImageMasks(self._chunk(number)[row].astype(np.int32))

    def _chunk(self, number: int) -> NDArray[np.int16]:
        with self._lock:
            if number not in self._chunks:
                while len(self._chunks) >= _KEPT_CHUNKS:
                    self._chunks.popitem(last=False)
                self._chunks[number] = self._entry.chunk(number)
            self._chunks.move_to_end(number)
            return self._chunks[number]


def segment(
    segmenter: Segmenter,
    probe: Probe,
    *,
    store: Store,
    timer: Timer,
    how: How | None = None,
) -> SegmentedMasks:
    """Segment a probe set, or take its masks from the store.

    Chunks go to the store as they come; a run that was interrupted goes on after its last chunk.
    The network is not loaded where the store holds all.

    Args:
        segmenter: The network and its labels.
        probe: The images.
        store: Where masks are kept, as int16.
        timer: Gets the phase "segment" with its parts "decode" and "segmenter_forward".
        how: Device, batch size and the like; its precision is the target's, not the segmenter's.

    Returns:
        The masks; they are read when asked for.

    Raises:
        UserError: The segmenter has no network or more labels than int16 can count, or an image
            cannot be read.
    """
    labels = _labels(segmenter)
    how = how or How()
    batch_size = max(1, how.batch_size)
    key = _key(segmenter, probe, how)
    with timer.phase("segment", items=len(probe)) as phase, store.hold(key) as [entry]:
        phase.cached = entry.complete
        if not entry.complete:
            whole = entry.empty
            work = SegmentPass(segmenter, probe, entry, len(labels), how, timer)
            phase.items = work.run()
            cost = make_cost(timer.so_far(), how.device, complete=whole)
            entry.finish(entry.meta, cost)
            batch_size = work.fits
    assert entry.cost is not None
    height, width = entry.meta["mask_size"]
    return SegmentedMasks(
        labels=labels,
        categories=segmenter.categories(),
        mask_size=(int(height), int(width)),
        costs=(entry.cost,),
        cached=phase.cached,
        batch_size=batch_size,
        _n=len(probe),
        _rows=CHUNK,
        _entry=entry,
    )


def segment_share(
    segmenter: Segmenter,
    probe: Probe,
    *,
    store: Store,
    timer: Timer,
    share: tuple[int, int],
    how: How | None = None,
) -> int:
    """Segment one of several shares of the images; `segment` then finds what all shares made.

    Args:
        segmenter: As for `segment`, like all but `share`.
        probe: The images.
        store: Where masks are kept.
        timer: Gets the phase "segment".
        share: (number from 1, of how many).
        how: Device, batch size and the like.

    Returns:
        The number of images that were looked at.
    """
    labels, how = _labels(segmenter), how or How()
    number, of = share
    count = -(-len(probe) // CHUNK)
    with (
        timer.phase("segment", items=len(probe)) as phase,
        store.hold(_key(segmenter, probe, how), share=f"{number}-of-{of}") as [entry],
    ):
        work = SegmentPass(segmenter, probe, entry, len(labels), how, timer)
        work.chunks = range(count * (number - 1) // of, count * number // of)
        phase.items = work.run()
        return phase.items


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


def _key(segmenter: Segmenter, probe: Probe, how: How) -> dict[str, Any]:
    identity = dict(segmenter.fingerprint())
    return {
        "kind": "segments",
        "segmenter": identity,
        "probe": dict(probe.fingerprint()),
        "n": len(probe),
        "precision": identity.get("precision", "float32"),
        **key_part(tf32=how.tf32),
        "extractor": EXTRACTOR_VERSION,
    }
