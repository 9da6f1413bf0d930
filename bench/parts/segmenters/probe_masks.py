"""The probe's own masks in place of a segmenter's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn

from bench.errors import UserError

if TYPE_CHECKING:
    from baselines.spatial import MaskLabel
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class ProbeMasks:
    """The annotations of the probe set itself: no network, no pseudo-labels, but truth.

    What they say is part of the probe and of its fingerprint. A method that is given them is
    privileged beside methods that see images alone.
    """

    summary: ClassVar[str] = "the probe's own masks (truth: for probes that have them)"
    uses_probe_masks: ClassVar[bool] = True

    def fingerprint(self) -> Fingerprint:
        """The same for all probes, whose own fingerprints tell their masks apart."""
        return {"kind": "probe_masks"}

    def labels(self) -> tuple[MaskLabel, ...]:
        """None of its own: the masks bring theirs."""
        return ()

    def categories(self) -> tuple[str, ...]:
        """None of its own."""
        return ()

    def load(self, device: str) -> NoReturn:
        """There is nothing to load.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "the probe's own masks are read, not computed: there is no network to load",
            where="segmenter",
            hint="choose a segmenter with a network, such as segmenter=glyphs",
        )
