"""Cosine similarities of activation patterns and concept patterns over the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.similarity.inputs import check_inputs, live_units, nan_scores, select_units, spans
from baselines.similarity.sources import EmbeddedScores, ScoreMatrix
from baselines.similarity_parameters import check_parameters

if TYPE_CHECKING:
    from baselines.similarity.sources import ConceptScores

_CPU_TILE = 2**25
"""Elements of a tile of scores: 128 MiB. Smaller tiles sum products more often."""
_GPU_TILE = 2**28
"""The same on a GPU, 1 GiB, for few and long launches."""
_IMAGES = 2**12
"""Largest number of images of a tile, which one float32 product sums."""
_BANDS = 16
"""Number of partial sums of squares of a tile's rows."""
_UNITS = 2**12
"""Number of units per tile."""
_DOUBLES = 2**24
"""Elements of a float64 operand: 128 MiB."""
_SMALLEST, _LARGEST = 1e-25, 1e35
"""Range of sums of float32 squares without underflow and overflow."""


def cos_similarity(concept_scores: Tensor | ConceptScores, activations: Tensor) -> Tensor:
    """Compute cosines over the images, without centring and without a smallest norm.

    sim[u, c] = sum_i A[i, u] S[i, c] / (||A[:, u]|| ||S[:, c]||)   (the paper's "Cos")

    A concept whose scores are all 0 has no direction: -inf.

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations, A [N, U].

    Returns:
        Similarities, float32 [U, C]; NaN rows for dead units (constant or not all finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, or concept scores not finite.
    """
    source, activations = check_inputs(concept_scores, activations)
    if isinstance(source, EmbeddedScores):
        return _through_embeddings(source, activations)

    return _cosines(source, activations, cubed=False, min_norm=0.0)


def cos_similarity_cubed(
    concept_scores: Tensor | ConceptScores, activations: Tensor, *, min_norm: float = 1e-3
) -> Tensor:
    """Compute cosines of the centred and cubed patterns, dominated by the highest images.

    With x = (X - mean of X over the images)^3 for both inputs,
    sim[u, c] = sum_i a[i, u] s[i, c] / (max(||a[:, u]||, min_norm) max(||s[:, c]||, min_norm)).

    Args:
        concept_scores: Raw cosines of images and concepts, S [N, C], or an `EmbeddedScores`.
        activations: Pooled activations, A [N, U].
        min_norm: Smallest divisor, above 0.

    Returns:
        Similarities, float32 [U, C]; NaN rows for dead units (constant or not all finite).

    Raises:
        ValueError: Inputs of the wrong shape, type or device, concept scores not finite, or a
            parameter outside its range.
    """
    check_parameters(min_norm=min_norm)
    source, activations = check_inputs(concept_scores, activations)

    return _cosines(source, activations, cubed=True, min_norm=min_norm)


def _through_embeddings(source: EmbeddedScores, activations: Tensor) -> Tensor:
    """Compute cos_similarity without any concept score, float32 [U, C].

    S = I T^T, so that A^T S = (A^T I) T^T, and ||S[:, c]||^2 = t_c^T (I^T I) t_c: products of
    embeddings, in float64, whose cost does not grow with images x concepts.
    """
    result = nan_scores(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    width = source.images.shape[1]
    gram = torch.zeros((width, width), dtype=torch.float64, device=source.device)
    sums = torch.zeros((len(live), width), dtype=torch.float64, device=source.device)
    squares = torch.zeros(len(live), dtype=torch.float64, device=source.device)
    for start, stop in spans(len(activations), max(1, _DOUBLES // max(width, len(live), 1))):
        images = source.images[start:stop].double()
        patterns = activations[start:stop, live].double()
        gram += images.T @ images
        sums += patterns.T @ images
        squares += patterns.square().sum(dim=0)
    patterns = sums / squares.sqrt()[:, None]
    for start, stop in spans(source.n_concepts, max(1, _DOUBLES // max(width, len(live), 1))):
        concepts = source.concepts[start:stop].double()
        norms = ((concepts @ gram) * concepts).sum(dim=1).clamp_(min=0).sqrt_()
        tile = (patterns @ concepts.T).div_(norms)
        result[live, start:stop] = _defined(tile).float()
    return result


def _cosines(source: ConceptScores, activations: Tensor, *, cubed: bool, min_norm: float) -> Tensor:
    """Compute cosines of both inputs' columns, or of their centred cubes, float32 [U, C]."""
    result = nan_scores(source, activations)
    live = live_units(activations).nonzero()[:, 0]
    if not len(live):
        return result
    of_live = select_units(activations, live)
    kind = torch.promote_types(source.dtype, torch.float32)
    squares = torch.zeros(source.n_concepts, dtype=torch.float64, device=source.device)
    for first, last in spans(len(live), _UNITS):
        patterns = _unit_patterns(of_live[:, first:last], kind, cubed=cubed, min_norm=min_norm)
        products, squares = _multiply(source, patterns, cubed=cubed)
        products.div_(squares.sqrt().clamp_(min=min_norm).to(kind)[:, None])
        result[live[first:last]] = _defined(products).T.float()
    if isinstance(source, ScoreMatrix) and kind == torch.float32:
        # Use float64 for scores whose squares exceed float32 (far from any cosine, or all 0).
        odd = _beyond_float32(squares, min_norm).nonzero()[:, 0]
        for first, last in spans(len(odd), max(1, _DOUBLES // source.n_images)):
            few = odd[first:last]
            exact = ScoreMatrix(source.scores[:, few].double())
            result[:, few] = _cosines(exact, activations, cubed=cubed, min_norm=min_norm)
    return result


def _unit_patterns(
    activations: Tensor, kind: torch.dtype, *, cubed: bool, min_norm: float
) -> Tensor:
    """Normalise the columns of live units [N, u], in the type of the products.

    Lengths and means are computed in float64, since activations have any scale.
    """
    patterns = torch.empty(activations.shape, dtype=kind, device=activations.device)
    for first, last in spans(activations.shape[1], max(1, _DOUBLES // len(activations))):
        columns = activations[:, first:last].double()
        if cubed:
            columns = (columns - columns.mean(dim=0)).pow_(3)
        norms = torch.linalg.vector_norm(columns, dim=0).clamp_(min=min_norm)
        torch.div(columns, norms, out=patterns[:, first:last])
    return patterns


def _multiply(source: ConceptScores, patterns: Tensor, *, cubed: bool) -> tuple[Tensor, Tensor]:
    """Multiply concepts' columns by units' patterns, and sum the columns' squares.

    Scores are read in tiles of whole rows. Products of float32 are summed in float32, which changes
    cosines by less than 1e-6 for patterns of length 1.

    Args:
        source: Concept scores.
        patterns: Patterns of length at most 1, [N, u].
        cubed: Whether columns are centred and cubed first.

    Returns:
        Products, of the type of the patterns [C, u]; sums of squares, float64 [C].
    """
    n_concepts, kind, device = source.n_concepts, patterns.dtype, source.device
    rows = min(_rows(source), len(patterns))
    # Concepts first: MKL is up to a fifth faster than into [u, C].
    products = torch.zeros((n_concepts, patterns.shape[1]), dtype=kind, device=device)
    product = torch.empty_like(products)
    squares = torch.zeros((_BANDS, n_concepts), dtype=torch.float64, device=device)
    means = _means(source) if cubed else None
    cubes = torch.empty((rows if cubed else 0, n_concepts), dtype=kind, device=device)
    add = _add_by_kernel if device.type == "cpu" else _add_by_torch
    for first, last in spans(len(patterns), rows):
        out = cubes[: last - first]
        if isinstance(source, EmbeddedScores):
            images = source.images[first:last].to(kind)
            tile = torch.mm(images, source.concepts.to(kind).T, out=out)
        else:
            tile = source.tile(None, 0, n_concepts)[first:last].to(kind)
        tile = add(tile, means, out, squares)
        # Not addmm, which adds every image to the whole sum for few units or concepts.
        products += torch.mm(tile.T, patterns[first:last], out=product)
    return products, squares.sum(dim=0)


def _add_by_torch(tile: Tensor, means: Tensor | None, cubes: Tensor, squares: Tensor) -> Tensor:
    """Compute the columns for the product from a tile of scores, and sum their squares.

    Args:
        tile: Scores [R, C].
        means: Means of the columns, float64 [C], subtracted before cubing; or None.
        cubes: Output for the cubes, [R, C]; may be the tile.
        squares: Sums of squares to add to, float64 [B, C].

    Returns:
        The cubes, or without means the tile itself.
    """
    if means is not None:
        tile = torch.sub(tile, means.to(tile.dtype), out=cubes).pow_(3)
    squares[0] += torch.linalg.vector_norm(tile, dim=0).double().square_()
    return tile


def _add_by_kernel(tile: Tensor, means: Tensor | None, cubes: Tensor, squares: Tensor) -> Tensor:
    """Do the same as `_add_by_torch` in one pass and in float64, on a CPU."""
    from baselines.similarity.kernels.cosine import add_squares, centre_and_cube
    from baselines.threads import torch_threads

    tile = tile.contiguous()
    with torch_threads():
        if means is None:
            add_squares(tile.numpy(), squares.numpy())
            return tile
        centre_and_cube(tile.numpy(), means.numpy(), cubes.numpy(), squares.numpy())
    return cubes


def _means(source: ConceptScores) -> Tensor:
    """Return the means of the concepts' scores over the images, float64 [C]."""
    if not isinstance(source, EmbeddedScores):
        return _column_means(source.tile(None, 0, source.n_concepts), _rows(source))
    # The mean of products is the product with the mean.
    mean = _column_means(source.images, _IMAGES)
    height = max(1, _DOUBLES // len(mean))
    texts = (source.concepts[start:stop] for start, stop in spans(source.n_concepts, height))
    return torch.cat([some.double() @ mean for some in texts])


def _column_means(table: Tensor, rows: int) -> Tensor:
    kind = torch.promote_types(table.dtype, torch.float32)
    total = torch.zeros(table.shape[1], dtype=torch.float64, device=table.device)
    for first, last in spans(len(table), rows):
        total += table[first:last].sum(dim=0, dtype=kind)
    return total / len(table)


def _rows(source: ConceptScores) -> int:
    """Return the number of images in a tile."""
    elements = _CPU_TILE if source.device.type == "cpu" else _GPU_TILE
    return max(1, min(_IMAGES, elements // source.n_concepts))


def _beyond_float32(squares: Tensor, min_norm: float) -> Tensor:
    """Return which sums of float32 squares are inaccurate, bool [C]."""
    beyond = ~(squares < _LARGEST)  # NaN too
    # Underflow does not matter below the smallest divisor.
    return beyond | (squares < _SMALLEST) if min_norm**2 < _SMALLEST else beyond


def _defined(tile: Tensor) -> Tensor:
    """Replace NaN (0 / 0, a concept without direction) by -inf."""
    return tile.masked_fill_(torch.isnan(tile), -torch.inf)
