"""Compositional explanations: the logical formula of mask labels that best overlaps a unit.

A formula has the same value on all pixels with the same set of labels. So the masks of a whole
dataset are stored as *cells*, one for each label set, with their sizes (`cells`); a unit as the
number of its pixels in each cell (`firing`); and a formula as the set of cells where it holds
(`beam`). All counts are exact numbers of pixels, while the work is that of some ten thousand cells
instead of a hundred million pixels.

Source: Mu and Andreas, "Compositional Explanations of Neurons", NeurIPS 2020, section 2.
"""

from baselines.composition.beam import search
from baselines.composition.cells import Cells, CellsBuilder
from baselines.composition.formula import And, Formula, Leaf, Not, Or, length, text
from baselines.composition.pool import ScoredFormula

__all__ = [
    "And",
    "Cells",
    "CellsBuilder",
    "Formula",
    "Leaf",
    "Not",
    "Or",
    "ScoredFormula",
    "length",
    "search",
    "text",
]
