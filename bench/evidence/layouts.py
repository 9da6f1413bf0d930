"""Find the layouts of a target's layers, once for each network and layer."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from bench.downloads.requirements import unmet_requirements
from bench.errors import LayerError, NetworkError, UserError
from bench.evidence.store import first_unknown
from bench.files import write_atomic
from bench.networks.layout import PLAIN, Layout
from bench.offline import is_offline
from bench.parts.optional_protocols import GivesArrays
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.networks.layout import LayoutSettings
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Target

FINDER_VERSION = 2
"""Increase when the search finds other layouts."""

_LIBRARIES = ("torch", "torchvision", "timm", "transformers")

_known: dict[str, Layout | LayerError] = {}
"""Results of this process by key, errors included."""


def layouts_of(
    target: Target, layers: Sequence[str], settings: LayoutSettings, cache: Path | None
) -> dict[str, Layout | LayerError]:
    """Find how each layer of a target is read.

    All layers of a target with `plain_layers` give [B, U, H, W] or [B, U]. To find the layouts of
    other targets, show the network a few synthetic images, once for equal fingerprints. Where the
    network cannot be loaded here, take its layers as plain; a run checks that. Layers of a target
    that gives arrays are plain.

    Args:
        target: The network; `untrained() -> LoadedTarget`, where it has that, builds it without
            its weights, else it is loaded.
        layers: Names of layers.
        settings: How layers are to be read.
        cache: The evidence cache, where layouts are stored; None to keep them in memory.

    Returns:
        By layer its layout, or why it cannot be read.

    Raises:
        UserError: The network cannot be built as configured, or a target that gives arrays cannot
            be read as set.
    """
    if isinstance(target, GivesArrays):
        _require_plain(settings)
        return dict.fromkeys(layers, _plain(settings))
    plain = getattr(target, "plain_layers", False) and settings.pooling != "cls"
    layouts: dict[str, Layout | LayerError] = {}
    missing: dict[str, str] = {}
    for layer in layers:
        if plain and ":" not in layer and not settings.axes_of(layer):
            layouts[layer] = _plain(settings)
            continue
        key = _key(target, layer, settings)
        if (known := _read(key, cache)) is not None:
            layouts[layer] = known
        else:
            missing[layer] = key
    try:
        loaded = _load(target) if missing else None
        for layer, layout in _search(loaded, list(missing), settings).items():
            layouts[layer] = layout
            if loaded is not None:
                _store(missing[layer], layout, cache)
    except NetworkError as error:  # a user's own network: each of its cells fails with the reason
        why = {"where": error.where, "hint": error.hint}
        layouts |= {layer: LayerError(layer, error.what, **why) for layer in missing}
    return {layer: layouts[layer] for layer in layers}


def check_layouts(
    loaded: LoadedTarget, layouts: Mapping[str, Layout], settings: LayoutSettings
) -> None:
    """Find layouts again on the network with its weights, and compare.

    Raises:
        LayerError: A layer cannot be read, or not with the layout in its key.
    """
    for layer, layout in _search(loaded, list(layouts), settings).items():
        if isinstance(layout, LayerError):
            raise layout
        expected = layouts[layer]
        if (layout.key_part(), layout.pooling) != (expected.key_part(), expected.pooling):
            raise LayerError(
                layer,
                f"layer {layer!r} is read as {layout.axes} ({layout.pooling}) with these weights, "
                f"and as {expected.axes or 'BUHW or BU'} ({expected.pooling}) by its key",
                where="target.axes",
                hint=f"set target.axes={layout.axes}",
            )


def _plain(settings: LayoutSettings) -> Layout:
    return Layout(pooling="max") if settings.pooling == "max" else PLAIN


def _require_plain(settings: LayoutSettings) -> None:
    """Refuse settings that say how a network's output is read."""
    wrong = {
        "target.axes": bool(settings.axes),
        "target.prefix_tokens": settings.prefix_tokens is not None,
        "target.pooling": settings.pooling == "cls",
    }
    for where in (name for name, given in wrong.items() if given):
        raise UserError(
            "the target gives arrays, whose axes are images x units or images x units x rows x "
            "columns",
            where=where,
            hint="leave this setting at its default",
        )


def _load(target: Target) -> LoadedTarget | None:
    """Load the network, with or without its weights; None where files or packages are missing."""
    untrained = getattr(target, "untrained", None)
    if untrained is not None:
        network: LoadedTarget = untrained()
        return network
    if any(is_offline() or not need.automatic for need in unmet_requirements(target)):
        return None
    return target.load("cpu")


def _search(
    loaded: LoadedTarget | None, layers: Sequence[str], settings: LayoutSettings
) -> Mapping[str, Layout | LayerError]:
    if loaded is None:
        return dict.fromkeys(layers, PLAIN)
    from bench.networks.layout.find import find_layouts

    return find_layouts(loaded, layers, settings)


def _key(target: Target, layer: str, settings: LayoutSettings) -> str:
    """Return a hash of everything that decides a layout; "" for an unknown fingerprint."""
    fingerprint = dict(target.fingerprint())
    if first_unknown(fingerprint):
        return ""
    kind = type(target)
    return sha256_json(
        {
            "target": f"{kind.__module__}.{kind.__qualname__}",
            "fingerprint": fingerprint,
            "layer": layer,
            "pooling": settings.pooling,
            "axes": settings.axes_of(layer),
            "prefix_tokens": settings.prefix_tokens,
            "libraries": {name: _version(name) for name in _LIBRARIES},
            "finder": FINDER_VERSION,
        }
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _file(key: str, cache: Path) -> Path:
    return cache / "layouts" / key[:2] / f"{key}.json"


def _read(key: str, cache: Path | None) -> Layout | LayerError | None:
    if key and key not in _known and cache is not None:
        with suppress(OSError, ValueError, TypeError, KeyError):
            text = _file(key, cache).read_text(encoding="utf-8")
            _known[key] = Layout.from_json(json.loads(text))
    return _known.get(key)


def _store(key: str, layout: Layout | LayerError, cache: Path | None) -> None:
    if not key:
        return
    _known[key] = layout
    if cache is not None and isinstance(layout, Layout):
        with suppress(OSError):  # a read-only cache: the next process finds it again
            write_atomic(_file(key, cache), json.dumps(layout.as_json()))
