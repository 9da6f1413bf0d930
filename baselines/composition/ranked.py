"""Beam search for the formula whose images a unit ranks above all others, by AUROC.

Source: Bykov, Kopf, Nakajima, Kloft and Höhne, "Labeling Neural Representations with Inverse
Recognition", NeurIPS 2023, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from baselines.composition.formula import And, Formula, Leaf, Not, Or
from baselines.similarity.inputs import spans

_ELEMENTS = (2**26, 2**30)
"""Elements of the masks of units that are extended together, on a CPU and on a GPU."""

_CONSIDERED = 8
"""Candidates considered first, for each formula of the beam; almost always enough."""


@dataclass(frozen=True, eq=False)
class RankedFormula:
    """A formula of the beam.

    Attributes:
        formula: The formula.
        length: Number of its labels.
        auroc: Share of pairs of an image with and an image without the formula in which the unit
            responds more to the first; ties count half.
        images: Number of images with the formula.
    """

    formula: Formula
    length: int
    auroc: float
    images: int


@dataclass(frozen=True)
class Limits:
    """Limits of the search.

    Attributes:
        beam: Number of formulas in the beam, at least 1.
        max_length: Largest number of labels in a formula, at least 1.
        min_fraction: Smallest share of images with a formula.
        max_fraction: Largest share of images with a formula.
    """

    beam: int
    max_length: int
    min_fraction: float
    max_fraction: float

    def allow(self, images: Tensor, n_images: int) -> Tensor:
        """Return which numbers of images lie within the limits, and are neither 0 nor all."""
        within = (images >= self.min_fraction * n_images) & (images <= self.max_fraction * n_images)
        return within & (images > 0) & (images < n_images)


class _Entry(NamedTuple):
    """A formula with its images, bool [N]."""

    ranked: RankedFormula
    images: Tensor


def search_by_rank(
    activations: Tensor, presence: Tensor, limits: Limits
) -> tuple[list[list[RankedFormula]], list[int]]:
    """Search each unit's formula of the largest AUROC.

    Start from the labels and their negations, and extend every formula of the beam by every label
    with AND, OR, AND NOT and OR NOT. Shorter formulas remain candidates. The activations of a unit
    are sorted once: the AUROC of images f follows from their number and the sum of their ranks,
    and those of all extensions of a formula are sums over f AND l of all labels l, two products.

    The formulas of a beam have distinct images; the published code does not compare them, so that
    copies such as (a AND c) and (c AND a) fill its beam. The shorter formula wins ties, then the
    first in order.

    Args:
        activations: Activations of live units, raw values [N, U].
        presence: Whether an image has a label, bool [N, C].
        limits: Limits of the search.

    Returns:
        Each unit's beam, best first, empty if no formula is within the limits; and the number of
        formulas within the limits that were compared for it.
    """
    labels = presence.float()
    beams: list[list[RankedFormula]] = []
    compared: list[int] = []
    elements = _ELEMENTS[labels.device.type == "cuda"]
    together = max(1, elements // (len(labels) * limits.beam))
    for first, last in spans(activations.shape[1], together):
        deviations = rank_deviations(activations[:, first:last])
        searches = [_Search(each, presence, limits) for each in deviations]
        sums = deviations.float() @ labels
        for search, own in zip(searches, sums, strict=True):
            search.start(own)
        for _ in range(limits.max_length - 1):
            _extend(searches, labels)
        beams += [[entry.ranked for entry in search.beam] for search in searches]
        compared += [search.compared for search in searches]
    return beams, compared


def rank_deviations(activations: Tensor) -> Tensor:
    """Return twice the difference of each image's rank and the mean rank.

    Args:
        activations: Activations of live units [N, U].

    Returns:
        Integers 2 r - (N + 1), with midranks r (equal values share their mean rank), whose sums are
        exact, float64 [U, N].
    """
    rows = activations.T.contiguous()
    ordered = rows.sort(dim=1).values
    below = torch.searchsorted(ordered, rows, right=False)
    up_to = torch.searchsorted(ordered, rows, right=True)
    return (below + up_to - rows.shape[1]).double()


def area(sums: Tensor, images: Tensor, n_images: int) -> Tensor:
    """Return the AUROC of images by the sum of their rank deviations and their number.

    AUROC = 1/2 + sum (r - mean r) / (n1 n0), which is the usual form by the sum of ranks.
    """
    return 0.5 + sums / (2 * images * (n_images - images))


class _Search:
    """The search of one unit.

    Args:
        deviations: Deviations of ranks (see `rank_deviations`), float64 [N].
        presence: Whether an image has a label, bool [N, C].
        limits: Limits of the search.
    """

    def __init__(self, deviations: Tensor, presence: Tensor, limits: Limits) -> None:
        self.deviations, self.limits = deviations, limits
        self.beam: list[_Entry] = []
        self.compared = 0
        self._presence = presence
        self._sizes = presence.sum(dim=0).float()

    def start(self, sums: Tensor) -> None:
        """Fill the beam with labels and their negations, by the labels' sums [C]."""
        n_images = len(self._presence)
        self._sums = sums
        images = torch.stack((self._sizes, n_images - self._sizes), dim=1)
        scores = area(torch.stack((sums, -sums), dim=1), images, n_images)
        allowed = self.limits.allow(images, n_images)
        self._choose(scores.masked_fill(~allowed, -torch.inf))

    def extend(self, images: Tensor, sums: Tensor) -> None:
        """Extend the beam.

        Args:
            images: Number of images of each formula f AND each label l, float32 [B, C].
            sums: Sums of their rank deviations [B, C].
        """
        n_images, sizes = len(self._presence), self._sizes
        own = images.new_tensor([entry.ranked.images for entry in self.beam])[:, None]
        total = torch.stack([self.deviations[entry.images].sum() for entry in self.beam])
        total = total.float()[:, None]
        n = torch.stack(
            (images, own + sizes - images, own - images, n_images - (sizes - images)), dim=2
        )
        s = torch.stack((sums, total + self._sums - sums, total - sums, sums - self._sums), dim=2)
        atom = torch.stack((sizes, sizes, n_images - sizes, n_images - sizes), dim=1)
        # AND shrinks and OR enlarges both operands: of equal size, the result is the operand.
        fresh = (n != own[:, :, None]) & (n != atom)
        scores = area(s, n, n_images)
        allowed = fresh & self.limits.allow(n, n_images)
        self._choose(scores.masked_fill(~allowed, -torch.inf))

    def _choose(self, scores: Tensor) -> None:
        """Keep the best of the beam and of candidates, by exact scores, each set of images once.

        Args:
            scores: Scores of labels and their negations [C, 2], or of extensions [B, C, 4],
                float32; -inf outside the limits.
        """
        flat = scores.flatten()
        valid = int(flat.isfinite().sum())
        self.compared += valid
        count = min(valid, _CONSIDERED * self.limits.beam)
        while True:
            best = torch.topk(flat, count)
            chosen = self._distinct(best.indices.sort().values)
            full = len(chosen) == self.limits.beam
            if count == valid or (full and chosen[-1].ranked.auroc >= float(best.values[-1])):
                break  # the other candidates are no better
            count = min(valid, 2 * count)
        self.beam = chosen

    def _distinct(self, candidates: Tensor) -> list[_Entry]:
        """Return the best of the beam and of candidates with distinct images, a beam at most."""
        images, lengths = self._images(candidates), [1] * len(candidates)
        if self.beam:
            each = (candidates // (4 * len(self._sizes))).tolist()
            lengths = [self.beam[row].ranked.length + 1 for row in each]
        counts = images.sum(dim=1)
        areas = area(images.double() @ self.deviations, counts.double(), len(self.deviations))
        # Candidates are tuples of -AUROC, length, position (negative: in the beam) and images.
        rows = np.packbits(images.cpu().numpy(), axis=1)
        marked = [
            (-entry.ranked.auroc, entry.ranked.length, at - len(self.beam), _mark(entry.images))
            for at, entry in enumerate(self.beam)
        ]
        for at, value in enumerate(areas.tolist()):
            marked.append((-value, lengths[at], at, rows[at].tobytes()))
        chosen: dict[bytes, _Entry] = {}
        for value, length, at, mark in sorted(marked):
            if mark in chosen:
                continue
            if at < 0:
                chosen[mark] = self.beam[at]
            else:
                formula = self._formula(int(candidates[at]))
                ranked = RankedFormula(formula, length, -value, int(counts[at]))
                chosen[mark] = _Entry(ranked, images[at])
            if len(chosen) == self.limits.beam:
                break
        return list(chosen.values())

    def _images(self, candidates: Tensor) -> Tensor:
        """Return the images of candidates by their positions in the scores, bool [n, N]."""
        if not self.beam:
            return self._presence.T[candidates // 2] ^ (candidates % 2 == 1)[:, None]
        operator = candidates % 4
        label = candidates // 4 % len(self._sizes)
        literals = self._presence.T[label] ^ (operator >= 2)[:, None]
        held = torch.stack([entry.images for entry in self.beam])
        own = held[candidates // (4 * len(self._sizes))]
        return torch.where((operator % 2 == 1)[:, None], own | literals, own & literals)

    def _formula(self, candidate: int) -> Formula:
        """Return the formula of a candidate by its position in the scores."""
        kinds = 4 if self.beam else 2
        row, label = divmod(candidate // kinds, len(self._sizes))
        operator = candidate % kinds
        literal = Not(Leaf(label)) if operator >= kinds // 2 else Leaf(label)
        if not self.beam:
            return literal
        own = self.beam[row].ranked.formula
        return Or(own, literal) if operator % 2 else And(own, literal)


def _mark(images: Tensor) -> bytes:
    return np.packbits(images.cpu().numpy()).tobytes()


def _extend(searches: list[_Search], labels: Tensor) -> None:
    """Extend the beams of several units by the same two products."""
    active = [search for search in searches if search.beam]
    if not active:
        return
    masks = torch.stack([entry.images for search in active for entry in search.beam])
    rows = [search.deviations.float() for search in active for _ in search.beam]
    images = masks.float() @ labels
    sums = (masks * torch.stack(rows)) @ labels
    start = 0
    for search in active:
        stop = start + len(search.beam)
        search.extend(images[start:stop], sums[start:stop])
        start = stop
