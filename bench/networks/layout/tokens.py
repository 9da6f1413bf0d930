"""Tokens that show no patch of the image: class tokens, registers and their like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from bench.networks.layout.trace import Seen, Trace

_CLASS = re.compile(r"(?:^|_)(?:cls|class)_?(?:tokens?|embeddings?|embed)$")
_FURTHER = re.compile(
    r"(?:^|_)(?:reg|registers?|dist|distill|distillation|storage)_?(?:tokens?|embeddings?|embed)$"
)
_BRANCH = re.compile(r"_?\d+$")
"""Behind the name of a token of which each branch of a network has its own."""

_MOST = 9
"""A layer that has up to so many tokens more than patches may have prefix tokens."""


@dataclass(frozen=True)
class Declared:
    """What a network's own attributes say of its prefix tokens.

    Attributes:
        count: How many there are.
        has_class: Whether the first of them is a class token.
    """

    count: int
    has_class: bool


def declared_tokens(network: nn.Module, path: str) -> Declared | None:
    """Read the prefix tokens off the attributes and parameters of a layer's surroundings.

    Known by name: `num_prefix_tokens` (timm), `cls_token` (timm, DINO, Hugging Face),
    `class_token` (torchvision), `class_embedding` (CLIP), `reg_token`, `register_tokens`,
    `dist_token`, `distillation_token`, `storage_tokens`.

    Args:
        network: The whole network.
        path: The layer's module path.

    Returns:
        What the nearest module around the layer says that holds such tokens; None where none does.
    """
    around = [path.rsplit(".", n)[0] for n in range(path.count(".") + 1)] + [""]
    told = None
    for ancestor in around:
        module = network.get_submodule(ancestor)
        counts: dict[str, int] = {}
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            stem = _BRANCH.sub("", name.rpartition(".")[2])
            if _CLASS.search(stem) or _FURTHER.search(stem):
                rows = tensor.shape[-2] if tensor.ndim > 1 else 1
                counts[stem] = max(counts.get(stem, 0), rows)
        own = getattr(module, "num_prefix_tokens", None)
        if counts:
            count = own if isinstance(own, int) and own else sum(counts.values())
            return Declared(count, any(map(_CLASS.search, counts)))
        if isinstance(own, int):
            told = Declared(own, has_class=False)
    return told


def prefix_tokens(
    found: Trace, tokens: int, axes: tuple[int, int], declared: Declared | None
) -> int | str:
    """How many tokens of a layer come before those of the patches.

    A layer with class token or registers has as many tokens more than the image has patches. How
    many patches there are is seen from the maps of convolutions, and from tokens that come before
    any prefix. And where a prefix joins the patches it is the same for all images.

    Args:
        found: A run of the network.
        tokens: Number of the layer's tokens.
        axes: (image axis, token axis) of the layer's output.
        declared: What the network's attributes say.

    Returns:
        Their number; or why it is not known.
    """
    grids = _grids(found)
    joined = _first_seen(found, tokens, axes)
    leading, equal = joined if joined and joined[1] < tokens else (0, 0)
    count = declared.count if declared else 0
    if leading:
        # They were seen to join; what is declared may be of another part of the network, or hold
        # zeros that were not trained yet.
        if tokens - leading in grids or leading == count:
            return leading
        fits = count > leading and tokens - count in grids
        return count if fits else _unexplained(tokens, grids, leading)
    if equal and tokens not in grids:
        return f"{tokens} tokens, {equal} of them the same for all images, and not the first ones"
    if count and tokens - count in grids:
        fits = tokens not in grids
        return (
            count if fits else f"{tokens} tokens, which may or may not hold {count} prefix tokens"
        )
    if tokens in grids:
        return 0
    nearly = any(tokens - more in grids for more in range(1, _MOST + 1))
    if not count and joined and not _any_prefix(found) and not nearly:
        return 0
    return _unexplained(tokens, grids, count)


def _unexplained(tokens: int, grids: set[int], count: int) -> str:
    known = ", ".join(map(str, sorted(grids)[-4:])) or "none"
    return (
        f"{tokens} tokens: neither the patches (numbers that were seen: {known}) nor these and "
        f"{count} prefix tokens"
    )


def _grids(found: Trace) -> set[int]:
    """Numbers of patches: height x width of maps, and of tokens before any prefix joined."""
    grids: set[int] = set()
    plain: set[int] = set()
    unclear: set[int] = set()
    for call in found.calls:
        for seen in call.outputs.values():
            if len(seen.shape) == 4 and call.width and call.width.axis == 1:
                grids.add(seen.shape[2] * seen.shape[3])
    for seen in _in_time(found):
        if _has_prefix(seen):
            break
        for (_, token), (leading, equal) in seen.constant.items():
            if token < 2:
                (unclear if leading < 0 or equal else plain).add(seen.shape[token])
    return grids | (plain - unclear)


def _any_prefix(found: Trace) -> bool:
    """Whether tokens that are the same for all images stand before others anywhere."""
    return any(map(_has_prefix, _in_time(found)))


def _has_prefix(seen: Seen) -> bool:
    return any(
        0 < leading < seen.shape[token] and token < 2
        for (_, token), (leading, _) in seen.constant.items()
    )


def _first_seen(found: Trace, tokens: int, axes: tuple[int, int]) -> tuple[int, int] | None:
    """Constant tokens of the first tensor with so many; None where there is none."""
    for seen in _in_time(found):
        own = [axes] if axes in seen.constant and seen.shape[axes[1]] == tokens else []
        fitting = own or [each for each in seen.constant if seen.shape[each[1]] == tokens]
        if fitting and seen.constant[fitting[0]][0] >= 0:
            return seen.constant[fitting[0]]
    return None


def _in_time(found: Trace) -> Iterator[Seen]:
    """All tensors in the order in which they came up."""
    when = [(call.start, seen) for call in found.calls for seen in call.inputs]
    when += [(call.end, seen) for call in found.calls for seen in call.outputs.values()]
    return (seen for _, seen in sorted(when, key=lambda each: each[0]))
