"""Validation after composition: every setting is in the schema, present and in its range.

Hydra accepts `+method.topk=3` and removed groups silently. `bench.run.selection` builds the parts,
which checks their parameters.
"""

from __future__ import annotations

import dataclasses
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from omegaconf import DictConfig, OmegaConf

from bench.config.schema import NONE, RANDOM_WEIGHTS, ROTATED, RunConfig
from bench.errors import UserError, nearest
from bench.networks.layout import LayoutSettings
from bench.parts.directions import Rotation, parse_directions
from metrics.development import DEV

if TYPE_CHECKING:
    from bench.parts.directions import Directions

SLUG = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,63}$")
PRECISIONS = ("float32", "bfloat16", "float16")
CHANNELS_LAST = ("auto", "true", "false")
LEAST = {
    "batch_size": 1,
    "workers": 0,
    "threads": 0,
    "repeats": 1,
    "bootstraps": 0,
    "cache_limit_gb": 0,
    "maps_limit_gb": 0,
}
"""Smallest values of runtime settings."""


def validate(config: DictConfig) -> None:
    """Check a composed configuration.

    Raises:
        UserError: An unknown key, a missing value, or a value out of its range.
    """
    check_sections(config)
    for name in map(str, config):
        validate_section(config, name)


def check_sections(config: DictConfig) -> None:
    """Check that a configuration has all sections of the schema, and no other.

    Raises:
        UserError: A section is unknown or missing.
    """
    _check_names(config, RunConfig, "")


def validate_section(config: DictConfig, name: str) -> None:
    """Check one section or top-level value of a configuration; the others need not be there.

    Raises:
        UserError: An unknown key, a missing value, or a value out of its range.
    """
    _check_value(config, name, RunConfig, "")
    if name in _CHECKS:
        _CHECKS[name](config)


def _check_target(config: DictConfig) -> None:
    layout_settings(config)
    directions_of(config)
    if config.target.precision not in PRECISIONS:
        raise UserError(
            f"unknown precision {config.target.precision!r}",
            where="target.precision",
            hint=f"choose one of: {', '.join(PRECISIONS)}; the published methods use float32",
        )
    if config.target.control not in (NONE, RANDOM_WEIGHTS, ROTATED):
        raise UserError(
            f"unknown control {config.target.control!r}",
            where="target.control",
            hint=f"choose one of: {NONE}, {RANDOM_WEIGHTS}, {ROTATED}",
        )
    if config.target.control_seed < 0:
        raise UserError(
            "must be at least 0", where="target.control_seed", hint="give 0 or a larger number"
        )
    if not config.target.layers:
        raise UserError("no layer to describe", where="target.layers", hint="target.layers=[fc]")


def _check_board(config: DictConfig) -> None:
    if not SLUG.match(config.board):
        raise UserError(
            f"{config.board!r} cannot name a board",
            where="board",
            hint="use lower-case letters, digits, '.', '_' and '-'",
        )


def _check_tuned_on(config: DictConfig) -> None:
    check_tuned_on(config.tuned_on)


def check_tuned_on(value: str) -> None:
    """Check the setting `tuned_on`.

    Raises:
        UserError: It is neither empty nor "dev".
    """
    if value not in ("", DEV):
        raise UserError(
            f"unknown units {value!r}",
            where="tuned_on",
            hint=f"tuned_on={DEV} for settings that were tuned on development units, else nothing; "
            "`dissectbench.development_units(layer, n)` lists them",
        )


def _check_scoring(config: DictConfig) -> None:
    if not 0 <= config.scoring.decisions.clip_weight < math.inf:
        raise UserError(
            "must be a finite number of at least 0",
            where="scoring.decisions.clip_weight",
            hint="CLIP-Dissect uses 3",
        )


def _check_runtime(config: DictConfig) -> None:
    for key, least in LEAST.items():
        if not config.runtime[key] >= least:  # so that NaN is refused
            raise UserError(
                f"must be at least {least}", where=f"runtime.{key}", hint=f"{least} or more"
            )
    parse_share(config.runtime.share)
    channels_last_of(config)
    if not re.match(r"^(auto|cpu|cuda(:\d+)?)$", config.runtime.device):
        raise UserError(
            f"unknown device {config.runtime.device!r}",
            where="runtime.device",
            hint="choose one of: auto, cpu, cuda, or a GPU by its number, such as cuda:0",
        )


_CHECKS = {
    "target": _check_target,
    "board": _check_board,
    "tuned_on": _check_tuned_on,
    "scoring": _check_scoring,
    "runtime": _check_runtime,
}


def layout_settings(config: DictConfig) -> LayoutSettings:
    """Read the settings of how layers are read.

    Raises:
        UserError: `target.pooling`, `target.axes` or `target.prefix_tokens` is invalid.
    """
    target = config.target
    axes = target.axes
    axes = OmegaConf.to_container(axes, resolve=True) if OmegaConf.is_config(axes) else axes
    return LayoutSettings.from_config(target.pooling, axes, target.prefix_tokens)


def directions_of(config: DictConfig) -> Directions | None:
    """Read `target.directions`, or the rotation of `target.control`; None for the layers' units.

    Raises:
        UserError: The setting is invalid, or a control would rotate directions.
    """
    given = config.target.directions
    given = OmegaConf.to_container(given, resolve=True) if OmegaConf.is_config(given) else given
    if config.target.control != ROTATED:
        return parse_directions(given)
    if given:
        raise UserError(
            "a control rotates the layer's own units, and directions are given",
            where="target.control",
            hint="leave out target.control or target.directions",
        )
    return Rotation(config.target.control_seed)


def channels_last_of(config: DictConfig) -> str:
    """Return `runtime.channels_last` in small letters.

    Raises:
        UserError: The value is none of "auto", "true" and "false".
    """
    value = str(config.runtime.channels_last).lower()
    if value not in CHANNELS_LAST:
        raise UserError(
            f"invalid value {value!r}",
            where="runtime.channels_last",
            hint=f"choose one of: {', '.join(CHANNELS_LAST)}; auto uses this memory format for "
            "networks that support it",
        )
    return value


def parse_share(text: str) -> tuple[int, int] | None:
    """Return (number, count) of `runtime.share`; None for a run over all images.

    Raises:
        UserError: The value is not "n/m" with 1 <= n <= m.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= count:
        raise UserError(
            f"invalid share {text!r}",
            where="runtime.share",
            hint='give "n/m" with n from 1 to m, such as runtime.share=2/8',
        )
    return number, count


@cache
def _settings(schema: type) -> dict[str, Any]:
    """Return the type of each field of a schema, by name."""
    hints = get_type_hints(schema)
    return {field.name: hints[field.name] for field in dataclasses.fields(schema)}


def _check_names(node: Any, schema: type, path: str) -> None:
    settings = _settings(schema)
    for key in map(str, node):
        if key not in settings:
            where = f"{path}{key}"
            raise UserError(
                f"there is no setting {where!r}",
                where=where,
                valid=nearest(key, settings),
                hint="`dissectbench run --cfg` shows every setting",
            )
    for missing in sorted(settings.keys() - set(node)):
        where = f"{path}{missing}"
        raise UserError(f"the setting {where!r} is missing", where=where, hint=f"add {where}=...")


def _check_value(node: Any, key: str, schema: type, path: str) -> None:
    """Check that a value is there, and all values in it."""
    kind, where = _settings(schema)[key], f"{path}{key}"
    nested = dataclasses.is_dataclass(kind)
    if OmegaConf.is_missing(node, key) or (nested and node[key] is None):
        raise UserError("needs a value", where=where, hint=f"add {where}=...")
    if isinstance(kind, type) and nested:
        _check_names(node[key], kind, f"{where}.")
        for inside in map(str, node[key]):
            _check_value(node[key], inside, kind, f"{where}.")
