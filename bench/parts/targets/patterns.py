"""Patterns of layers: `layer*`, `layer4.*.conv3`, `**.conv3`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.errors import UserError, nearest
from bench.networks.layers import choose_layers
from bench.parts.optional_protocols import HasModulePaths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.parts.protocols import Target

_STARS = re.compile(r"(?:(?<=\.)|^)\*\*\.|\*\*|\*")


def expand_layers(target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """Expand the patterns in a list of layers.

    `*` matches any text without a dot, and `**` any text; `**.` at the beginning of a name in the
    path matches any number of enclosing modules, also none. The text after a colon (a call or an
    output of the module) is kept. Only patterns need the network's modules: plain names need no
    torch, and are checked when the network runs.

    Args:
        target: The network; loaded unless it has `module_paths` (`HasModulePaths`).
        names: As in `target.layers`.

    Returns:
        Module paths in the order of `names`, those of a pattern in the network's order, without
        duplicates.

    Raises:
        UserError: A pattern matches no module; lists the modules.
    """
    layers: list[str] = []
    for name in (written.strip() for written in names):
        pattern, *which = name.split(":", 1)
        if "*" not in pattern:
            layers.append(name)
            continue
        paths = _module_paths(target)
        regex = _compile(pattern)
        matches = [":".join([path, *which]) for path in paths if regex.fullmatch(path)]
        if not matches:
            raise UserError(
                f"the pattern {name!r} matches no layer of the target",
                where="target.layers",
                valid=nearest(name.replace("*", ""), paths, limit=5),
                hint=f"a * never crosses a dot, ** does; {choose_layers(paths)}",
            )
        layers += matches
    return tuple(dict.fromkeys(layers))


def may_name(names: Sequence[str], path: str) -> bool:
    """Return whether a module path matches one of some names and patterns."""
    return any(_compile(name.strip()).fullmatch(path) for name in names)


def _compile(pattern: str) -> re.Pattern[str]:
    parts, end = [], 0
    for stars in _STARS.finditer(pattern):
        parts.append(re.escape(pattern[end : stars.start()]))
        parts.append({"*": r"[^.]*", "**": r".+"}.get(stars[0], r"(?:.+\.)?"))
        end = stars.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]))


@lru_cache(maxsize=8)
def _module_paths(target: Target) -> tuple[str, ...]:
    if isinstance(target, HasModulePaths):
        return target.module_paths()
    named = target.load("cpu").module.named_modules(remove_duplicate=False)
    return tuple(path for path, _ in named if path)
