"""Costs of cells that were timed before, on this machine or on like hardware."""

from __future__ import annotations

import statistics
from bisect import bisect
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.environment import hardware
from leaderboards.hashing import canonical_json
from leaderboards.record import Record, RecordError
from leaderboards.timings import PHASES, TIMINGS, read_timings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MEASURED, LIKE, CALIBRATED = "measured here", "like hardware", "calibrated"
"""How sure an estimate is, from the surest: equal hardware, equal processor and GPU, a sample."""

_IMAGE_BYTES = 16_384
"""Memory that an image takes, where there are timings of one number of images only."""

_FIXED_IN_PASS, _FIXED = 0.05, 0.5
"""Share of the time of the smallest timed pass over images, and of another phase, that does not
depend on its size."""

_COUNTED = frozenset({"gather", "segment", "text"})
"""Phases whose timing says how many images or texts they had."""

_SPREAD = {MEASURED: 1.5, LIKE: 2.0, CALIBRATED: 2.5}
"""Factor by which estimates may be wrong, in addition to the spread of their samples."""


@dataclass(frozen=True)
class Traits:
    """What decides the cost of a cell. Fingerprints are JSON; "" for none.

    Attributes:
        method: Its name.
        params: Its name and parameters.
        target: Fingerprint of the target.
        layer: The layer.
        encoder: Fingerprint of the labelling encoder.
        segmenter: Fingerprint of the segmenter.
        images: Number of probe images.
        words: Number of candidate labels.
    """

    method: str
    params: str
    target: str
    layer: str
    encoder: str
    segmenter: str
    images: int
    words: int

    @classmethod
    def of_record(cls, record: Record) -> Traits:
        """Return the traits of a cell that was run."""
        method = record.method
        return cls(
            method=str(method["name"]),
            params=canonical_json([method["name"], method.get("params", {})]),
            target=canonical_json(record.target.get("fingerprint", {})),
            layer=str(record.target.get("layer", "")),
            encoder=describe(record.encoder.get("fingerprint")),
            segmenter=describe(record.segmenter.get("fingerprint")),
            images=int(record.probe.get("n") or 0),
            words=int(record.concepts.get("n") or 0),
        )

    def sizes(self, phase: str, units: int) -> list[tuple[tuple[str, ...], int]]:
        """Return what a phase's time depends on, from the most to the least exact.

        Args:
            phase: The phase.
            units: Number of units of the layer; 0 if unknown.

        Returns:
            Pairs of a key and the number of items that the time grows with.
        """
        images, words = self.images, max(1, self.words)
        layer = (self.target, self.layer)
        if phase == "gather":
            keys = [(self.target, self.encoder, self.method), (self.target, self.encoder)]
            return [(key, images) for key in keys]
        if phase == "segment":
            return [((self.segmenter,), images)]
        if phase == "text":
            return [((self.encoder,), words)]
        if phase == "score":
            return [((self.method, *layer), words), ((self.method, self.target), words)]
        exact = [((self.params, *layer, str(words)), images)]
        wide = [((self.params, self.target), images * words * units)] if units else []
        return [*exact, ((self.params, *layer), images * words), *wide,
                ((self.method, *layer), images * words)]  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """An estimate of a time or size, with a range.

    Attributes:
        value: The most likely value.
        low: Lower end.
        high: Upper end.
        basis: `MEASURED`, `LIKE` or `CALIBRATED`.
    """

    value: float
    low: float
    high: float
    basis: str

    @classmethod
    def at(
        cls, items: int, samples: Sequence[tuple[int, float]], basis: str, fixed: float = 0.0
    ) -> Estimate:
        """Return the value for a number of items, by measured pairs (items, value).

        Interpolate between them; beyond the largest, the value grows in proportion. The range is
        the spread of the nearest pairs, widened by the factor of the basis.

        Args:
            items: The number.
            samples: The pairs.
            basis: Where they come from.
            fixed: Share of the value of the smallest pair that does not depend on the items.
        """
        by_items: dict[int, list[float]] = {}
        for count, value in samples:
            by_items.setdefault(count, []).append(value)
        counts = sorted(by_items)
        medians = [statistics.median(by_items[count]) for count in counts]
        near = min(by_items, key=lambda count: abs(count - items))
        middle = statistics.median(by_items[near])
        value = _interpolate(items, counts, medians, fixed)
        factor = _SPREAD[basis] * (1 if near / 4 <= items <= 4 * near else 2)
        low, high = (value * end(by_items[near]) / (middle or 1) for end in (min, max))
        return cls(value, low / factor, high * factor, basis)

    @classmethod
    def total(cls, parts: Iterable[Estimate]) -> Estimate:
        """Return the sum, with the least sure basis of its parts."""
        listed = list(parts)
        bases = [part.basis for part in listed]
        return cls(
            sum(part.value for part in listed),
            sum(part.low for part in listed),
            sum(part.high for part in listed),
            max(bases, key=list(_SPREAD).index, default=MEASURED),
        )


def _interpolate(items: int, counts: Sequence[int], values: Sequence[float], fixed: float) -> float:
    if items >= counts[-1]:
        return values[-1] * items / counts[-1]
    if items <= counts[0]:
        return values[0] * (fixed + (1 - fixed) * items / counts[0])
    at = bisect(counts, items)
    share = (items - counts[at - 1]) / (counts[at] - counts[at - 1])
    return values[at - 1] + share * (values[at] - values[at - 1])


class History:
    """What the timings below a folder of results say about the costs of cells.

    Args:
        root: The folder; it need not exist.
        device: Where cells are going to run.
    """

    def __init__(self, root: Path, device: str) -> None:
        self._here = hardware(device)
        self._samples: dict[tuple[str, ...], dict[str, list[tuple[int, float]]]] = defaultdict(dict)
        self._peaks: dict[tuple[str, ...], list[tuple[int, int, int]]] = defaultdict(list)
        self._passes: set[str] = set()
        self.shapes: dict[tuple[str, str], tuple[int, int]] = {}
        """By target and layer, the number of units and of positions of their maps."""
        for file in sorted(root.rglob(TIMINGS)):
            with suppress(RecordError, KeyError, TypeError, ValueError):
                self._add(file.parent)

    def __bool__(self) -> bool:
        return bool(self._samples)

    def phase(self, traits: Traits, phase: str) -> Estimate | None:
        """Return the time of a phase without a cache, in seconds; None where it is not known."""
        units, _ = self.shapes.get((traits.target, traits.layer), (0, 0))
        for key, items in traits.sizes(phase, units):
            samples = self._samples.get((phase, *key), {})
            for basis in (MEASURED, LIKE):
                if basis in samples:
                    fixed = _FIXED_IN_PASS if phase in ("gather", "segment") else _FIXED
                    return Estimate.at(items, samples[basis], basis, fixed)
        return None

    def memory(self, traits: Traits) -> tuple[int, int] | None:
        """Return the most memory of the host and of the device, in bytes; None where unknown."""
        for key, _ in traits.sizes("match", 0):
            if peaks := self._peaks.get(key):
                hosts = [(n, host) for n, host, _ in peaks]
                devices = [(n, device) for n, _, device in peaks]
                return _grow(traits.images, hosts), _grow(traits.images, devices)
        return None

    def _add(self, folder: Path) -> None:
        record = Record.read(folder)
        traits = Traits.of_record(record)
        units, size = record.target.get("units"), record.target.get("map_size") or (1, 1)
        if units:
            self.shapes[traits.target, traits.layer] = int(units), int(size[0]) * int(size[1])
        for run in read_timings(folder)[0]:
            basis = self._basis(run)
            if basis is None:
                continue
            phases = list(run["phases"])
            self._add_phases(traits, int(units or 0), phases, basis)
            for cost in run.get("evidence_cost", ()):
                own = self._basis(cost)
                if cost["complete"] and cost["pass"] not in self._passes and own:
                    self._passes.add(cost["pass"])
                    passes = [each for each in cost["phases"] if each["name"] in _COUNTED]
                    self._add_phases(traits, int(units or 0), passes, own)
            hosts = [int(phase["peak_host_bytes"] or 0) for phase in phases]
            devices = [int(phase["peak_device_bytes"] or 0) for phase in phases]
            for key, _ in traits.sizes("match", 0):
                self._peaks[key].append((max(1, traits.images), max(hosts), max(devices)))

    def _add_phases(
        self, traits: Traits, units: int, phases: Sequence[Mapping[str, Any]], basis: str
    ) -> None:
        for name in PHASES:
            own = [phase for phase in phases if phase["name"] == name]
            if not own or any(phase["cached"] for phase in own):
                continue
            seconds = sum(float(phase["wall_s"]) for phase in own)
            for key, items in traits.sizes(name, units):
                # A pass may have completed an older one.
                done = int(own[0]["items"] or 0) if name in _COUNTED else items
                if done:
                    self._samples[name, *key].setdefault(basis, []).append((done, seconds))

    def _basis(self, run: Mapping[str, Any]) -> str | None:
        there = run["hardware"]
        if there == self._here:
            return MEASURED
        names = [(each.get("gpu") or {}).get("name") for each in (there, self._here)]
        alike = there.get("cpu") == self._here["cpu"] and names[0] == names[1]
        return LIKE if alike else None


def _grow(images: int, peaks: Sequence[tuple[int, int]]) -> int:
    """Return the peak of memory for a number of images, from peaks for others."""
    (few, low), (many, high) = min(peaks), max(peaks)
    largest = max(peak for _, peak in peaks)
    if images <= many or not largest:
        return largest
    each = max(0.0, (high - low) / (many - few)) if many > few else _IMAGE_BYTES
    return int(largest + each * (images - many))


def describe(fingerprint: Any) -> str:
    """Return a fingerprint as text; "" for none."""
    return canonical_json(dict(fingerprint)) if fingerprint else ""
