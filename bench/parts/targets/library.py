"""Architectures of a library, as a base of the torchvision and timm targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError
from bench.networks.loaded import LoadedTarget
from bench.networks.state_dict import load_into
from bench.parts.targets.networks import prepare
from bench.parts.targets.transform import TransformParams
from bench.parts.targets.weights import WeightsParams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.networks import Transform


@dataclass(frozen=True, kw_only=True)
class LibraryTarget(TransformParams, WeightsParams, ABC):
    """An architecture of a library, with the library's own weights or those of a file.

    Attributes:
        num_classes: Units of the final layer; read from the file if null.
    """

    library: ClassVar[str]

    num_classes: int | None = None

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the file or the published weights, if missing."""
        return super().unmet_requirements() if self.file else self._unmet_weights()

    def module_paths(self) -> tuple[str, ...]:
        """Return the paths of the network's modules, without reading weights."""
        self._require_model()
        named = self._outline().named_modules(remove_duplicate=False)
        return tuple(path for path, _ in named if path)

    def untrained(self) -> LoadedTarget:
        """Return the network with random weights, to inspect the layout of its layers."""
        self._require_model()
        module = self._build_untrained().eval().requires_grad_(False)
        return LoadedTarget(module, self._transform_of(module))

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""
        self._require_model()
        module, notes = self._from_file() if self.file else (self._from_library(), ())
        return prepare(module, self._transform_of(module), device, notes)

    @property
    @abstractmethod
    def _model(self) -> str:
        """Name of the architecture in the library."""

    @abstractmethod
    def _require_model(self) -> None:
        """Check that the library has the model."""

    @abstractmethod
    def _unmet_weights(self) -> tuple[Requirement, ...]:
        """Return the published weights, if missing."""

    @abstractmethod
    def _published_identity(self) -> Fingerprint:
        """Return what decides the published weights."""

    @abstractmethod
    def _from_library(self) -> nn.Module:
        """Build the network with the published weights."""

    @abstractmethod
    def _build(self, classes: int | None = None) -> nn.Module:
        """Build the network with random weights; with default classes if None."""

    @abstractmethod
    def _classes(self, tensors: Mapping[str, Tensor], outline: nn.Module) -> int | None:
        """Return the number of final units of a network with these tensors."""

    @abstractmethod
    def _transform_of(self, module: nn.Module) -> Transform:
        """Return the transform of the network's images."""

    def _build_untrained(self) -> nn.Module:
        return self._build()

    def _optional(self, outline: nn.Module) -> Sequence[str]:
        """Return names of tensors that a file may lack."""
        return ()

    def _weights_identity(self) -> Mapping[str, Any]:
        return self._weights_file.identity() if self.file else self._published_identity()

    def _from_file(self) -> tuple[nn.Module, tuple[str, ...]]:
        """Build the network with the weights of the file; return it with notes."""
        what, outline = f"{self.library}'s {self._model}", self._outline()
        state = self._weights_file.find(outline, what, optional=self._optional(outline))
        module = self._build(self._classes(state.tensors, outline))
        load_into(module, state, what=what, where=self.where)
        return module, state.notes

    def _outline(self) -> nn.Module:
        """Return the network without the values of its weights, if it can be built so."""
        import torch

        try:
            with torch.device("meta"):
                return self._build()
        except UserError:
            raise
        except Exception:  # some models compute with numbers when they are built
            return self._build()
