"""Set values in sections of configurations, resolve and check them: each distinct section once.

The jobs of a sweep share the sections in which they do not differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.composition import key_of
from bench.config.grammar import explain, parse
from bench.config.overrides import set_values
from bench.config.validate import validate_section
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_REFERENCE = re.compile(r"\$\{\s*([A-Za-z_]\w*)?")
"""The start of an interpolation, and the section that it refers to, or a resolver's name."""

_Key = tuple[str, int, tuple[str, ...]]
"""Section, composition that it is from, and values set in it."""


class Sections:
    """The distinct sections of a request's jobs."""

    def __init__(self) -> None:
        self._composed: list[DictConfig] = []  # keeps the ids in the keys unique
        self._unresolved: dict[_Key, tuple[DictConfig, frozenset[str] | None]] = {}
        self._resolved: dict[tuple[_Key, ...], Node] = {}

    def assemble(self, composed: Mapping[str, DictConfig], values: Sequence[str]) -> DictConfig:
        """Return a configuration with values set, interpolations resolved and everything checked.

        It shares sections with other configurations: change only copies of it.

        Args:
            composed: By section, a configuration that holds it.
            values: Overrides of single values.

        Raises:
            UserError: A value is invalid.
        """
        by_section: dict[str, list[str]] = {}
        for text in values:
            by_section.setdefault(key_of(text).partition(".")[0], []).append(text)
        keys = {
            name: (name, self._id(config), tuple(by_section.get(name, ())))
            for name, config in composed.items()
        }
        whole = OmegaConf.create({}, flags={"no_deepcopy_set_nodes": True})
        for name, key in keys.items():
            whole[name] = self._resolve(key, keys)
        return whole

    def _id(self, config: DictConfig) -> int:
        for number, known in enumerate(self._composed):
            if known is config:
                return number
        self._composed.append(config)
        return len(self._composed) - 1

    def _resolve(self, key: _Key, keys: Mapping[str, _Key]) -> Node:
        name = key[0]
        used = tuple(keys[each] for each in self._used(name, keys))
        if used not in self._resolved:
            part = OmegaConf.create({})
            for each in used:
                part[each[0]] = _node(self._set(each)[0], each[0])
            try:
                OmegaConf.resolve(part)
            except OmegaConfBaseException as error:
                hint = "${...} refers to another setting; if it is part of a file's name, rename it"
                raise UserError(explain(error), hint=hint) from error
            validate_section(part, name)
            self._resolved[used] = _node(part, name)
        return self._resolved[used]

    def _used(self, name: str, keys: Mapping[str, _Key]) -> Iterable[str]:
        """Return a section and those that it refers to, directly or not."""
        used, new = [name], [name]
        while new:
            _, references = self._set(keys[new.pop()])
            found = keys.keys() if references is None else references & keys.keys()
            new += [each for each in found if each not in used]
            used += [each for each in keys if each in found and each not in used]
        return used

    def _set(self, key: _Key) -> tuple[DictConfig, frozenset[str] | None]:
        """Return a section with its values set, and the names that it refers to; None for any."""
        if key not in self._unresolved:
            name, number, values = key
            part = OmegaConf.create({})
            part[name] = _node(self._composed[number], name)  # a copy
            set_values(part, [parse(text) for text in values])
            names = _REFERENCE.findall(str(OmegaConf.to_container(part)))
            references = frozenset(names) if all(names) else None
            self._unresolved[key] = part, references
        return self._unresolved[key]


def _node(config: DictConfig, name: str) -> Any:
    return config._get_node(name)  # a plain look-up of a value loses its type
