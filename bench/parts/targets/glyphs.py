"""The networks of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from bench.downloads.requirements import Requirement
from bench.errors import UserError
from bench.files import sha256_file
from bench.networks.loaded import LoadedTarget
from bench.parts.targets.transform import square_transform

if TYPE_CHECKING:
    from pathlib import Path

    from bench.parts.protocols import Fingerprint

SIZE = 128
"""Side of the networks' input, in pixels."""

_HINT = "reinstall dissectbench, or rebuild them with `dissectbench train glyphs`"


@dataclass(frozen=True)
class GlyphsTarget:
    """A ResNet-18 trained on Glyphs; its final layer `fc` names objects or scenes.

    Attributes:
        net: "objects" or "scenes".
    """

    summary: ClassVar[str] = "a ResNet-18 of the embedded world"
    plain_layers: ClassVar[bool] = True

    net: Literal["objects", "scenes"] = "objects"

    def fingerprint(self) -> Fingerprint:
        """Return architecture, sha256 of the shipped file, and transform."""
        from bench.glyphs import weights

        return {
            "kind": "glyphs",
            "net": self.net,
            "arch": weights.TARGETS[self.net][0],
            "weights": sha256_file(self._file()),
            "transform": {"size": SIZE, "mean": list(weights.MEAN), "std": list(weights.STD)},
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the shipped weights, if missing."""
        from bench.glyphs import weights

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

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""
        from bench.glyphs import weights

        self._file()
        module = weights.load_target(self.net).requires_grad_(False).to(device)
        return LoadedTarget(module, square_transform(SIZE, SIZE, weights.MEAN, weights.STD))

    def _file(self) -> Path:
        from bench.glyphs import weights

        return require_shipped(weights.target_path(self.net), "target.params.net")


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
