"""Gather activations and image embeddings: in one pass over a probe set, or from the cache."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.evidence.arrays import open_given_arrays, project_arrays
from bench.evidence.cost import make_cost
from bench.evidence.gather_pass import GatherPass
from bench.evidence.pass_entries import open_entries
from bench.evidence.probe_evidence import ProbeEvidence, complete_layout
from bench.evidence.store import CHUNK, chunks_of_share
from bench.networks.pooling import check_mixed
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings

if TYPE_CHECKING:
    from bench.evidence.request import EvidenceRequest
    from bench.evidence.store import Store
    from bench.timing import Timer


def gather(request: EvidenceRequest, *, store: Store, timer: Timer) -> ProbeEvidence:
    """Gather evidence in one pass over a probe set, or read it from the store.

    Decode each image once for the target and the encoder. Write chunks to the store as they are
    made; an interrupted run continues after its last chunk. Run only what is missing: load no
    network where the store holds everything. Read arrays of a target or an encoder in place, and do
    not copy them into the store. Apply directions to the evidence of the units.

    Args:
        request: What to gather.
        store: The evidence cache.
        timer: Gets the phase "gather" with its parts "decode", "target_forward" and
            "image_encoding".

    Returns:
        The evidence; its arrays are read when asked for.

    Raises:
        LayerError: A layer has no units, or its layout cannot be found.
        UserError: The target does not have a layer, or an image cannot be read.
    """
    # Members of a union are gathered separately, so that cached evidence is reused.
    evidence = ProbeEvidence.concatenate(
        [_gather_one(member, store, timer) for member in request.members()]
    )
    if isinstance(request.target, GivesArrays) and request.pooled_layers:
        evidence = _add_arrays(evidence, request, store)
    if isinstance(request.encoder, GivesEmbeddings):
        read = partial(request.encoder.image_embeddings, request.probe)
        evidence = replace(evidence, embeddings=read)
    if request.directions is not None:
        projected = {
            layer: project_arrays(
                evidence.arrays[layer], request.directions, evidence.layouts[layer]
            )
            for layer in request.layers
        }
        evidence = replace(evidence, arrays={**evidence.arrays, **projected})
    return evidence


def gather_share(
    request: EvidenceRequest, share: tuple[int, int], *, store: Store, timer: Timer
) -> int:
    """Gather one of several shares of the chunks; skip chunks that the store holds.

    Shares may be gathered in any order and in several processes at once: the bytes of a chunk do
    not depend on the process that makes it. `gather` then reads them and makes what is missing.

    Args:
        request: What to gather.
        share: (number from 1, of how many).
        store: The evidence cache.
        timer: Gets the phase "gather".

    Returns:
        The number of images that were looked at.
    """
    seen = 0
    for member in request.members():
        layouts = member.layouts(store)
        chunks = chunks_of_share(len(member.probe), share)
        name = "{}-of-{}".format(*share)
        with (
            timer.phase("gather", items=len(member.probe)) as phase,
            open_entries(member, layouts, store, name) as entries,
        ):
            missing = entries.incomplete(member.execution.maps_limit)
            phase.items = GatherPass(member, layouts, missing, timer, chunks).run()
            seen += phase.items
    return seen


def count_missing_images(
    request: EvidenceRequest, *, store: Store
) -> tuple[dict[str, int], dict[str, int]]:
    """Count the images that `gather` would still show to the target, and to the encoder.

    Args:
        request: What to gather.
        store: The evidence cache.

    Returns:
        Numbers of images by the key of each of the target's entries; the same for the encoder's.
    """
    of_target: dict[str, int] = {}
    of_encoder: dict[str, int] = {}
    layouts = request.layouts(store)
    for member in request.members():
        for key in member.keys(layouts):
            entry = store.entry(key)
            images = min(len(member.probe), len(entry.missing) * int(key.get("rows", CHUNK)))
            embeds = key["kind"] == "image_embeddings"
            (of_encoder if embeds else of_target)[entry.key] = images
    return of_target, of_encoder


def _gather_one(request: EvidenceRequest, store: Store, timer: Timer) -> ProbeEvidence:
    """Gather evidence on one probe set."""
    import torch

    execution = request.execution
    layouts = request.layouts(store)
    with (
        timer.phase("gather", items=len(request.probe)) as phase,
        open_entries(request, layouts, store) as entries,
    ):
        phase.note = _unmeasured(request)
        too_large = entries.too_large(execution.maps_limit)
        reused = [entry for entry in entries.all() if entry.complete]
        missing = entries.incomplete(execution.maps_limit)
        # Of these an earlier process made a part: an interrupted run, or one that gathered a share.
        continued = [entry for entry in missing.all() if not entry.empty]
        phase.cached = not missing.all()
        work = GatherPass(request, layouts, missing, timer)
        if missing.all():
            phase.items = work.run()
            too_large |= work.too_large
            cost = make_cost(timer.so_far(), execution.device, complete=not continued)
            for entry in missing.all():
                if entry not in (entries.maps.get(layer) for layer in too_large):
                    entry.finish(entry.meta, cost)
    for layer, entry in entries.activations.items():
        if layouts[layer].class_token:
            check_mixed(torch.from_numpy(entry.chunk(0)[0]), layer)
    spared = entries.spared_by(reused, layers_ran=bool(missing.activations or missing.maps))
    earlier = [*spared, *continued]
    return ProbeEvidence.from_entries(
        request,
        layouts,
        entries,
        notes=work.notes,
        costs=tuple({entry.cost["pass"]: entry.cost for entry in earlier if entry.cost}.values()),
        cached=phase.cached,
        batch_size=work.batch_size,
        reruns=frozenset(layer for layer in entries.maps if layer in too_large),
    )


def _unmeasured(request: EvidenceRequest) -> str:
    """Return what a timing of a request does not include, because no network runs for it."""
    given = ["activations"] if isinstance(request.target, GivesArrays) else []
    given += ["image embeddings"] if isinstance(request.encoder, GivesEmbeddings) else []
    return f"{' and '.join(given)} given as arrays" if given else ""


def _add_arrays(evidence: ProbeEvidence, request: EvidenceRequest, store: Store) -> ProbeEvidence:
    """Add the arrays of a target that runs no network."""
    layouts = request.layouts(store)
    arrays = {layer: open_given_arrays(request, layer, layouts[layer]) for layer in layouts}
    return replace(
        evidence,
        layouts={
            layer: complete_layout(layout, {"map_size": arrays[layer].map_size})
            for layer, layout in layouts.items()
        },
        arrays=arrays,
    )
