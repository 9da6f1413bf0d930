"""Count how often and how widely each label occurs, for label.csv and the other tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray


class Tally:
    """Counts over images.

    Args:
        numbers: All label numbers.
        categories: Categories in the order of category.csv.

    Attributes:
        images: Number of images with a label, by number.
        annotated: Number of images with any mark of a category.
        frequency: Number of images with a label, by category and number.
        coverage: Covered area by category and number, in images.
    """

    def __init__(self, numbers: Collection[int], categories: Sequence[str]) -> None:
        self.numbers = frozenset(numbers)
        self.categories = tuple(categories)
        self.images: Counter[int] = Counter()
        self.annotated: Counter[str] = Counter()
        self.frequency: dict[str, Counter[int]] = {name: Counter() for name in categories}
        self.coverage: dict[str, dict[int, float]] = {
            name: defaultdict(float) for name in categories
        }

    def add(self, marks: Mapping[str, Sequence[int | NDArray[np.integer]]]) -> None:
        """Count one image's marks."""
        seen: set[int] = set()
        for category, items in marks.items():
            shares: dict[int, float] = defaultdict(float)
            for item in items:
                if not isinstance(item, np.ndarray):
                    shares[int(item)] += 1.0
                    continue
                found, pixels = np.unique(item, return_counts=True)
                for number, count in zip(found.tolist(), pixels.tolist(), strict=True):
                    shares[number] += count / item.size
            shares.pop(0, None)
            for number, share in shares.items():
                self.frequency[category][number] += 1
                self.coverage[category][number] += share
            self.annotated[category] += bool(items)
            seen |= shares.keys()
        self.images.update(seen)

    def categories_of(self, number: int) -> list[str]:
        """Return the categories of a label, the most frequent first."""
        found = [name for name in self.categories if self.frequency[name][number]]
        return sorted(found, key=lambda name: -self.frequency[name][number])
