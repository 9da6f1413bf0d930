"""Composition: turn overrides as typed into validated jobs, through Hydra's compose API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from bench.config.composition import (
    Composer,
    hydra_initialized,
    key_of,
    own_composer,
    register_schema,
)
from bench.config.grammar import parse_single, split_sweep
from bench.config.named import named_groups
from bench.config.overrides import check_overrides
from bench.config.schema import GROUPS
from bench.config.sections import Sections
from bench.errors import UserError
from bench.parts.choice import CONF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One composed and validated configuration.

    Attributes:
        overrides: The job's request, in Hydra's own grammar; composing it again gives `config`.
        config: The composed configuration, interpolations resolved.
        launcher: Hydra's launcher for it ("basic", "joblib", "submitit_slurm").
        choices: The choice of each config group, by group: {"target": "resnet50_imagenet"}.
        named: The config groups that the request names itself; the others are at their defaults.
    """

    overrides: tuple[str, ...]
    config: DictConfig
    launcher: str = "basic"
    choices: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return the job as a mapping that JSON can hold."""
        return {
            "overrides": list(self.overrides),
            "config": OmegaConf.to_container(self.config, resolve=True),
            "launcher": self.launcher,
            "choices": dict(self.choices),
            "named": sorted(self.named),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Job:
        """Read what `to_json` gives."""
        return cls(
            tuple(content["overrides"]),
            OmegaConf.create(content["config"]),
            content["launcher"],
            content["choices"],
            frozenset(content["named"]),
        )


def expand(
    overrides: Sequence[str], *, multirun: bool | None = False, config_dir: Path | None = None
) -> list[Job]:
    """Turn a request into jobs: one, or one for each combination of its sweeps and blocks.

    Args:
        overrides: Hydra overrides as typed.
        multirun: Sweep over comma-separated values; an experiment with blocks always does. None
            for a command that takes one job.
        config_dir: A user's own folder of config groups, searched besides ours.

    Returns:
        Validated jobs in a fixed order, without duplicates.

    Raises:
        UserError: The request is wrong, or `config_dir` is not a folder.
    """
    if config_dir is not None and not config_dir.is_dir():
        hint = "give a folder with groups in it, such as DIR/target/mine.yaml"
        raise UserError(f"{config_dir} is not a folder", where="--config-dir", hint=hint)
    check_overrides(overrides, CONF, config_dir)
    register_schema()
    with hydra_initialized():
        composer = Composer(config_dir) if config_dir else own_composer()
        sections = Sections()
        blocks = _blocks(overrides, composer)
        jobs: dict[tuple[str, ...], Job] = {}
        for block in blocks or [[]]:
            merged = _merge(block, overrides)
            if multirun or blocks:
                requests = split_sweep(merged)
            else:
                parse_single(merged, sweeps=multirun is not None)
                requests = [merged]
            for request in requests:
                key = tuple(sorted(request))
                if key not in jobs:
                    jobs[key] = _compose(request, composer, sections, config_dir)
    return list(jobs.values())


def _blocks(overrides: Sequence[str], composer: Composer) -> list[list[str]]:
    """Return the blocks of the experiment that the request names; none without an experiment."""
    named = [text for text in overrides if text.lstrip("+").startswith("experiment=")]
    if not named:
        return []
    return [
        [str(item) for item in block] for block in composer.compose(named).sections["blocks"].blocks
    ]


def _merge(block: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return a block's overrides, with those of the user in place of equal keys."""
    given = {key_of(text) for text in overrides}
    return [text for text in block if key_of(text) not in given] + list(overrides)


def _compose(
    request: Sequence[str], composer: Composer, sections: Sections, config_dir: Path | None
) -> Job:
    """Compose and check the job of a request without sweeps."""
    chosen = [text for text in request if _is_choice(text)]
    values = [text for text in request if not _is_choice(text)]
    base = composer.compose(chosen)
    config = sections.assemble(base.sections, values)
    named = base.named | named_groups(values, config_dir)
    return Job(tuple(request), config, base.launcher, base.choices, named)


def _is_choice(override: str) -> bool:
    """Return whether an override chooses a member of a config group, or is one of Hydra's own."""
    key = key_of(override)
    return key in GROUPS or key.startswith("hydra")
