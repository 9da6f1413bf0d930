"""Layers by pattern: `layer*`, `layer4.*.conv3`, `**.conv3`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.errors import UserError, nearest
from bench.networks.layers import choose_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.parts.protocols import Target

_STARS = re.compile(r"(?:(?<=\.)|^)\*\*\.|\*\*|\*")


def expand_layers(target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """The layers that names and patterns stand for.

    A `*` stands for any text without a dot, `**` for any text; `**.` at the beginning of a part of
    the path for any number of modules around the rest, also none. What follows a colon, a call or
    an output of the module, stays as it is. The network is asked for its modules only where there
    is a pattern: plain names need no torch, and are checked when it runs.

    Args:
        target: The network; may have `module_paths() -> tuple[str, ...]`, else it is loaded.
        names: As in `target.layers`.

    Returns:
        Module paths in the order of `names`, those of a pattern in the network's order, without
        duplicates.

    Raises:
        UserError: A pattern matches no module; lists those that there are.
    """
    found: list[str] = []
    for name in (written.strip() for written in names):
        pattern, *which = name.split(":", 1)
        if "*" not in pattern:
            found.append(name)
            continue
        paths = _paths(target)
        wanted = _compiled(pattern)
        matching = [":".join([path, *which]) for path in paths if wanted.fullmatch(path)]
        if not matching:
            raise UserError(
                f"the pattern {name!r} matches no layer of the target",
                where="target.layers",
                valid=nearest(name.replace("*", ""), paths, limit=5),
                hint=f"a * never crosses a dot, ** does; {choose_layers(paths)}",
            )
        found += matching
    return tuple(dict.fromkeys(found))


def may_name(names: Sequence[str], path: str) -> bool:
    """Whether one of some names and patterns stands for a module path, if the target has it."""
    return any(_compiled(name.strip()).fullmatch(path) for name in names)


def _compiled(pattern: str) -> re.Pattern[str]:
    parts, end = [], 0
    for stars in _STARS.finditer(pattern):
        parts.append(re.escape(pattern[end : stars.start()]))
        parts.append({"*": r"[^.]*", "**": r".+"}.get(stars[0], r"(?:.+\.)?"))
        end = stars.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]))


@lru_cache(maxsize=8)
def _paths(target: Target) -> tuple[str, ...]:
    own = getattr(target, "module_paths", None)
    if own is not None:
        return tuple(own())
    return tuple(
        path for path, _ in target.load("cpu").module.named_modules(remove_duplicate=False) if path
    )
