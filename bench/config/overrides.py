"""Overrides: check them as typed, and set single values of a configuration.

Hydra's own messages name its internals; these name the nearest valid setting or part. Parameters of
parts need no `+` (`method.params.top_k=50`): the registry checks them.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, get_type_hints

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.quoting import shell_quote
from bench.config.schema import GROUPS, RunConfig
from bench.errors import UserError, nearest
from bench.parts.catalog import BY_GROUP
from bench.parts.choice import choices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

_OVERRIDE = re.compile(r"^(?P<mark>\+\+|\+|~)?(?P<key>[\w./@:-]+)(?:=(?P<value>.*))?$", re.DOTALL)
_SPECIAL = re.compile(r"[\[\](){}*,\s'\"$]")
_ALL_SETTINGS = "`dissectbench run --cfg` shows every setting"


def check_overrides(overrides: Sequence[str], conf: Path, config_dir: Path | None) -> None:
    """Check that every override names a key of the schema and an existing choice.

    Args:
        overrides: As typed.
        conf: The package's folder of config groups.
        config_dir: A user's own folder of config groups, searched besides.

    Raises:
        UserError: The first override that is wrong.
    """
    for number, text in enumerate(overrides):
        match = _OVERRIDE.match(text)
        if match is None:
            hint = f"write overrides as key=value{_join_hint(overrides, number)}"
            raise UserError(f"invalid override {text!r}", hint=hint)
        key, value = match["key"], match["value"]
        if match["mark"] == "~":
            raise UserError(
                f"{text!r} would remove {key!r}, which every run needs",
                where=key,
                hint="choose another value instead",
            )
        if value is None:
            hint = f"write {key}=...{_join_hint(overrides, number)}"
            raise UserError(f"{text!r} gives no value", where=key, hint=hint)
        if key in GROUPS:
            _check_choices(key, value, conf, config_dir)
        elif not key.startswith("hydra"):
            _check_key(key)


def set_values(config: DictConfig, overrides: Sequence[Override]) -> None:
    """Set single values of a configuration in place.

    A part that gets another name starts from its own defaults: `target.truth.name=file` drops the
    parameters of the truth that the target's YAML names, but for those that are given beside it.

    Args:
        config: A composed configuration.
        overrides: Parsed; no choice of a config group.

    Raises:
        UserError: A value is not of the setting's type.
    """
    OmegaConf.set_struct(config, False)
    keys = [str(override.key_or_group) for override in overrides]
    for key, override in zip(keys, overrides, strict=True):
        try:
            OmegaConf.update(config, key, override.value(), force_add=".params." in key)
        except OmegaConfBaseException as error:
            reason = str(error).partition("\n")[0]  # the rest names OmegaConf's own types
            raise UserError(reason, where=key, hint=_ALL_SETTINGS) from error
    for key in keys:
        prefix, _, last = key.rpartition(".")
        part = OmegaConf.select(config, prefix) if prefix and last == "name" else None
        if part is not None and "params" in part:
            given = {name for name in part.params if f"{prefix}.params.{name}" in keys}
            part.params = {name: part.params[name] for name in given}


def _join_hint(overrides: Sequence[str], number: int) -> str:
    """Return how to type an override and the one before it as one that the shell does not split."""
    if not number:
        return ""
    whole = shell_quote(f"{overrides[number - 1]} {overrides[number]}")
    return f"; if it belongs to the value before it, type {whole}"


def _check_choices(group: str, value: str, conf: Path, config_dir: Path | None) -> None:
    if value == "null" and group == "experiment":
        return
    known = set(choices(group, conf, config_dir))
    listed = "experiments" if group == "experiment" else ""
    if group in BY_GROUP:
        known |= set(BY_GROUP[group].names())
        listed = BY_GROUP[group].plural
    for name in map(str.strip, value.split(",")):
        if name not in known and not _SPECIAL.search(name):
            raise UserError(
                f"unknown {group} {name!r}",
                where=group,
                valid=nearest(name, known),
                hint=f"`dissectbench list {listed}` lists all"
                if listed
                else f"choose one of: {', '.join(sorted(known))}",
            )


def _check_key(key: str) -> None:
    """Walk the schema along a dotted key; the registry checks what is below `params`."""
    node: Any = RunConfig
    walked: list[str] = []
    for part in key.split("."):
        names = [f.name for f in dataclasses.fields(node)]
        if part not in names:
            close = [".".join([*walked, name]) for name in nearest(part, names)]
            all_here = ", ".join(names if walked else sorted({*names, *GROUPS}))
            raise UserError(
                f"there is no setting {key!r}",
                where=key,
                valid=close,
                hint=_ALL_SETTINGS if close else f"choose one of: {all_here}; {_ALL_SETTINGS}",
            )
        walked.append(part)
        node = get_type_hints(node)[part]
        if part == "params" or not dataclasses.is_dataclass(node):
            return
