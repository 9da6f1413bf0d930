"""A composed configuration changed by overrides, without composing it again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.grammar import explain, single
from bench.config.overrides import check_overrides, drop_old_params
from bench.config.schema import GROUPS, DecisionsConfig, RuntimeConfig
from bench.config.validate import validate
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def amend(config: DictConfig, overrides: Sequence[str], conf: Path) -> DictConfig:
    """Set single values of a configuration that was composed before.

    Args:
        config: The configuration, such as a record's config.yaml; left as it is.
        overrides: `key=value` each; no groups.
        conf: Our folder of config groups, for messages.

    Returns:
        The changed and validated configuration.

    Raises:
        UserError: An override is wrong, or sets a whole group.
    """
    check_overrides(overrides, conf, None)
    changed = config.copy()
    OmegaConf.set_struct(changed, False)
    _add_new_settings(changed)
    parsed = single(overrides)
    for override in parsed:
        if override.key_or_group in GROUPS:
            raise UserError(
                f"{override.input_line} chooses a whole group",
                where=override.key_or_group,
                hint="set single values, such as scoring.official_labels=true",
            )
        try:
            OmegaConf.update(changed, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException as error:
            raise UserError(explain(error), where=override.key_or_group) from error
    drop_old_params(changed, [override.key_or_group for override in parsed])
    validate(changed)
    return changed


def _add_new_settings(config: DictConfig) -> None:
    """Give a record of an older release the defaults of settings that it does not know.

    Of `runtime`, where nothing decides a label or a score, and what older releases always had.
    """
    if "segmenter" not in config:
        config.segmenter = {"name": "glyphs", "params": {}}  # no older method used one
    if "captioner" not in config:
        config.captioner = {"name": "glyphs", "params": {}}
    target = config.get("target")
    if isinstance(target, DictConfig) and "precision" not in target:
        target.precision = "float32"
    scoring = config.get("scoring")
    if isinstance(scoring, DictConfig) and "decisions" not in scoring:
        scoring.decisions = OmegaConf.create(dataclasses.asdict(DecisionsConfig()))
    runtime = config.get("runtime")
    if not isinstance(runtime, DictConfig):
        return
    defaults = OmegaConf.structured(RuntimeConfig)
    for key in defaults:
        if key not in runtime and not OmegaConf.is_missing(defaults, str(key)):
            runtime[key] = defaults[key]
