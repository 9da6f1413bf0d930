"""Find runs of equal labels in the rows of label planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.threads import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@compiled
def find_runs(
    planes: NDArray[np.int32],
    n_labels: int,
    ends: NDArray[np.int16] | NDArray[np.int32],
    counts: NDArray[np.int64],
) -> bool:
    """Find runs of equal labels in the rows of planes, and count each label's pixels.

    Args:
        planes: int32 [P, sh, sw]; -1 means no label.
        n_labels: Number of labels C.
        ends: Filled in: the column where each pixel's run ends, of the shape of `planes`.
        counts: Added to in place, int64 [C].

    Returns:
        Whether all labels are in -1..C-1.
    """
    n_planes, height, width = planes.shape
    for plane in range(n_planes):
        for y in range(height):
            labels, stops = planes[plane, y], ends[plane, y]
            first = 0
            for x in range(width):
                if x + 1 < width and labels[x + 1] == labels[x]:
                    continue
                label = labels[x]
                if label >= n_labels or label < -1:
                    return False
                if label >= 0:
                    counts[label] += x + 1 - first
                for at in range(first, x + 1):
                    stops[at] = x + 1
                first = x + 1
    return True
