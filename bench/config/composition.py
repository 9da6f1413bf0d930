"""Compose choices of config groups by Hydra, each distinct choice once.

Composition by Hydra takes a tenth of a second. Most choices fill their own section only, so that
combinations of them need no composition of their own.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.grammar import explain
from bench.config.named import named_groups
from bench.config.schema import GROUPS, RECORDED_GROUPS, RunConfig
from bench.config.validate import check_sections
from bench.errors import UserError
from bench.parts.catalog import BY_GROUP
from bench.parts.choice import CONF, choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SECTIONS = GROUPS[:11]
"""Groups whose choices fill the section of their own name."""

_WIDE = re.compile(r"^(#\s*@package|defaults\s*:)", re.MULTILINE)
"""Text without which a file of a config group changes no other section than its own."""


@dataclass(frozen=True, eq=False)
class Composition:
    """The configuration of a list of choices, before single values are set.

    Attributes:
        sections: By section, a configuration that holds it.
        launcher: Hydra's launcher.
        choices: The choice of each recorded group, by group.
        named: The config groups that the choices name.
    """

    sections: Mapping[str, DictConfig]
    launcher: str
    choices: Mapping[str, str]
    named: frozenset[str]


class Composer:
    """A cache of compositions; choices of one section each are composed once, then combined.

    Args:
        config_dir: A user's own folder of config groups, searched besides ours.
    """

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir
        self._composed: dict[tuple[str, ...], Composition] = {}
        self._first: dict[tuple[str, ...], tuple[str, ...]] = {}

    def compose(self, chosen: Sequence[str]) -> Composition:
        """Compose choices, such as "probe=glyphs_half"; do not check their values.

        Raises:
            UserError: Hydra refuses a choice, or a section is unknown or missing.
        """
        key = tuple(chosen)
        if key not in self._composed:
            self._composed[key] = self._combine(key)
        return self._composed[key]

    def _combine(self, chosen: tuple[str, ...]) -> Composition:
        """Combine compositions that differ from an earlier one in one choice each."""
        kind = tuple(key_of(text) if self._is_narrow(text) else text for text in chosen)
        first = self._first.setdefault(kind, chosen)
        different = [
            at for at, pair in enumerate(zip(chosen, first, strict=True)) if len({*pair}) > 1
        ]
        if len(different) < 2:
            return self._compose(chosen)
        base = self.compose(first)
        sections, names = dict(base.sections), dict(base.choices)
        for at in different:
            group = key_of(chosen[at])
            own = self.compose((*first[:at], chosen[at], *first[at + 1 :]))
            sections[group] = own.sections[group]
            names[group] = own.choices[group]
        return Composition(sections, base.launcher, names, base.named)

    def _is_narrow(self, choice: str) -> bool:
        """Return whether a choice changes the section of its group only."""
        group, _, name = choice.lstrip("+").partition("=")
        if group not in _SECTIONS:
            return False
        file = choices(group, CONF, self._config_dir).get(name)
        if file is None:  # a registered part without a file
            return name in BY_GROUP[group].names() if group in BY_GROUP else False
        return not _WIDE.search(file.read_text(encoding="utf-8"))

    def _compose(self, chosen: tuple[str, ...]) -> Composition:
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
        check_sections(config)
        return Composition(
            {str(name): config for name in config},
            str(found["hydra/launcher"]),
            {group: str(found[group]) for group in RECORDED_GROUPS if found.get(group)},
            named_groups(chosen, folder),
        )


@cache
def own_composer() -> Composer:
    """Return the composer of our own config groups, which serves all requests of the process."""
    return Composer(None)


@contextmanager
def hydra_initialized() -> Iterator[None]:
    """Initialise Hydra on our folder of config groups inside the block."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        yield


def register_schema() -> None:
    """Register the dataclass schema, and registered parts without a YAML file as choices.

    So a part of another package can be chosen by name (`method=theirs`). A part that has a YAML
    file is not registered: Hydra would take the equal name for a schema to match.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, registry in BY_GROUP.items():
        for name in set(registry.names()) - set(choices(group, CONF)):
            store.store(group=group, name=name, node={"name": name, "params": {}})


def key_of(override: str) -> str:
    """Return the key of an override, without its mark: "probe" of "+probe=glyphs_val"."""
    return override.partition("=")[0].lstrip("+~")


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
