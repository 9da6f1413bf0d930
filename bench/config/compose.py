"""Composition: turn overrides as typed into validated jobs, through Hydra's compose API."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.grammar import explain, parse, parse_single, split_sweep
from bench.config.named import named_groups
from bench.config.overrides import check_overrides, set_values
from bench.config.schema import GROUPS, RECORDED_GROUPS, RunConfig
from bench.config.validate import validate
from bench.errors import UserError
from bench.parts.catalog import BY_GROUP
from bench.parts.choice import CONF, choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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
    overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None
) -> list[Job]:
    """Turn a request into jobs: one, or one for each combination of its sweeps and blocks.

    Args:
        overrides: Hydra overrides as typed.
        multirun: Sweep over comma-separated values; an experiment with blocks always does.
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
    _register_schema()
    with hydra_initialized():
        composer = _Composer(config_dir)
        blocks = _blocks(overrides, composer)
        jobs: dict[tuple[str, ...], Job] = {}
        for block in blocks or [[]]:
            merged = _merge(block, overrides)
            if multirun or blocks:
                requests = split_sweep(merged)
            else:
                parse_single(merged)
                requests = [merged]
            for request in requests:
                key = tuple(sorted(request))
                if key not in jobs:
                    jobs[key] = composer.compose(request)
    return list(jobs.values())


@contextmanager
def hydra_initialized() -> Iterator[None]:
    """Initialise Hydra on our folder of config groups inside the block."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        yield


def _register_schema() -> None:
    """Register the dataclass schema, and registered parts without a YAML file as choices.

    So a part of another package can be chosen by name (`method=theirs`). A part that has a YAML
    file is not registered: Hydra would take the equal name for a schema to match.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, registry in BY_GROUP.items():
        for name in set(registry.names()) - set(choices(group, CONF)):
            store.store(group=group, name=name, node={"name": name, "params": {}})


def _blocks(overrides: Sequence[str], composer: _Composer) -> list[list[str]]:
    """Return the blocks of the experiment that the request names; none without an experiment."""
    named = [text for text in overrides if text.lstrip("+").startswith("experiment=")]
    if not named:
        return []
    return [[str(item) for item in block] for block in composer.choose(named).config.blocks]


def _merge(block: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """Return a block's overrides, with those of the user in place of equal keys."""
    given = {_key(text) for text in overrides}
    return [text for text in block if _key(text) not in given] + list(overrides)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


class _Composer:
    """Compose jobs: Hydra composes each distinct set of choices once, values are set on copies.

    Composition by Hydra takes a tenth of a second, and jobs of a sweep often differ in values only.
    """

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir
        self._composed: dict[tuple[str, ...], Job] = {}

    def compose(self, request: Sequence[str]) -> Job:
        """Compose and validate the job of a request without sweeps."""
        chosen = [text for text in request if _is_choice(text)]
        values = [text for text in request if not _is_choice(text)]
        base = self.choose(chosen)
        config = base.config.copy()
        set_values(config, [parse(text) for text in values])
        try:
            OmegaConf.resolve(config)
        except OmegaConfBaseException as error:
            hint = "${...} refers to another setting; if it is part of a file's name, rename it"
            raise UserError(explain(error), hint=hint) from error
        validate(config)
        named = base.named | named_groups(values, self._config_dir)
        return Job(tuple(request), config, base.launcher, base.choices, named)

    def choose(self, chosen: Sequence[str]) -> Job:
        """Compose choices of config groups, without validation."""
        key = tuple(chosen)
        if key not in self._composed:
            self._composed[key] = self._choose(key)
        return self._composed[key]

    def _choose(self, chosen: tuple[str, ...]) -> Job:
        folder = self._config_dir
        overrides = [text for text in chosen if text != "experiment=null"]  # Hydra refuses null
        if folder:
            overrides.append(f"hydra.searchpath=[{folder.resolve().as_uri()}]")
        try:
            config = compose("config", overrides=overrides, return_hydra_config=True)
        except (HydraException, OmegaConfBaseException) as error:
            raise _composition_error(error) from error
        found: Any = OmegaConf.to_container(config.hydra.runtime.choices)
        OmegaConf.set_struct(config, False)
        config.pop("hydra")
        return Job(
            chosen,
            config,
            str(found["hydra/launcher"]),
            {group: str(found[group]) for group in RECORDED_GROUPS if found.get(group)},
            named_groups(chosen, folder),
        )


def _is_choice(override: str) -> bool:
    """Return whether an override chooses a member of a config group, or is one of Hydra's own."""
    key = _key(override)
    return key in GROUPS or key.startswith("hydra")


def _composition_error(error: Exception) -> UserError:
    plugin = re.search(r"hydra/launcher/(\w+)", str(error))
    if not plugin:
        return UserError(explain(error), hint="`dissectbench run --cfg` shows the composed config")
    extra = plugin[1].partition("_")[0]
    return UserError(
        f"Hydra's launcher {plugin[1]!r} is not installed",
        where="launcher",
        hint=f"pip install 'dissectbench[{extra}]'",
    )
