"""Network Dissection 2020: the same idea with a segmenter's labels instead of annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.dissection.rules import best_labels, detector_counts, iou, with_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

BACKGROUND = ("-", "-")
"""Name and category of the official condition 0, which holds for every pixel."""


@dataclass(frozen=True)
class NetDissect2020:
    """Network Dissection of 2020 (Bau et al., PNAS 2020), over all units at once.

    A unit's threshold is the exact quantile of its activations after up-sampling to the masks'
    size, which blends with zero at the borders; its mask is where it exceeds the threshold. The
    unit's label has the highest IoU over the whole probe set, in any category (ties: the first
    label). A pixel counts once for a label, even if several planes mark it.

    Attributes:
        quantile: Share of a unit's up-sampled activations above its threshold, in (0, 1).
        threshold: IoU above which a unit counts as a detector, in [0, 1].
        official_background: Whether "-" is the first label: the official condition 0, which holds
            for all pixels, so that its IoU is the unit's share of them.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Segmenter's class that overlaps best with the unit's own masks"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "maps", "pseudo_masks"})
    given: ClassVar[str] = "pseudo-labels of a segmenter"
    vocabulary: ClassVar[Vocabulary] = "mask labels"
    source: ClassVar[str] = (
        "Bau, Zhu, Strobelt, Lapedriza, Zhou and Torralba, Understanding the Role of Individual "
        "Units in a Deep Neural Network, PNAS 2020, arXiv:2009.05041; "
        "https://github.com/davidbau/dissect"
    )

    quantile: float = 0.01
    threshold: float = 0.04
    official_background: bool = False

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile must be in (0, 1), not {self.quantile!r}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], not {self.threshold!r}")

    def warm_up(self, device: str = "cpu") -> None:
        """Compile the inner loops, which run on the CPU, ahead of timed calls."""
        from baselines.dissection.small import small_evidence

        self.describe(small_evidence(), seed=0)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], maps [N, U, h, w] and a segmenter's masks of the images.
            seed: Not used.

        Returns:
            IoU of units and labels, float32 [U, C] (with `official_background` [U, 1 + C]): NaN
            rows for dead units (activations constant or not all finite), -inf rows for units that
            overlap with nothing. The table "report" has each unit's label; counts are of detectors.

        Raises:
            ValueError: Maps or masks are missing, or do not match.
        """
        import numpy as np
        import torch

        from baselines.dissection.planes import MaskRules
        from baselines.dissection.tally import tally
        from baselines.dissection.thresholds import unit_thresholds

        maps, masks = evidence.dissected()
        size = (int(masks.mask_size[0]), int(masks.mask_size[1]))
        thresholds, live = unit_thresholds(
            evidence, maps, 1.0 - self.quantile, size=size, mode="zero_pad_grid"
        )
        counts = tally(maps, masks, thresholds, mode="zero_pad_grid", rules=MaskRules(once=True))
        labels, both = counts.labels, counts.both
        names = [(label.name, label.category) for label in masks.labels]
        if self.official_background:
            names.insert(0, BACKGROUND)
            labels = np.concatenate([[counts.pixels], labels])
            both = np.concatenate([counts.active[:, None], both], axis=1)
        scores = with_gaps(iou(labels, both, counts.active), live)
        best = best_labels(scores)
        report = report_table(scores, best, names)
        found = detector_counts(scores, best, self.threshold, names)
        if self.official_background:
            # "-" means that no concept is better: the unit has no label.
            found["background_units"] = int((best == 0).sum())
            scores[best == 0] = -np.inf
            scores = np.ascontiguousarray(scores[:, 1:])
        return Labelling(
            concepts=tuple(label.name for label in masks.labels),
            scores=torch.from_numpy(scores),
            tables={"report": report},
            counts=found,
        )


def report_table(
    scores: NDArray[np.float32], best: NDArray[np.int64], names: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """Return each unit's label and IoU, as in the official report.

    Args:
        scores: IoU [U, C].
        best: Column of each unit's label, or -1 [U].
        names: (name, category) of each label.

    Returns:
        Columns `unit` (from 0), `label`, `category`, `iou`; "" and NaN without a label.
    """
    import pandas as pd

    rows = [
        (unit, *names[at], float(scores[unit, at])) if at >= 0 else (unit, "", "", float("nan"))
        for unit, at in enumerate(best.tolist())
    ]
    return pd.DataFrame(rows, columns=["unit", "label", "category", "iou"])
