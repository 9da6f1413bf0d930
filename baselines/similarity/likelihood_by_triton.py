"""Sums of logarithms over each unit's top images, in Triton: wpmi and soft_wpmi on a GPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from baselines.similarity.inputs import spans
from baselines.similarity.kernels.gpu import on_device, scratch_bytes
from baselines.similarity.likelihood import group_size
from baselines.similarity.sources import ScoreMatrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from baselines.similarity.sources import ConceptScores


def log_likelihood_by_triton(
    source: ConceptScores, images: Tensor, membership: Sequence[float], a: float, min_prob: float
) -> Tensor:
    """Compute `log_likelihood` on a GPU, for scores of at most 32 bits.

    A matrix of scores is read in place. With embeddings, the scores of the images in any top K are
    computed in blocks of images, each image once.
    """
    from baselines.similarity.kernels import pointwise_triton as kernels

    depth, n_units = images.shape
    device, n_concepts = images.device, source.n_concepts
    needed = torch.zeros(source.n_images, dtype=torch.bool, device=device)
    needed.index_fill_(0, images.view(-1), True)
    rows = needed.nonzero()[:, 0]
    if isinstance(source, ScoreMatrix) and source.scores.stride(1) == 1:
        places, n_rows = images, source.n_images
        step = n_rows
        blocks = iter([(source.scores, 0, rows)])
    else:
        places, n_rows = (needed.cumsum(0) - 1)[images], len(rows)
        step = min(n_rows, max(1, scratch_bytes(device) // (n_concepts * 4)))
        blocks = _score_blocks(source, rows, step)
    # Sort each unit's images: those of a block are adjacent, and concurrent units reach an image
    # at about the same time.
    entries, order = places.T.contiguous().sort(dim=1)
    slopes = torch.tensor(membership, dtype=torch.float64, device=device)[order]
    edges = torch.arange(0, n_rows + step, step, device=device).expand(n_units, -1)
    bounds = torch.searchsorted(entries, edges.contiguous()).T.int().contiguous()
    entries = entries.int()
    constants = torch.tensor([a / math.log(2), min_prob], dtype=torch.float64, device=device)
    totals = torch.empty((n_units, n_concepts), dtype=torch.float64, device=device)
    with on_device(device):
        for block, (scores, first_image, own) in enumerate(blocks):
            stride = scores.stride(0)
            norms = torch.empty(len(scores), dtype=torch.float64, device=device)
            kernels.log_normalisers[(len(own),)](
                scores,
                stride,
                own,
                constants,
                norms,
                n_concepts,
                BLOCK=kernels.ROW_BLOCK,
                num_warps=kernels.ROW_WARPS,
            )
            kernels.add_logs[(n_units, -(-n_concepts // kernels.TILE))](
                totals,
                scores,
                stride,
                norms,
                first_image,
                entries,
                slopes,
                bounds,
                block,
                depth,
                group_size(membership, min_prob),
                constants,
                n_concepts,
                TILE=kernels.TILE,
                num_warps=kernels.TILE_WARPS,
            )
    return totals


def subtract_own_marginal(totals: Tensor, lam: float, result: Tensor, units: Tensor) -> None:
    """Write L - lam D, with D the logarithm of the mean of exp L, to rows of `result`.

    Args:
        totals: L of the live units, float64 [L, C].
        lam: Weight of D.
        result: float32 [U, C].
        units: Row of each live unit, int64 [L].
    """
    from baselines.similarity.kernels import pointwise_triton as kernels

    n_units, n_concepts = totals.shape
    constants = torch.tensor([lam, math.log(n_units)], dtype=torch.float64, device=totals.device)
    with on_device(totals.device):
        kernels.subtract_log_mean[(-(-n_concepts // kernels.MEAN_CONCEPTS),)](
            totals,
            result,
            units,
            constants,
            n_units,
            n_concepts,
            UNITS=kernels.MEAN_UNITS,
            BLOCK=kernels.MEAN_CONCEPTS,
        )


def _score_blocks(
    source: ConceptScores, rows: Tensor, step: int
) -> Iterator[tuple[Tensor, int, Tensor]]:
    """Yield the scores of blocks of rows, the first row's number, and the block's rows."""
    shape = (step, source.n_concepts)
    held = torch.empty(shape, dtype=source.dtype, device=source.device)
    for start, stop in spans(len(rows), step):
        own = rows[start:stop]
        scores = source.tile(own, 0, source.n_concepts, held[: stop - start])
        yield scores, start, torch.arange(stop - start, device=source.device)
