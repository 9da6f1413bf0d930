"""Noise that is a pure function of its coordinates, equal on all platforms.

Each value is made from one number of SplitMix64 (Steele, Lea and Flood, Fast Splittable
Pseudorandom Number Generators, OOPSLA 2014), whose nth number is a hash of its state plus n times a
constant: nothing has to be drawn before it. The sum of the four 16-bit parts of the number is
nearly normal (Irwin-Hall distribution with n = 4, kurtosis 2.7, at most 3.46 standard deviations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_PAIRS, _HALF = np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)
_MEAN = 2 * 65535
_DEVIATION = ((65536**2 - 1) / 3) ** 0.5


def streams(*key: int | NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the states of streams of noise.

    Args:
        key: Coordinates, not negative; arrays have one shape.

    Returns:
        States in the shape of the arrays.
    """
    shape = np.broadcast_shapes(*map(np.shape, key)) or (1,)
    states: NDArray[np.uint64] = np.zeros(shape, dtype=np.uint64)
    for part in key:
        states += np.asarray(part).astype(np.uint64)
        states += _STEP
        states = _mix(states)
    return states


def noise(states: NDArray[np.uint64], first: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return noise with mean 0 and standard deviation 1.

    Args:
        states: States of streams.
        first: Position of the first value in a stream; its shape and that of `states` broadcast.
        count: Number of consecutive values.

    Returns:
        float32 [..., count].
    """
    positions = (first[..., None] + np.arange(1, count + 1)).astype(np.uint64)
    numbers = _mix(states[..., None] + positions * _STEP)
    pairs = (numbers & _PAIRS) + ((numbers >> np.uint64(16)) & _PAIRS)
    sums = ((pairs & _HALF) + (pairs >> np.uint64(32))).astype(np.float32)
    return (sums - np.float32(_MEAN)) * np.float32(1 / _DEVIATION)


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash 64-bit numbers (the finaliser of SplitMix64)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * _FACTORS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _FACTORS[1]
    hashed: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashed
