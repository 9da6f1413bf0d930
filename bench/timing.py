"""Measure wall time, device time and peak memory of a run's phases."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLE_S = 0.02
"""Seconds between two samples of the process's memory."""


@dataclass(eq=False)
class Phase:
    """The cost of one phase.

    Attributes:
        name: "gather", "segment", "exemplars", "text", "match" or "score"; within gather also
            "decode", "target_forward" and "image_encoding", within segment "decode" and
            "segmenter_forward", within exemplars "rank", "masks" and "decode".
        wall_s: Wall seconds. For "decode", the sum over threads, which may exceed "gather".
        device_s: Seconds the device worked; null without one.
        peak_device_bytes: Most memory that tensors held on the device; null without one.
        peak_host_bytes: Most resident memory of this process; null if it was not measured.
        items: Number of images, texts or units; null if that does not apply.
        cached: Whether its result came from the cache.
        note: What it does not measure; records leave it out where it is empty.
    """

    name: str
    wall_s: float = 0.0
    device_s: float | None = None
    peak_device_bytes: int | None = None
    peak_host_bytes: int | None = None
    items: int | None = None
    cached: bool = False
    note: str = ""

    def record(self) -> dict[str, Any]:
        """Return the phase as in records."""
        fields = asdict(self)
        note = fields.pop("note")
        return {**fields, "note": note} if note else fields


@dataclass
class _Open:
    """A running phase and its parts so far."""

    phase: Phase
    memory: _MemoryWatch
    first: Any
    start: float
    parts: dict[str, Phase] = field(default_factory=dict)
    events: list[tuple[str, Any, Any]] = field(default_factory=list)


class Timer:
    """Measure the phases of a run, in the order in which they start.

    Args:
        device: "cpu", or a CUDA device: then each phase waits for the device before it starts and
            before it ends, and reads CUDA's own clock and memory counters.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.phases: list[Phase] = []
        self._stack: list[_Open] = []
        self._lock = threading.Lock()

    @property
    def on_device(self) -> bool:
        """Return whether the device has its own clock."""
        return self.device.startswith("cuda")

    @contextmanager
    def phase(self, name: str, items: int | None = None, cached: bool = False) -> Iterator[Phase]:
        """Time a block.

        Args:
            name: The phase's name.
            items: Number of images, texts or units.
            cached: Whether the result comes from the cache.

        Yields:
            The phase, whose `items` and `cached` may still be set inside the block.
        """
        phase = Phase(name, items=items, cached=cached)
        self.phases.append(phase)
        self._read_device_peak()
        here = _Open(phase, _MemoryWatch(), self._mark(wait=True), time.perf_counter())
        self._stack.append(here)
        try:
            with here.memory:
                yield phase
        finally:
            self._measure(here)
            self._stack.pop()
            at = self.phases.index(phase) + 1  # phases are equal only to themselves
            self.phases[at:at] = here.parts.values()

    def so_far(self) -> list[dict[str, Any]]:
        """Return the innermost running phase and its parts, as if it ended now."""
        here = self._stack[-1]
        self._measure(here)
        return [here.phase.record(), *(part.record() for part in here.parts.values())]

    def add(self, name: str, seconds: float, *, items: int = 0) -> None:
        """Add to a part of the running phase; safe to call from any thread.

        Args:
            name: The part's name.
            seconds: Wall seconds.
            items: Number of images, texts or units.
        """
        with self._lock:
            part = self._part(name)
            part.wall_s += seconds
            part.items = (part.items or 0) + items

    @contextmanager
    def part(self, name: str, items: int = 0) -> Iterator[None]:
        """Time a block as a part of the running phase, without waiting for the device.

        Args:
            name: The part's name; blocks of equal names add up.
            items: Number of images, texts or units of this block.
        """
        first = self._mark(wait=False)
        start = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - start, items=items)
        if self.on_device and self._stack:
            self._stack[-1].events.append((name, first, self._mark(wait=False)))

    def warm_up(self) -> None:
        """Start the device, so that no phase includes the start; do nothing on a CPU."""
        if self.on_device:
            import torch

            square = torch.ones(512, 512, device=self.device)
            for _ in range(3):
                square = square @ square / 512
            torch.cuda.synchronize(self.device)

    def records(self) -> list[dict[str, Any]]:
        """Return all phases so far, each followed by its parts."""
        return [phase.record() for phase in self.phases]

    def _part(self, name: str) -> Phase:
        if not self._stack:
            raise RuntimeError(f"part {name!r} is outside of a phase")
        return self._stack[-1].parts.setdefault(name, Phase(name))

    def _measure(self, here: _Open) -> None:
        last = self._mark(wait=True)
        here.phase.wall_s = time.perf_counter() - here.start
        here.phase.peak_host_bytes = here.memory.peak
        self._read_device_peak()
        if not self.on_device:
            return
        here.phase.device_s = here.first.elapsed_time(last) / 1000
        for name, first, end in here.events:
            part = here.parts[name]
            part.device_s = (part.device_s or 0.0) + first.elapsed_time(end) / 1000
        here.events.clear()
        busy = [part.device_s for part in here.parts.values() if part.device_s is not None]
        if busy:
            # The span from the first to the last event includes pauses: add up the parts instead.
            here.phase.device_s = sum(busy)

    def _mark(self, *, wait: bool) -> Any:
        if not self.on_device:
            return None
        import torch

        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        with torch.cuda.device(self.device):
            if wait:
                torch.cuda.synchronize()
            event.record()
            if wait:
                torch.cuda.synchronize()
        return event

    def _read_device_peak(self) -> None:
        """Update the peak memory of all running phases, and reset the device's counter."""
        if not self.on_device:
            return
        import torch

        peak = torch.cuda.max_memory_allocated(self.device)
        for here in self._stack:
            here.phase.peak_device_bytes = max(here.phase.peak_device_bytes or 0, peak)
        torch.cuda.reset_peak_memory_stats(self.device)


class _MemoryWatch:
    """Sample the process's resident memory in a thread."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak = 0

    def __enter__(self) -> _MemoryWatch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, int(self._process.memory_info().rss))

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self._look()
