"""The parameters of a file of weights, shared by all networks that read one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import Requirement, unmet_path
from bench.networks.weights_file import WeightsFile

if TYPE_CHECKING:
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True, kw_only=True)
class WeightsParams:
    """The parameters of a file of weights.

    Attributes:
        file: A state dict: .safetensors, .pth, .pt, .pth.tar or .bin; empty for no file.
        state_dict: Which state dict of the file, if it contains several: the keys that lead to it,
            joined by dots ("state_dict_ema"). A prefix of tensor names may follow; tensors with
            another prefix are then ignored ("state_dict.model").
    """

    where: ClassVar[str] = "target.params.file"
    """The config key of `file`, for messages."""

    file: str = ""
    state_dict: str = ""

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the file, if it is missing."""
        return unmet_path(self.file, "file of weights", self.where)

    @property
    def _weights_file(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict, self.where)


def published_identity(library: str, name: str, *, fixed: bool) -> Fingerprint:
    """Return what identifies weights that a library publishes: their name and maybe its version.

    Args:
        library: "torchvision" or "timm".
        name: Name of the weights in the library.
        fixed: Whether the name means the same bytes in all versions of the library.
    """
    return {library: name, **({} if fixed else {"version": version(library)})}
