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

_Pick = tuple[tuple[str, ...], str, str]
"""Choices of other kinds, a group, and the choice of its member; empty for the default."""

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
    """A cache of compositions: each choice that fills one section is composed once, then combined.

    Args:
        config_dir: A user's own folder of config groups, searched besides ours.
    """

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir
        self._composed: dict[tuple[str, ...], Composition] = {}
        self._bases: dict[tuple[str, ...], Composition] = {}
        self._sections: dict[_Pick, Composition] = {}
        self._named: dict[tuple[str, ...], frozenset[str]] = {}

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
        """Combine sections of earlier compositions; compose anew if one of them is not known."""
        narrow = [text for text in chosen if self._is_narrow(text)]
        own = {key_of(text): text for text in narrow}
        if len(own) < len(narrow):  # Hydra refuses two choices of a group
            return self._compose(chosen)
        wide = tuple(text for text in chosen if text not in narrow)
        picks = {group: (wide, group, own.get(group, "")) for group in _SECTIONS}
        base = self._bases.get(wide)
        if base is None or any(pick not in self._sections for pick in picks.values()):
            found = self._compose(chosen)
            self._bases.setdefault(wide, found)
            for pick in picks.values():
                self._sections.setdefault(pick, found)
            return found
        source = {group: self._sections[pick] for group, pick in picks.items()}
        names = {group: source.get(group, base).choices.get(group) for group in RECORDED_GROUPS}
        return Composition(
            {name: source.get(name, base).sections[name] for name in base.sections},
            base.launcher,
            {group: name for group, name in names.items() if name},
            self._named_by(wide) | own.keys(),
        )

    def _named_by(self, wide: tuple[str, ...]) -> frozenset[str]:
        if wide not in self._named:
            self._named[wide] = named_groups(wide, self._config_dir)
        return self._named[wide]

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
    file is not registered: Hydra would take the equal name for a schema to match. What is there
    already is not stored again, since that takes as long as the rest of a request.
    """
    store = ConfigStore.instance()
    if "schema.yaml" not in store.repo:
        store.store(name="schema", node=RunConfig)
    for group, registry in BY_GROUP.items():
        known = store.repo.get(group, {})
        for name in set(registry.names()) - set(choices(group, CONF)):
            if f"{name}.yaml" not in known:
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
