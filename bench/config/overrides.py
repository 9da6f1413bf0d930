"""Overrides as typed: checked against the schema and the registries before Hydra sees them.

Hydra's own messages name its internals; ours name the nearest valid key or part. One convenience is
rewritten into Hydra's grammar: parameters need no `+` (`method.params.top_k=50`).
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, get_type_hints

from omegaconf import OmegaConf

from bench.config.quoting import as_typed
from bench.config.schema import GROUPS, RunConfig
from bench.errors import UserError, nearest
from bench.parts.catalog import BY_GROUP
from bench.parts.choice import choices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from omegaconf import DictConfig

_OVERRIDE = re.compile(r"^(?P<mark>\+\+|\+|~)?(?P<key>[\w./@:-]+)(?:=(?P<value>.*))?$", re.DOTALL)
_SPECIAL = re.compile(r"[\[\](){}*,\s'\"$]")


def check_overrides(overrides: Sequence[str], conf: Path, config_dir: Path | None) -> None:
    """Check that every override names a key of the schema and an existing choice.

    Raises:
        UserError: The first override that does not.
    """
    for number, text in enumerate(overrides):
        match = _OVERRIDE.match(text)
        if match is None:
            hint = f"overrides look like key=value{_joined(overrides, number)}"
            raise UserError(f"{text!r} is no override", hint=hint)
        key, value = match["key"], match["value"]
        if match["mark"] == "~":
            raise UserError(
                f"{text!r} would remove {key!r}, which every run needs",
                where=key,
                hint="choose another value instead",
            )
        if value is None:
            hint = f"write {key}=...{_joined(overrides, number)}"
            raise UserError(f"{text!r} gives no value", where=key, hint=hint)
        if key in GROUPS:
            _check_choices(key, value, conf, config_dir)
        elif not key.startswith("hydra"):
            _check_key(key)


def _joined(overrides: Sequence[str], number: int) -> str:
    """How to type an override and the one before it as one that the shell does not cut in two."""
    if not number:
        return ""
    whole = as_typed(f"{overrides[number - 1]} {overrides[number]}")
    return f"; if it belongs to the value before it, type {whole}"


def rewrite(overrides: Sequence[str]) -> list[str]:
    """Let parameters be given without `+`: the registry checks them, not Hydra."""
    return [
        f"++{text.lstrip('+')}" if ".params." in text.partition("=")[0] else text
        for text in overrides
    ]


def drop_old_params(config: DictConfig, keys: Sequence[str]) -> None:
    """Let a part that was named anew start from its own defaults.

    `target.truth.name=file` would else inherit the parameters of the truth that the target's YAML
    names. Only parameters that were given beside the name stay.

    Args:
        config: A composed configuration; changed in place.
        keys: The keys that were given as overrides.
    """
    for key in keys:
        prefix, _, last = key.rpartition(".")
        node = OmegaConf.select(config, prefix) if prefix and last == "name" else None
        if node is not None and "params" in node:
            given = {name for name in node.params if f"{prefix}.params.{name}" in keys}
            node.params = {name: node.params[name] for name in given}


def _check_choices(group: str, value: str, conf: Path, config_dir: Path | None) -> None:
    if value == "null" and group == "experiment":
        return
    known = set(choices(group, conf, config_dir))
    plural = f"{group}s"
    if group in BY_GROUP:
        known |= set(BY_GROUP[group].names())
        plural = BY_GROUP[group].plural
    for name in value.split(","):
        if name.strip() not in known and not _SPECIAL.search(name.strip()):
            listed = plural in {r.plural for r in BY_GROUP.values()} or group == "experiment"
            raise UserError(
                f"unknown {group} {name.strip()!r}",
                where=group,
                valid=nearest(name, known),
                hint=f"`dissectbench list {plural}` lists all"
                if listed
                else f"choose one of: {', '.join(sorted(known))}",
            )


def _check_key(key: str) -> None:
    """Walk the schema along a dotted key; below `params` the registry checks."""
    node: Any = RunConfig
    walked: list[str] = []
    for part in key.split("."):
        names = [f.name for f in dataclasses.fields(node)]
        if part not in names:
            prefix = ".".join(walked)
            close = nearest(part, names) or (sorted({*names, *GROUPS}) if not walked else names)
            raise UserError(
                f"there is no setting {key!r}",
                where=key,
                valid=[f"{prefix}.{name}" if prefix else name for name in close],
                hint="`dissectbench run --cfg` shows every setting",
            )
        walked.append(part)
        hint = get_type_hints(node)[part]
        if part == "params" or not dataclasses.is_dataclass(hint):
            return
        node = hint
