"""A composed configuration changed by overrides, without composing it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.grammar import explain, single
from bench.config.overrides import check_overrides, drop_old_params
from bench.config.schema import GROUPS, RuntimeConfig, ScoringConfig, TargetConfig
from bench.config.validate import validate
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_SECTIONS = {"target": TargetConfig, "scoring": ScoringConfig, "runtime": RuntimeConfig}


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

    Each default is what older releases did.
    """
    for part in ("segmenter", "captioner"):
        if part not in config:  # no older method used one
            config[part] = {"name": "glyphs", "params": {}}
    for section, kind in _SECTIONS.items():
        known = config.get(section)
        if not isinstance(known, DictConfig):
            continue
        defaults = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(kind)))
        for key, default in defaults.items_ex(resolve=False):
            if key not in known and default != MISSING:
                known[key] = default
