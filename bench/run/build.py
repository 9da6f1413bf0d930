"""Build parts from their places in configurations, each distinct one once for all jobs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from omegaconf import OmegaConf

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from bench.downloads.requirements import Requirement
    from bench.parts.registry import Registry

T = TypeVar("T")


def build_part(registry: Registry[T], config: DictConfig, where: str) -> T:
    """Build a registered part.

    Args:
        registry: The parts of its family.
        config: Its name and parameters.
        where: The config key, for error messages.

    Raises:
        UserError: The name or one of the parameters is invalid.
    """
    return Parts().build(registry, config, where)


class Parts:
    """The parts of a request's jobs.

    Parts read files once, so another request must build its own.
    """

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, int], tuple[DictConfig, Any]] = {}
        """By config key and id of its value: the value, which the id belongs to, and the part."""
        self._built: dict[tuple[str, str], Any] = {}
        self._unmet: dict[int, tuple[object, tuple[Requirement, ...]]] = {}

    def build(self, registry: Registry[T], config: DictConfig, where: str) -> T:
        """Build a registered part as `build_part`, or return the one built before."""
        at = (where, id(config))
        if at not in self._nodes:
            params: Any = OmegaConf.to_container(config.params, resolve=True)
            for name, value in params.items():
                if isinstance(value, float) and not math.isfinite(value):
                    raise UserError(
                        f"{value} is not a finite number",
                        where=f"{where}.params.{name}",
                        hint="give a finite number",
                    )
            content = (where, canonical_json([config.name, params]))
            if content not in self._built:
                self._built[content] = registry.build(config.name, params, where=where)
            self._nodes[at] = config, self._built[content]
        part: T = self._nodes[at][1]
        return part

    def unmet_requirements(self, part: object) -> tuple[Requirement, ...]:
        """Return what a part needs and this machine does not have, as found at the first call."""
        if id(part) not in self._unmet:
            self._unmet[id(part)] = part, unmet_requirements(part)
        return self._unmet[id(part)][1]
