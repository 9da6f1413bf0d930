"""Errors of rank_reorder on a GPU: a tile of concepts ranks all images, for 32 units at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.similarity.inputs import spans
from baselines.similarity.kernels.gpu import on_device, scratch_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from baselines.similarity.sources import ConceptScores

_SORT_BYTES = 20
"""Bytes per score of a tile during sorting: half of the actual value, since `scratch_bytes` is half
of the allowed memory."""
_MOST_CONCEPTS = 2**15  # in a tile; the second axis of a grid is limited to 65,535


def expected_errors(targets: Tensor, p: float) -> Tensor:
    """Return each unit's error of a random order, the mean of |t_i - t_j|^p over all pairs.

    Args:
        targets: Activations [U, n].
        p: Power of the error, above 0.

    Returns:
        Expected errors, float64 [U].
    """
    from baselines.similarity.kernels import reorder_triton as kernels

    targets = _exact(targets)
    n_units, depth = targets.shape
    n_blocks = -(-depth // kernels.PAIRS)
    sums = torch.empty((n_units, n_blocks), dtype=torch.float64, device=targets.device)
    with on_device(targets.device):
        kernels.expected_errors[(n_units, n_blocks)](
            targets, sums, _exponent(targets, p), depth, POWER=_power(p), BLOCK=kernels.PAIRS
        )
    return sums.sum(dim=1) / depth**2


def rank_errors(
    source: ConceptScores,
    activations: Tensor,
    units: Tensor,
    top: Tensor,
    targets: Tensor,
    p: float,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield re-ordering errors and mean scores of units and concepts, in tiles of concepts.

    Args:
        source: Scores of N images and C concepts, of at most 32 bits.
        activations: All activations [N, units of the layer].
        units: Units to describe, int64 [U].
        top: Top images of these units, most activating first, int64 [U, n].
        targets: Activations of the top images, descending, [U, n].
        p: Power of the error, above 0.

    Yields:
        A tile's first concept; the mean over j of |t_j - s[r_j]|^p, and the mean of the scores of
        the top images; both float64 [U, c].
    """
    from baselines.similarity.kernels import reorder_triton as kernels

    device, n_images = source.device, source.n_images
    (n_units, depth), n_words = top.shape, -(-n_images // 32)
    members = _members(top, n_images, kernels.UNITS)
    # Sort by image, so that neighbours are close in memory.
    images, order = top.contiguous().sort(dim=1)
    images, ordered = images.int(), _exact(targets).gather(1, order)
    ascending = _exact(targets).flip(1)
    exponent = _exponent(targets, p)
    room = scratch_bytes(device)
    width = max(1, min(_MOST_CONCEPTS, room // (_SORT_BYTES * n_images)))
    width = -(-source.n_concepts // -(-source.n_concepts // width))  # tiles of one size
    together = max(1, room // (width * n_words * kernels.UNITS * 8))  # groups of units
    for start, stop in spans(source.n_concepts, width):
        n = stop - start
        scores = torch.empty((n, n_images), dtype=torch.float32, device=device)
        torch.add(source.tile(None, start, stop).T, 0.0, out=scores)  # -0.0 is 0.0
        places = torch.empty((n, n_images), dtype=torch.int32, device=device)
        turned = torch.empty((n, 32, n_words), dtype=torch.int32, device=device)
        errors = torch.empty((n, n_units), dtype=torch.float64, device=device)
        means = torch.empty_like(errors)
        with on_device(device):
            values, sorted_images = torch.sort(scores, dim=1)
            kernels.place_images[(n, -(-n_words * 32 // kernels.PLACES))](
                values,
                sorted_images,
                places,
                turned,
                n_images,
                n_words,
                n_images.bit_length(),
                BLOCK=kernels.PLACES,
            )
            del values, sorted_images
            for first, last in spans(len(members), together):
                marked = (last - first) * kernels.UNITS
                marks = torch.empty((n, marked, n_words), dtype=torch.int64, device=device)
                kernels.mark_members[(n, last - first)](
                    turned,
                    members,
                    marks,
                    first,
                    n_images,
                    n_words,
                    UNITS=kernels.UNITS,
                    BLOCK=kernels.WORDS,
                )
                first_unit = first * kernels.UNITS
                kernels.rank_errors[(min(marked, n_units - first_unit), n)](
                    errors,
                    means,
                    scores,
                    places,
                    turned,
                    marks,
                    images,
                    ordered,
                    ascending,
                    activations,
                    activations.stride(0),
                    activations.stride(1),
                    units,
                    exponent,
                    first_unit,
                    marked,
                    n_units,
                    n_images,
                    n_words,
                    depth,
                    POWER=_power(p),
                    BLOCK=kernels.TOP,
                )
                del marks
        yield start, errors.T, means.T


def _members(top: Tensor, n_images: int, group: int) -> Tensor:
    """Return bits, int32 [G, N + 1]: bit u of [g, i] marks i as top image of unit g * group + u."""
    n_units = len(top)
    unit = torch.arange(n_units, device=top.device)[:, None]
    table = torch.zeros((-(-n_units // group), n_images + 1), dtype=torch.int64, device=top.device)
    bits = (1 << (unit % group)).expand_as(top)
    at = unit // group * (n_images + 1) + top
    # Sums of different bits are exact in any order.
    table.view(-1).scatter_add_(0, at.reshape(-1), bits.reshape(-1))
    return table.int()  # the highest bit becomes the sign


def _exact(targets: Tensor) -> Tensor:
    """Return activations in a type that kernels take and that represents them exactly."""
    return (targets if targets.dtype == torch.float64 else targets.float()).contiguous()


def _exponent(targets: Tensor, p: float) -> Tensor:
    return torch.tensor([p], dtype=torch.float64, device=targets.device)


def _power(p: float) -> int:
    """Return the power that kernels are compiled for; 0 for any other."""
    return int(p) if p in (1.0, 2.0, 3.0) else 0
