"""The loops of wpmi and soft_wpmi on a GPU, in Triton.

Probabilities are computed where they are used: scores are float32, and all computations float64,
except that the power of two of an exponent's fraction is computed in float32, to 1e-7.
"""

from __future__ import annotations

import triton
import triton.language as tl

TILE, TILE_WARPS = 128, 1
"""Concepts of a program of `add_logs`, four a thread, and its warps: the tile's scores of all
images that some unit needs (43,000 images: 22 MB) can stay in a GPU's second-level cache while
unit after unit reads them."""

ROW_BLOCK, ROW_WARPS = 2048, 4
"""Concepts that a program of `log_normalisers` reads together, and its warps."""

MEAN_UNITS, MEAN_CONCEPTS = 32, 32
"""Units and concepts that `subtract_log_mean` reads together."""


@triton.jit
def _power_of_two(exponent):
    """Return 2^exponent in float64, to a relative 1e-7; at least 2^-1000."""
    exponent = tl.maximum(exponent, -1000.0)
    # 1.5 * 2^52: in the sum the last bit is worth 1, so that the integer is in the lowest bits.
    shifted = exponent + 6755399441055744.0
    fraction = (exponent - (shifted - 6755399441055744.0)).to(tl.float32)  # -1/2 .. 1/2
    # Taylor's series of 2^f: the coefficients are ln(2)^k / k!, and the rest is below 6e-9.
    power = fraction * 1.5252733804e-05 + 1.5403530393e-04
    power = power * fraction + 1.3333558146e-03
    power = power * fraction + 9.6181291076e-03
    power = power * fraction + 5.5504108665e-02
    power = power * fraction + 2.4022650696e-01
    power = power * fraction + 6.9314718056e-01
    power = power * fraction + 1.0
    bits = power.to(tl.float64).to(tl.int64, bitcast=True)
    bits += shifted.to(tl.int64, bitcast=True) << 52  # adds the integer to the exponent's bits
    return bits.to(tl.float64, bitcast=True)


@triton.jit
def log_normalisers(scores, stride, rows, constants, norms, n_concepts, BLOCK: tl.constexpr):
    """Store log2 of the sum over concepts of exp(a S), one program per row.

    Args:
        scores: S, rows `stride` elements apart.
        stride: See scores.
        rows: Indices of the rows, int64 [R].
        constants: float64; the first is a / ln 2.
        norms: Output; the result of row r is stored in norms[r], float64.
        n_concepts: Number of concepts C.
        BLOCK: Concepts read together.
    """
    row = tl.load(rows + tl.program_id(0))
    scale = tl.load(constants)
    scores += row * stride
    lane = tl.arange(0, BLOCK)
    peak = tl.full([], -float("inf"), tl.float64)
    total = tl.zeros([BLOCK], tl.float64)
    for start in range(0, n_concepts, BLOCK):
        inside = start + lane < n_concepts
        score = tl.load(scores + start + lane, mask=inside, other=0.0)
        exponent = tl.where(inside, score.to(tl.float64) * scale, -float("inf"))
        above = tl.maximum(peak, tl.max(exponent, axis=0))
        total = total * _power_of_two(peak - above) + _power_of_two(exponent - above)
        peak = above
    tl.store(norms + row, peak + tl.log2(tl.sum(total, axis=0)))


@triton.jit
def _factor(entry, stop, images, slopes, norms, scores, stride, first_image, scale, offset, inside):
    """Return the entry's (1 - p) + offset + p P; 1 from `stop` on."""
    known = tl.minimum(entry, stop - 1)
    row = tl.load(images + known).to(tl.int64) - first_image
    member = tl.load(slopes + known)
    slope = tl.where(entry < stop, member, 0.0)
    base = tl.where(entry < stop, (1.0 - member) + offset, 1.0)
    score = tl.load(scores + row * stride, mask=inside, other=0.0)
    return base + slope * _power_of_two(score.to(tl.float64) * scale - tl.load(norms + row))


@triton.jit(do_not_specialize=["first_image", "block", "depth", "group"])
def add_logs(
    totals,
    scores,
    stride,
    norms,
    first_image,
    images,
    slopes,
    bounds,
    block,
    depth,
    group,
    constants,
    n_concepts,
    TILE: tl.constexpr,
):
    """Add ln((1 - p) + min_prob + p P) of each unit's entries of one block of images to totals.

    Programs are a grid of units x tiles of concepts; units come first, so that concurrent programs
    read one tile's scores.

    Args:
        totals: float64 [U, C]; the first block writes them.
        scores: S of the block's images, rows `stride` elements apart.
        stride: See scores.
        norms: Norms of the same images, see `log_normalisers`.
        first_image: Number of the first of them in `images`.
        images: Image of each entry, int32 [U, K].
        slopes: Membership p of each entry, float64 [U, K].
        bounds: Unit u's entries are those from bounds[block, u] to bounds[block + 1, u], int32.
        block: Number of the block.
        depth: Number of entries per unit K.
        group: Factors that a product can hold before it may underflow.
        constants: float64: a / ln 2, min_prob.
        n_concepts: Number of concepts C.
        TILE: Concepts of a program.
    """
    unit = tl.program_id(0).to(tl.int64)
    n_units = tl.num_programs(0)
    concept = tl.program_id(1) * TILE + tl.arange(0, TILE)
    inside = concept < n_concepts
    scores += concept
    images += unit * depth
    slopes += unit * depth
    scale = tl.load(constants)
    offset = tl.load(constants + 1)
    begin = tl.load(bounds + block * n_units + unit)
    end = tl.load(bounds + (block + 1) * n_units + unit)
    total = tl.zeros([TILE], tl.float64)
    for start in range(begin, end, group):
        stop = tl.minimum(start + group, end)
        product = tl.full([TILE], 1.0, tl.float64)
        for entry in range(start, stop, 4):
            # Four at a time, so that their loads overlap.
            for ahead in tl.static_range(4):
                product *= _factor(
                    entry + ahead,
                    stop,
                    images,
                    slopes,
                    norms,
                    scores,
                    stride,
                    first_image,
                    scale,
                    offset,
                    inside,
                )
        total += tl.log(product)
    totals += unit * n_concepts + concept
    if block > 0:
        total += tl.load(totals, mask=inside, other=0.0)
    tl.store(totals, total, mask=inside)


@triton.jit(do_not_specialize=["n_units"])
def subtract_log_mean(
    totals, result, rows, constants, n_units, n_concepts, UNITS: tl.constexpr, BLOCK: tl.constexpr
):
    """Store L - lam D as float32, with D the logarithm of the mean over units of exp L.

    Args:
        totals: L, float64 [U, C].
        result: Output; the row of unit u is row rows[u], float32.
        rows: Row of each unit, int64 [U].
        constants: float64: lam, ln U.
        n_units: Number of units U.
        n_concepts: Number of concepts C.
        UNITS: Units read together.
        BLOCK: Concepts of a program.
    """
    unit = tl.arange(0, UNITS)
    concept = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    known = (concept < n_concepts)[None, :]
    # Finite instead of -inf: a difference of infinities is NaN.
    peak = tl.full([UNITS, BLOCK], -1e300, tl.float64)
    total = tl.zeros([UNITS, BLOCK], tl.float64)
    for start in range(0, n_units, UNITS):
        row = (start + unit).to(tl.int64)[:, None]
        value = tl.load(
            totals + row * n_concepts + concept[None, :], mask=(row < n_units) & known, other=-1e300
        )
        above = tl.maximum(peak, value)
        total = total * tl.exp(peak - above) + tl.exp(value - above)
        peak = above
    above = tl.max(peak, axis=0)
    total = tl.sum(total * tl.exp(peak - above[None, :]), axis=0)
    mean = above + tl.log(total) - tl.load(constants + 1)
    share = (tl.load(constants) * mean)[None, :]
    for start in range(0, n_units, UNITS):
        row = (start + unit).to(tl.int64)[:, None]
        inside = (row < n_units) & known
        value = tl.load(totals + row * n_concepts + concept[None, :], mask=inside, other=0.0)
        to = tl.load(rows + row, mask=row < n_units, other=0)
        value = (value - share).to(tl.float32)
        tl.store(result + to * n_concepts + concept[None, :], value, mask=inside)
