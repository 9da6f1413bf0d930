"""Networks that a user's own code builds, as a base of the targets that name such code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench.errors import NetworkError
from bench.parts.targets.networks import hash_tensors, prepare
from bench.parts.targets.transform import TransformParams
from bench.parts.targets.weights import WeightsParams
from leaderboards.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from bench.networks.loaded import LoadedTarget
    from bench.parts.targets.networks import Transform


@dataclass(frozen=True)
class CodeTarget(TransformParams, WeightsParams, ABC):
    """A network that the code of a user builds: a module, or (module, transform).

    Without `file`, the tensors of the built network identify the weights: computing the fingerprint
    then builds the network, and needs torch. Random weights are drawn with a fixed seed.

    If `input_size`, `resize`, `mean` and `std` are all null, the returned transform is used;
    without one, they are 224, 256 and ImageNet's mean and std.
    """

    @abstractmethod
    def _build(self) -> tuple[nn.Module, Transform | None]:
        """Call the function."""

    @property
    @abstractmethod
    def _function(self) -> str:
        """The function, for messages."""

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""
        module, transform = self._build()
        notes = self._weights_file.fill(module, self._function).notes if self.file else ()
        own = transform if self._own_transform else None
        return prepare(module, own or self._transform(), device, notes)

    @property
    def _own_transform(self) -> bool:
        return not self._given

    def _weights_identity(self, code: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what decides the weights: the file, or the tensors of the built network."""
        if self.file:
            return self._weights_file.identity()
        try:
            return {"tensors": _hash_network(self, canonical_json(code))}
        except NetworkError:  # reported when the cells are run
            return {"unbuilt": True}


@lru_cache(maxsize=4)
def _hash_network(target: CodeTarget, _code: str) -> str:
    """Build a network and hash it, once per process for equal code and parameters."""
    module, _ = target._build()
    return hash_tensors(module)
