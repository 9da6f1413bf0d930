"""A file of weights that a setting names, and the state dict in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.downloads.paths import require_file
from bench.files import sha256_file
from bench.networks.checkpoint import read_checkpoint
from bench.networks.state_dict import StateDict, find_state_dict, load_into

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights.

    Attributes:
        file: Its path, as given.
        state_dict: The keys that lead to the state dict in it, joined by dots; "" for the only
            state dict.
        where: The setting with the path, for messages.
    """

    file: str
    state_dict: str = ""
    where: str = "target.params.file"

    @property
    def path(self) -> Path:
        """Path of the file.

        Raises:
            UserError: The file does not exist.
        """
        return require_file(self.file, self.where)

    def identity(self) -> Mapping[str, Any]:
        """Return what decides the weights: the file's sha256, and `state_dict` where it is set.

        Raises:
            UserError: The file does not exist.
        """
        chosen = {"state_dict": self.state_dict} if self.state_dict else {}
        return {"sha256": sha256_file(self.path), **chosen}

    def find(self, module: nn.Module, what: str, **exceptions: Any) -> StateDict:
        """Read the state dict whose names are those of a network.

        Args:
            module: The network; only names count.
            what: Description of the network, for messages.
            exceptions: `optional` and `ignored` of `find_state_dict`.

        Raises:
            UserError: The file cannot be read, or does not fit.
        """
        return find_state_dict(
            read_checkpoint(self.path, self.where),
            module,
            what=what,
            where=self.where,
            chosen=self.state_dict,
            **exceptions,
        )

    def fill(self, module: nn.Module, what: str, **exceptions: Any) -> StateDict:
        """Load the weights into a network; arguments, result and errors are those of `find`."""
        state_dict = self.find(module, what, **exceptions)
        load_into(module, state_dict, what=what, where=self.where)
        return state_dict
