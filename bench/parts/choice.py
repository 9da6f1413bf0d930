"""Parts that other parts are made of, named as on the command line: a union of probe sets, say.

A choice is the name of a YAML file of a config group (or of a registered part), or a mapping
{name, params} as such a file holds.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError, nearest
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence

# Absolute, and from this file: a user's own folder named conf must not shadow ours.
CONF = Path(__file__).resolve().parents[2] / "conf"


def choices(group: str, *folders: Path | None) -> dict[str, Path]:
    """The YAML files of a config group, by name."""
    found: dict[str, Path] = {}
    for folder in folders:
        if folder is not None:
            found |= {path.stem: path for path in sorted((folder / group).glob("*.yaml"))}
    return found


def frozen(spec: object, where: str) -> str:
    """A choice as a text, so that a frozen part can hold it.

    Args:
        spec: A name, or a mapping {name, params}.
        where: The field that it stands in, for messages.

    Raises:
        UserError: It is neither.
    """
    if isinstance(spec, str) and spec.startswith("{"):  # one that is frozen already
        with suppress(ValueError):
            spec = json.loads(spec)
    elif isinstance(spec, str) and spec:
        return spec
    if isinstance(spec, dict) and isinstance(spec.get("name"), str) and not set(spec) - _KEYS:
        return canonical_json(spec)
    raise UserError(
        f"{spec!r} is no choice",
        where=where,
        hint="give a name, or {name: folder, params: {path: images}}",
    )


def built(group: str, spec: str, where: str) -> Any:
    """Build what a choice says.

    Args:
        group: The config group: "probe".
        spec: As `frozen` gives it.
        where: The field that it stands in, for messages.

    Raises:
        UserError: There is no such choice, or the part refuses its parameters.
    """
    from bench.parts.catalog import BY_GROUP

    registry = BY_GROUP[group]
    if spec.startswith("{"):
        told = json.loads(spec)
        return registry.build(told["name"], told.get("params") or {}, where=where)
    files = choices(group, CONF)
    if spec in files:
        from omegaconf import OmegaConf

        loaded: Any = OmegaConf.to_container(OmegaConf.load(files[spec]))
        if "${" in str(loaded):
            raise UserError(
                f"{spec} refers to other settings, which only a choice of its own can",
                where=where,
                hint="give it as {name: ..., params: {...}} with values",
            )
        return registry.build(loaded["name"], loaded.get("params") or {}, where=where)
    known = [*files, *registry.names()]
    if spec not in known:
        raise UserError(
            f"unknown {group} {spec!r}",
            where=where,
            valid=nearest(spec, known),
            hint=f"`dissectbench list {registry.plural}` lists all",
        )
    return registry.build(spec, {}, where=where)


def parameters(specs: Sequence[str]) -> list[Any]:
    """Choices as a record tells them: names, and mappings for those that were given as such."""
    return [json.loads(spec) if spec.startswith("{") else spec for spec in specs]


_KEYS = {"name", "params"}
