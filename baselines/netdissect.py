"""Network Dissection: label a unit with the annotated concept that its masks overlap best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.dissection.rules import (
    DENOMINATORS,
    Denominator,
    best_labels,
    category_winner,
    detector_counts,
    grid_level,
    iou_by_category,
    with_gaps,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from baselines.dissection.tally import Tally
    from baselines.spatial import Masks


@dataclass(frozen=True)
class NetDissect:
    """Network Dissection (Bau et al., CVPR 2017) on any masks, over all units at once.

    A unit's threshold T is an exact quantile of its activations over all images and positions,
    before up-sampling; its mask in an image is where the map, up-sampled bilinearly, exceeds T. The
    unit's label is the one whose pixels overlap its masks best: in the first category with the
    highest IoU, the first such label. Units of 2-D layers are constant maps.

    Two accidents of the official code are not reproduced: pixels without a label belong to no
    category (there, to the last one, by label 0), and an image without pixel labels counts for the
    categories of its whole-image labels (there, for those of the previous unit).

    Attributes:
        quantile: Share of a unit's activations above its threshold, read off a grid of 1,000
            levels as in the official code, in [0.001, 0.999].
        threshold: IoU above which a unit counts as a detector, in [0, 1].
        denominator: Images that count for a category. "official": those in which an active pixel or
            the whole image has a label of it. "image_has_category": those with such a label
            anywhere, as in the paper.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Annotated concept whose masks overlap best with the unit's own"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "maps", "masks"})
    given: ClassVar[str] = "masks"
    vocabulary: ClassVar[Vocabulary] = "mask labels"
    source: ClassVar[str] = (
        "Bau, Zhou, Khosla, Oliva and Torralba, Network Dissection: Quantifying Interpretability "
        "of Deep Visual Representations, CVPR 2017, arXiv:1704.05796; "
        "https://github.com/CSAILVision/NetDissect-Lite"
    )

    quantile: float = 0.005
    threshold: float = 0.04
    denominator: Denominator = "official"

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        grid_level(self.quantile)
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], not {self.threshold!r}")
        if self.denominator not in DENOMINATORS:
            raise ValueError(
                f"unknown denominator {self.denominator!r}: {' or '.join(DENOMINATORS)}"
            )

    def warm_up(self, device: str = "cpu") -> None:
        """Compile the inner loops, which run on the CPU, ahead of timed calls."""
        from baselines.dissection.small import small_evidence

        self.describe(small_evidence(), seed=0)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], maps [N, U, h, w] and masks of the N images.
            seed: Not used.

        Returns:
            IoU of units and labels, float32 [U, C]: NaN rows for dead units (activations constant
            or not all finite), -inf rows for units that overlap with no label. The table "tally"
            has the official columns; counts are of detectors.

        Raises:
            ValueError: Maps or masks are missing, or do not match.
        """
        import torch

        from baselines.dissection.planes import MaskRules, label_categories
        from baselines.dissection.tally import tally
        from baselines.dissection.thresholds import unit_thresholds

        maps, masks = evidence.dissected()
        thresholds, live = unit_thresholds(evidence, maps, grid_level(self.quantile))
        rules = MaskRules(whole_image=self.denominator == "image_has_category")
        counts = tally(maps, masks, thresholds, mode="half_pixel", rules=rules)
        category = label_categories(masks)
        found = iou_by_category(counts.labels, counts.both, counts.by_category, category)
        scores = with_gaps(found, live)
        names = [(label.name, label.category) for label in masks.labels]
        best = best_labels(scores)
        return Labelling(
            concepts=tuple(name for name, _ in names),
            scores=torch.from_numpy(scores),
            tables={"tally": tally_table(masks, category, counts, found, live)},
            counts=detector_counts(scores, best, self.threshold, names),
        )


def tally_table(
    masks: Masks,
    category: NDArray[np.int64],
    counts: Tally,
    found: NDArray[np.float64],
    live: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return the official tally.csv: each unit's label, and its best label per category.

    Args:
        masks: Masks with the names of labels.
        category: Category of each label [C].
        counts: Counts of pixels.
        found: IoU [U, C].
        live: Units that carry a signal [U]; the others have no label and no score.

    Returns:
        One row per unit, sorted by descending score (ties by unit). `unit` counts from 1. Without
        any overlap the label is "" and the score 0.
    """
    import numpy as np
    import pandas as pd

    scores = found.astype(np.float32)  # the precision that decides labels
    rows = []
    for unit in range(len(found)):
        row: dict[str, Any] = {"unit": unit + 1, "category": "", "label": "", "score": 0.0}
        bests = []
        for kind, name in enumerate(masks.categories):
            labels = np.flatnonzero(category == kind)
            at = category_winner(scores[unit, labels])
            label = None if at is None else int(labels[at])
            bests.append(label)
            row[f"{name}-label"] = "" if label is None else masks.labels[label].name
            row[f"{name}-truth"] = 0 if label is None else int(counts.labels[label])
            row[f"{name}-activation"] = int(counts.by_category[unit, kind])
            row[f"{name}-intersect"] = 0 if label is None else int(counts.both[unit, label])
            row[f"{name}-iou"] = 0.0 if label is None else float(found[unit, label])
        winner = category_winner([0.0 if at is None else scores[unit, at] for at in bests])
        if not live[unit]:
            row["score"] = float("nan")
        elif winner is not None:
            label = bests[winner]
            assert label is not None
            row["category"], row["label"] = masks.categories[winner], masks.labels[label].name
            row["score"] = float(found[unit, label])
        rows.append(row)
    table = pd.DataFrame(rows)
    if rows:
        table = table.sort_values("score", ascending=False, kind="stable", na_position="last")
    return table.reset_index(drop=True)
