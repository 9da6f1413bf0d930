"""The cells of a dataset: the pixels with the same set of labels form one cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.spatial import ImageMasks

_SEED = 0x5EED


@dataclass(frozen=True, eq=False)
class Cells:
    """Number of pixels with each set of labels, for all label sets of a dataset.

    The mask of a label is the union of its cells, over several planes too, and a scalar label
    belongs to all cells of its images. Pixels without a label are in no cell, since no formula of
    the search (OR, AND, AND NOT) holds there.

    Memory: 4 bytes per label of a cell, twice, and about 50 bytes per cell; it grows with the
    number of distinct label sets, which is at most the number of labelled pixels.

    Attributes:
        n_labels: Number of labels C.
        sizes: Number of pixels of each of the A cells, int64 [A].
        first: The labels of cell a are labels[first[a] : first[a + 1]], int64 [A + 1].
        labels: Labels of the cells, ascending within a cell, int32.
    """

    n_labels: int
    sizes: NDArray[np.int64]
    first: NDArray[np.int64]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.sizes)

    def holding(self, label: int) -> NDArray[np.bool_]:
        """Return where a label holds, bool [A]."""
        start, stop = self._first_of_label[label : label + 2]
        holds = np.zeros(len(self), np.bool_)
        holds[self._cells_by_label[start:stop]] = True
        return holds

    @cached_property
    def weights(self) -> NDArray[np.uint64]:
        """Size and two random 64-bit numbers of each cell, uint64 [A, 3].

        The sum modulo 2^64 of the random numbers of a formula's cells is a 128-bit hash of its mask
        that is additive like sizes: hash(f OR l) = hash(f) + hash(l) - hash(f AND l). Different
        masks have equal hashes with a probability of 2^-128.
        """
        weights = np.empty((len(self), 3), np.uint64)
        weights[:, 0] = self.sizes
        random = np.random.default_rng(_SEED)
        weights[:, 1:] = random.integers(0, 2**64, size=(len(self), 2), dtype=np.uint64)
        return weights

    def weigh(
        self, holds: NDArray[np.bool_], rows: NDArray[np.int64] | None, weights: NDArray[np.uint64]
    ) -> NDArray[np.uint64]:
        """Sum weights of cells over the intersection of each formula with each label.

        sum[f, l, w] = sum of weights[r, w] over the rows r whose cell is in formula f and has l.
        One pass over a formula's cells serves all C labels; sums wrap around at 2^64.

        Args:
            holds: Where each of F formulas holds, bool [F, A].
            rows: Cells to sum, without duplicates [R]; None for all A cells in order.
            weights: W weights of these cells [R, W].

        Returns:
            Sums, uint64 [F, C, W].
        """
        from baselines.composition.kernels.overlap import add_weights

        sums = np.zeros((len(holds), self.n_labels, weights.shape[1]), np.uint64)
        for own, member in zip(sums, holds, strict=True):
            at = np.flatnonzero(member if rows is None else member[rows])
            inside = at if rows is None else rows[at]
            add_weights(inside, at, weights, self.first, self.labels, own)
        return sums

    @cached_property
    def label_weights(self) -> NDArray[np.uint64]:
        """Sums of `weights` over the cells of each label, uint64 [C, 3]; the first is |l|."""
        anywhere = np.ones((1, len(self)), np.bool_)
        sums: NDArray[np.uint64] = self.weigh(anywhere, None, self.weights)[0]
        return sums

    @cached_property
    def _cells_by_label(self) -> NDArray[np.int32]:
        cell_of = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.first))
        return cell_of[np.argsort(self.labels, kind="stable")]

    @cached_property
    def _first_of_label(self) -> NDArray[np.int64]:
        counts = np.bincount(self.labels, minlength=self.n_labels)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def prepare(self) -> None:
        """Compute the cached properties, before threads use them."""
        _ = self.held_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of all arrays, including cached properties."""
        arrays = (self.sizes, self.first, self.labels, self.weights, self.label_weights)
        derived = (self._cells_by_label, self._first_of_label)
        return sum(array.nbytes for array in (*arrays, *derived))


@dataclass(frozen=True, eq=False)
class ImageCells:
    """The cells of one image.

    Attributes:
        codes: Code of each pixel's label set, int32 [sh * sw].
        sets: Labels of each code, ascending; empty for no label.
    """

    codes: NDArray[np.int32]
    sets: tuple[tuple[int, ...], ...]


def image_cells(image: ImageMasks, size: tuple[int, int], n_labels: int) -> ImageCells:
    """Find the label sets of one image's pixels.

    Args:
        image: Planes int32 [P, sh, sw] and scalars.
        size: Size (sh, sw).
        n_labels: Number of labels C.

    Raises:
        ValueError: The planes have another size, or contain an invalid label.
    """
    from baselines.composition.kernels.pixels import distinct_columns

    planes = np.ascontiguousarray(image.planes, dtype=np.int32)
    if planes.ndim != 3 or planes.shape[1:] != size:
        raise ValueError(f"mask planes must be [P, {size[0]}, {size[1]}], not {planes.shape}")
    planes = planes.reshape(len(planes), size[0] * size[1])
    codes, examples = distinct_columns(planes)
    columns = planes[:, examples].T.tolist()
    sets = tuple(tuple(sorted({*column, *image.scalars} - {-1})) for column in columns)
    for labels in sets:
        if labels and not 0 <= labels[0] <= labels[-1] < n_labels:
            raise ValueError(f"labels of masks must be in 0..{n_labels - 1}, not {labels}")
    return ImageCells(codes, sets)


class CellsBuilder:
    """Builder of the cells of a dataset, image by image.

    Args:
        n_labels: Number of labels C.
    """

    def __init__(self, n_labels: int) -> None:
        self.n_labels = n_labels
        self._numbers: dict[tuple[int, ...], int] = {}
        self._sizes: list[int] = []

    def add(self, image: ImageCells) -> NDArray[np.int64]:
        """Add an image's pixels.

        Returns:
            The dataset's cell of each code of the image, -1 without labels, int64 [K]. Codes share
            a cell if planes have the same labels in another order.
        """
        cells = []
        counts = np.bincount(image.codes, minlength=len(image.sets)).tolist()
        for labels, count in zip(image.sets, counts, strict=True):
            if not labels:
                cells.append(-1)
                continue
            cell = self._numbers.setdefault(labels, len(self._sizes))
            if cell == len(self._sizes):
                self._sizes.append(0)
            self._sizes[cell] += count
            cells.append(cell)
        return np.array(cells, np.int64)

    def build(self) -> Cells:
        """Build the cells of all images added so far, in order of first appearance."""
        sets = self._numbers.keys()
        lengths = np.fromiter((len(labels) for labels in sets), np.int64, len(sets))
        first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Cells(
            n_labels=self.n_labels,
            sizes=np.array(self._sizes, np.int64),
            first=first,
            labels=np.fromiter(chain.from_iterable(sets), np.int32, int(first[-1])),
        )
