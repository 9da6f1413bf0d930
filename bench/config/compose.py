"""Composition: override strings to one `RunConfig` each, through Hydra's compose API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.grammar import explain, parse, single
from bench.config.named import named_groups
from bench.config.overrides import check_overrides, drop_old_params, rewrite
from bench.config.schema import TOLD, RunConfig
from bench.config.validate import validate
from bench.errors import UserError
from bench.parts.catalog import BY_GROUP
from bench.parts.choice import CONF, choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One composed and validated configuration.

    Attributes:
        overrides: What was asked for, in Hydra's own grammar; composing it again gives `config`.
        config: The composed configuration, interpolations resolved.
        launcher: Hydra's launcher for it ("basic", "joblib", "submitit_slurm").
        choices: What was chosen in each config group, by group: {"target": "resnet50_imagenet"}.
        named: The config groups that the request names itself; the others are at their defaults.
    """

    overrides: tuple[str, ...]
    config: DictConfig
    launcher: str = "basic"
    choices: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()


def register_schema() -> None:
    """Register the dataclass schema, and registered parts without a YAML file as choices.

    So a part from another package can be chosen by name (`method=theirs`). A part that has a YAML
    file is left to it: Hydra would take an equal name for a schema to match.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, registry in BY_GROUP.items():
        for name in set(registry.names()) - set(choices(group, CONF)):
            store.store(group=group, name=name, node={"name": name, "params": {}})


def expand(
    overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None
) -> list[Job]:
    """Turn a request into jobs: one, or as many as its sweeps and blocks multiply to.

    Args:
        overrides: Hydra overrides as typed.
        multirun: Sweep over comma-separated values. An experiment with blocks always does.
        config_dir: A user's own folder of config groups, searched besides ours.

    Returns:
        Validated jobs in a fixed order, duplicates removed.

    Raises:
        UserError: Anything about the request that is wrong.
    """
    check_overrides(overrides, CONF, config_dir)
    blocks = _blocks(overrides, config_dir)
    jobs: list[Job] = []
    seen: set[tuple[str, ...]] = set()
    register_schema()
    with _Hydra(config_dir):
        for block in blocks or [[]]:
            merged = _merge(block, overrides)
            for cell in _split(merged) if (multirun or blocks) else _one(merged):
                key = tuple(sorted(cell))
                if key not in seen:
                    seen.add(key)
                    jobs.append(_compose(cell, config_dir))
    return jobs


def _blocks(overrides: Sequence[str], config_dir: Path | None) -> list[list[str]]:
    """The blocks of the experiment that the request names; none without an experiment."""
    chosen = [o for o in overrides if o.lstrip("+").startswith("experiment=")]
    if not chosen:
        return []
    register_schema()
    with _Hydra(config_dir):
        config = _compose_raw(chosen, config_dir)
    return [[str(item) for item in block] for block in config.blocks]


def _merge(block: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """A block's overrides, those that the user gave too replaced by the user's."""
    given = {_key(text) for text in overrides}
    return [text for text in block if _key(text) not in given] + list(overrides)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _split(overrides: Sequence[str]) -> Iterable[list[str]]:
    parsed = parse(overrides)
    for batch in BasicSweeper.split_arguments(parsed, max_batch_size=None):
        yield from (list(cell) for cell in batch)


def _one(overrides: Sequence[str]) -> list[list[str]]:
    single(overrides)
    return [list(overrides)]


def _compose(cell: Sequence[str], config_dir: Path | None) -> Job:
    composed = _compose_raw(cell, config_dir, with_hydra=True)
    chosen: dict[Any, Any] = OmegaConf.to_container(composed.hydra.runtime.choices)  # type: ignore[assignment]
    launcher = str(chosen["hydra/launcher"])
    OmegaConf.set_struct(composed, False)
    composed.pop("hydra")
    drop_old_params(composed, [_key(text) for text in cell])
    validate(composed)
    try:
        OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        hint = "${...} refers to another setting; a name that holds ${ cannot be given: rename it"
        raise UserError(explain(error), hint=hint) from error
    told = {group: str(chosen[group]) for group in TOLD if chosen.get(group)}
    return Job(tuple(cell), composed, launcher, told, named_groups(cell, config_dir))


def _compose_raw(
    overrides: Sequence[str], config_dir: Path | None, *, with_hydra: bool = False
) -> DictConfig:
    extra = [f"hydra.searchpath=[{config_dir.resolve().as_uri()}]"] if config_dir else []
    try:
        composed: DictConfig = compose(
            "config", overrides=[*rewrite(overrides), *extra], return_hydra_config=with_hydra
        )
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error), hint=_hint(str(error))) from error
    return composed


def _hint(message: str) -> str:
    plugin = re.search(r"hydra/launcher/(\w+)", message)
    if plugin:
        extra = plugin[1].partition("_")[0]
        return f"pip install 'dissectbench[{extra}]'"
    return "`dissectbench run --cfg` shows the composed config"


class _Hydra:
    """Hydra initialised on our folder for the length of a `with`, whatever was before."""

    def __init__(self, config_dir: Path | None) -> None:
        self._context: Any = None

    def __enter__(self) -> None:
        GlobalHydra.instance().clear()
        self._context = initialize_config_dir(config_dir=str(CONF), version_base="1.3")
        self._context.__enter__()

    def __exit__(self, *exc: object) -> None:
        self._context.__exit__(*exc)
