"""The slow and obvious way: boolean masks of all pixels, every candidate spelled out."""

from __future__ import annotations

import numpy as np

from baselines.composition.formula import And, Leaf, Not, Or, length
from baselines.spatial import ImageMasks, MaskLabel


class ListedMasks:
    def __init__(self, images, n_labels, size, names=None):
        self.images = list(images)
        names = names or [f"l{number}" for number in range(n_labels)]
        self.labels = tuple(MaskLabel(name, "object") for name in names)
        self.categories = ("object",)
        self.mask_size = size

    def __len__(self):
        return len(self.images)

    def image(self, index):
        return self.images[index]

    def dense(self):
        """Mask of each label over all pixels, bool [C, N * sh * sw]."""
        out = np.zeros((len(self.labels), len(self), *self.mask_size), bool)
        for number, image in enumerate(self.images):
            for plane in image.planes:
                for label in range(len(self.labels)):
                    out[label, number] |= plane == label
            for label in image.scalars:
                out[label, number] = True
        return out.reshape(len(self.labels), -1)


def labels_of(cells, cell):
    """Return the labels of a cell's pixels, ascending."""
    return cells.labels[cells.first[cell] : cells.first[cell + 1]]


def parse(words, names):
    """Parse the text of a formula of labels with these names.

    Names may contain spaces and balanced parentheses. A name that is also the text of a formula is
    read as a name; the first of equal names is used.
    """
    numbers = {}
    for number, name in enumerate(names):
        numbers.setdefault(name, number)
    found = _parse(words, numbers)
    if found is None:
        raise ValueError(f"not a formula of the given labels: {words!r}")
    return found


def _parse(words, numbers):
    if words in numbers:
        return Leaf(numbers[words])
    if not (words.startswith("(") and words.endswith(")")):
        return None
    words = words[1:-1]
    if words.startswith("NOT "):
        inner = _parse(words.removeprefix("NOT "), numbers)
        if inner is not None:
            return Not(inner)
    for word, kind in ((" AND ", And), (" OR ", Or)):
        at = words.find(word)
        while at >= 0:
            # Split only where the left part's parentheses are balanced.
            if words.count("(", 0, at) == words.count(")", 0, at):
                left = _parse(words[:at], numbers)
                right = _parse(words[at + len(word) :], numbers) if left is not None else None
                if left is not None and right is not None:
                    return kind(left, right)
            at = words.find(word, at + 1)
    return None


def evaluate(formula, leaf):
    """Return the mask where a formula holds, from a function that returns the mask of a label."""
    match formula:
        case Leaf(label):
            return leaf(label)
        case Not(inner):
            return np.logical_not(evaluate(inner, leaf))
        case And(left, right):
            return np.logical_and(evaluate(left, leaf), evaluate(right, leaf))
        case Or(left, right):
            return np.logical_or(evaluate(left, leaf), evaluate(right, leaf))


def scalar_image(scalars, size):
    return ImageMasks(np.zeros((0, *size), np.int32), tuple(scalars))


def plain_search(dense, unit, *, beam=5, max_length=3, penalty=1.0, official_beam=False):
    """[(formula, score, mask)] best first, from masks bool [C, pixels] and the unit's."""

    def score(formula, mask):
        common = int((mask & unit).sum())
        union = int(mask.sum()) + int(unit.sum()) - common
        return common / (union + 1e-10) * penalty ** (length(formula) - 1)

    def best(pool):
        pool = [entry for entry in pool if (entry[2] & unit).any()]
        if official_beam:
            return sorted(pool, key=lambda entry: -entry[1])[:beam]
        kept = []
        for entry in sorted(pool, key=lambda entry: (-entry[1], length(entry[0]))):
            if not any(np.array_equal(entry[2], other[2]) for other in kept):
                kept.append(entry)
        return kept[:beam]

    kept = best([(Leaf(c), score(Leaf(c), mask), mask) for c, mask in enumerate(dense)])
    for _ in range(max_length - 1):
        pool = list(kept)
        for formula, _, mask in kept:
            for label, other in enumerate(dense):
                leaf = Leaf(label)
                for new, where in (
                    (Or(formula, leaf), mask | other),
                    (And(formula, leaf), mask & other),
                    (And(formula, Not(leaf)), mask & ~other),
                ):
                    pool.append((new, score(new, where), where))
        kept = best(pool)
    return kept


def plain_best(dense, unit, *, max_length=3, penalty=1.0):
    """The best score of all formulas, each spelled out, and its fewest labels; 0 for none."""
    found = [(Leaf(c), mask) for c, mask in enumerate(dense)]
    best = (0.0, 0)
    for labels in range(1, max_length + 1):
        for formula, mask in found:
            common = int((mask & unit).sum())
            union = int(mask.sum()) + int(unit.sum()) - common
            score = common / (union + 1e-10) * penalty ** (length(formula) - 1)
            best = max(best, (score, -labels))
        found = [
            pair
            for formula, mask in (found if labels < max_length else [])
            for label, other in enumerate(dense)
            for pair in (
                (Or(formula, Leaf(label)), mask | other),
                (And(formula, Leaf(label)), mask & other),
                (And(formula, Not(Leaf(label))), mask & ~other),
            )
        ]
    return best[0], -best[1]
