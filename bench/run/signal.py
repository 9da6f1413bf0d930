"""Find units of a layer without a signal: constant, NaN or infinite activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NO_SIGNAL = "no signal: "
"""Start of a record's notes on units without a signal."""


@dataclass(frozen=True)
class Signal:
    """Which units of a layer have usable pooled activations.

    Attributes:
        layer: The layer's name.
        images: Number of images.
        non_finite: Units with a NaN or an infinite value on some image, bool [U].
        constant: Units with the same finite value on all images, bool [U].
        spoilt_images: Number of images on which some unit is not finite.
    """

    layer: str
    images: int
    non_finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    spoilt_images: int

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Units without usable activations, bool [U]; those that `live_units` leaves out."""
        found: NDArray[np.bool_] = self.non_finite | self.constant
        return found

    def notes(self) -> Iterator[str]:
        """Yield notes on units without a signal, for the record and the log."""
        units = len(self.dead)
        if n := int(self.non_finite.sum()):
            yield (
                f"{NO_SIGNAL}{n} of {units} units of {self.layer!r} have NaN or infinite "
                f"activations, on {self.spoilt_images} of {self.images} images; they are left out"
            )
        n = int(self.constant.sum())
        if n == units:
            yield (
                f"{NO_SIGNAL}all {units} units of {self.layer!r} are constant over the "
                f"{self.images} images, so none can be described"
            )
        elif n and self.dead.all():
            yield (
                f"{NO_SIGNAL}units that are finite but constant over the {self.images} images: "
                f"{n} of {units}, so none of {self.layer!r} can be described"
            )

    def require_finite(self) -> None:
        """Refuse a layer without any finite unit.

        Raises:
            LayerError: All units have NaN or infinite values.
        """
        if len(self.non_finite) and self.non_finite.all():
            raise LayerError(
                self.layer,
                f"all {len(self.non_finite)} units of {self.layer!r} have NaN or infinite "
                f"activations, on {self.spoilt_images} of {self.images} images",
                hint="look for NaN in the weights and in what the transform gives; with "
                "target.precision=float16 try float32",
            )


def read_signal(layer: str, activations: Tensor) -> Signal:
    """Find the units without a signal.

    Args:
        layer: The layer's name.
        activations: Pooled, [N, U].
    """
    import torch

    from baselines.similarity import live_units

    dead = ~live_units(activations)
    finite = torch.isfinite(activations[:, dead])
    non_finite, constant = dead.clone(), dead.clone()
    non_finite[dead] = ~finite.all(dim=0)
    constant[dead] = finite.all(dim=0)
    return Signal(
        layer,
        len(activations),
        non_finite.cpu().numpy(),
        constant.cpu().numpy(),
        int((~finite).any(dim=1).sum()),
    )
