"""Check the names of layers, and list the layers of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError, nearest
from bench.networks.layout.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

_SHOWN_INSIDE = 24
"""Most paths that are listed inside one top-level module."""


def resolve_layers(
    module: nn.Module, names: Sequence[str], *, where: str = "target.layers"
) -> list[str]:
    """Check layer names against a network.

    Args:
        module: The network.
        names: Module paths such as "layer4" or "features.12", with a call or output after a colon
            as in "relu:0"; surrounding blanks are removed.
        where: The config key, for the message.

    Returns:
        The names, in order, without duplicates.

    Raises:
        UserError: No name is given, or one is not a layer of this network; the hint lists its
            layers.
    """
    paths = [path for path, _ in module.named_modules(remove_duplicate=False) if path]
    wanted = list(dict.fromkeys(name.strip() for name in names))
    if not wanted:
        raise UserError("no layer is given", where=where, hint=choose_layers(paths))
    for name in wanted:
        address = parse_address(name)
        if name not in paths and (address is None or address.path not in paths):
            raise UserError(
                f"the target has no layer {name!r}",
                where=where,
                valid=nearest(name, paths, limit=5),
                hint=choose_layers(paths),
            )
    return wanted


def describe_layers(paths: Sequence[str]) -> str:
    """List module paths, with one line for each top-level module and the paths inside it."""
    inside: dict[str, list[str]] = {}
    for path in paths:
        top, dot, rest = path.partition(".")
        inside.setdefault(top, [])
        if dot:
            inside[top].append(f".{rest}")
    lines = []
    for top, within in inside.items():
        shown = within
        if len(within) > _SHOWN_INSIDE:
            # People name whole blocks; the parts of a block follow the same pattern.
            shown = [path for path in within if path.count(".") == 1] or within
            shown = shown[:_SHOWN_INSIDE]
        more = len(within) - len(shown)
        tail = " ".join([*shown, f"(and {more} more inside)"] if more else shown)
        lines.append(f"    {top}" + (f"  {tail}" if tail else ""))
    return "\n".join(lines)


def choose_layers(paths: Sequence[str]) -> str:
    """Return the hint of a wrong layer: a list of all layers."""
    return (
        "choose one of the target's layers (a dot stands for the name before it: layer4 .0 is "
        f"layer4.0)\n{describe_layers(paths)}"
    )
