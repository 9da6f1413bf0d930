"""Change a configuration that was composed before, such as a record's, without composing again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING, DictConfig, OmegaConf

from bench.config.grammar import parse_single
from bench.config.overrides import check_overrides, set_values
from bench.config.schema import GROUPS, NONE, RuntimeConfig, ScoringConfig, TargetConfig
from bench.config.validate import validate
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_SECTIONS = {"target": TargetConfig, "scoring": ScoringConfig, "runtime": RuntimeConfig}


def amend(config: DictConfig, overrides: Sequence[str], conf: Path) -> DictConfig:
    """Return a copy of a configuration with single values set, validated.

    Args:
        config: The configuration, such as a record's config.yaml.
        overrides: `key=value` each; no choices of config groups.
        conf: The package's folder of config groups, for messages.

    Raises:
        UserError: An override is wrong, or chooses a whole group.
    """
    check_overrides(overrides, conf, None)
    parsed = parse_single(overrides, sweeps=False)
    for override in parsed:
        if override.key_or_group in GROUPS:
            raise UserError(
                f"{override.input_line} chooses a whole group",
                where=override.key_or_group,
                hint="set single values, such as scoring.official_labels=true",
            )
    changed = config.copy()
    OmegaConf.set_struct(changed, False)
    _add_new_settings(changed)
    set_values(changed, parsed)
    validate(changed)
    return changed


def _add_new_settings(config: DictConfig) -> None:
    """Add settings that older releases did not have, with the values that they used."""
    for part in ("segmenter", "captioner"):
        if part not in config:  # no older method used one
            config[part] = {"name": "glyphs", "params": {}}
    for part in ("language_model", "generator"):
        if part not in config:
            config[part] = {"name": NONE, "params": {}}
    if "tuned_on" not in config:
        config["tuned_on"] = ""
    for section, schema in _SECTIONS.items():
        settings = config.get(section)
        if not isinstance(settings, DictConfig):
            continue
        for key, default in _defaults(schema).items():
            if key not in settings and default != MISSING:
                settings[key] = default


@cache
def _defaults(schema: type) -> dict[str, Any]:
    """Return the defaults of a section as plain values."""
    found: Any = OmegaConf.to_container(OmegaConf.structured(schema))
    return dict(found)
