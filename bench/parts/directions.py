"""Directions in a layer's space, which are described in place of its units.

A direction d is read as the unit a = d · x of the layer's units x: a row of an SAE's decoder, a
probe's weights, a principal component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.errors import UserError
from bench.parts.array_files import ArrayFile, parse_array_file, unmet_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

WHERE = "target.directions"

_HINT = (
    "give a file of directions [directions, units] (PATH, PATH::NAME, or "
    "{file: PATH::NAME, transpose: true} for [units, directions]), or {rotation: SEED}"
)


class Directions(Protocol):
    """Directions in a space of U units."""

    def fingerprint(self) -> Fingerprint:
        """Return what decides every direction."""

    def title(self) -> str:
        """Return their name on boards."""

    def count(self, units: int) -> int:
        """Return K, the number of directions in a space of U units.

        Raises:
            UserError: The directions are of another space.
        """

    def matrix(self, units: int) -> NDArray[np.float32]:
        """Return the directions [K, U].

        Raises:
            UserError: The directions are of another space, or not finite.
        """


@dataclass(frozen=True)
class FileDirections:
    """Directions in a file.

    Attributes:
        file: The file and the array in it.
        transpose: Whether it holds [units, directions], as the weight of a linear decoder.
    """

    file: ArrayFile
    transpose: bool = False

    def fingerprint(self) -> Fingerprint:
        """Return the sha256 of the file, the array in it, and whether it is transposed."""
        array = {"array": self.file.name} if self.file.name else {}
        transpose = {"transpose": True} if self.transpose else {}
        return {"sha256": self.file.sha256(), **array, **transpose}

    def title(self) -> str:
        """Return the file's name, and the array's."""
        path = PurePath(self.file.path).name
        return f"{path}::{self.file.name}" if self.file.name else path

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the file, if missing."""
        return unmet_array(self.file.path, "file of directions", WHERE)

    def count(self, units: int) -> int:
        """Return K; see `Directions`."""
        opened = self.file.open()
        opened.require_shape("directions x units")
        count, width = opened.shape[::-1] if self.transpose else opened.shape
        if width != units:
            swapped = " (set transpose: true if it is [units, directions])" * (count == units)
            raise UserError(
                f"{self.file.path} holds directions of {width:,} values, and the layer has "
                f"{units:,} units{swapped}",
                where=WHERE,
                hint=_HINT,
            )
        return count

    def matrix(self, units: int) -> NDArray[np.float32]:
        """Return the directions [K, U]; see `Directions`."""
        self.count(units)
        table = self.file.open().read()
        return np.ascontiguousarray(table.T) if self.transpose else table


@dataclass(frozen=True)
class Rotation:
    """A random orthogonal matrix: as many directions as units, uniform over all rotations.

    The Q of a QR decomposition of a normal matrix, with the signs of R's diagonal (Mezzadri 2007).

    Attributes:
        seed: Of NumPy's default generator.
    """

    seed: int

    def fingerprint(self) -> Fingerprint:
        """Return the seed."""
        return {"rotation": self.seed}

    def title(self) -> str:
        """Return the seed in words."""
        return f"rotation {self.seed}"

    def count(self, units: int) -> int:
        """Return U; see `Directions`."""
        return units

    def matrix(self, units: int) -> NDArray[np.float32]:
        """Return an orthogonal matrix [U, U]."""
        normal = np.random.default_rng(self.seed).standard_normal((units, units))
        q, r = np.linalg.qr(normal)
        signs = np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return (q * signs).astype(np.float32)


def parse_directions(setting: Any) -> Directions | None:
    """Parse the setting `target.directions`.

    Args:
        setting: A path, or {file, transpose}, or {rotation}; empty for the layer's own units.

    Raises:
        UserError: It is none of these.
    """
    if setting in (None, "") or setting == {}:
        return None
    given: Any = {"file": setting} if isinstance(setting, str) else setting
    if isinstance(given, Mapping):
        seed, path = given.get("rotation"), given.get("file")
        if set(given) == {"rotation"} and type(seed) is int and seed >= 0:
            return Rotation(seed)
        transpose = given.get("transpose", False)
        known = set(given) <= {"file", "transpose"} and isinstance(transpose, bool)
        if known and isinstance(path, str) and path:
            return FileDirections(parse_array_file(path, WHERE), transpose)
    raise UserError(f"invalid directions {setting!r}", where=WHERE, hint=_HINT)
