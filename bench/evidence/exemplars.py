"""Exemplars of a layer's units: chosen once from its maps, and kept with masks and images."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.evidence.cost import make_cost
from bench.evidence.decode import ahead
from bench.evidence.gather import readable
from bench.evidence.held import keys_of
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
from bench.networks.execution import How
from bench.networks.layout import Reading
from bench.parts.crops import crop_of, square_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.exemplars import Ranked
    from baselines.spatial import ExemplarRule
    from bench.evidence import Gathered
    from bench.evidence.store import Entry, Store
    from bench.evidence.stored_exemplars import StoredExemplars
    from bench.parts.protocols import Probe, Target
    from bench.timing import Timer

_WINDOW = 64
"""Decoded images that may wait to be written."""


def gather_exemplars(
    gathered: Gathered,
    layer: str,
    target: Target,
    probe: Probe,
    rule: ExemplarRule,
    size: int,
    *,
    store: Store,
    timer: Timer,
    how: How | None = None,
) -> StoredExemplars:
    """Choose each unit's exemplars, or take them from the store.

    Where the store holds all, neither maps nor images are looked at. An interrupted pass over the
    images goes on after its last chunk.

    Args:
        gathered: Activations of the layer; and its maps, where the store lacks the exemplars.
        layer: Module path.
        target: The network that `gathered` is of.
        probe: The images that it is of.
        rule: Which images, and where in them a unit fires.
        size: S, side of images and masks in pixels.
        store: Where exemplars are kept.
        timer: Gets the phase "exemplars", once for the choice, with its parts "rank" and "masks",
            and once for the images, with its part "decode".
        how: Threads, progress, and the target's arithmetic.

    Returns:
        The exemplars; masks and images are read when asked for.

    Raises:
        UserError: It is not known which part of an image the target sees, or an image cannot be
            read.
        ValueError: A size below 1.
    """
    if size < 1:
        raise ValueError(f"images are at least 1 pixel wide, not {size!r}")
    how, crop = how or How(), crop_of(target)
    images = dict(probe.fingerprint())
    keys = exemplar_keys(
        target.fingerprint(),
        layer,
        images,
        n_images=len(probe),
        n_units=gathered.units[layer],
        precision=how.precision,
        tf32=how.tf32,
        layout=gathered.layouts[layer],
        rule=rule,
        size=size,
        crop=crop,
    )
    whole = (gathered.map_sizes[layer] or (1, 1)) == (1, 1)
    made: list[Entry] = []
    with (
        timer.phase("exemplars", items=gathered.units[layer]) as phase,
        store.hold(*(keys[:1] if whole else keys)) as [table, *masks],
    ):
        lacking = [entry for entry in (table, *masks) if not entry.complete]
        phase.cached = not lacking
        if lacking:
            _choose(gathered, layer, rule, size, lacking, timer, images, crop)
            cost = make_cost(timer.so_far(), how.device, complete=True)
            for entry in lacking:
                entry.finish(entry.meta, cost)
            made += lacking
        ids = unique_ids(table.read()["ids"])
    with (
        timer.phase("exemplars", items=len(ids)) as phase,
        store.hold(image_key(images, len(probe), ids, size, crop)) as [pictures],
    ):
        phase.cached = pictures.complete
        if not pictures.complete:
            untouched = pictures.empty
            phase.items = _show(probe, ids, size, crop, pictures, how, timer)
            cost = make_cost(timer.so_far(), how.device, complete=untouched)
            pictures.finish({"images": len(ids)}, cost)
            made.append(pictures)
    return from_entries(table, masks[0] if masks else None, pictures, made)


def exemplars_held(
    target: Target,
    layers: Sequence[str],
    pooling: str,
    probe: Probe,
    rule: ExemplarRule,
    size: int,
    *,
    store: Store,
    how: How | None = None,
) -> bool:
    """Whether `gather_exemplars` would find all it needs: then no maps have to be gathered.

    Args:
        target: As for `gather` and `gather_exemplars`, like all that follow.
        layers: Module paths.
        pooling: As for `gather`.
        probe: The images.
        rule: Which images, and where in them a unit fires.
        size: S.
        store: Where evidence is looked up.
        how: Its precision and TF32.

    Raises:
        LayerError: A layer of which it is not known how it is read.
        UserError: It is not known which part of an image the target sees.
    """
    how, crop = how or How(), crop_of(target)
    layouts = readable(target, layers, Reading(pooling, how.axes, how.prefix_tokens), store)
    keys = keys_of(
        target, layers, probe, None, how.precision, how.tf32, maps=False, layouts=layouts
    )
    with store.hold(*keys) as pooled:
        if not all(entry.complete for entry in pooled):
            return False
    for layer, entry in zip(layers, pooled, strict=True):
        own = exemplar_keys(
            target.fingerprint(),
            layer,
            probe.fingerprint(),
            n_images=len(probe),
            n_units=int(entry.meta["units"]),
            precision=how.precision,
            tf32=how.tf32,
            layout=layouts[layer],
            rule=rule,
            size=size,
            crop=crop,
        )
        if open_exemplars(*own, store) is None:
            return False
    return True


def _choose(
    gathered: Gathered,
    layer: str,
    rule: ExemplarRule,
    size: int,
    lacking: list[Entry],
    timer: Timer,
    images: Mapping[str, Any],
    crop: float,
) -> None:
    """Make the table and the masks, as far as they are lacking."""
    from baselines.exemplars import mask_bits, rank

    with timer.part("rank", gathered.n):
        ranked = rank(gathered.maps(layer), gathered.activations(layer), rule)
    units, count = ranked.ids.shape
    meta = {
        "units": units,
        "top_k": count,
        "dead": int((~ranked.live).sum()),
        "whole": ranked.whole,
        "images": image_key(images, gathered.n, unique_ids(ranked.ids), size, crop),
    }
    for entry in lacking:
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


def _table(ranked: Ranked) -> NDArray[Any]:
    rows = np.zeros(len(ranked.ids), table_type(ranked.ids.shape[1]))
    rows["ids"], rows["activations"] = ranked.ids, ranked.activations
    rows["level"] = ranked.levels
    return rows


def _show(
    probe: Probe,
    ids: NDArray[np.int64],
    size: int,
    crop: float,
    entry: Entry,
    how: How,
    timer: Timer,
) -> int:
    """Make the images that the entry lacks; returns how many were looked at."""
    chunks = {at: ids[at * IMAGE_ROWS : (at + 1) * IMAGE_ROWS].tolist() for at in entry.missing}
    places = [index for chunk in chunks.values() for index in chunk]

    def show(index: int) -> NDArray[np.uint8]:
        start = time.perf_counter()
        view = np.asarray(square_view(probe.image(index), crop, size))
        timer.add("decode", time.perf_counter() - start, items=1)
        return view

    quiet = not how.progress or not sys.stderr.isatty()
    with ExitStack() as stack:
        bar = stack.enter_context(
            tqdm(total=len(places), unit="image", desc="exemplars", disable=quiet, file=sys.stderr)
        )
        shown = ahead(show, places, workers=how.workers, window=_WINDOW)
        stack.enter_context(closing(shown))
        entry.begin({"images": len(ids)})
        for number, chunk in chunks.items():
            views = []
            for view in islice(shown, len(chunk)):
                views.append(view)
                bar.update()
            entry.put(number, np.stack(views))
    return len(places)
