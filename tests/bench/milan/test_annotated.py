"""Units from arrays, and the split by unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.milan import AnnotatedUnits, split_by_unit

RNG = np.random.default_rng(0)
MASKS = RNG.random((3, 2, 5, 5)) > 0.5
IDS = np.array([[0, 1], [2, 0], [1, 2]])
IMAGES = RNG.integers(0, 256, (3, 5, 5, 3), dtype=np.uint8)


def units(masks=MASKS, **changed):
    given = {
        "size": 5,
        "names": ["a", "a", "b"],
        "units": [0, 7, 0],
        "descriptions": [["x"], ["y", "z"], ["w"]],
    }
    return AnnotatedUnits.of(IDS, masks, lambda ids: IMAGES[list(ids)], **{**given, **changed})


def test_bits_and_booleans_are_the_same_masks():
    bits = np.packbits(MASKS.reshape(3, 2, 25), axis=2)
    assert bits.shape == (3, 2, 4)
    for form in (MASKS, MASKS.astype(np.uint8), bits):
        made = units(form)
        for unit in range(3):
            found = made.exemplars.masks(unit)
            assert found.dtype == bool
            assert (found == MASKS[unit]).all()
    assert (made.exemplars.images([2, 0]) == IMAGES[[2, 0]]).all()
    assert np.isnan(made.exemplars.activations).all()
    assert made.exemplars.size == 5
    assert list(zip(made.names, made.units, strict=True)) == [("a", 0), ("a", 7), ("b", 0)]
    assert made.descriptions[1] == ("y", "z")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"names": ["a", "a"]}, "3 units"),
        ({"units": [0, 0, 0]}, "duplicate"),
        ({"descriptions": [["x"], [], ["w"]]}, "unit 7 of a"),
        ({"masks": MASKS[:2]}, "neither"),
        ({"masks": np.zeros((3, 2, 3), np.uint8)}, "neither"),
        ({"activations": np.zeros((3, 3), np.float32)}, "activations"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        units(**changed)


@given(
    keys=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=60),
    share=st.floats(0, 0.99),
    seed=st.integers(0, 2**32),
)
def test_no_unit_stands_on_both_sides(keys, share, seed):
    train, val = split_by_unit(keys, share, seed)
    assert sorted([*train, *val]) == list(range(len(keys)))
    assert not {keys[i] for i in train} & {keys[i] for i in val}
    n = len(set(keys))
    expected = min(max(round(share * n), 1), n - 1) if share and n > 1 else 0
    assert len({keys[i] for i in val}) == expected
    again = split_by_unit(keys, share, seed)
    assert (again[0] == train).all()
    assert (again[1] == val).all()


def test_three_descriptions_of_a_unit_split_as_the_unit_does():
    _, val = split_by_unit(40, 0.25, 3)
    assert len(val) == 10
    by_row = split_by_unit([unit for unit in range(40) for _ in range(3)], 0.25, 3)
    assert set(by_row[1] // 3) == set(val)
    assert len(by_row[1]) == 30
    assert set(split_by_unit(40, 0.25, 4)[1]) != set(val)


def test_shares_that_are_none():
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="share"):
            split_by_unit(4, share, 0)
