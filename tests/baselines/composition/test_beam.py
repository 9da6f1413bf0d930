"""The search: the published example, and every candidate spelled out on random small data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.composition import CellsBuilder, length, search, text
from baselines.composition.cells import image_cells
from baselines.composition.firing import count_firing
from baselines.spatial import ImageMasks
from tests.baselines.composition import plain
from tests.baselines.dissection.doubles import ArrayMaps

GOLDEN = {"A": {0, 1, 5}, "B": {2, 3, 6, 7}, "C": {5, 6, 7}, "D": {8}}
UNIT = {0, 1, 2, 3}


def prepared(images, n_labels, size, fires, batch=3, compiled=True):
    """Cells, firing and dense masks; `fires` is where units fire, bool [N, U, sh, sw]."""
    masks = plain.ListedMasks(images, n_labels, size)
    maps = ArrayMaps(np.asarray(fires, np.float32), batch)
    thresholds = np.full(maps.n_units, 0.5)
    cells, firing = count_firing(maps, masks, thresholds, compiled=compiled)
    return cells, firing, masks.dense()


def golden():
    """Ten points as ten images of one pixel, labels as scalars."""
    points = range(10)
    images = [
        plain.scalar_image([n for n, on in enumerate(GOLDEN.values()) if point in on], (1, 1))
        for point in points
    ]
    fires = np.array([point in UNIT for point in points]).reshape(10, 1, 1, 1)
    cells, [firing], _ = prepared(images, 4, (1, 1), fires)
    return cells, firing


def said(found):
    return [(text(entry.formula, list(GOLDEN)), round(entry.score, 6)) for entry in found]


def test_golden_beam_after_each_step():
    cells, unit = golden()
    assert said(search(cells, unit, max_length=1)) == [("A", 0.4), ("B", 0.333333)]
    assert said(search(cells, unit, max_length=2)) == [
        ("(A OR B)", 0.571429),
        ("(A AND (NOT C))", 0.5),
        ("(B AND (NOT C))", 0.5),
        ("A", 0.4),
        ("B", 0.333333),
    ]
    best = search(cells, unit, max_length=3)
    assert said(best)[0] == ("((A OR B) AND (NOT C))", 1.0)
    assert best[0].length == 4
    assert (best[0].pixels, best[0].common) == (4, 4)
    assert len({entry.formula for entry in best}) == 5


def test_golden_official_beam_holds_duplicates():
    cells, unit = golden()
    assert said(search(cells, unit, max_length=2, official_beam=True)) == [
        ("(A OR B)", 0.571429),
        ("(B OR A)", 0.571429),
        ("(A AND (NOT C))", 0.5),
        ("(B AND (NOT C))", 0.5),
        ("A", 0.4),
    ]
    last = said(search(cells, unit, max_length=3, official_beam=True))
    assert last[:2] == [("((A OR B) AND (NOT C))", 1.0), ("((B OR A) AND (NOT C))", 1.0)]


def test_penalty_prefers_shorter_formulas():
    cells, unit = golden()
    found = search(cells, unit, penalty=0.9)
    assert said(found)[0] == ("((A OR B) AND (NOT C))", round(0.9**3, 6))
    assert all(entry.score == entry.iou * 0.9 ** (entry.length - 1) for entry in found)
    # At 0.5 nothing that is longer is better than A alone.
    assert said(search(cells, unit, penalty=0.5))[0] == ("A", 0.4)


def test_equal_scores_shorter_first_then_in_the_order_met():
    # Labels 1 and 2 are two halves of the unit; label 0 is the unit and one pixel more.
    images = [plain.scalar_image(labels, (1, 1)) for labels in ([0, 1], [0, 2], [0], [3])]
    fires = np.array([1, 1, 0, 0], bool).reshape(4, 1, 1, 1)
    cells, [unit], _ = prepared(images, 4, (1, 1), fires)
    found = search(cells, unit, max_length=1)
    assert [entry.formula.label for entry in found] == [0, 1, 2]
    assert found[1].score == found[2].score
    # Both (1 OR 2) and (2 OR 1) are the unit: the one that is met first stays.
    [best, *_] = search(cells, unit, max_length=2)
    assert text(best.formula, list("abcd")) == "(b OR c)"


def test_unit_that_shares_no_pixel_with_a_label_has_no_formula():
    images = [plain.scalar_image([0], (1, 1)), plain.scalar_image([], (1, 1))]
    fires = np.zeros((2, 2, 1, 1), bool)
    fires[1, 1] = True
    cells, [silent, apart], _ = prepared(images, 1, (1, 1), fires)
    assert silent.pixels == 0
    assert apart.pixels == 1
    assert search(cells, silent) == []
    assert search(cells, apart) == []
    assert search(cells, apart, official_beam=True) == []


def test_no_image_bears_a_label():
    images = [ImageMasks(np.full((1, 2, 2), -1, np.int32))]
    cells, [unit], _ = prepared(images, 3, (2, 2), np.ones((1, 1, 2, 2)))
    assert len(cells) == 0
    assert unit.pixels == 4
    assert search(cells, unit) == []


def with_copy(image, label):
    """The image with a label wherever it has label 0."""
    more = np.where(image.planes == 0, label, -1).astype(np.int32)
    scalars = (*image.scalars, *([label] if 0 in image.scalars else []))
    return ImageMasks(np.concatenate([image.planes, more]), scalars)


@st.composite
def worlds(draw):
    """Images with planes, scalars, both or neither; units that may never fire."""
    size = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    n_labels = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = []
    for _ in range(draw(st.integers(1, 6))):
        n_planes = draw(st.integers(0, 3))
        planes = random.integers(-1, n_labels, (n_planes, *size)).astype(np.int32)
        if draw(st.booleans()):  # coarse: some labels only
            planes = np.where(planes == planes.max(initial=0), planes, -1).astype(np.int32)
        scalars = draw(st.lists(st.integers(0, n_labels - 1), max_size=2))
        images.append(ImageMasks(planes, tuple(scalars)))
    if draw(st.booleans()) and n_labels > 1:  # the last label is a copy of the first
        images = [with_copy(image, n_labels - 1) for image in images]
    share = draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))
    fires = random.random((len(images), draw(st.integers(1, 2)), *size)) < share
    return images, n_labels, size, fires


@settings(max_examples=150, deadline=None)
@given(
    world=worlds(),
    beam=st.integers(1, 6),
    max_length=st.integers(1, 4),
    penalty=st.sampled_from([1.0, 0.9, 0.5]),
    official=st.booleans(),
    batch=st.integers(1, 7),
    compiled=st.booleans(),
)
def test_equals_every_candidate_spelled_out(
    world, beam, max_length, penalty, official, batch, compiled
):
    images, n_labels, size, fires = world
    cells, firing, dense = prepared(images, n_labels, size, fires, batch, compiled)
    options = {
        "beam": beam,
        "max_length": max_length,
        "penalty": penalty,
        "official_beam": official,
    }
    assert cells.label_weights[:, 0].tolist() == dense.sum(axis=1).tolist()
    for unit in range(fires.shape[1]):
        mask = fires[:, unit].reshape(-1)
        assert firing[unit].pixels == int(mask.sum())
        expected = plain.plain_search(dense, mask, **options)
        found = search(cells, firing[unit], **options)
        assert [entry.formula for entry in found] == [formula for formula, _, _ in expected]
        assert [entry.score for entry in found] == [score for _, score, _ in expected]
        for entry in found:
            where = plain.evaluate(entry.formula, lambda label: dense[label])
            assert entry.pixels == int(where.sum())
            assert entry.common == int((where & mask).sum())
            assert entry.length == length(entry.formula)
            inside = plain.evaluate(entry.formula, cells.holding)
            assert int(cells.sizes[inside].sum()) == entry.pixels


def test_more_ties_than_candidates_looked_at_first():
    # 200 copies of one label: one mask only, so the beam has room for the single other one.
    size = (2, 2)
    images = [
        ImageMasks(np.zeros((0, *size), np.int32), tuple(range(200))),
        ImageMasks(np.zeros((0, *size), np.int32), (*range(200), 200)),
        ImageMasks(np.zeros((0, *size), np.int32), (200,)),
    ]
    fires = np.zeros((3, 1, *size), bool)
    fires[0] = True
    cells, [unit], dense = prepared(images, 201, size, fires)
    found = search(cells, unit, max_length=2)
    expected = plain.plain_search(dense, fires.reshape(-1), max_length=2)
    assert [entry.formula for entry in found] == [formula for formula, _, _ in expected]
    assert text(found[0].formula, [f"l{number}" for number in range(201)]) == "(l0 AND (NOT l200))"


def test_malformed_masks_are_refused():
    with pytest.raises(ValueError, match="must be in"):
        image_cells(ImageMasks(np.full((1, 1, 1), 3, np.int32)), (1, 1), 3)
    with pytest.raises(ValueError, match="must be in"):
        image_cells(ImageMasks(np.full((1, 1, 1), -2, np.int32)), (1, 1), 3)
    with pytest.raises(ValueError, match="planes"):
        image_cells(ImageMasks(np.zeros((1, 2, 1), np.int32)), (1, 1), 3)


def test_planes_that_swap_labels_are_one_cell():
    planes = np.array([[[0, 1]], [[1, 0]]], np.int32)
    builder = CellsBuilder(2)
    builder.add(image_cells(ImageMasks(planes), (1, 2), 2))
    cells = builder.build()
    assert cells.sizes.tolist() == [2]
    assert cells.labels.tolist() == [0, 1]


def test_as_many_images_of_masks_as_of_maps():
    masks = plain.ListedMasks([plain.scalar_image([0], (1, 1))], 1, (1, 1))
    maps = ArrayMaps(np.zeros((2, 1, 1, 1)))
    with pytest.raises(ValueError, match="2 images"):
        count_firing(maps, masks, np.zeros(1))
