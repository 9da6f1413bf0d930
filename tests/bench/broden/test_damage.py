"""Errors of a damaged tree have file, line and hint."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.broden import BrodenMasks, open_broden
from bench.errors import UserError


def replace(name, old, new):
    def damage(tree):
        text = (tree / name).read_text(encoding="utf-8")
        assert old in text
        (tree / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def remove(name):
    return lambda tree: (tree / name).unlink()


def content(name, data):
    return lambda tree: (tree / name).write_bytes(data)


INDEX = "index.csv"
AT_OPEN = {
    "no index": (remove(INDEX), "", ["no index 'index.csv'"]),
    "no labels": (remove("label.csv"), "label.csv", ["no label.csv", "unpack"]),
    "no categories": (remove("category.csv"), "category.csv", ["no category.csv"]),
    "no codes": (remove("c_scene.csv"), "c_scene.csv", ["no c_scene.csv"]),
    "empty file": (content(INDEX, b""), "index.csv:1", ["empty"]),
    "no image": (content(INDEX, b"image,split,ih,iw,sh,sw,color,object,scene,texture\n"),
                 "index.csv:1", ["no images"]),
    "no label": (content("label.csv", b"number,name,category,frequency,coverage,syns\n"),
                 "label.csv:1", ["no label"]),
    "no category": (content("category.csv", b"name,first,last,count,frequency\n"),
                    "category.csv:1", ["no categories"]),
    "binary": (content("label.csv", b"number\n\xff\xfe"), "label.csv:2", ["0xff"]),
    "index column": (replace(INDEX, ",sh,", ",hs,"), "index.csv:1", ["no column 'sh'"]),
    "label column": (replace("label.csv", ",coverage,", ",cover,"), "label.csv:1",
                     ["no column 'coverage'", "nearest: cover"]),
    "category column": (replace("category.csv", "name,", "names,"), "category.csv:1", ["'name'"]),
    "code column": (replace("c_color.csv", "number,", "no,"), "c_color.csv:1", ["'number'"]),
    "column twice": (replace(INDEX, "color,object", "color,color"), "index.csv:1", ["duplicate"]),
    "strange column": (replace(INDEX, "scene", "scenes"), "index.csv:1",
                       ["'scenes'", "nearest: scene", "color, object, material, scene, texture"]),
    "column missing": (replace("category.csv", "texture,3,5,2,2", "texture,3,5,2,2\nnew,0,0,0,0"),
                       "index.csv:1", ["no column 'new'"]),
    "short row": (replace(INDEX, ",,0,3;5", ",,0"), "index.csv:3", ["10 cells", "11"]),
    "size": (replace(INDEX, "im1.jpg,val,8,8,4,4", "im1.jpg,val,8,8,4,four"), "index.csv:3",
             ["sw is 'four'"]),
    "no name": (replace("label.csv", "2,sky,", "2,,"), "label.csv:3", ["label 2", "empty"]),
    "suffix alone": (replace("label.csv", "1,red-c,", "1,-c,"), "label.csv:2", ["'-c'", "suffix"]),
    "size 0": (replace(INDEX, "im1.jpg,val,8", "im1.jpg,val,0"), "index.csv:3", ["ih is '0'"]),
    "absolute": (replace(INDEX, "im2_object.png", "/etc/passwd"), "index.csv:4",
                 ["'/etc/passwd'", "absolute", "object"]),
    "drive": (replace(INDEX, "im2_object.png", "C:/x.png"), "index.csv:4", ["absolute"]),
    "up": (replace(INDEX, "im2_object.png", "a/../../x.png"), "index.csv:4", ["leaves images/"]),
    "up second": (replace(INDEX, "im2_object.png", "im2_object.png;../x.png"), "index.csv:4",
                  ["leaves images/"]),
    "image up": (replace(INDEX, "im2.jpg", "../im2.jpg"), "index.csv:4", ["image", "leaves"]),
    "image none": (replace(INDEX, "im2.jpg", ""), "index.csv:4", ["(empty)"]),
    "backslash": (replace(INDEX, "im2_object.png", "..\\x.png"), "index.csv:4", ["backslash"]),
    "scalar": (replace(INDEX, "3;5", "3;77"), "index.csv:3",
               ["texture", "label 77", "not in label.csv"]),
    "long scalar": (replace(INDEX, "3;5", "9" * 5000), "index.csv:3", ["not in label.csv"]),
    "number": (replace("label.csv", "2,sky", "two,sky"), "label.csv:3", ["number is 'two'"]),
    "number twice": (replace("label.csv", "2,sky", "1,sky"), "label.csv:3", ["line 2"]),
    "label category": (replace("label.csv", "sky,object", "sky,objects"), "label.csv:3",
                       ["'objects'", "nearest: object"]),
    "category path": (replace("category.csv", "color,1", "../color,1"), "category.csv:2",
                      ["'../color'"]),
    "category twice": (replace("category.csv", "object,", "color,"), "category.csv:3",
                       ["duplicate"]),
    "coverage": (replace("c_color.csv", "0.25", "much"), "c_color.csv:3", ["'much'"]),
    "coverage nan": (replace("c_color.csv", "0.25", "nan"), "c_color.csv:3", ["'nan'"]),
    "code": (replace("c_color.csv", "300", "301"), "c_color.csv:3", ["301", "not in label.csv"]),
}  # fmt: skip


@pytest.mark.parametrize("case", AT_OPEN)
def test_tables(tree, case):
    damage, where, says = AT_OPEN[case]
    damage(tree)
    with pytest.raises(UserError) as caught:
        open_broden(tree)
    assert caught.value.where == str(tree / where) or not where
    assert caught.value.hint
    for part in says:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"categories": ["colour"]}, ["'colour'", "nearest: color", "probe.params.categories"]),
        ({"index": "index_ade.csv"}, ["index_ade.csv", "index.csv"]),
        ({"index": "../tree/index.csv"}, ["../tree/index.csv"]),
        ({"split": "vall"}, ["'vall'", "nearest: val", "train, val"]),
        ({"categories": ["material"], "split": "val"}, ["no image has an annotation", "material"]),
    ],
)
def test_requests_that_fit_nothing(tree, arguments, says):
    with pytest.raises(UserError) as caught:
        open_broden(tree, **arguments)
    for part in says:
        assert part in str(caught.value)


def test_a_folder_that_is_none(tree):
    with pytest.raises(UserError, match="no folder"):
        open_broden(tree / "none")


def test_what_is_not_selected_may_be_missing(tree):
    (tree / "c_scene.csv").unlink()
    assert len(open_broden(tree, ["color"])) == 2


def plane(values):
    return Image.fromarray(np.array(values, np.uint8))


MASKS = {
    "missing": (lambda file: file.unlink(), ["is missing"]),
    "cut short": (lambda file: file.write_bytes(file.read_bytes()[:60]), ["cannot be read"]),
    "no image": (lambda file: file.write_text("no"), ["cannot be read"]),
    "size": (lambda file: Image.new("RGB", (4, 5)).save(file), ["is 5 x 4", "index says 4 x 4"]),
    "mode": (lambda file: Image.new("L", (4, 4)).save(file), ["mode L"]),
    "number": (lambda file: plane([[[44, 2, 0]] * 4] * 4).save(file),
               ["label 556", "not in label.csv"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MASKS)
def test_masks(tree, case):
    damage, says = MASKS[case]
    damage(tree / "images" / "im2_object.png")
    masks = BrodenMasks(open_broden(tree))
    masks.image(1)
    with pytest.raises(UserError) as caught:
        masks.image(2)
    assert caught.value.where == f"{tree / 'index.csv'}:4"
    for part in ["images/im2_object.png", "object", *says]:
        assert part in str(caught.value)
    assert caught.value.hint
