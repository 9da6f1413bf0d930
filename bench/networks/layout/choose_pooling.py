"""Choose how the positions of a layer are pooled: as a map, as patches, or by the class token."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.networks.layout.address import module_path
from bench.networks.layout.choose_output import refuse
from bench.networks.layout.tokens import DeclaredTokens, count_prefix_tokens, declared_tokens

if TYPE_CHECKING:
    from bench.networks.layout.layout import Layout
    from bench.networks.layout.runs import Runs
    from bench.networks.layout.settings import LayoutSettings


def choose_pooling(
    runs: Runs, layer: str, settings: LayoutSettings, layout: Layout, images: int
) -> Layout:
    """Choose how a layer's positions are pooled, and how many prefix tokens are left out.

    Args:
        runs: Runs of the network on synthetic images.
        layer: The layer's name.
        settings: How layers are to be read.
        layout: The layout without these two.
        images: The axis of the images.

    Returns:
        The complete layout.

    Raises:
        LayerError: The settings do not fit the layer, or its prefix tokens are unknown.
    """
    pooling = settings.pooling
    if "T" not in layout.axes:
        if pooling == "cls" and layout.axes != "BU":
            refuse(
                layer,
                f"maps ({layout.axes}), which have no class token",
                where="target.pooling",
                hint="target.pooling=avg or max",
            )
        return layout
    tokens = layout.shape[layout.axes.index("T")]
    if tokens == 1 and layout.axes.count("T") == 1:
        return layout
    declared = declared_tokens(runs.network, module_path(layer))
    prefix = _prefix(runs, layer, settings, layout, images, declared)
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
    return replace(layout, pooling=pooling, prefix_tokens=prefix)


def _prefix(
    runs: Runs,
    layer: str,
    settings: LayoutSettings,
    layout: Layout,
    images: int,
    declared: DeclaredTokens | None,
) -> int:
    if settings.prefix_tokens is not None:
        return settings.prefix_tokens
    if len(layout.axes) > 3:
        return 0
    place = layout.axes.index("T")
    count = count_prefix_tokens(runs.two, layout.shape[place], (images, place), declared)
    if isinstance(count, str):
        refuse(
            layer,
            count,
            hint="say how many of the first tokens show no patch with target.prefix_tokens; "
            "if that axis does not hold tokens, say what it is with target.axes",
        )
    return count
