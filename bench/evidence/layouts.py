"""Layouts of a target's layers: known, remembered, or found out now."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from bench.downloads.packages import lacks_of
from bench.errors import LayerError, NetworkError
from bench.files import sha256_json, write_atomic
from bench.networks.layout import PLAIN, Layout
from bench.offline import is_offline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.networks.layout import LayoutSettings
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Target

FINDER_VERSION = 2
"""Raised when the search for layouts finds others."""

_LIBRARIES = ("torch", "torchvision", "timm", "transformers")

_remembered: dict[str, Layout | LayerError] = {}


def layouts_of(
    target: Target, layers: Sequence[str], settings: LayoutSettings, cache: Path | None
) -> dict[str, Layout | LayerError]:
    """How each layer of a target is read.

    Nothing has to be found out of a target that says `plain_layers`: all its layers give
    [B, U, H, W] or [B, U]. Of others the network is shown a few synthetic images, once for equal
    fingerprints. Where it cannot be had here its layers are taken as plain, which a run checks.

    Args:
        target: The network; `untrained() -> LoadedTarget`, where it has that, builds it without
            its weights, else it is loaded.
        layers: Names of layers.
        settings: What was asked for.
        cache: The evidence cache, where findings are kept; None to keep them in memory alone.

    Returns:
        By layer its layout, or why it cannot be read.

    Raises:
        UserError: The network cannot be had as it was asked for.
    """
    plain = getattr(target, "plain_layers", False) and settings.pooling != "cls"
    found: dict[str, Layout | LayerError] = {}
    keys: dict[str, str] = {}
    for layer in layers:
        if plain and ":" not in layer and not settings.axes_of(layer):
            found[layer] = Layout(pooling="max") if settings.pooling == "max" else PLAIN
            continue
        keys[layer] = _key(target, layer, settings)
        known = _recall(keys[layer], cache)
        if known is not None:
            found[layer] = known
    missing = [layer for layer in layers if layer not in found]
    try:
        loaded = _load(target) if missing else None
        for layer, layout in _search(loaded, missing, settings).items():
            found[layer] = layout
            if loaded is not None:
                _remember(keys[layer], layout, cache)
    except NetworkError as error:  # a user's own network: each of its cells fails with the reason
        why = {"where": error.where, "hint": error.hint}
        found |= {layer: LayerError(layer, error.what, **why) for layer in missing}
    return {layer: found[layer] for layer in layers}


def confirm(
    loaded: LoadedTarget, layers: Mapping[str, Layout], settings: LayoutSettings
) -> dict[str, Layout]:
    """Find layouts anew on the network with its weights, and compare.

    Raises:
        LayerError: One cannot be read, or is read otherwise than its key says.
    """
    from bench.networks.layout.find import find_layouts

    confirmed = {}
    for layer, layout in find_layouts(loaded, list(layers), settings).items():
        if isinstance(layout, LayerError):
            raise layout
        told = layers[layer]
        if (layout.key_part(), layout.pooling) != (told.key_part(), told.pooling):
            raise LayerError(
                layer,
                f"layer {layer!r} is read as {layout.axes} ({layout.pooling}) with these weights, "
                f"and as {told.axes or 'BUHW or BU'} ({told.pooling}) by its key",
                where="target.axes",
                hint=f"target.axes={layout.axes} settles it",
            )
        confirmed[layer] = layout
    return confirmed


def _load(target: Target) -> LoadedTarget | None:
    """The network, with or without its weights; None where it is not here."""
    untrained = getattr(target, "untrained", None)
    if untrained is not None:
        found: LoadedTarget = untrained()
        return found
    if any(is_offline() or not lack.automatic for lack in lacks_of(target)):
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
    """What decides a layout; empty where the target does not say who it is."""
    fingerprint = dict(target.fingerprint())
    if _unknown(fingerprint):
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


def _unknown(value: object) -> bool:
    from collections.abc import Mapping

    if isinstance(value, Mapping):
        return any(map(_unknown, value.values()))
    return value is None or value == "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _file(key: str, cache: Path) -> Path:
    return cache / "layouts" / key[:2] / f"{key}.json"


def _recall(key: str, cache: Path | None) -> Layout | LayerError | None:
    if not key:
        return None
    if key not in _remembered and cache is not None:
        with suppress(OSError, ValueError, TypeError, KeyError):
            text = _file(key, cache).read_text(encoding="utf-8")
            _remembered[key] = Layout.from_json(json.loads(text))
    return _remembered.get(key)


def _remember(key: str, layout: Layout | LayerError, cache: Path | None) -> None:
    if not key:
        return
    _remembered[key] = layout
    if cache is not None and isinstance(layout, Layout):
        with suppress(OSError):  # a cache that cannot be written to: found out again next time
            write_atomic(_file(key, cache), json.dumps(layout.as_json()))
