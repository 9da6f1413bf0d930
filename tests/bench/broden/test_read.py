"""Trees read as they lie on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from baselines.spatial import MaskLabel
from bench.broden import BrodenMasks, open_broden
from bench.errors import UserError


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_golden_tree_is_read_exactly(tree):
    broden = open_broden(tree)
    masks = BrodenMasks(broden)
    assert masks.categories == ("color", "object", "scene", "texture")
    assert masks.labels == (
        MaskLabel("red-c", "color"),
        MaskLabel("blue-c", "color"),
        MaskLabel("sky", "object"),
        MaskLabel("wood", "object"),
        MaskLabel("street-s", "scene"),
        MaskLabel("grid", "texture"),
        MaskLabel("dots", "texture"),
    )
    assert masks.numbers == (1, 300, 2, 6, 4, 3, 5)
    assert masks.mask_size == (4, 4)
    assert broden.image_names == ("im0.jpg", "im1.jpg", "im2.jpg")
    assert broden.splits == ("train", "val", "train")
    assert broden.dropped == 1  # of material alone, which is not selected
    assert len(masks) == 3

    first, second, third = (masks.image(index) for index in range(3))
    none, red, blue, sky = -1, 0, 1, 2
    color = [[red, red, none, none]] * 2 + [[none, none, blue, blue]] * 2
    assert first.planes.tolist() == [color, [[sky] * 4] * 2 + [[none] * 4] * 2]
    assert first.planes.dtype == np.int32
    assert first.scalars == (4,)
    assert second.planes.tolist() == [[[none] * 4] * 2 + [[red] * 4] * 2]
    assert second.scalars == (5, 6)  # the scene 0 is none
    assert third.planes.tolist() == [[[sky, none, none, none]] * 2 + [[sky, sky, none, none]] * 2]
    assert third.scalars == (4, 5)
    with pytest.raises(IndexError):
        masks.image(3)


def test_categories_stand_as_in_category_csv_whatever_is_asked(tree):
    broden = open_broden(tree, ["texture", "material", "color"])
    masks = BrodenMasks(broden)
    assert masks.categories == ("color", "material", "texture")
    assert [label.name for label in masks.labels] == ["red-c", "blue-c", "wood", "grid", "dots"]
    assert masks.image(3).planes.shape == (0, 4, 4)
    assert masks.image(3).scalars == (2,)
    assert len(open_broden(tree, ["object"])) == 2


def test_pixels_of_a_label_that_is_not_selected_are_none(tree):
    edit(tree / "label.csv", "2,sky,object", "2,sky,material")
    masks = BrodenMasks(open_broden(tree, ["object"]))
    assert masks.labels == (MaskLabel("wood", "object"),)
    assert (masks.image(0).planes == -1).all()


def test_an_image_whose_only_item_is_label_0_stays(tree):
    edit(tree / "index.csv", ",,0,3;5", ",,0,")
    edit(tree / "index.csv", "im1_color.png", "")
    masks = BrodenMasks(open_broden(tree))
    assert len(masks) == 3
    assert masks.image(1).planes.shape == (0, 4, 4)
    assert masks.image(1).scalars == ()


@pytest.mark.parametrize(
    ("material", "in_object", "primary"),
    [
        ("1", "0.1", "material"),
        ("0.1", "1", "object"),
        ("0.5", "0.5", "material"),  # of equals the last
        (None, None, "material"),  # nobody covers anything: the last
        (None, "0.1", "object"),
    ],
)
def test_the_primary_category_covers_most(tree, material, in_object, primary):
    for name, share, row in (
        ("material", material, "1,6,wood,1,1\n"),
        ("object", in_object, "2,6,wood,1,0.1\n"),
    ):
        new = f"{row.rpartition(',')[0]},{share}\n" if share else ""
        edit(tree / f"c_{name}.csv", row, new)
    labels = BrodenMasks(open_broden(tree, ["object", "material", "scene"])).labels
    assert MaskLabel("wood", primary) in labels


def test_several_planes_keep_their_order(tree):
    edit(tree / "index.csv", "im0_object.png", "im0_object.png;6;im2_object.png")
    found = BrodenMasks(open_broden(tree)).image(0)
    assert found.planes.shape == (3, 4, 4)
    assert (found.planes[1, :2] == 2).all()
    assert (found.planes[2, :, 0] == 2).all()
    assert found.scalars == (3, 4)


def test_limits_are_prefixes_and_splits_are_told_apart(tree):
    whole = open_broden(tree)
    assert open_broden(tree, limit=2).rows == whole.rows[:2]
    assert open_broden(tree, split="train").image_names == ("im0.jpg", "im2.jpg")
    assert open_broden(tree, split="val").dropped == 0


def test_another_index_is_chosen_by_name_and_changes_are_seen(tree):
    text = (tree / "index.csv").read_text()
    (tree / "index_small.csv").write_text("\n".join(text.splitlines()[:2]) + "\n")
    assert len(open_broden(tree, index="index_small.csv")) == 1
    assert len(open_broden(tree)) == 3
    (tree / "index.csv").write_text("\n".join(text.splitlines()[:3]) + "\n")
    assert len(open_broden(tree)) == 2


def test_odd_sizes_of_the_227_tree(tree):
    lines = (tree / "index.csv").read_text().splitlines()
    lines[1:] = ["a.jpg,train,227,227,113,112,a.png,,,,"]
    (tree / "index.csv").write_text("\n".join(lines))
    plane = np.zeros((113, 112, 3), np.uint8)
    plane[112, 0] = 300 % 256, 1, 0
    Image.fromarray(plane).save(tree / "images" / "a.png")
    masks = BrodenMasks(open_broden(tree))
    assert masks.mask_size == (113, 112)
    assert masks.image(0).planes[0, 112, 0] == 1
    assert (masks.image(0).planes >= 0).sum() == 1


def test_masks_of_two_sizes_are_refused(tree):
    edit(tree / "index.csv", "im2.jpg,train,8,8,4,4", "im2.jpg,train,8,8,4,5")
    with pytest.raises(UserError) as caught:
        BrodenMasks(open_broden(tree))
    assert caught.value.where == f"{tree / 'index.csv'}:4"
    assert "4 x 5" in caught.value.what
    assert "line 2" in caught.value.what
    assert len(BrodenMasks(open_broden(tree, limit=2))) == 2


def test_many_threads_read_what_one_does(tree):
    masks = BrodenMasks(open_broden(tree))
    alone = [masks.image(index).planes.tolist() for index in range(3)]
    fresh = BrodenMasks(open_broden(tree))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: fresh.image(i % 3).planes.tolist(), range(60)))
    assert found == [alone[i % 3] for i in range(60)]
