"""Bound the disk space of a request before its first job runs, and refuse what cannot fit."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import LayerError, UserError
from bench.evidence import Store
from bench.evidence.store import first_unknown
from bench.networks.pooling import MODES
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings
from bench.run.device import GB
from bench.run.history import describe
from bench.run.identity import fingerprint
from bench.run.plan import State
from bench.run.shared import evidence_request
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from omegaconf import DictConfig

    from bench.networks.layout import Layout
    from bench.run.plan import JobPlan
    from bench.run.selection import Selection

FLOAT, _MASK = 4, 2
"""Bytes of a value, and of a pixel of a mask."""

DIMENSIONS = 2048
"""Upper bound of the dimensions of embeddings; those of image-text models have at most 1,536."""

TREE_IMAGE = 64_000
"""Upper bound of the bytes of an image and its masks in a tree of the embedded world."""

_RECORD, _UNIT = 500_000, 4_000
"""Upper bounds of the bytes of a record, and of each of its units."""

Shapes = dict[tuple[str, str], tuple[int, int]]
"""By target's fingerprint and layer: the number of units and of the positions of their maps."""

_known: dict[tuple[str, str, Layout], tuple[int, int]] = {}
"""Shapes of networks that ran in this process, by target's fingerprint, layer and layout."""

Need = tuple[str, str]
"""Kind of evidence, and everything that decides it."""


@dataclass(frozen=True)
class DiskBound:
    """Upper bounds in bytes.

    Attributes:
        cache: New evidence, by kind.
        largest: Most new evidence of a single job.
        records: All records.
        jobs: For each job, its records and the evidence that no earlier job makes.
        complete: Whether the size of every layer is known.
    """

    cache: Mapping[str, int]
    largest: int
    records: int
    jobs: tuple[int, ...]
    complete: bool

    def cache_peak(self, limit: float) -> float:
        """Return the most that the cache holds; above a limit it is pruned after each job."""
        whole = sum(self.cache.values())
        return min(whole, limit + self.largest) if limit else whole


def bound_disk(plans: Sequence[JobPlan], shapes: Shapes, *, present: bool = False) -> DiskBound:
    """Return upper bounds of the disk space of the cells that jobs are to run.

    Args:
        plans: The jobs.
        shapes: Shapes of their layers; other layers are left out.
        present: Subtract activations, maps and image embeddings in the cache, which are read to
            check them.
    """
    made: set[Need] = set()
    cache: Counter[str] = Counter()
    jobs, largest, records, complete = [], 0, 0, True
    for plan in plans:
        new = (State.TO_RUN, State.FAILED)
        layers = [cell.layer for cell, state in plan.pending().items() if state in new]
        if not layers:
            jobs.append(0)
            continue
        target = describe(fingerprint(plan.selection.target))
        known = [layer for layer in layers if (target, layer) in shapes]
        complete = complete and known == layers
        needs = dict(_evidence(plan, target, known, shapes))
        if present:
            _subtract(plan, target, known, needs)
        largest = max(largest, sum(needs.values()))
        own = {need: size for need, size in needs.items() if need not in made}
        made.update(own)
        for (kind, _), size in own.items():
            cache[kind] += size
        described = [_described(plan, shapes[target, layer][0]) for layer in known]
        written = sum(_RECORD + _UNIT * units for units in described)
        records += written
        jobs.append(sum(own.values()) + written)
    return DiskBound(cache, largest, records, tuple(jobs), complete)


def check_disk(plans: Sequence[JobPlan]) -> DiskBound:
    """Refuse a request whose evidence and records may not fit; else return their bound.

    Raises:
        UserError: A disk has less free space than an upper bound of what is written to it.
    """
    shapes = read_shapes(plan for plan in plans if plan.pending())
    config = plans[0].job.config
    bound = bound_disk(plans, shapes)
    if _find_short(config, bound) is None:
        return bound
    # Subtract cached evidence only if needed, since this reads it.
    bound = bound_disk(plans, shapes, present=True)
    check_bound(config, bound)
    return bound


def check_bound(config: DictConfig, bound: DiskBound) -> None:
    """Refuse what may not fit on the disks of a configuration's cache and results.

    Raises:
        UserError: A disk has less free space than what may be written to it.
    """
    short = _find_short(config, bound)
    if short is None:
        return
    where, folder, need, free = short
    kinds = Counter(bound.cache) + Counter({"records": bound.records})
    parts = ", ".join(f"{kind} {_show(size)}" for kind, size in kinds.most_common(4))
    raise UserError(
        f"the request may write {_show(need)} ({parts}), and {_show(free)} are free on the disk of "
        f"{folder}",
        where=where,
        hint="free some space, choose another disk or fewer images, or keep less: "
        "runtime.maps_limit_gb for maps, runtime.cache_limit_gb for all evidence",
    )


def read_shapes(plans: Iterable[JobPlan]) -> Shapes:
    """Run each network on one synthetic image, and return the shapes of its layers.

    Leave out networks that cannot be loaded or run, and layers that cannot be read.
    """
    layouts: dict[str, dict[str, Layout]] = {}
    selections: dict[str, Selection] = {}
    for plan in plans:
        target = describe(fingerprint(plan.selection.target))
        selections.setdefault(target, plan.selection)
        for layer, layout in plan.selection.layouts.items():
            if not isinstance(layout, LayerError):
                layouts.setdefault(target, {})[layer] = layout
    shapes: Shapes = {}
    for target, of_target in layouts.items():
        selection = selections[target]
        keys = {layer: (target, layer, layout) for layer, layout in of_target.items()}
        if all(key in _known for key in keys.values()):
            shapes |= {(target, layer): _known[key] for layer, key in keys.items()}
            continue
        with suppress(Exception, SystemExit):
            found = _run_once(selection, of_target)
            shapes |= {(target, layer): shape for layer, shape in found.items()}
            given = isinstance(selection.target, GivesArrays)  # their shapes depend on the images
            if not given and not first_unknown(fingerprint(selection.target)):
                _known.update((keys[layer], shape) for layer, shape in found.items())
    return shapes


def _run_once(selection: Selection, layouts: Mapping[str, Layout]) -> dict[str, tuple[int, int]]:
    from bench.networks.execution import Execution
    from bench.networks.forward import Forward
    from bench.networks.hooks import LayerHooks
    from bench.networks.layout.trace import synthetic_images

    if isinstance(selection.target, GivesArrays):
        given = {layer: selection.target.arrays(layer, selection.probe) for layer in layouts}
        return {layer: (one.units, prod(one.map_size or ())) for layer, one in given.items()}
    loaded = selection.target.load("cpu")
    shapes = {}
    with LayerHooks(loaded.module, layouts, maps=()) as hooks:
        images = synthetic_images(loaded.transform, 2)
        for layer, pooled in Forward(loaded.module, hooks, Execution())(images).items():
            height, width = pooled.map_size or (1, 1)
            shapes[layer] = int(pooled.values.shape[2]), height * width
    return shapes


def _evidence(
    plan: JobPlan, target: str, layers: Sequence[str], shapes: Shapes
) -> Iterator[tuple[Need, int]]:
    """Yield the entries of the cache that a job needs, and their sizes."""
    selection, needs = plan.selection, plan.selection.method.needs
    n, probe = len(selection.probe), describe(fingerprint(selection.probe))
    for cell in plan.cells:
        if cell.layer not in layers:
            continue
        units, positions = shapes[target, cell.layer]
        of_layer = _key(target, cell.layer, probe)
        if not isinstance(selection.target, GivesArrays):
            yield ("activations", of_layer), len(MODES) * FLOAT * n * units
            maps = FLOAT * n * units * positions
            limit = plan.job.config.runtime.maps_limit_gb * GB
            if evidence_request(plan, [cell.layer], "cpu").map_layers and maps <= limit:
                yield ("maps", of_layer), maps
        units = _described(plan, units)
        if "exemplars" in needs:
            rule, side = selection.exemplar_settings
            shown = min(n, units * rule.top_k)
            size = 3 * shown * side**2 + units * rule.top_k * (side**2 // 8 + 64)
            yield ("exemplars", f"{of_layer} {rule} {side} {selection.directions}"), size
        if selection.closed:
            yield ("score matrices", cell.key), FLOAT * units * len(selection.words)
    if selection.encoder is not None:
        encoder = describe(fingerprint(selection.encoder))
        if "image_embeddings" in needs and not isinstance(selection.encoder, GivesEmbeddings):
            yield ("image embeddings", _key(encoder, probe)), FLOAT * n * DIMENSIONS
        if "concept_embeddings" in needs:
            words = hash(selection.words)
            size = FLOAT * len(selection.words) * DIMENSIONS
            yield ("text embeddings", _key(encoder, words)), size
    if selection.segmented_probe is not None and getattr(selection.probe, "of_glyphs", False):
        yield ("masks", probe), n * TREE_IMAGE
    elif selection.segmenter is not None and selection.segmented_probe is None:
        facts = dict(fingerprint(selection.segmenter))
        side = int(facts.get("mask_size") or 0)
        planes = len(selection.segmenter.categories())
        yield ("masks", _key(canonical_json(facts), probe)), _MASK * n * planes * side**2


def _described(plan: JobPlan, units: int) -> int:
    """Return how many units, or directions, are described of a layer of so many units."""
    directions = plan.selection.directions
    return units if directions is None else directions.count(units)


def _subtract(plan: JobPlan, target: str, layers: Sequence[str], needs: dict[Need, int]) -> None:
    """Subtract from a job's entries what the cache holds of them."""
    store, encoder = Store(plan.job.config.runtime.cache), plan.selection.encoder
    request = evidence_request(plan, layers, "cpu")
    probe = describe(fingerprint(plan.selection.probe))
    found: Counter[Need] = Counter()
    for member in request.members():
        for parts in member.keys(member.layouts(store)):
            entry = store.entry(parts)
            here = 1 - len(entry.missing) / max(1, entry.count)
            kind = str(parts["kind"]).replace("_", " ")
            decided = _key(target, str(parts.get("layer")), probe)
            if kind == "image embeddings" and encoder is not None:
                decided = _key(describe(fingerprint(encoder)), probe)
            share = len(member.probe) / max(1, len(request.probe))
            found[kind, decided] += int(here * share * needs.get((kind, decided), 0))
    for need, size in found.items():
        if need in needs:
            needs[need] -= size


def _find_short(config: DictConfig, bound: DiskBound) -> tuple[str, Path, float, float] | None:
    """Return the first setting and folder with too little space, with what it needs and has."""
    settings = {"runtime.cache": config.runtime.cache, "results": config.results}
    folders = [Path(str(path)).expanduser() for path in settings.values()]
    wanted = [bound.cache_peak(config.runtime.cache_limit_gb * GB), bound.records]
    places = [next(p for p in (f.absolute(), *f.absolute().parents) if p.exists()) for f in folders]
    disks = [place.stat().st_dev for place in places]
    for where, folder, place, disk in zip(settings, folders, places, disks, strict=True):
        need = sum(size for size, other in zip(wanted, disks, strict=True) if other == disk)
        free = shutil.disk_usage(place).free
        if need > free:
            return where, folder, need, free
    return None


def _show(size: float) -> str:
    return f"{float(f'{size / GB:.3g}'):,g} GB"


def _key(*parts: Any) -> str:
    return "\n".join(map(str, parts))
