"""INVERT: label a unit with the formula of image labels whose images it ranks highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.superclasses import NONE, check_superclasses, recorded_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from baselines.composition.ranked import RankedFormula


@dataclass(frozen=True)
class Invert:
    """INVERT (Bykov et al., NeurIPS 2023) on the labels of images.

    An image has a label if its masks have it anywhere. Formulas such as ((a OR b) AND (NOT c)) are
    found by beam search for the largest AUROC of the unit's pooled activations, as a score of the
    images with the formula (`baselines.composition.ranked`).

    The published code differs: its AUROC applies a sigmoid to activations outside [0, 1], which
    makes large ones equal (here, ranks of raw values); and copies of one formula fill its beam
    (here, each set of images is in it once).

    Attributes:
        beam: Number of formulas in the beam, at least 1.
        max_length: Largest number of labels in a formula, at least 1.
        min_fraction: Smallest share of images with the formula, in [0, 1].
        max_fraction: Largest share of images with the formula, in [0, 1]; above a half, a formula
            is mostly a negation.
        superclasses: Superclasses that are labels too: "none"; "wordnet" for the hypernyms of
            ImageNet's classes in WordNet, as published, where the probe set's classes are among
            these; or a file (docs/reference/methods.md). An image has a superclass if it has one of
            the labels below it.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Logical formula of image labels with the largest AUROC"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "masks"})
    given: ClassVar[str] = "masks"
    vocabulary: ClassVar[Vocabulary] = "formulas of mask labels"
    source: ClassVar[str] = (
        "Bykov, Kopf, Nakajima, Kloft and Höhne, Labeling Neural Representations with Inverse "
        "Recognition, NeurIPS 2023, arXiv:2311.13594; https://github.com/lapalap/invert"
    )

    beam: int = 3
    max_length: int = 3
    min_fraction: float = 0.002
    max_fraction: float = 0.5
    superclasses: str = NONE

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record."""
        return recorded_parameters(self)

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        for name in ("beam", "max_length"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, not {value!r}")
        for name in ("min_fraction", "max_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], not {getattr(self, name)!r}")
        check_superclasses(self.superclasses)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U] and masks of the N images.
            seed: Not used.

        Returns:
            Each unit's beam as texts with their AUROC, best first; empty for a dead unit
            (activations constant or not all finite), and where no formula is within the limits.
            The table "formulas" has each unit's best formula with the p-value of the two-sided
            test of Mann and Whitney.

        Raises:
            ValueError: Masks are missing, or do not match.
        """
        from baselines.composition.formula import text
        from baselines.composition.presence import presence_of
        from baselines.composition.ranked import Limits, search_by_rank
        from baselines.similarity import live_units

        presence, activations = presence_of(evidence), evidence.activations
        assert evidence.masks is not None
        units = live_units(activations).nonzero()[:, 0]
        limits = Limits(self.beam, self.max_length, self.min_fraction, self.max_fraction)
        beams, compared = search_by_rank(activations[:, units], presence, limits)
        names = [label.name for label in evidence.masks.labels]
        texts: list[list[tuple[str, float]]] = [[] for _ in range(activations.shape[1])]
        for unit, beam in zip(units.tolist(), beams, strict=True):
            texts[unit] = [(text(one.formula, names), one.auroc) for one in beam]
        best: dict[int, RankedFormula] = {
            unit: beam[0] for unit, beam in zip(units.tolist(), beams, strict=True) if beam
        }
        table = formula_table(activations, presence, best, sum(compared), names)
        return Labelling(
            concepts=(),
            scores=None,
            texts=texts,
            tables={"formulas": table},
            counts={"silent_units": sum(not beam for beam in beams)},
        )


def formula_table(
    activations: Tensor,
    presence: Tensor,
    best: Mapping[int, RankedFormula],
    tests: int,
    names: Sequence[str],
) -> pd.DataFrame:
    """Return the best formula of every unit.

    Args:
        activations: Activations [N, U].
        presence: Whether an image has a label, bool [N, C].
        best: Best formula by unit.
        tests: Number of formulas that were compared for all units.
        names: Names of the labels [C].

    Returns:
        One row per unit, in order; `unit` counts from 0. `label` is the formula, with its `length`,
        `auroc`, `images` (with the formula), `p_value`, and `p_corrected`: the p-value times
        `tests`, at most 1 (Bonferroni), since the best of many formulas is tested. A unit without a
        formula has "" and NaN or 0.
    """
    import pandas as pd
    from scipy.stats import mannwhitneyu

    from baselines.composition.formula import holds, text

    nan = float("nan")
    rows = []
    for unit in range(activations.shape[1]):
        row = {"unit": unit, "label": "", "length": 0, "auroc": nan, "images": 0,
               "p_value": nan, "p_corrected": nan}  # fmt: skip
        if unit in best:
            own = best[unit]
            images = holds(own.formula, presence).cpu().numpy()
            column = activations[:, unit].cpu().numpy()
            p = float(mannwhitneyu(column[images], column[~images], method="asymptotic").pvalue)
            row |= {
                "label": text(own.formula, names),
                "length": own.length,
                "auroc": own.auroc,
                "images": own.images,
                "p_value": p,
                "p_corrected": min(1.0, p * tests),
            }
        rows.append(row)
    return pd.DataFrame(rows)
