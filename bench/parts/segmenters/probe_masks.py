"""The probe set's own masks instead of a segmenter's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn

from bench.errors import UserError

if TYPE_CHECKING:
    from baselines.spatial import MaskLabel
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class ProbeMasks:
    """The annotations of the probe set: truth, not the output of a network.

    The probe set's fingerprint covers them. A method that reads them has an advantage over methods
    that see only images.
    """

    summary: ClassVar[str] = "the probe's own masks (truth: for probes that have them)"
    uses_probe_masks: ClassVar[bool] = True

    def fingerprint(self) -> Fingerprint:
        """Return the same for all probe sets, whose own fingerprints cover the masks."""
        return {"kind": "probe_masks"}

    def labels(self) -> tuple[MaskLabel, ...]:
        """Return none: the masks have their own."""
        return ()

    def categories(self) -> tuple[str, ...]:
        """Return none: the masks have their own."""
        return ()

    def load(self, device: str) -> NoReturn:
        """Raise an error, since there is nothing to load."""
        raise UserError(
            "the probe set's own masks need no network",
            where="segmenter",
            hint="choose a segmenter with a network, such as segmenter=glyphs",
        )
