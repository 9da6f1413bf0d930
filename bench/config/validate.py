"""The second validation, after composition: what Hydra lets through.

Hydra accepts `+method.topk=3` and removed groups silently; here every key must be in the schema and
every value present. The parts themselves are built (cheaply, without torch) by `bench.run.plan`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf

from bench.config.schema import RunConfig
from bench.errors import UserError, nearest
from bench.networks.layout import LayoutSettings

SLUG = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,63}$")
PRECISIONS = ("float32", "bfloat16", "float16")
LEAST = {
    "batch_size": 1,
    "workers": 0,
    "threads": 0,
    "repeats": 1,
    "cache_limit_gb": 0,
    "maps_limit_gb": 0,
}
"""Smallest values of runtime settings."""


def validate(config: DictConfig) -> None:
    """Check a composed configuration.

    Raises:
        UserError: An unknown key, a missing value, or a value out of its range.
    """
    _check_node(config, RunConfig, "")
    layout_settings(config)
    if config.target.precision not in PRECISIONS:
        raise UserError(
            f"unknown precision {config.target.precision!r}",
            where="target.precision",
            valid=PRECISIONS,
            hint="float32 is the methods' own",
        )
    if not config.target.layers:
        raise UserError("no layer to describe", where="target.layers", hint="target.layers=[fc]")
    if not SLUG.match(config.board):
        raise UserError(
            f"{config.board!r} cannot name a board",
            where="board",
            hint="use lower-case letters, digits, '.', '_' and '-'",
        )
    for key, least in LEAST.items():
        if not config.runtime[key] >= least:  # so that NaN is refused
            raise UserError(
                f"must be at least {least}", where=f"runtime.{key}", hint=f"{least} or more"
            )
    if not 0 <= config.scoring.decisions.clip_weight < math.inf:
        raise UserError(
            "must be a number from 0",
            where="scoring.decisions.clip_weight",
            hint="3 is CLIP-Dissect's own",
        )
    parse_share(config.runtime.share)
    channels_last_of(config)
    if not re.match(r"^(auto|cpu|cuda(:\d+)?)$", config.runtime.device):
        raise UserError(
            f"unknown device {config.runtime.device!r}",
            where="runtime.device",
            valid=("auto", "cpu", "cuda", "cuda:0"),
        )


def layout_settings(config: DictConfig) -> LayoutSettings:
    """Read the settings of how layers are read.

    Raises:
        UserError: `target.pooling`, `target.axes` or `target.prefix_tokens` is invalid.
    """
    target = config.target
    axes = target.axes
    axes = OmegaConf.to_container(axes, resolve=True) if OmegaConf.is_config(axes) else axes
    return LayoutSettings.from_config(target.pooling, axes, target.prefix_tokens)


def channels_last_of(config: DictConfig) -> str:
    """`runtime.channels_last` in small letters.

    Raises:
        UserError: It is none of "auto", "true" and "false".
    """
    value = str(config.runtime.channels_last).lower()
    if value not in ("auto", "true", "false"):
        raise UserError(
            f"{value!r} is no choice",
            where="runtime.channels_last",
            valid=("auto", "true", "false"),
            hint="auto runs a network in this memory format where it bears it",
        )
    return value


def parse_share(text: str) -> tuple[int, int] | None:
    """(number, of how many) of `runtime.share`; None for a run as a whole.

    Raises:
        UserError: It is no "n/m" with 1 <= n <= m.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of:
        raise UserError(
            f"{text!r} is no share of the images",
            where="runtime.share",
            hint='give "n/m" with n from 1 to m, such as runtime.share=2/8',
        )
    return number, of


def _check_node(node: Any, schema: type, path: str) -> None:
    fields = {f.name for f in dataclasses.fields(schema)}
    hints = get_type_hints(schema)
    for key in node:
        where = f"{path}.{key}" if path else str(key)
        if key not in fields:
            raise UserError(
                f"there is no setting {where!r}",
                where=where,
                valid=nearest(str(key), fields),
                hint="`dissectbench run --cfg` shows every setting",
            )
        _check_value(node, str(key), hints[str(key)], where)
    for missing in sorted(fields - set(node)):
        where = f"{path}.{missing}" if path else missing
        raise UserError(f"the setting {where!r} is missing", where=where, hint=f"add {where}=...")


def _check_value(node: DictConfig, key: str, hint: Any, where: str) -> None:
    if OmegaConf.is_missing(node, key):
        raise UserError("needs a value", where=where, hint=f"add {where}=...")
    value = node[key]
    if dataclasses.is_dataclass(hint):
        if value is None:
            raise UserError("needs a value", where=where, hint=f"add {where}=...")
        _check_node(value, hint, where)  # type: ignore[arg-type]
