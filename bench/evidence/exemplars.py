"""Choose the exemplars of a layer's units, and store them with masks and images."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.cost import make_cost
from bench.evidence.prefetch import prefetch
from bench.evidence.stored_exemplars import (
    IMAGE_ROWS,
    MASK_ROWS,
    TABLE_ROWS,
    exemplar_keys,
    from_entries,
    image_key,
    open_exemplars,
    table_type,
    unique_ids,
)
from bench.parts.optional_protocols import GivesArrays
from bench.parts.view import crop_of, square_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.exemplars import Ranking
    from baselines.spatial import ExemplarRule
    from bench.evidence.probe_evidence import ProbeEvidence
    from bench.evidence.request import EvidenceRequest
    from bench.evidence.store import Entry, Store
    from bench.evidence.stored_exemplars import StoredExemplars
    from bench.networks.layout import Layout
    from bench.timing import Timer

_WINDOW = 64
"""Decoded images that may wait to be written."""


def gather_exemplars(
    request: EvidenceRequest,
    evidence: ProbeEvidence,
    layer: str,
    rule: ExemplarRule,
    size: int,
    *,
    store: Store,
    timer: Timer,
) -> StoredExemplars:
    """Choose each unit's exemplars, or read them from the store.

    Where the store holds everything, neither maps nor images are read. An interrupted pass over the
    images continues after its last chunk.

    Args:
        request: For the layer.
        evidence: What `gather` returned for it; with maps, where the store lacks the exemplars.
        layer: Module path.
        rule: Which images are exemplars, and where in them a unit fires.
        size: S, side of images and masks in pixels.
        store: The evidence cache.
        timer: Gets the phase "exemplars" twice: for the choice, with its parts "rank" and "masks",
            and for the images, with its part "decode".

    Returns:
        The exemplars; masks and images are read when asked for.

    Raises:
        UserError: The part of an image that the target sees is unknown, or an image cannot be
            read.
        ValueError: A size below 1.
    """
    if size < 1:
        raise ValueError(f"invalid size of images {size!r}: at least 1 pixel")
    device, units = request.execution.device, evidence.units[layer]
    layout = evidence.layouts[layer]
    table_key, mask_key = exemplar_keys(request, layer, layout, rule, size, n_units=units)
    has_maps = (evidence.map_sizes[layer] or (1, 1)) != (1, 1)
    made: list[Entry] = []
    with (
        timer.phase("exemplars", items=units) as phase,
        store.hold(table_key, *([mask_key] if has_maps else [])) as [table, *masks],
    ):
        missing = [entry for entry in (table, *masks) if not entry.complete]
        phase.cached = not missing
        if missing:
            _choose(request, evidence, layer, rule, size, missing, timer)
            cost = make_cost(timer.so_far(), device, complete=True)
            for entry in missing:
                entry.finish(entry.meta, cost)
            made += missing
        ids = unique_ids(table.read()["ids"])
    with (
        timer.phase("exemplars", items=len(ids)) as phase,
        store.hold(image_key(request, ids, size)) as [images],
    ):
        phase.cached = images.complete
        if not images.complete:
            untouched = images.empty
            phase.items = _crop_images(request, ids, size, images, timer)
            cost = make_cost(timer.so_far(), device, complete=untouched)
            images.finish({"images": len(ids)}, cost)
            made.append(images)
    return from_entries(table, masks[0] if masks else None, images, made)


def has_exemplars(request: EvidenceRequest, rule: ExemplarRule, size: int, *, store: Store) -> bool:
    """Return whether the store holds all exemplars, so that no maps have to be gathered.

    Args:
        request: For the layers.
        rule: As for `gather_exemplars`.
        size: S.
        store: The evidence cache.

    Raises:
        LayerError: The layout of a layer cannot be found.
        UserError: The part of an image that the target sees is unknown.
    """
    request = replace(request, encoder=None, maps=False, extra_layers=())
    layouts = request.layouts(store)
    for layer in request.layers:
        units = _count_units(request, layer, layouts, store)
        if units is None:
            return False
        keys = exemplar_keys(request, layer, layouts[layer], rule, size, n_units=units)
        if open_exemplars(*keys, store) is None:
            return False
    return True


def _count_units(
    request: EvidenceRequest, layer: str, layouts: Mapping[str, Layout], store: Store
) -> int | None:
    """Return the number of a layer's units or directions; None where no run has shown it yet."""
    if isinstance(request.target, GivesArrays):
        units = request.target.arrays(layer, request.probe).units
    else:
        [first, *_] = replace(request, layers=(layer,), directions=None).members()
        with store.hold(*first.keys(layouts)) as [pooled]:
            if not pooled.complete:
                return None
        units = int(pooled.meta["units"])
    return units if request.directions is None else request.directions.count(units)


def _choose(
    request: EvidenceRequest,
    evidence: ProbeEvidence,
    layer: str,
    rule: ExemplarRule,
    size: int,
    missing: Sequence[Entry],
    timer: Timer,
) -> None:
    """Fill the missing chunks of the table and of the masks."""
    from baselines.exemplars import mask_bits, rank

    with timer.part("rank", evidence.n):
        ranked = rank(evidence.maps(layer), evidence.activations(layer), rule)
    units, count = ranked.ids.shape
    meta = {
        "units": units,
        "top_k": count,
        "dead": int((~ranked.live).sum()),
        "whole": ranked.whole,
        "images": image_key(request, unique_ids(ranked.ids), size),
    }
    for entry in missing:
        entry.begin(meta)
        if entry.parts["kind"] == "exemplars":
            rows = _table(ranked)
            for number in entry.missing:
                entry.put(number, rows[number * TABLE_ROWS : (number + 1) * TABLE_ROWS])
            continue
        for number in entry.missing:
            chosen = slice(number * MASK_ROWS, min((number + 1) * MASK_ROWS, units))
            with timer.part("masks", chosen.stop - chosen.start):
                bits = mask_bits(ranked, size, chosen)
            entry.put(number, bits)


def _table(ranked: Ranking) -> NDArray[Any]:
    rows = np.zeros(len(ranked.ids), table_type(ranked.ids.shape[1]))
    rows["ids"], rows["activations"] = ranked.ids, ranked.activations
    rows["level"] = ranked.levels
    return rows


def _crop_images(
    request: EvidenceRequest, ids: NDArray[np.int64], size: int, entry: Entry, timer: Timer
) -> int:
    """Store the missing images, cropped to what the target sees; return how many were read."""
    chunks = {at: ids[at * IMAGE_ROWS : (at + 1) * IMAGE_ROWS].tolist() for at in entry.missing}
    indices = [index for chunk in chunks.values() for index in chunk]
    crop = crop_of(request.target)

    def read(index: int) -> NDArray[np.uint8]:
        start = time.perf_counter()
        image = np.asarray(square_view(request.probe.image(index), crop, size))
        timer.add("decode", time.perf_counter() - start, items=1)
        return image

    hidden = None if request.execution.progress else True  # None: hidden without a terminal
    with ExitStack() as stack:
        bar = stack.enter_context(
            tqdm(total=len(indices), unit="image", desc="exemplars", disable=hidden)
        )
        source = prefetch(read, indices, workers=request.execution.workers, window=_WINDOW)
        stack.enter_context(closing(source))
        entry.begin({"images": len(ids)})
        for number, chunk in chunks.items():
            images = []
            for image in islice(source, len(chunk)):
                images.append(image)
                bar.update()
            entry.put(number, np.stack(images))
    return len(indices)
