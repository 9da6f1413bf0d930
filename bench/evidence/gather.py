"""One pass over the probe set: what the target's layers and the encoder make of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.evidence.cost import make_cost
from bench.evidence.gather_pass import Pass
from bench.evidence.pooling import MODES, check_pooling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from bench.evidence.store import Entry, Store
    from bench.parts import Encoder, Probe, Target
    from bench.timing import Timer

EXTRACTOR_VERSION = 1
"""Raised when activations or embeddings of equal parts come out otherwise."""


@dataclass(frozen=True)
class GatheredEvidence:
    """What one pass gave, or the cache still held.

    Attributes:
        layers: The target's layers, in the order asked for.
        pooling: "avg" or "max".
        n: Number of images.
        units: Number of units by layer.
        map_sizes: (H, W) of the units' maps by layer; None for layers without.
        costs: What the evidence cost when it was made, each pass once (see `make_cost`).
        cached: Whether nothing had to be computed.
        batch_size: Images that went through a network at a time: what was asked for, or less where
            the device ran out of memory.
    """

    layers: tuple[str, ...]
    pooling: str
    n: int
    units: Mapping[str, int]
    map_sizes: Mapping[str, tuple[int, int] | None]
    costs: tuple[Mapping[str, Any], ...]
    cached: bool
    batch_size: int
    _activations: Mapping[str, Entry]
    _embeddings: Entry | None

    def activations(self, layer: str) -> Tensor:
        """Pooled activations of a layer, float32 [N images, U units]; read when asked for."""
        import torch

        entry = self._activations[layer]
        # Where there was nothing to pool, one table serves both ways.
        at = MODES.index(self.pooling) if self.map_sizes[layer] else 0
        return torch.from_numpy(entry.read(axis=1, index=[at])[0])

    def image_embeddings(self) -> Tensor | None:
        """The encoder's embeddings, float32 [N, D], not normalised; None without an encoder."""
        import torch

        return None if self._embeddings is None else torch.from_numpy(self._embeddings.read())


def gather(
    target: Target,
    layers: Sequence[str],
    pooling: str,
    probe: Probe,
    encoder: Encoder | None = None,
    *,
    store: Store,
    timer: Timer,
    device: str = "cpu",
    batch_size: int = 64,
    workers: int = 2,
    progress: bool = True,
) -> GatheredEvidence:
    """Gather activations and image embeddings in one pass, or take them from the store.

    Each image is decoded once for the target and the encoder both. Chunks go to the store as they
    come; a run that was interrupted goes on after its last chunk. Only what is missing is run:
    neither network is loaded where the store holds all.

    Args:
        target: The network.
        layers: Its layers, as module paths; none to gather embeddings alone.
        pooling: "avg" or "max"; both are stored.
        probe: The images.
        encoder: The image-text model; None where no method needs embeddings.
        store: Where evidence is kept.
        timer: Gets the phase "gather" with its parts "decode", "target_forward" and
            "image_encoding".
        device: Where the networks run: "cpu", "cuda", "cuda:1".
        batch_size: Images in a forward pass; decides speed, not results.
        workers: Threads that decode images.
        progress: Show a bar on a terminal.

    Returns:
        The evidence; its arrays are read when asked for.

    Raises:
        UserError: A layer that the target does not have or that has no units, an unreadable image.
    """
    check_pooling(pooling)
    wanted = tuple(dict.fromkeys(name.strip() for name in layers))
    # Once for all keys: a folder of images looks at each of its files to say what it is.
    images = {"probe": dict(probe.fingerprint()), "n": len(probe)}
    network = dict(target.fingerprint()) if wanted else {}
    keys = [_activation_key(network, layer, images) for layer in wanted]
    if encoder is not None:
        keys.append(_embedding_key(encoder, images))
    with timer.phase("gather", items=len(probe)) as phase, store.hold(*keys) as entries:
        embeddings = entries[-1] if encoder is not None else None
        activations = dict(zip(wanted, entries, strict=False))
        batch_size = max(1, batch_size)
        unfinished = [entry for entry in entries if not entry.complete]
        phase.cached = not unfinished
        if unfinished:
            whole = all(entry.empty for entry in unfinished)
            work = Pass(
                target=target,
                activations={k: v for k, v in activations.items() if not v.complete},
                probe=probe,
                encoder=encoder if embeddings in unfinished else None,
                embeddings=embeddings if embeddings in unfinished else None,
                device=device,
                batch_size=batch_size,
                workers=workers,
                progress=progress,
                timer=timer,
            )
            phase.items = work.run()
            cost = make_cost(timer.so_far(), device, complete=whole)
            for entry in unfinished:
                entry.finish(work.meta(entry), cost)
            batch_size = work.fits
    return _gathered(wanted, pooling, len(probe), activations, embeddings, batch_size, phase.cached)


def _gathered(
    layers: tuple[str, ...],
    pooling: str,
    n: int,
    activations: Mapping[str, Entry],
    embeddings: Entry | None,
    batch_size: int,
    cached: bool,
) -> GatheredEvidence:
    entries = [*activations.values(), *([embeddings] if embeddings else [])]
    costs = {entry.cost["pass"]: entry.cost for entry in entries if entry.cost}
    sizes = {layer: entry.meta["map_size"] for layer, entry in activations.items()}
    return GatheredEvidence(
        layers=layers,
        pooling=pooling,
        n=n,
        units={layer: int(entry.meta["units"]) for layer, entry in activations.items()},
        map_sizes={k: (int(v[0]), int(v[1])) if v else None for k, v in sizes.items()},
        costs=tuple(costs.values()),
        cached=cached,
        batch_size=batch_size,
        _activations=dict(activations),
        _embeddings=embeddings,
    )


def _activation_key(
    target: Mapping[str, Any], layer: str, images: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "activations",
        "target": target,
        "layer": layer,
        "pooling": list(MODES),
        **images,
        "precision": "float32",
        "extractor": EXTRACTOR_VERSION,
    }


def _embedding_key(encoder: Encoder, images: Mapping[str, Any]) -> dict[str, Any]:
    # Prompts change no image; all else of the encoder's fingerprint may.
    identity = {k: v for k, v in encoder.fingerprint().items() if k != "templates"}
    return {
        "kind": "image_embeddings",
        "encoder": identity,
        **images,
        "precision": identity.get("precision", "float32"),
        "extractor": EXTRACTOR_VERSION,
    }
