"""The networks of the embedded world."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.downloads.paths import require_file
from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import UserError
from bench.files import sha256_file
from bench.networks.loaded import LoadedTarget
from bench.parts.targets.transform import square_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from PIL.Image import Image
    from torch import Tensor

    from bench.parts.protocols import Fingerprint

SIZE = 128
"""Side of the networks' input, in pixels."""

_WHERE = "target.params.file"
_HINT = "reinstall dissectbench, or rebuild them with `dissectbench train glyphs`"


@dataclass(frozen=True)
class GlyphsTarget:
    """A ResNet-18 trained on Glyphs; its final layer `fc` names objects or scenes.

    Attributes:
        net: "objects" or "scenes".
        file: Weights of `dissectbench train glyphs`; empty for the shipped ones.
    """

    summary: ClassVar[str] = "a ResNet-18 of the embedded world"
    plain_layers: ClassVar[bool] = True

    net: Literal["objects", "scenes"] = "objects"
    file: str = ""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The network; for a file its name, and the seed that it was trained from, if known."""
        from bench.glyphs import weights

        if not self.file:
            return {"net": self.net}
        with _refusing(self.file):
            seed = weights.target_seed(require_file(self.file, _WHERE))
        named = {"net": self.net, "file": Path(self.file).name}
        return named if seed is None else {**named, "seed": seed}

    def fingerprint(self) -> Fingerprint:
        """Return architecture, sha256 of the weights, and transform."""
        from bench.glyphs import weights

        file = self._file()
        return {
            "kind": "glyphs",
            "net": self.net,
            "arch": weights.TARGETS[self.net][0],
            "weights": sha256_file(file)
            if file
            else weights.sha256_shipped(weights.target_path(self.net)),
            "transform": {"size": SIZE, "mean": list(weights.MEAN), "std": list(weights.STD)},
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the weights, if missing."""
        from bench.glyphs import weights

        if self.file:
            return unmet_path(self.file, "file of weights", _WHERE)
        file = weights.target_path(self.net)
        if file.is_file():
            return ()
        return (Requirement(f"the weights {file.name} of the embedded world", _HINT),)

    def module_paths(self) -> tuple[str, ...]:
        """Return the paths of the network's modules, without reading weights."""
        import torch
        from torchvision import models

        from bench.glyphs import weights

        with torch.device("meta"):
            module = models.get_model(weights.TARGETS[self.net][0])
        return tuple(path for path, _ in module.named_modules(remove_duplicate=False) if path)

    def untrained(self) -> LoadedTarget:
        """Return the network with random weights."""
        from torchvision import models

        from bench.glyphs import weights

        architecture, classes = weights.TARGETS[self.net]
        module = models.get_model(architecture, num_classes=len(classes))
        return LoadedTarget(module.eval().requires_grad_(False), self._transform())

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""
        from bench.glyphs import weights

        with _refusing(self.file):
            module = weights.load_target(self.net, self._file())
        module = module.requires_grad_(False).to(device)
        return LoadedTarget(module, self._transform())

    def _transform(self) -> Callable[[Image], Tensor]:
        from bench.glyphs import weights

        return square_transform(SIZE, SIZE, weights.MEAN, weights.STD)

    def _file(self) -> Path | None:
        """Return the file of weights; None for the shipped ones."""
        from bench.glyphs import weights

        if self.file:
            return require_file(self.file, _WHERE)
        require_shipped(weights.target_path(self.net), "target.params.net")
        return None


@contextmanager
def _refusing(file: str) -> Iterator[None]:
    """Turn what is wrong with a user's file into a UserError."""
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, ValueError, RuntimeError) as error:
        if not file:
            raise
        raise UserError(
            f"cannot read weights from {file}: {error}",
            where=_WHERE,
            hint="give a file that `dissectbench train glyphs` wrote for this network",
        ) from error


def require_shipped(file: Path, where: str) -> Path:
    """Return a file that ships with this project.

    Raises:
        UserError: It is missing.
    """
    if not file.is_file():
        raise UserError(
            f"the weights {file.name} of the embedded world are missing", where=where, hint=_HINT
        )
    return file
