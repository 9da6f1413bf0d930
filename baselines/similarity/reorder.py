"""rank_reorder: the error of ordering a unit's top images by a concept's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from baselines.similarity.inputs import (
    check_inputs,
    live_units,
    nan_scores,
    select_units,
    spans,
    top_images,
)
from baselines.similarity.kernels.gpu import has_kernels
from baselines.similarity_parameters import Baseline, check_parameters, effective_top_n

if TYPE_CHECKING:
    from baselines.similarity.sources import ConceptScores

_TILE = 2**20  # elements of top images x concepts: 8 MiB in float64
_SCORES = 2**20  # elements of images x concepts per thread: 4 MiB in float32
_THREADS = 8  # minimum number of threads' scores per tile
_UNITS = 64  # units per copy of activations for finding top images
_IN_FLOAT32 = (torch.float32, torch.float16, torch.bfloat16)  # exact in float32
_MOST_IMAGES = 2**24  # limit of the loops for GPUs
_DRAWS = 5  # permutations of the official baseline


class Rule(NamedTuple):
    """Parameters of `rank_reorder`, with the number n of top images."""

    n_top: int
    p: float
    scale_p: float
    baseline: Baseline
    seed: int


def rank_reorder(
    concept_scores: Tensor | ConceptScores,
    activations: Tensor,
    *,
    p: float = 3.0,
    top_fraction: float = 0.05,
    scale_p: float = 0.5,
    baseline: Baseline = "exact",
    seed: int = 0,
) -> Tensor:
    """Compute the negated error of re-ordering a unit's top activations by a concept's scores.

    t_0 >= t_1 >= ... are the activations of the unit's n = max(1, floor(N top_fraction)) most
    activating images i_j (ties: lowest index first), s is t in ascending order, and r_j is the
    ascending rank of S[i_j, c] among the n (ties: j ascending, so that a constant concept orders
    them worst). With q_j = s[r_j],
    err[u, c] = mean_j |t_j - q_j|^p / B[u] / (mean_j S[i_j, c])^scale_p,  sim = -err
    (the paper's "Rank reorder"). 0 is a perfect order.

    B is the error of a random order. `baseline="exact"`: its expectation,
    E[B] = (1 / n^2) sum_i sum_j |t_i - t_j|^p. Undefined scores are -inf: of a concept whose
    mean score over the top images is <= 0, and of a unit whose top activations are equal (B = 0;
    always at n = 1). `baseline="official"`: the mean over five random permutations per unit, as in
    the authors' code (there unseeded); undefined scores are then NaN or infinite.

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations [N, U].
        p: Power of the error, above 0.
        top_fraction: Share of the images that are used, in (0, 1] (see `effective_top_n`).
        scale_p: Power of the mean concept score, at least 0.
        baseline: "exact" or "official".
        seed: Seed of the official baseline's permutations, drawn for each unit.

    Returns:
        Similarities, float32 [U, C], at most 0; NaN rows for dead units (constant or not all
        finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, concept scores not finite, or a
            parameter outside its range.
    """
    check_parameters(p=p, top_fraction=top_fraction, scale_p=scale_p, baseline=baseline)
    source, activations = check_inputs(concept_scores, activations)
    rule = Rule(effective_top_n(len(activations), top_fraction), p, scale_p, baseline, seed)
    path = _sorted_per_unit
    # The loops use 32 bits for images and scores.
    if has_kernels(source.device, source.dtype) and source.n_images <= _MOST_IMAGES:
        path = _ranked_by_triton
    elif source.device.type == "cpu" and source.dtype in _IN_FLOAT32 and source.n_images < 2**31:
        path = _ranked_once
    return path(source, activations, rule)


def _ranked_once(source: ConceptScores, activations: Tensor, rule: Rule) -> Tensor:
    """Compute `rank_reorder` on a CPU: each concept ranks all units' top images at once."""
    # Importing Numba takes a second or two.
    from baselines.similarity.kernels.reorder import expected_errors, rank_errors
    from baselines.threads import workers

    result = nan_scores(source, activations)
    units = live_units(activations).nonzero()[:, 0]
    if not len(units):
        return result
    parts = [units[start:stop] for start, stop in spans(len(units), _UNITS)]
    columns = [top_images(activations[:, part], rule.n_top) for part in parts]
    top = torch.cat(columns, dim=1).T.contiguous()
    targets = activations[top, units[:, None]].double()
    with workers() as team:
        if rule.baseline == "official":
            scale = _drawn_scales(targets, units, activations.shape[1], rule)
        else:
            scale = torch.from_numpy(expected_errors(targets.numpy(), rule.p, team))
            result[units] = -torch.inf
            defined = scale > 0
            units, top, targets, scale = (x[defined] for x in (units, top, targets, scale))
            if not len(units):
                return result
        narrow = targets.float() if activations.dtype in _IN_FLOAT32 else targets
        wanted = torch.zeros(len(activations), dtype=torch.bool)
        wanted[top.view(-1)] = True
        images = wanted.nonzero()[:, 0]
        places = (wanted.cumsum(0) - 1)[top].numpy().astype(np.uint32)
        # Selecting rows copies them; reading most of them in place is faster.
        few = images if 2 * len(images) < len(wanted) else None
        rows = (images if few is None else torch.arange(len(images))).numpy().astype(np.uint32)
        threads = max(_THREADS, torch.get_num_threads())
        width = max(1, threads * _SCORES // max(len(activations), len(units)))
        for start, stop in spans(source.n_concepts, width):
            scores = source.tile(few, start, stop).float().numpy()
            found = rank_errors(scores, rows, places, narrow.numpy(), rule.p, team)
            error, mean = (torch.from_numpy(each).T for each in found)
            result[units, start:stop] = _similarity(error, scale[:, None], mean, rule)
    return result


def _ranked_by_triton(source: ConceptScores, activations: Tensor, rule: Rule) -> Tensor:
    """Compute `rank_reorder` on a GPU, as on a CPU, rarely waiting for the device."""
    from baselines.similarity.reorder_by_triton import expected_errors, rank_errors

    result = nan_scores(source, activations)
    units = live_units(activations).nonzero()[:, 0]
    if not len(units):
        return result
    top = top_images(select_units(activations, units), rule.n_top).T
    targets = activations[top, units[:, None]]
    if rule.baseline == "official":
        scale = _drawn_scales(targets.double().cpu(), units.cpu(), activations.shape[1], rule)
        scale = scale.to(targets.device)
    else:
        scale = expected_errors(targets, rule.p)
    for start, error, mean in rank_errors(source, activations, units, top, targets, rule.p):
        tile = _similarity(error, scale[:, None], mean, rule)
        result[units, start : start + tile.shape[1]] = tile
    return result


def _sorted_per_unit(source: ConceptScores, activations: Tensor, rule: Rule) -> Tensor:
    """Compute `rank_reorder` on any device: each concept sorts each unit's top images."""
    result = nan_scores(source, activations)
    width = max(1, _TILE // rule.n_top)
    generator = torch.Generator().manual_seed(rule.seed)
    for unit, live in enumerate(live_units(activations).tolist()):
        # Draw for dead units too, so that a unit's draw does not depend on other units.
        draws = _permutations(rule.n_top, generator) if rule.baseline == "official" else None
        if not live:
            continue
        top = top_images(activations[:, unit, None], rule.n_top)[:, 0]
        targets = activations[top, unit].double()
        if draws is not None:
            scale = _drawn_error(targets, draws.to(top.device), rule.p)
        else:
            scale = _expected_error(targets, rule.p)
        if rule.baseline == "exact" and not bool(scale > 0):
            result[unit] = -torch.inf
            continue
        for start, stop in spans(source.n_concepts, width):
            scores = source.tile(top, start, stop)
            mean = scores.mean(dim=0, dtype=torch.float64)
            # Sorting by the concept needs one sort, ranking two: in the ascending order o, image
            # o_j has rank j.
            found = targets[torch.argsort(scores.T.contiguous(), dim=1, stable=True)]
            error = found.sub_(targets.flip(0)).abs_().pow_(rule.p).mean(dim=1)
            result[unit, start:stop] = _similarity(error, scale, mean, rule)
    return result


def _similarity(error: Tensor, scale: Tensor, mean: Tensor, rule: Rule) -> Tensor:
    """Return -err from its parts, float32; -inf where the exact baseline defines none."""
    similarity = 0.0 - error / scale / mean.pow(rule.scale_p)
    if rule.baseline == "exact":
        similarity.masked_fill_((mean <= 0) | (scale <= 0), -torch.inf)
    return similarity.float()


def _expected_error(targets: Tensor, p: float) -> Tensor:
    """Return E[B], the mean of |t_i - t_j|^p over all n^2 pairs, float64 []."""
    total = targets.new_zeros(())
    for start, stop in spans(len(targets), max(1, _TILE // len(targets))):
        total += (targets[start:stop, None] - targets).abs_().pow_(p).sum()
    return total / len(targets) ** 2


def _drawn_scales(targets: Tensor, units: Tensor, n_units: int, rule: Rule) -> Tensor:
    """Return B of the official baseline for the live `units` among `n_units`, float64."""
    generator = torch.Generator().manual_seed(rule.seed)
    row_of = {unit: row for row, unit in enumerate(units.tolist())}
    scales = targets.new_empty(len(units))
    for unit in range(n_units):  # with the dead ones, see `_sorted_per_unit`
        draws = _permutations(targets.shape[1], generator)
        if unit in row_of:
            scales[row_of[unit]] = _drawn_error(targets[row_of[unit]], draws, rule.p)
    return scales


def _permutations(n: int, generator: torch.Generator) -> Tensor:
    """Return the official baseline's draws, int64 [5, n]."""
    return torch.stack([torch.randperm(n, generator=generator) for _ in range(_DRAWS)])


def _drawn_error(targets: Tensor, permutations: Tensor, p: float) -> Tensor:
    """Return B of given permutations, the mean of |s - s[permutation]|^p, float64 []."""
    ascending = targets.flip(0)
    return (ascending - ascending[permutations]).abs_().pow_(p).mean()
