"""Count the tokens that show no patch of the image: class tokens, registers and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from bench.networks.layout.trace import TensorInfo, Trace

_CLASS = re.compile(r"(?:^|_)(?:cls|class)_?(?:tokens?|embeddings?|embed)$")
_OTHER = re.compile(
    r"(?:^|_)(?:reg|registers?|dist|distill|distillation|storage)_?(?:tokens?|embeddings?|embed)$"
)
_BRANCH = re.compile(r"_?\d+$")
"""A number at the end of a token's name, for the branches of a network."""

_MAX_EXTRA = 9
"""Number of tokens beyond the patches up to which a layer may have prefix tokens."""


@dataclass(frozen=True)
class DeclaredTokens:
    """Prefix tokens by a network's own attributes.

    Attributes:
        count: Their number.
        has_class: Whether the first of them is a class token.
    """

    count: int
    has_class: bool


def declared_tokens(network: nn.Module, path: str) -> DeclaredTokens | None:
    """Read the prefix tokens from attributes and parameters of the modules around a layer.

    Names: `num_prefix_tokens` (timm), `cls_token` (timm, DINO, Hugging Face), `class_token`
    (torchvision), `class_embedding` (CLIP), `reg_token`, `register_tokens`, `dist_token`,
    `distillation_token`, `storage_tokens`.

    Args:
        network: The whole network.
        path: The layer's module path.

    Returns:
        The tokens of the nearest module around the layer that has any; None where none has.
    """
    ancestors = [path.rsplit(".", n)[0] for n in range(path.count(".") + 1)] + [""]
    tokens = None
    for ancestor in ancestors:
        module = network.get_submodule(ancestor)
        counts: dict[str, int] = {}
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            stem = _BRANCH.sub("", name.rpartition(".")[2])
            if _CLASS.search(stem) or _OTHER.search(stem):
                rows = tensor.shape[-2] if tensor.ndim > 1 else 1
                counts[stem] = max(counts.get(stem, 0), rows)
        declared = getattr(module, "num_prefix_tokens", None)
        if counts:
            count = declared if isinstance(declared, int) and declared else sum(counts.values())
            return DeclaredTokens(count, any(map(_CLASS.search, counts)))
        if isinstance(declared, int):
            tokens = DeclaredTokens(declared, has_class=False)
    return tokens


def count_prefix_tokens(
    run: Trace, tokens: int, axes: tuple[int, int], declared: DeclaredTokens | None
) -> int | str:
    """Count the tokens of a layer before those of the patches.

    The number of patches is seen from the maps of convolutions, and from tokens before any prefix
    is added; a layer has as many tokens more as there are prefix tokens. Where a prefix is added,
    it is equal for all images.

    Args:
        run: A run of the network.
        tokens: Number of the layer's tokens.
        axes: (image axis, token axis) of the layer's output.
        declared: Prefix tokens by the network's attributes.

    Returns:
        Their number, or why it is unknown.
    """
    grids = _patch_counts(run)
    constant = _first_constant(run, tokens, axes)
    leading, equal = constant if constant and constant[1] < tokens else (0, 0)
    count = declared.count if declared else 0
    if leading:
        # They were seen to be added. What is declared may be about another part of the network, or
        # about untrained tokens that are zero.
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
    near_grid = any(tokens - extra in grids for extra in range(1, _MAX_EXTRA + 1))
    if not count and constant and not any(map(_has_prefix, _in_time(run))) and not near_grid:
        return 0
    return _unexplained(tokens, grids, count)


def _unexplained(tokens: int, grids: set[int], count: int) -> str:
    known = ", ".join(map(str, sorted(grids)[-4:])) or "none"
    return (
        f"{tokens} tokens: neither the patches (numbers that were seen: {known}) nor these and "
        f"{count} prefix tokens"
    )


def _patch_counts(run: Trace) -> set[int]:
    """Return numbers of patches: height x width of maps, and of tokens before any prefix."""
    grids: set[int] = set()
    plain: set[int] = set()
    unclear: set[int] = set()
    for call in run.calls:
        for output in call.outputs.values():
            if len(output.shape) == 4 and call.width and call.width.axis == 1:
                grids.add(output.shape[2] * output.shape[3])
    for tensor in _in_time(run):
        if _has_prefix(tensor):
            break
        for (_, token), (leading, equal) in tensor.constant.items():
            if token < 2:
                (unclear if leading < 0 or equal else plain).add(tensor.shape[token])
    return grids | (plain - unclear)


def _has_prefix(tensor: TensorInfo) -> bool:
    """Return whether leading tokens are equal for all images, and others are not."""
    return any(
        0 < leading < tensor.shape[token] and token < 2
        for (_, token), (leading, _) in tensor.constant.items()
    )


def _first_constant(run: Trace, tokens: int, axes: tuple[int, int]) -> tuple[int, int] | None:
    """Return the constant tokens of the first tensor with so many tokens; None for none."""
    for tensor in _in_time(run):
        own = [axes] if axes in tensor.constant and tensor.shape[axes[1]] == tokens else []
        fitting = own or [each for each in tensor.constant if tensor.shape[each[1]] == tokens]
        if fitting and tensor.constant[fitting[0]][0] >= 0:
            return tensor.constant[fitting[0]]
    return None


def _in_time(run: Trace) -> Iterator[TensorInfo]:
    """Go through all inputs and outputs in the order of time."""
    times = [(call.start, tensor) for call in run.calls for tensor in call.inputs]
    times += [(call.end, tensor) for call in run.calls for tensor in call.outputs.values()]
    return (tensor for _, tensor in sorted(times, key=lambda each: each[0]))
