"""A file of weights as a part's parameters name it: who it is, and the state dict in it."""

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
        state_dict: The keys that lead to the state dict in it, joined by dots; empty for the only
            one.
        where: The field that the path was given in; "PART.state_dict" is the other one.
    """

    file: str
    state_dict: str = ""
    where: str = "target.params.file"

    @property
    def path(self) -> Path:
        """The file.

        Raises:
            UserError: It is not there.
        """
        return require_file(self.file, self.where)

    def identity(self) -> Mapping[str, Any]:
        """What decides the weights: the file's sha256, and which state dict where that is said.

        Raises:
            UserError: The file is not there.
        """
        chosen = {"state_dict": self.state_dict} if self.state_dict else {}
        return {"sha256": sha256_file(self.path), **chosen}

    def find(self, module: nn.Module, what: str, **tolerated: Any) -> StateDict:
        """Read the state dict whose names are those of a network.

        Args:
            module: The network; only names count.
            what: What it is, for messages.
            tolerated: `optional` and `ignored`, as `find_state_dict` takes them.

        Raises:
            UserError: The file cannot be read, or does not fit.
        """
        return find_state_dict(
            read_checkpoint(self.path, self.where),
            module,
            what=what,
            where=self.where,
            chosen=self.state_dict,
            **tolerated,
        )

    def fill(self, module: nn.Module, what: str, **tolerated: Any) -> StateDict:
        """Fill a network; arguments, result and errors as of `find`."""
        found = self.find(module, what, **tolerated)
        load_into(module, found, what=what, where=self.where)
        return found
