"""Build one part from its place in a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from omegaconf import OmegaConf

if TYPE_CHECKING:
    from omegaconf import DictConfig

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
    params = OmegaConf.to_container(config.params, resolve=True)
    return registry.build(config.name, params, where=where)  # type: ignore[arg-type]
