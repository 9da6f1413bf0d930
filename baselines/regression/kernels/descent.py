"""Minimise an elastic net by coordinate descent on the Gram matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.threads import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@compiled
def descend(
    gram: NDArray[np.float64],
    products: NDArray[np.float64],
    weights: NDArray[np.float64],
    lasso: float,
    ridge: float,
    tolerance: float,
    sweeps: int,
) -> bool:
    """Minimise w'Gw / 2 - q'w + lasso |w|_1 + ridge |w|^2 / 2.

    Args:
        gram: G, positive semidefinite, float64 [K, K].
        products: q [K].
        weights: w to start from; replaced by the minimum [K].
        lasso: Weight of the sum of absolute weights, at least 0.
        ridge: Weight of the sum of squares, above 0.
        tolerance: Stop after a sweep in which no weight moved further.
        sweeps: Largest number of sweeps.

    Returns:
        Whether the tolerance was reached.
    """
    gradient = products - gram @ weights
    for _ in range(sweeps):
        moved = 0.0
        for j in range(len(weights)):
            pull = gradient[j] + gram[j, j] * weights[j]
            shrunk = max(abs(pull) - lasso, 0.0)
            weight = (shrunk if pull > 0 else -shrunk) / (gram[j, j] + ridge)
            step = weight - weights[j]
            if step != 0.0:
                weights[j] = weight
                for k in range(len(weights)):
                    gradient[k] -= step * gram[j, k]
                moved = max(moved, abs(step))
        if moved <= tolerance:
            return True
    return False
