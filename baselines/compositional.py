"""Compositional Explanations: label a unit with a logical formula of annotated concepts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.dissection.rules import grid_level
from baselines.errors import MethodError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells
    from baselines.composition.pool import ScoredFormula
    from baselines.spatial import Masks


@dataclass(frozen=True)
class Compositional:
    """Compositional Explanations (Mu and Andreas, NeurIPS 2020) on any masks.

    A unit's threshold T is an exact quantile of its activations over all images and positions,
    before up-sampling; its mask is where the up-sampled map (bilinear) exceeds T. Formulas such as
    ((a OR b) AND (NOT c)) of the masks' labels are found by beam search for the largest
    intersection over union with the unit's mask, over all pixels of all images (unlike Network
    Dissection, which counts for each category only the images annotated with it).

    The published code lets formulas of equal masks, such as (a OR b) and (b OR a), fill the beam;
    here each mask is in it once, and shorter formulas win ties (see
    `baselines.composition.search`).

    Attributes:
        quantile: Share of a unit's activations above its threshold, read off a grid of 1,000
            levels as in the official code, in [0.001, 0.999].
        beam: Number of formulas in the beam, at least 1.
        max_length: Largest number of labels in a formula, at least 1.
        penalty: Factor in (0, 1]; a formula of length n (1 for a leaf, plus 1 for NOT, sums for AND
            and OR) has the score IoU * penalty^(n - 1).
        official_beam: Fill the beam like the published code.
        threshold: IoU above which a unit counts as a detector of its formula, in [0, 1].
        exact: Search the best formula of all beside the beam, by branch and bound
            (`baselines.composition.exact`). Possible for few labels.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Logical formula of annotated concepts that overlaps best"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "maps", "masks"})
    given: ClassVar[str] = "masks"
    vocabulary: ClassVar[Vocabulary] = "formulas of mask labels"
    source: ClassVar[str] = (
        "Mu and Andreas, Compositional Explanations of Neurons, NeurIPS 2020, arXiv:2006.14032; "
        "https://github.com/jayelm/compexp"
    )

    quantile: float = 0.005
    beam: int = 5
    max_length: int = 3
    penalty: float = 1.0
    official_beam: bool = False
    threshold: float = 0.04
    exact: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record: without `exact` where it is false, as in older records."""
        found = asdict(self)
        return found if self.exact else {k: v for k, v in found.items() if k != "exact"}

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        grid_level(self.quantile)
        for name in ("beam", "max_length"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, not {value!r}")
        if not (math.isfinite(self.penalty) and 0 < self.penalty <= 1):
            raise ValueError(f"penalty must be in (0, 1], not {self.penalty!r}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], not {self.threshold!r}")
        if self.exact and self.official_beam:
            raise MethodError(
                "exact=true searches all formulas beside our own beam, official_beam=true fills "
                "the beam as published",
                hint="leave out method.params.exact or method.params.official_beam",
            )

    def check_labels(self, n_labels: int) -> None:
        """Check that an exact search among so many labels can be done.

        Raises:
            MethodError: It would have too many formulas to extend.
        """
        from baselines.composition.exact import MOST_PREFIXES, SECONDS, count_prefixes

        prefixes = count_prefixes(n_labels, self.max_length)
        if self.exact and prefixes > MOST_PREFIXES:
            raise MethodError(
                f"an exact search among {n_labels:,} labels may take "
                f"{prefixes * SECONDS / 60:,.0f} minutes a unit: up to {prefixes:,} formulas to "
                f"extend, and the limit is {MOST_PREFIXES:,}",
                hint="choose fewer labels, method.params.max_length="
                f"{max(1, self.max_length - 1)}, or method.params.exact=false",
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
            Each unit's beam as texts with scores, best first; empty for a dead unit (activations
            constant or not all finite) and for one that shares no pixel with any label. The table
            "formulas" has a row per unit; counts include silent units (alive, without a formula).
            With `exact`, the best formula of all is first where it is better than the beam's; the
            table then has the beam's too, and `beam_misses` counts these units.

        Raises:
            ValueError: Maps or masks are missing, or do not match; or there are too many labels for
                an exact search.
        """
        from baselines.composition.firing import count_firing
        from baselines.composition.formula import text
        from baselines.composition.units import search_units, search_units_exactly
        from baselines.dissection.thresholds import unit_thresholds

        maps, masks = evidence.dissected()
        self.check_labels(len(masks.labels))
        thresholds, live = unit_thresholds(evidence, maps, grid_level(self.quantile))
        cells, firing = count_firing(maps, masks, thresholds)
        beams = search_units(
            cells,
            firing,
            beam=self.beam,
            max_length=self.max_length,
            penalty=self.penalty,
            official_beam=self.official_beam,
        )
        names = [label.name for label in masks.labels]
        categories = [label.category for label in masks.labels]
        more, misses = {}, {}
        if self.exact:
            more = beam_columns(beams, names)
            found = search_units_exactly(
                cells, firing, beams, max_length=self.max_length, penalty=self.penalty
            )
            pairs = zip(found, beams, strict=True)
            misses["beam_misses"] = sum(own[:1] != beam[:1] for own, beam in pairs)
            beams = found
        return Labelling(
            concepts=(),
            scores=None,
            texts=[[(text(one.formula, names), one.score) for one in beam] for beam in beams],
            tables={"formulas": formula_table(masks, cells, firing, beams).assign(**more)},
            counts={
                "silent_units": sum(not beam for beam in beams) - int((~live).sum()),
                **misses,
                **detector_counts(beams, categories, self.threshold),
            },
        )


def beam_columns(
    beams: Sequence[Sequence[ScoredFormula]], names: Sequence[str]
) -> dict[str, list[str] | list[float]]:
    """Return the best formula of each beam, its score and its IoU, as columns [U].

    Args:
        beams: Beam of each unit, best first [U].
        names: Names of the labels.
    """
    from baselines.composition.formula import text

    firsts = [beam[0] if beam else None for beam in beams]
    return {
        "beam_label": [text(one.formula, names) if one else "" for one in firsts],
        "beam_score": [one.score if one else math.nan for one in firsts],
        "beam_iou": [one.iou if one else math.nan for one in firsts],
    }


def detector_counts(
    beams: Sequence[Sequence[ScoredFormula]], categories: Sequence[str], threshold: float
) -> dict[str, int]:
    """Count the units that detect their formula, and the detected formulas.

    Args:
        beams: Beam of each unit, best first [U].
        categories: Category of each label [C].
        threshold: A unit detects its formula if their IoU, without the penalty, exceeds it.

    Returns:
        "detectors" (units), "unique_detectors" (formulas), and "detectors_CATEGORY" (formulas) for
        every category; formulas with labels of several categories are "detectors_mixed".
    """
    from baselines.composition.formula import meaning, positive_labels

    best = [beam[0] for beam in beams if beam and beam[0].iou > threshold]
    formulas = {meaning(one.formula): one.formula for one in best}.values()
    kinds = [{categories[label] for label in positive_labels(formula)} for formula in formulas]
    counts = {"detectors": len(best), "unique_detectors": len(formulas)}
    for category in dict.fromkeys(categories):
        counts[f"detectors_{category}"] = sum(kind == {category} for kind in kinds)
    counts["detectors_mixed"] = sum(len(kind) > 1 for kind in kinds)
    return counts


def formula_table(
    masks: Masks,
    cells: Cells,
    firing: Sequence[UnitCells],
    beams: Sequence[Sequence[ScoredFormula]],
) -> pd.DataFrame:
    """Return the result of the search for every unit.

    Args:
        masks: Masks with the names of labels.
        cells: Cells of the dataset.
        firing: Where each unit fires [U].
        beams: Beam of each unit, best first [U].

    Returns:
        One row per unit, in order; `unit` counts from 0. `label` is the best formula, with its
        `length`, penalised `score`, `iou`, and the pixels of its mask (`formula_pixels`), of the
        unit's (`unit_pixels`) and of both (`intersection`). `best_label`, `best_category` and
        `best_iou` are of the best single label. A unit without a formula has "" and NaN or 0.
    """
    import pandas as pd

    from baselines.composition.beam import search
    from baselines.composition.formula import Leaf, text

    names = [label.name for label in masks.labels]
    rows = []
    for unit, (fires, beam) in enumerate(zip(firing, beams, strict=True)):
        row = {
            "unit": unit,
            "label": "",
            "length": 0,
            "score": float("nan"),
            "iou": float("nan"),
            "formula_pixels": 0,
            "unit_pixels": fires.pixels,
            "intersection": 0,
            "best_label": "",
            "best_category": "",
            "best_iou": float("nan"),
        }
        if beam:
            best = beam[0]
            [single] = search(cells, fires, beam=1, max_length=1)
            assert isinstance(single.formula, Leaf)
            label = masks.labels[single.formula.label]
            row |= {
                "label": text(best.formula, names),
                "length": best.length,
                "score": best.score,
                "iou": best.iou,
                "formula_pixels": best.pixels,
                "intersection": best.common,
                "best_label": label.name,
                "best_category": label.category,
                "best_iou": single.iou,
            }
        rows.append(row)
    return pd.DataFrame(rows)
