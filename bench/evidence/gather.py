"""One pass over the probe set: what the target's layers and the encoder make of each image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.errors import LayerError
from bench.evidence.cost import make_cost
from bench.evidence.gather_pass import make_pass
from bench.evidence.gathered import GatheredEvidence
from bench.evidence.held import Held, keys_of
from bench.evidence.joined import JoinedEvidence, members_of
from bench.evidence.layouts import layouts_of
from bench.evidence.store import CHUNK
from bench.networks.execution import How
from bench.networks.layout import Layout, Reading
from bench.networks.layout.layout import check_pooling
from bench.networks.pooling import check_mixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.evidence.store import Store
    from bench.parts.protocols import Encoder, Probe, Target
    from bench.timing import Timer


def gather(
    target: Target,
    layers: Sequence[str],
    pooling: str,
    probe: Probe,
    encoder: Encoder | None = None,
    *,
    store: Store,
    timer: Timer,
    how: How | None = None,
    maps: bool = False,
    also: Sequence[str] = (),
) -> GatheredEvidence | JoinedEvidence:
    """Gather activations and image embeddings in one pass, or take them from the store.

    Of a union of probe sets each is gathered on its own, so that the sets share their evidence.

    Each image is decoded once for the target and the encoder both. Chunks go to the store as they
    come; a run that was interrupted goes on after its last chunk. Only what is missing is run:
    neither network is loaded where the store holds all.

    Args:
        target: The network.
        layers: Its layers, as module paths; none to gather embeddings alone.
        pooling: "auto", "avg", "max" or "cls" (`bench.networks.layout`); averages and maxima are
            both stored.
        probe: The images.
        encoder: The image-text model; None where no method needs embeddings.
        store: Where evidence is kept.
        timer: Gets the phase "gather" with its parts "decode", "target_forward" and
            "image_encoding".
        how: Device, batch size and the like.
        maps: Whether the layers' maps are wanted besides.
        also: Further layers; only their pooled activations are wanted.

    Returns:
        The evidence; its arrays are read when asked for.

    Raises:
        LayerError: A layer that has no units, or of which it is not known how it is read.
        UserError: A layer that the target does not have, an unreadable image.
    """
    check_pooling(pooling)
    if members := members_of(probe):
        return JoinedEvidence(
            tuple(
                _gather(target, layers, pooling, member, encoder, store, timer, how, maps, also)
                for member in members
            )
        )
    return _gather(target, layers, pooling, probe, encoder, store, timer, how, maps, also)


def _gather(
    target: Target,
    layers: Sequence[str],
    pooling: str,
    probe: Probe,
    encoder: Encoder | None,
    store: Store,
    timer: Timer,
    how: How | None,
    maps: bool,
    also: Sequence[str],
) -> GatheredEvidence:
    import torch

    how = how or How()
    wanted, also = _named_once(layers, also)
    reading = Reading(pooling, how.axes, how.prefix_tokens)
    layouts = readable(target, (*wanted, *also), reading, store)
    keys = keys_of(
        target,
        wanted,
        probe,
        encoder,
        how.precision,
        how.tf32,
        maps=maps,
        layouts=layouts,
        also=also,
    )
    notes: tuple[str, ...] = ()
    with timer.phase("gather", items=len(probe)) as phase, store.hold(*keys) as entries:
        held = Held.of(wanted, entries, encoder=encoder is not None, maps=maps, also=also)
        too_large = held.too_large(how.maps_limit)
        unfinished = [entry for entry in held.unfinished() if entry not in too_large]
        reused = [entry for entry in held.entries() if entry.complete]
        phase.cached = not unfinished
        fits = max(1, how.batch_size)
        if unfinished:
            whole = all(entry.empty for entry in unfinished)
            work = make_pass(target, layouts, reading, probe, encoder, held, unfinished, how, timer)
            phase.items = work.run()
            notes = work.notes
            too_large |= {held.maps[layer] for layer in work.too_large}
            cost = make_cost(timer.so_far(), how.device, complete=whole)
            for entry in unfinished:
                if entry not in too_large:
                    entry.finish(entry.meta, cost)
            fits = work.fits
    for layer, entry in held.activations.items():
        if layouts[layer].class_token:
            check_mixed(torch.from_numpy(entry.chunk(0)[0]), layer)
    spared = held.spared_by(unfinished, reused)
    sizes = {layer: entry.meta["map_size"] for layer, entry in held.activations.items()}
    return GatheredEvidence(
        layers=wanted,
        layouts={layer: _told(layouts[layer], e.meta) for layer, e in held.activations.items()},
        notes=notes,
        n=len(probe),
        units={layer: int(entry.meta["units"]) for layer, entry in held.activations.items()},
        map_sizes={k: (int(v[0]), int(v[1])) if v else None for k, v in sizes.items()},
        costs=tuple({e.cost["pass"]: e.cost for e in spared if e.cost}.values()),
        cached=phase.cached,
        batch_size=fits,
        reruns=frozenset(layer for layer, entry in held.maps.items() if entry in too_large),
        _activations=held.activations,
        _maps=held.maps,
        _embeddings=held.embeddings,
        _target=target,
        _probe=probe,
        _how=how,
    )


def images_left(
    target: Target,
    layers: Sequence[str],
    pooling: str,
    probe: Probe,
    encoder: Encoder | None,
    *,
    store: Store,
    how: How,
    maps: bool = False,
    also: Sequence[str] = (),
) -> tuple[dict[str, int], dict[str, int]]:
    """How many images `gather` would still show to the target, and to the encoder.

    Args:
        target: As for `gather`, like all that follow.
        layers: Its layers.
        pooling: How they are pooled.
        probe: The images.
        encoder: The image-text model.
        store: Where evidence is kept.
        how: Precision and the like.
        maps: Whether the layers' maps are wanted besides.
        also: Further layers; only their pooled activations are wanted.

    Returns:
        Images by the key of each entry of the target's; the same of the encoder's.
    """
    of_target: dict[str, int] = {}
    of_encoder: dict[str, int] = {}
    wanted, also = _named_once(layers, also)
    reading = Reading(pooling, how.axes, how.prefix_tokens)
    layouts = readable(target, (*wanted, *also), reading, store)
    for member in members_of(probe) or (probe,):
        shown = (target, wanted, member, encoder, how.precision, how.tf32)
        for key in keys_of(*shown, maps=maps, layouts=layouts, also=also):
            entry = store.entry(key)
            images = min(len(member), len(entry.missing) * int(key.get("rows", CHUNK)))
            embeds = key["kind"] == "image_embeddings"
            (of_encoder if embeds else of_target)[entry.key] = images
    return of_target, of_encoder


def readable(
    target: Target, layers: Sequence[str], reading: Reading, store: Store
) -> dict[str, Layout]:
    """How each layer is read.

    Raises:
        LayerError: The first layer of which that is not known.
    """
    layouts = {}
    for layer, layout in layouts_of(target, layers, reading, store.root).items():
        if isinstance(layout, LayerError):
            raise layout
        layouts[layer] = layout
    return layouts


def _told(layout: Layout, meta: Mapping[str, Any]) -> Layout:
    """The layout of a plain network's layer with what its run showed."""
    if layout.axes:
        return layout
    axes = "BUHW" if meta["map_size"] else "BU"
    return replace(layout, axes=axes, calls=int(meta.get("calls", 0)))


def _named_once(
    layers: Sequence[str], also: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    wanted = tuple(dict.fromkeys(name.strip() for name in layers))
    further = dict.fromkeys(name.strip() for name in also)
    return wanted, tuple(name for name in further if name not in wanted)


def gather_share(
    target: Target,
    layers: Sequence[str],
    probe: Probe,
    encoder: Encoder | None = None,
    *,
    store: Store,
    timer: Timer,
    share: tuple[int, int],
    pooling: str = "auto",
    how: How | None = None,
    maps: bool = False,
    also: Sequence[str] = (),
) -> int:
    """Gather one of several shares of the chunks; what is there is passed over.

    Shares may be gathered in any order, cut anyhow, by several processes at once: a chunk's bytes
    do not depend on who makes it. `gather` then finds them and makes what is left.

    Args:
        target: As for `gather`, like all that follow.
        layers: Names of layers.
        probe: The images.
        encoder: The image-text model.
        store: Where evidence is kept.
        timer: Gets the phase "gather".
        share: (number from 1, of how many).
        pooling: As for `gather`.
        how: Device, batch size and the like.
        maps: Whether the layers' maps are wanted besides.
        also: Further layers; only their pooled activations are wanted.

    Returns:
        The number of images that were looked at.
    """
    if members := members_of(probe):
        kinds: dict[str, Any] = {"store": store, "timer": timer, "share": share, "how": how}
        kinds |= {"pooling": pooling, "maps": maps, "also": also}
        return sum(gather_share(target, layers, member, encoder, **kinds) for member in members)
    number, of = share
    how = how or How()
    wanted, also = _named_once(layers, also)
    reading = Reading(pooling, how.axes, how.prefix_tokens)
    layouts = readable(target, (*wanted, *also), reading, store)
    keys = keys_of(
        target,
        wanted,
        probe,
        encoder,
        how.precision,
        how.tf32,
        maps=maps,
        layouts=layouts,
        also=also,
    )
    count = -(-len(probe) // CHUNK)
    chunks = range(count * (number - 1) // of, count * number // of)
    with (
        timer.phase("gather", items=len(probe)) as phase,
        store.hold(*keys, share=f"{number}-of-{of}") as entries,
    ):
        held = Held.of(wanted, entries, encoder=encoder is not None, maps=maps, also=also)
        too_large = held.too_large(how.maps_limit)
        unfinished = [entry for entry in held.unfinished() if entry not in too_large]
        work = make_pass(target, layouts, reading, probe, encoder, held, unfinished, how, timer)
        work.chunks = chunks
        phase.items = work.run()
        return phase.items
