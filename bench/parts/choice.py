"""Parts as parameters of other parts, such as the members of a union of probe sets.

A choice is the name of a YAML file of a config group (or of a registered part), or a mapping
{name, params} as in such a file.
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

# An absolute path, so that a user's own folder named conf does not shadow it.
CONF = Path(__file__).resolve().parents[2] / "conf"


_KEYS = {"name", "params"}


def choices(group: str, *folders: Path | None) -> dict[str, Path]:
    """Return the YAML files of a config group, by name."""
    found: dict[str, Path] = {}
    for folder in folders:
        if folder is not None:
            found |= {path.stem: path for path in sorted((folder / group).glob("*.yaml"))}
    return found


def freeze(spec: object, where: str) -> str:
    """Return a choice as a string, which is hashable as the fields of parts must be.

    Args:
        spec: A name, or a mapping {name, params}.
        where: Its config key, for messages.

    Raises:
        UserError: It is neither.
    """
    if isinstance(spec, str) and spec.startswith("{"):  # frozen before
        with suppress(ValueError):
            spec = json.loads(spec)
    elif isinstance(spec, str) and spec:
        return spec
    if isinstance(spec, dict) and isinstance(spec.get("name"), str) and not set(spec) - _KEYS:
        return canonical_json(spec)
    raise UserError(
        f"invalid choice {spec!r}",
        where=where,
        hint="give a name, or {name: folder, params: {path: images}}",
    )


def build(group: str, spec: str, where: str) -> Any:
    """Build the part of a choice.

    Args:
        group: The config group: "probe".
        spec: As returned by `freeze`.
        where: Its config key, for messages.

    Raises:
        UserError: There is no such choice, or the part refuses its parameters.
    """
    from bench.parts.catalog import BY_GROUP

    registry = BY_GROUP[group]
    if spec.startswith("{"):
        given = json.loads(spec)
        return registry.build(given["name"], given.get("params") or {}, where=where)
    files = choices(group, CONF)
    if spec in files:
        from omegaconf import OmegaConf

        loaded: Any = OmegaConf.to_container(OmegaConf.load(files[spec]))
        if "${" in str(loaded):
            raise UserError(
                f"{spec} refers to other settings, which a nested choice cannot",
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


def thaw(specs: Sequence[str]) -> list[Any]:
    """Return choices as they were given: names and mappings."""
    return [json.loads(spec) if spec.startswith("{") else spec for spec in specs]
