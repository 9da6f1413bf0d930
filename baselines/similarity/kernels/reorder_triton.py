"""The loops of rank_reorder on a GPU, in Triton: each concept sorts the images once.

As on a CPU (`kernels.reorder`), a unit's top images are bits in the ascending order of all images,
and the rank of one is the number of bits below its own. The bits of 32 units are computed together,
from a table with one bit of each image for each unit.
"""

from __future__ import annotations

import triton
import triton.language as tl

UNITS = 32
"""Units whose bits are computed together: the bits of a word in the table of members."""

PLACES = 512
"""Images of a program of `place_images`."""

WORDS = 128
"""Words of 32 images that `mark_members` computes together, one per thread."""

TOP = 512
"""Top images that `rank_errors` processes together."""

PAIRS = 64
"""Side of a tile of pairs of images in `expected_errors`."""


@triton.jit
def _population(word):
    """Return the number of bits set in an unsigned 32-bit word."""
    word = word - ((word >> 1) & 0x55555555)
    word = (word & 0x33333333) + ((word >> 2) & 0x33333333)
    word = (word + (word >> 4)) & 0x0F0F0F0F
    return ((word * 0x01010101) >> 24).to(tl.int32)


@triton.jit
def _power(difference, exponent, POWER: tl.constexpr):
    """Return |difference|^exponent in float64; fast for the usual powers."""
    size = tl.abs(difference).to(tl.float64)
    if POWER == 1:
        result = size
    elif POWER == 2:
        result = size * size
    elif POWER == 3:
        result = size * size * size
    else:
        positive = tl.where(size > 0.0, size, 1.0)
        result = tl.where(size > 0.0, tl.exp(exponent * tl.log(positive)), 0.0)
    return result


@triton.jit
def _bound(values, value, low, high, steps, wanted, UPPER: tl.constexpr):
    """Return the first place in low .. high of a sorted row not below (or above) `value`."""
    for _ in range(steps):
        middle = (low + high) // 2
        open_ = wanted & (low < high)
        found = tl.load(values + middle, mask=open_, other=0.0)
        below = found <= value if UPPER else found < value
        high = tl.where(open_ & (below == 0), middle, high)
        low = tl.where(open_ & below, middle + 1, low)
    return low


@triton.jit(do_not_specialize=["n_images", "n_words", "steps"])
def place_images(values, order, places, images, n_images, n_words, steps, BLOCK: tl.constexpr):
    """Store each image's place in a concept's order, and transpose the order.

    Programs are a grid of concepts x blocks of places.

    Args:
        values: Scores in ascending order, float32 [C, N].
        order: Their images, int64 [C, N].
        places: Output: each image's place, int32 [C, N]. Images of equal score share the first of
            their places; their number minus 1, at most 15, is in the bits from 27 on.
        images: Output: the image of place 32 w + b at [b, w], int32 [C, 32, n_words]; N beyond N.
        n_images: Number of images N.
        n_words: Words that hold N bits.
        steps: Steps of a binary search in N places.
        BLOCK: Places of a program.
    """
    concept = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = place < n_images
    values += concept * n_images
    value = tl.load(values + place, mask=inside, other=0.0)
    image = tl.load(order + concept * n_images + place, mask=inside, other=0).to(tl.int32)
    before = tl.load(values + place - 1, mask=inside & (place > 0), other=float("nan"))
    after = tl.load(values + place + 1, mask=place + 1 < n_images, other=float("nan"))
    tied = inside & ((before == value) | (after == value))
    first, end = place, place + 1
    if tl.max(tied.to(tl.int32), axis=0) > 0:
        first = _bound(values, value, place * 0, place, steps, tied, False)
        first = tl.where(tied, first, place)
        end = _bound(values, value, place + 1, place * 0 + n_images, steps, tied, True)
        end = tl.where(tied, end, place + 1)
    run = tl.minimum(end - first - 1, 15)
    tl.store(places + concept * n_images + image, first | (run << 27), mask=inside)
    images += concept * n_words * 32 + (place & 31) * n_words + (place >> 5)
    tl.store(images, tl.where(inside, image, n_images), mask=place < n_words * 32)


@triton.jit(do_not_specialize=["first", "n_images", "n_words"])
def mark_members(
    images, members, marks, first, n_images, n_words, UNITS: tl.constexpr, BLOCK: tl.constexpr
):
    """Set units' bits in a concept's order of the images, and count them.

    Programs are a grid of concepts x groups of 32 units.

    Args:
        images: See `place_images`.
        members: Bit u of [g, i] says whether image i is a top image of unit 32 g + u, int32
            [G, N + 1]; none has image N.
        marks: Output: the bits of 32 places, and above them the number of bits set in previous
            places, int64 [C, 32 groups, n_words].
        first: First group of this launch.
        n_images: Number of images N.
        n_words: Words that hold N bits.
        UNITS: 32.
        BLOCK: Words that are computed together.
    """
    concept = tl.program_id(0).to(tl.int64)
    group = tl.program_id(1).to(tl.int64)
    unit = tl.arange(0, UNITS)
    images += concept * n_words * 32
    members += (first + group) * (n_images + 1)
    marks += ((concept * tl.num_programs(1) + group) * UNITS) * n_words
    counted = tl.zeros([UNITS], tl.int32)
    for start in range(0, n_words, BLOCK):
        word = start + tl.arange(0, BLOCK)
        bits = tl.zeros([UNITS, BLOCK], tl.int32)
        for low in range(0, 32, 8):
            for ahead in tl.static_range(8):  # so many loads overlap
                at = (31 - low - ahead) * n_words + word
                image = tl.load(images + at, mask=word < n_words, other=n_images)
                member = tl.load(members + image)
                bits = bits * 2 + ((member[None, :] >> unit[:, None]) & 1)
        unsigned = bits.to(tl.uint32, bitcast=True)
        count = _population(unsigned)
        before = tl.cumsum(count, axis=1) - count + counted[:, None]
        mark = (before.to(tl.int64) << 32) | unsigned.to(tl.int64)
        at = unit[:, None].to(tl.int64) * n_words + word[None, :]
        tl.store(marks + at, mark, mask=(word < n_words)[None, :])
        counted += tl.sum(count, axis=1)


@triton.jit(
    do_not_specialize=[
        "image_stride",
        "unit_stride",
        "first_unit",
        "n_marked",
        "n_total",
        "n_images",
        "n_words",
        "depth",
    ]
)
def rank_errors(
    errors,
    means,
    scores,
    places,
    images,
    marks,
    top,
    targets,
    ascending,
    activations,
    image_stride,
    unit_stride,
    units,
    exponent,
    first_unit,
    n_marked,
    n_total,
    n_images,
    n_words,
    depth,
    POWER: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Store mean re-ordering errors and scores of units and concepts.

    Programs are a grid of units x concepts; units come first, as they read one concept's places.

    Args:
        errors: Output: the mean over j of |t_j - s[r_j]|^p, float64 [C, n_total].
        means: Output: the mean of the scores of the top images, float64 [C, n_total].
        scores: float32 [C, N].
        places: See `place_images`.
        images: See `place_images`.
        marks: Marks of n_marked units from first_unit on, see `mark_members`.
        top: Each unit's top images in ascending order, int32 [n_total, n].
        targets: Activations of the top images, [n_total, n].
        ascending: The same values in ascending order.
        activations: All activations, [N, U], with the following strides.
        image_stride: See activations.
        unit_stride: See activations.
        units: Column of each unit in `activations`, int64 [n_total].
        exponent: p, float64 [1], for a POWER of 0.
        first_unit: First unit of this launch.
        n_marked: See marks.
        n_total: Units of the call.
        n_images: Number of images N.
        n_words: Words that hold N bits.
        depth: n.
        POWER: p where it is 1, 2 or 3, else 0.
        BLOCK: Top images that are processed together.
    """
    concept = tl.program_id(1).to(tl.int64)
    unit = tl.program_id(0).to(tl.int64) + first_unit
    scores += concept * n_images
    places += concept * n_images
    images += concept * n_words * 32
    marks += (concept * n_marked + tl.program_id(0)) * n_words
    top += unit * depth
    targets += unit * depth
    ascending += unit * depth
    activations += tl.load(units + unit) * unit_stride
    power = tl.load(exponent)
    error = tl.zeros([BLOCK], tl.float64)
    total = tl.zeros([BLOCK], tl.float64)
    for start in range(0, depth, BLOCK):
        entry = start + tl.arange(0, BLOCK)
        inside = entry < depth
        image = tl.load(top + entry, mask=inside, other=0)
        target = tl.load(targets + entry, mask=inside, other=0.0)
        score = tl.load(scores + image, mask=inside, other=0.0)
        known = tl.load(places + image, mask=inside, other=0)
        place, run = known & 0x07FFFFFF, known >> 27
        mark = tl.load(marks + (place >> 5), mask=inside, other=0)
        bits = (mark & 0xFFFFFFFF).to(tl.uint32)
        at = (place & 31).to(tl.uint32)
        one = at * 0 + 1
        rank = (mark >> 32).to(tl.int32) + _population(bits & ((one << at) - 1))
        # Images of equal score are ordered by activation. Nearly always, a run of them has no other
        # member of the unit, and its bits are in one word.
        short = (run < 15) & ((place & 31) + run < 32)
        others = _population((bits >> at) & ((one << (tl.minimum(run, 15) + 1).to(tl.uint32)) - 1))
        searching = inside & (run > 0) & ((short & (others == 1)) == 0)
        while tl.max(searching.to(tl.int32), axis=0) > 0:
            searching = searching & (place < n_images)
            other = tl.load(images + (place & 31) * n_words + (place >> 5), mask=searching, other=0)
            found = tl.load(scores + other, mask=searching, other=float("nan"))
            searching = searching & (found == score)
            mark = tl.load(marks + (place >> 5), mask=searching, other=0)
            member = searching & (((mark >> (place & 31).to(tl.int64)) & 1) == 1)
            value = tl.load(
                activations + other.to(tl.int64) * image_stride, mask=member, other=0.0
            ).to(target.dtype)
            ahead = (value > target) | ((value == target) & (other < image))
            rank += (member & ahead).to(tl.int32)
            place += 1
        wanted = tl.load(ascending + rank, mask=inside, other=0.0)
        error += tl.where(inside, _power(target - wanted, power, POWER), 0.0)
        total += score.to(tl.float64)
    to = concept * n_total + unit
    tl.store(errors + to, tl.sum(error, axis=0) / depth)
    tl.store(means + to, tl.sum(total, axis=0) / depth)


@triton.jit(do_not_specialize=["depth"])
def expected_errors(targets, sums, exponent, depth, POWER: tl.constexpr, BLOCK: tl.constexpr):
    """Store sums of |t_i - t_j|^p over all j and a block of i.

    Programs are a grid of units x blocks of i.

    Args:
        targets: Activations t, [U, n].
        sums: Output, float64 [U, blocks].
        exponent: p, float64 [1], for a POWER of 0.
        depth: n.
        POWER: p where it is 1, 2 or 3, else 0.
        BLOCK: Length of the blocks of i and of j.
    """
    unit = tl.program_id(0).to(tl.int64)
    targets += unit * depth
    power = tl.load(exponent)
    row = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    own = tl.load(targets + row, mask=row < depth, other=0.0)[:, None]
    total = tl.zeros([BLOCK, BLOCK], tl.float64)
    for start in range(0, depth, BLOCK):
        column = start + tl.arange(0, BLOCK)
        other = tl.load(targets + column, mask=column < depth, other=0.0)[None, :]
        inside = (row < depth)[:, None] & (column < depth)[None, :]
        total += tl.where(inside, _power(own - other, power, POWER), 0.0)
    sums += unit * tl.num_programs(1) + tl.program_id(1)
    tl.store(sums, tl.sum(tl.sum(total, axis=1), axis=0))
