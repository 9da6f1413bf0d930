"""How the positions of a layer are pooled: over its map, over its patches, or its class token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.networks.layout.address import module_path
from bench.networks.layout.choose import refuse
from bench.networks.layout.tokens import Declared, declared_tokens, prefix_tokens

if TYPE_CHECKING:
    from bench.networks.layout.layout import Layout
    from bench.networks.layout.runs import Runs
    from bench.networks.layout.settings import LayoutSettings


def settle_pooling(
    runs: Runs, layer: str, settings: LayoutSettings, told: Layout, images: int
) -> Layout:
    """Settle how a layer's positions are pooled, and how many prefix tokens are left out.

    Args:
        runs: Runs of the network on synthetic images.
        layer: The layer's name.
        settings: What was asked for.
        told: The layout without these two.
        images: The axis of the images.

    Returns:
        The whole layout.

    Raises:
        LayerError: What was asked for does not fit the layer, or nothing says what fits.
    """
    pooling = settings.pooling
    if "T" not in told.axes:
        if pooling == "cls" and told.axes != "BU":
            refuse(
                layer,
                f"maps ({told.axes}), which have no class token",
                where="target.pooling",
                hint="target.pooling=avg or max",
            )
        return told
    tokens = told.shape[told.axes.index("T")]
    if tokens == 1 and told.axes.count("T") == 1:
        return told
    declared = declared_tokens(runs.network, module_path(layer))
    prefix = _prefix(runs, layer, settings, told, images, declared)
    classes = declared is not None and declared.has_class
    if pooling == "auto":
        if prefix and declared is None and settings.prefix_tokens is None:
            refuse(
                layer,
                f"{tokens} tokens, {prefix} of them the same for all images where they join "
                "the others; nothing says whether the first is a class token",
                where="target.pooling",
                hint="target.pooling=cls takes the first token, avg and max take the others",
            )
        pooling = "cls" if prefix and classes else "avg"
    if pooling == "cls" and (not prefix or (declared is not None and not classes)):
        why = "its first tokens are registers" if prefix else "all of them show patches"
        refuse(
            layer,
            f"{tokens} tokens without a class token: {why}",
            where="target.pooling",
            hint="target.pooling=avg or max",
        )
    if prefix >= tokens and pooling != "cls":
        refuse(
            layer,
            f"{tokens} tokens, of which {prefix} cannot be left out",
            where="target.prefix_tokens",
            hint=f"a number below {tokens}",
        )
    return replace(told, pooling=pooling, prefix_tokens=prefix)


def _prefix(
    runs: Runs,
    layer: str,
    settings: LayoutSettings,
    told: Layout,
    images: int,
    declared: Declared | None,
) -> int:
    if settings.prefix_tokens is not None:
        return settings.prefix_tokens
    if len(told.axes) > 3:
        return 0
    place = told.axes.index("T")
    found = prefix_tokens(runs.two, told.shape[place], (images, place), declared)
    if isinstance(found, str):
        refuse(
            layer,
            found,
            hint="say how many of the first tokens show no patch with target.prefix_tokens; "
            "if that axis does not hold tokens, say what it is with target.axes",
        )
    return found
