"""Whatever is written is read back, and nothing is half written or overwritten."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.broden import BrodenLabel, BrodenMasks, MaskedImage, open_broden, write_broden
from bench.errors import UserError

CATEGORIES = ("zebra", "object", "part", "scene")
LABELS = tuple(
    BrodenLabel(number, f'name, "{number}"', CATEGORIES[number % 4], ("a", "b"))
    for number in (1, 2, 3, 7, 255, 256, 300, 65535)
)
NUMBERS = [0, *(label.number for label in LABELS)]


def write(folder, *images, size=(2, 2), labels=LABELS, categories=CATEGORIES, **options):
    write_broden(folder, iter(images), labels, categories, mask_size=size, **options)


@st.composite
def contents(draw):
    size = draw(st.sampled_from([(3, 4), (5, 1), (113, 113), (112, 112)]))
    seeds = st.integers(0, 2**32 - 1)

    def plane(seed):
        few = np.random.default_rng(seed)
        return few.choice(few.choice(NUMBERS, 3), size)

    mark = st.one_of(st.sampled_from(NUMBERS), seeds.map(plane))
    marks = st.dictionaries(st.sampled_from(CATEGORIES), st.lists(mark, max_size=3))
    everything = draw(st.lists(marks, min_size=1, max_size=4))
    splits = st.sampled_from(["train", "val"])
    images = [
        MaskedImage(f"set/{i}", one, Image.new("RGB", (2 * size[1], 2 * size[0])), draw(splits))
        for i, one in enumerate(everything)
    ]
    return size, images


def is_plane(mark):
    return isinstance(mark, np.ndarray)


@settings(max_examples=40, deadline=None)
@given(contents())
def test_what_is_written_is_read_back(content):
    size, images = content
    kept = [image for image in images if any(image.marks.values())]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "deep" / "tree"
        write(root, *images, size=size)
        if not kept:
            with pytest.raises(UserError, match="no image has"):
                open_broden(root)
            return
        broden = open_broden(root)
        masks = BrodenMasks(broden)
        assert masks.categories == CATEGORIES
        assert broden.image_names == tuple(f"{image.name}.png" for image in kept)
        assert broden.splits == tuple(image.split for image in kept)
        assert broden.dropped == len(images) - len(kept)
        assert {row.image_size for row in broden.rows} == {(2 * size[0], 2 * size[1])}
        assert masks.mask_size == size
        places = [CATEGORIES.index(label.category) for label in masks.labels]
        assert places == sorted(places)
        number = dict(enumerate(masks.numbers)) | {-1: 0}
        named = {label.number: label.name for label in LABELS}
        assert [named[n] for n in masks.numbers] == [label.name for label in masks.labels]
        for index, image in enumerate(kept):
            marks = [m for category in CATEGORIES for m in image.marks.get(category, ())]
            found = masks.image(index)
            planes = np.vectorize(number.get, otypes=[int])(found.planes)
            expected = [mark for mark in marks if is_plane(mark)]
            assert len(planes) == len(expected)
            for plane, mark in zip(planes, expected, strict=True):
                assert (plane == mark).all()
            scalars = [mark for mark in marks if not is_plane(mark) and mark]
            assert [number[place] for place in found.scalars] == scalars
        _check_counts(root, images)
        _check_primary(masks, images)


def _shares(images):
    """Share of each image by (category, number), counted pixel by pixel."""
    for image in images:
        shares = defaultdict(float)
        for category, marks in image.marks.items():
            for mark in marks:
                for number in NUMBERS[1:]:
                    share = float((mark == number).mean()) if is_plane(mark) else mark == number
                    if share:
                        shares[category, number] += share
        yield shares


def _check_counts(root, images):
    labels = pd.read_csv(root / "label.csv").set_index("number")
    assert list(labels.index) == NUMBERS[1:]
    assert set(labels["syns"]) == {"a;b"}
    shares = list(_shares(images))
    for number, row in labels.iterrows():
        assert row["frequency"] == sum(any(n == number for _, n in one) for one in shares)
        total = sum(share for one in shares for (_, n), share in one.items() if n == number)
        assert row["coverage"] == pytest.approx(total)
    categories = pd.read_csv(root / "category.csv").set_index("name")
    for category in CATEGORIES:
        codes = pd.read_csv(root / f"c_{category}.csv")
        assert list(codes["code"]) == list(range(1, len(codes) + 1))
        for _, row in codes.iterrows():
            own = [
                one[category, row["number"]] for one in shares if (category, row["number"]) in one
            ]
            assert row["frequency"] == len(own)
            assert row["coverage"] == pytest.approx(sum(own))
        assert categories["count"][category] == len(codes)
        if len(codes):
            assert categories["first"][category] == codes["number"].min()
            assert categories["last"][category] == codes["number"].max()
        annotated = sum(bool(image.marks.get(category)) for image in images)
        assert categories["frequency"][category] == annotated


def _check_primary(masks, images):
    shares = list(_shares(images))
    home = {label.number: label.category for label in LABELS}
    for number, label in zip(masks.numbers, masks.labels, strict=True):
        covered = {
            category: sum(one[category, number] for one in shares if (category, number) in one)
            for category in CATEGORIES
            if any((category, number) in one for one in shares)
        } or {home[number]: 0.0}
        best = max(covered.values())
        if sum(share == pytest.approx(best) for share in covered.values()) == 1:
            assert covered[label.category] == best


def test_masks_alone(tmp_path):
    marks = {"object": [np.array([[0, 1], [2, 3]])]}
    images = MaskedImage("a", marks), MaskedImage("b", {"scene": [7]})
    write(tmp_path / "t", *images, with_images=False)
    masks = BrodenMasks(open_broden(tmp_path / "t"))
    assert len(masks) == 2
    assert (masks.image(0).planes >= 0).sum() == 3
    files = [file.name for file in (tmp_path / "t" / "images").iterdir()]
    assert files == ["a_object.png"]


def test_a_picture_in_a_file_is_copied_as_it_is(tmp_path):
    source = tmp_path / "photo.JPEG"
    Image.new("RGB", (5, 3), "red").save(source)
    write(tmp_path / "t", MaskedImage("a/b", {"scene": [7]}, source))
    broden = open_broden(tmp_path / "t")
    assert broden.image_names == ("a/b.JPEG",)
    assert broden.rows[0].image_size == (3, 5)
    assert broden.file("a/b.JPEG").read_bytes() == source.read_bytes()


def scene(name="a", **changes):
    return MaskedImage(name, **({"marks": {"scene": [7]}} | changes))


@pytest.mark.parametrize(
    ("images", "changes", "says"),
    [
        ([], {}, ["no image"]),
        ([scene("a"), scene("a")], {}, ["'a.png'", "duplicate"]),
        ([scene("a_part"), scene("a", marks={"part": [np.zeros((2, 2), int)]})], {}, ["a_part"]),
        ([scene("../a")], {}, ["leaves images/"]),
        ([scene("/a")], {}, ["absolute"]),
        ([scene("a;b")], {}, ["semicolon"]),
        ([scene(marks={"scen": [7]})], {}, ["'scen'", "scene"]),
        ([scene(marks={"scene": [8]})], {}, ["label 8"]),
        ([scene(marks={"scene": [np.full((2, 2), -1)]})], {}, ["label -1"]),
        ([scene(marks={"scene": [np.full((2, 3), 7)]})], {}, ["(2, 3)", "(2, 2)"]),
        ([scene(marks={"scene": [np.full((2, 2), 7.0)]})], {}, ["float64"]),
        ([scene()], {"with_images": True}, ["no picture"]),
        ([scene(image=np.zeros((4, 4, 3)))], {"with_images": True}, ["float64"]),
        ([scene(image=Image.new("F", (4, 4)))], {"with_images": True}, ["mode F"]),
        ([scene(image="nowhere.png")], {"with_images": True}, ["nowhere.png"]),
        ([scene(marks={"scene": [np.ones((2, 2), int)]}, image=Image.new("RGB", (6, 4)))],
         {"with_images": True, "labels": [BrodenLabel(1, "a", "scene")]}, ["4 x 6", "2 x 2"]),
        ([scene(marks={"scene": 7.0})], {}, ["float"]),
        ([scene(marks={"scene": ["7"]})], {}, ["str"]),
        ([scene(marks={"scene": [True]})], {}, ["bool"]),
        ([scene(marks={"scene": Image.new("RGB", (2, 2))})], {}, ["mode RGB"]),
        ([scene(marks=[7])], {}, ["must be a mapping"]),
        ([scene(split="validation")], {}, ["'validation'", "train"]),
        ([scene(" a")], {}, ["space"]),
        (["a.png"], {}, ["'a.png'", "MaskedImage"]),
        ([scene()], {"mask_size": 2}, ["invalid mask size 2"]),
        ([scene()], {"mask_size": (2, 0)}, ["invalid mask size"]),
        ([scene()], {"categories": "scene"}, ["must be a list"]),
        ([scene()], {"labels": [BrodenLabel(7, "", "scene")]}, ["label 7", "empty"]),
        ([scene()], {"labels": [BrodenLabel(7, " ", "scene")]}, ["label 7", "empty"]),
        ([scene()], {"labels": [BrodenLabel(7, "-s", "scene")]}, ["'-s'", "suffix"]),
        ([scene()], {"labels": [BrodenLabel(7, "a", "scene"), BrodenLabel(8, "a", "scene")]},
         ["7 and 8", "'a'"]),
        ([scene()], {"labels": [BrodenLabel("7", "a", "scene")]}, ["number 7"]),
        ([scene()], {"labels": [BrodenLabel(7, "a", "scene", "bc")]}, ["synonyms"]),
        ([scene()], {"labels": [BrodenLabel(7, "a", "scene", None)]}, ["synonyms None"]),
        ([scene()], {"labels": [BrodenLabel(7, "a\0b", "scene")]}, ["text files"]),
        ([scene()], {"labels": [BrodenLabel(7, "a\udc80", "scene")]}, ["text files"]),
        ([scene()], {"labels": None}, ["labels must be a list, not NoneType"]),
        ([scene()], {"labels": {7: "a"}}, ["not a BrodenLabel: 7"]),
        ([scene()], {"categories": ["scene", "scene"]}, ["'scene'", "duplicate"]),
        ([scene()], {"categories": ["../scene"]}, ["'../scene'"]),
        ([scene()], {"categories": ["sh"]}, ["'sh'"]),
        ([scene()], {"categories": ["scene"]}, ["category 'object'"]),
        ([scene()], {"labels": [BrodenLabel(7, "a", "scene"), BrodenLabel(7, "b", "scene")]},
         ["duplicate number 7"]),
        ([scene()], {"labels": [BrodenLabel(0, "a", "scene")]}, ["number 0"]),
        ([scene()], {"labels": []}, ["no label"]),
        ([scene(marks={"scene": [np.full((2, 2), 70000)]})],
         {"labels": [BrodenLabel(70000, "a", "scene")]}, ["label 70000", "65535"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path, images, changes, says):
    given = {"labels": LABELS, "categories": CATEGORIES, "mask_size": (2, 2), "with_images": False}
    with pytest.raises(UserError) as caught:
        write_broden(tmp_path / "tree", images, **(given | changes))
    for part in says:
        assert part in str(caught.value)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_what_can_be_meant_in_one_way_is_taken(tmp_path):
    plane = np.array([[0, 1], [2, 3]], np.uint8)
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "b.png")
    coloured = Image.fromarray(plane).convert("P")
    coloured.putdata(plane.ravel().tolist())
    images = [
        MaskedImage("a", {"object": plane, "scene": 7}, pixels, "test"),
        MaskedImage("b", {"object": [Image.fromarray(plane)]}, str(tmp_path / "b.png")),
        MaskedImage("c", {"object": coloured, "scene": [np.int64(7)]}, pixels[..., 0]),
    ]
    once = (iter(LABELS), iter(CATEGORIES))
    write_broden(str(tmp_path / "t"), iter(images), *once, mask_size=[2, 2])
    write_broden(tmp_path / "one", images[0], LABELS, CATEGORIES, mask_size=(2, 2))
    assert len(open_broden(tmp_path / "one").rows) == 1
    broden = open_broden(tmp_path / "t")
    masks = BrodenMasks(broden)
    assert broden.splits == ("test", "val", "val")
    numbers = np.array([*masks.numbers, 0])
    for index, scalars in enumerate([(7,), (), (7,)]):
        [found] = masks.image(index).planes
        assert (numbers[found] == plane).all()
        assert tuple(masks.numbers[at] for at in masks.image(index).scalars) == scalars
    for name, expected in (("a", pixels), ("b", pixels), ("c", pixels[..., 0])):
        with Image.open(broden.file(f"{name}.png")) as image:
            assert (np.asarray(image) == expected).all()


def test_a_picture_that_the_camera_turned_has_its_upright_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    marks = {"object": [np.ones((3, 2), int)]}
    write(tmp_path / "t", MaskedImage("a", marks, tmp_path / "a.jpg"), size=(3, 2))
    assert open_broden(tmp_path / "t").rows[0].image_size == (6, 4)


def write_one(folder):
    try:
        write(folder, *(scene(str(index)) for index in range(40)), with_images=False)
    except UserError as error:
        return str(error)
    return "written"


def test_a_folder_with_content_is_left_as_it_is(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years")
    assert "already exists" in write_one(folder)
    assert (folder / "thesis.txt").read_text() == "years"
    assert [other.name for other in tmp_path.iterdir()] == ["mine"]
    (folder / "thesis.txt").unlink()
    assert write_one(folder) == "written"
    assert "already exists" in write_one(folder)


def test_an_interruption_leaves_nothing(tmp_path):
    def images():
        yield scene("a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_broden(
            tmp_path / "t", images(), LABELS, CATEGORIES, mask_size=(2, 2), with_images=False
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_of_several_writers_one_succeeds_with_a_whole_tree(tmp_path, kind):
    folder = tmp_path / "tree"
    pool = (
        ThreadPoolExecutor(4)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context("fork"))
    )
    with pool:
        said = list(pool.map(write_one, [folder] * 4))
    assert said.count("written") == 1
    assert sum("already exists" in one for one in said) == 3
    assert len(BrodenMasks(open_broden(folder))) == 40
    assert [other.name for other in tmp_path.iterdir()] == ["tree"]
