"""Network Dissection on random trees, read back from disk, against a count pixel by pixel."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.dissection.planes import MaskRules
from baselines.dissection.tally import tally
from bench.broden import BrodenLabel, BrodenMasks, MaskedImage, open_broden, write_broden
from tests.baselines.dissection import reference
from tests.baselines.dissection.doubles import ArrayMaps

CATEGORIES = ("color", "object", "part", "scene")
LABELS = [
    BrodenLabel(number, f"{category} {number}", category)
    for number, category in zip(
        (1, 2, 7, 255, 256, 300, 513, 900), [c for c in CATEGORIES for _ in range(2)], strict=True
    )
]


@st.composite
def trees(draw):
    """Images with several planes, scalars, both or nothing; some labels in a foreign category."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([(4, 4), (5, 3), (7, 7)]))
    count = draw(st.integers(1, 5))
    images = []
    for number in range(count):
        marks = {"object": [2]} if number == 0 else {}  # a tree has something to say
        for category in CATEGORIES:
            own = [label.number for label in LABELS if label.category == category]
            choice = [0, *own, *(1, 7)[: rng.integers(0, 3)]]
            for _ in range(rng.integers(0, 3)):
                plane = rng.choice(choice, size)
                mark = plane if rng.random() < 0.6 else int(rng.choice(choice[1:]))
                marks.setdefault(category, []).append(mark)
        images.append(MaskedImage(f"{number}", marks))
    maps = rng.normal(size=(count, 3, *draw(st.sampled_from([(1, 1), (2, 3), (8, 8)]))))
    return images, size, maps.astype(np.float32), rng.normal(size=3).astype(np.float32)


@given(trees())
@settings(max_examples=60, deadline=None)
def test_tallies_of_a_tree_are_those_of_its_pixels(drawn):
    images, size, maps, thresholds = drawn
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        write_broden(tree, images, LABELS, CATEGORIES, mask_size=size, with_images=False)
        masks = BrodenMasks(open_broden(tree))
        kept = [maps[int(row.image.partition(".")[0])] for row in masks.broden.rows]
        maps = np.stack(kept)
        for whole_image in (False, True):
            found = tally(
                ArrayMaps(maps), masks, thresholds.astype(np.float64), mode="half_pixel",
                rules=MaskRules(whole_image=whole_image),
            )  # fmt: skip
            labels, both, by_category, _ = reference.counts(
                maps, masks, thresholds, mode="half_pixel", whole_image=whole_image
            )
            assert found.labels.tolist() == np.asarray(labels).tolist()
            assert found.both.tolist() == np.asarray(both).tolist()
            assert found.by_category.tolist() == np.asarray(by_category).tolist()
