"""What a comparison of labels with units on new images costs, before it starts."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.environment import hardware
from bench.errors import UserError
from bench.evidence import count_missing_images
from bench.networks.pooling import MODES
from bench.run.archive import results_folder
from bench.run.device import GB
from bench.run.disk import DIMENSIONS, FLOAT, TREE_IMAGE, DiskBound, check_bound
from bench.run.history import History, Traits

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from bench.evidence import EvidenceRequest, Store
    from leaderboards.record import Record

_LOG = logging.getLogger(__name__)

_ACTIVATION = 32
"""Bytes of memory for each activation, at least: its value, order, rank, and whether it is high."""

_LONG = 600
"""Seconds of work of which a warning tells."""


def check_costs(
    record: Record,
    config: DictConfig,
    request: EvidenceRequest,
    store: Store,
    *,
    masks: bool,
    embeddings: bool,
) -> None:
    """Refuse images that do not fit into memory or on the disk; warn where they take long.

    The time is known where the timings beside the records are of this machine.

    Args:
        record: The record whose units are compared.
        config: Its configuration.
        request: The activations on the images.
        store: The evidence cache; images in it cost nothing.
        masks: Whether the images' masks are read.
        embeddings: Whether the images are embedded.

    Raises:
        UserError: Says how many images fit into memory, or what is missing on the disk.
    """
    images, units = len(request.probe), int(record.target["units"])
    machine = hardware(request.execution.device)
    memory, each = int(machine["memory_bytes"]), _ACTIVATION * units
    if images * each > memory:
        raise UserError(
            f"{units:,} units on {images:,} images take at least {images * each / GB:,.0f} GB of "
            f"memory, and this machine has {memory / GB:,.0f} GB",
            where="probe",
            hint=f"choose fewer than {memory // each:,} images, such as by probe.params.size=...",
        )
    new = max(count_missing_images(request, store=store)[0].values(), default=0)
    cache = {"activations": len(MODES) * FLOAT * new * units}
    if masks and getattr(request.probe, "of_glyphs", False):
        cache["masks"] = TREE_IMAGE * new
    if embeddings:
        cache["image embeddings"] = FLOAT * DIMENSIONS * new
    check_bound(config, DiskBound(cache, sum(cache.values()), 0, (), complete=True))
    history = History(results_folder(config.results), request.execution.device)
    span = history.phase(replace(Traits.of_record(record), images=new), "gather")
    if span is not None and span.value > _LONG:
        unit, seconds = ("hours", 3600) if span.value > 2 * 3600 else ("minutes", 60)
        low, value, high = (each / seconds for each in (span.low, span.value, span.high))
        _LOG.warning(
            "%s images take about %.0f %s (%.0f to %.0f; %s)",
            f"{new:,}", value, unit, low, high, span.basis,
        )  # fmt: skip
