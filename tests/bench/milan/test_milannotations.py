"""The reader, on folders of the published layout that the tests write."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.milan import read_milannotations
from bench.milan.folder_images import FolderImages, fit

S, K = 14, 3
SAID = [
    ("10", 2, "dogs"), ("10", 0, "sky, blue"), ("10", 0, " water "), ("10", 0, "boats"),
    ("10", 0, "the sea"), ("fc", 1, "red things"), ("fc", 1, ""), ("10", 2, "cats"),
]  # fmt: skip


def write_annotations(folder, rows=SAID, header=("layer", "unit", "summary", "extra")):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "annotations.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows([*row, "-"] for row in rows)


def write_layer(folder, rows=4, images=True, seed=0, high=9):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    made = {
        "masks": rng.integers(0, 2, (rows, K, 1, S, S)).astype(np.uint8),
        "images": rng.integers(0, 256, (rows, K, 3, S, S), dtype=np.uint8),
        "ids": rng.integers(0, high, (rows, K)),
    }
    np.save(folder / "masks.npy", made["masks"])
    if images:
        np.save(folder / "images.npy", made["images"])
    np.savetxt(folder / "ids.csv", made["ids"], fmt="%d", delimiter=",")
    return made


def write_image_folder(root, sizes=((20, 30), (30, 20), (16, 16))):
    rng = np.random.default_rng(5)
    made = {}
    for kind in ("n02", "n01", "n10"):
        (root / kind).mkdir(parents=True)
        for number, size in enumerate(sizes):
            picture = Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
            name = f"{'cab'[number]}.png"
            picture.save(root / kind / name)
            made[f"{kind}/{name}"] = picture
    (root / "n01" / "notes.txt").write_text("no image")
    return [made[name] for name in sorted(made)]


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "vgg16" / "places365"
    write_annotations(folder)
    return tmp_path, {
        "10": write_layer(folder / "10", seed=1),
        "fc": write_layer(folder / "fc", seed=2),
    }


@pytest.mark.parametrize("name", ["vgg16/places365", "vgg16-places365"])
def test_units_with_their_own_images(shipped, name):
    root, made = shipped
    units = read_milannotations(root, [name])
    assert units.names == ("vgg16/places365/10",) * 2 + ("vgg16/places365/fc",)
    assert units.units == (0, 2, 1)
    assert units.descriptions == (
        ("sky, blue", "water", "boats", "the sea"), ("dogs", "cats"), ("red things",),
    )  # fmt: skip
    assert units.exemplars.size == S
    assert units.exemplars.ids.shape == (3, K)
    for at, (layer, row) in enumerate((("10", 0), ("10", 2), ("fc", 1))):
        assert (units.exemplars.masks(at) == made[layer]["masks"][row, :, 0].astype(bool)).all()
        found = units.exemplars.images(units.exemplars.ids[at].tolist())
        assert found.dtype == np.uint8
        assert (found == made[layer]["images"][row].transpose(0, 2, 3, 1)).all()
    assert np.isnan(units.exemplars.activations).all()
    with pytest.raises(IndexError):
        units.exemplars.images([10**6])


def test_the_official_number_of_descriptions(shipped):
    root, _ = shipped
    units = read_milannotations(root, ["vgg16/places365"], annotation_count=3)
    assert units.units == (0,)
    assert units.descriptions == (("sky, blue", "water", "boats"),)
    with pytest.raises(UserError, match="5 descriptions"):
        read_milannotations(root, ["vgg16/places365"], annotation_count=5)


def test_units_npy_says_which_row_is_whose(shipped):
    root, made = shipped
    folder = root / "vgg16" / "places365" / "10"
    np.save(folder / "units.npy", np.array([7, 2, 5, 0]))
    levels = np.random.default_rng(3).random((4, K))
    np.savetxt(folder / "activations.csv", levels, delimiter=",")
    units = read_milannotations(root, ["vgg16/places365"])
    assert units.units == (2, 0, 1)
    assert (units.exemplars.masks(0) == made["10"]["masks"][1, :, 0].astype(bool)).all()
    np.testing.assert_allclose(units.exemplars.activations[:2], levels[[1, 3]], rtol=1e-6)
    assert np.isnan(units.exemplars.activations[2]).all()


@pytest.mark.parametrize("geometry", ["centre", "squash"])
def test_images_are_merged_by_number(tmp_path, geometry):
    for network in ("alexnet", "resnet152"):
        write_annotations(tmp_path / network / "imagenet")
    made = [
        write_layer(tmp_path / network / "imagenet" / layer, images=False, seed=seed)
        for seed, (network, layer) in enumerate(
            [("alexnet", "10"), ("alexnet", "fc"), ("resnet152", "10"), ("resnet152", "fc")]
        )
    ]
    pictures = write_image_folder(tmp_path / "val")
    units = read_milannotations(
        tmp_path,
        ["alexnet-imagenet", "resnet152-imagenet"],
        images=tmp_path / "val",
        geometry=geometry,
    )
    rows = [(0, 0), (0, 2), (1, 1), (2, 0), (2, 2), (3, 1)]
    expected = np.stack([made[layer]["ids"][row] for layer, row in rows])
    assert (units.exemplars.ids == expected).all()
    for number, picture in enumerate(pictures):
        found = units.exemplars.images([number])[0]
        assert (found == np.asarray(fit(picture, S, geometry))).all()


def test_shipped_and_merged_images_go_together(shipped):
    root, made = shipped
    write_annotations(root / "alexnet" / "imagenet", [("fc", 3, "x")])
    merged = write_layer(root / "alexnet" / "imagenet" / "fc", images=False, seed=9)
    pictures = write_image_folder(root / "val")
    units = read_milannotations(root, ["vgg16/places365", "alexnet/imagenet"], images=root / "val")
    found = units.exemplars.images(units.exemplars.ids[[0, 3]].ravel().tolist())
    assert (found[:K] == made["10"]["images"][0].transpose(0, 2, 3, 1)).all()
    for at, number in enumerate(merged["ids"][3]):
        assert (found[K + at] == np.asarray(fit(pictures[number], S, "centre"))).all()


def test_geometries_are_torchvisions():
    from torchvision.transforms import CenterCrop, Resize

    rng = np.random.default_rng(0)
    for width, height in ((500, 375), (375, 500), (333, 500), (224, 224), (90, 61)):
        picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        centre = CenterCrop(224)(Resize(256)(picture))
        assert (np.asarray(fit(picture, 224, "centre")) == np.asarray(centre)).all()
        squashed = Resize((224, 224))(picture)
        assert (np.asarray(fit(picture, 224, "squash")) == np.asarray(squashed)).all()


def test_numbers_are_torchvisions(tmp_path):
    from torchvision.datasets import ImageFolder

    write_image_folder(tmp_path)
    (tmp_path / "n01" / "below").mkdir()
    Image.new("L", (20, 20), 7).save(tmp_path / "n01" / "below" / "A.JPEG")
    ours = FolderImages(tmp_path, S)
    assert [str(file) for file in ours.files] == [file for file, _ in ImageFolder(tmp_path).samples]
    grey = next(i for i, file in enumerate(ours.files) if file.name == "A.JPEG")
    assert ours.image(grey).shape == (S, S, 3)


def refuse(root, match, name="vgg16/places365", **options):
    with pytest.raises(UserError, match=match) as caught:
        read_milannotations(root, [name], **options)
    return caught.value


def test_missing_folders_are_named(shipped, tmp_path):
    root, _ = shipped
    refuse(root / "nowhere", "no folder")
    error = refuse(root, "no folder for vgg19/places365", "vgg19/places365")
    assert error.valid == ("vgg16/places365",)
    refuse(root, "no folder", "../vgg16")
    refuse(root, "unknown geometry", geometry="corner")
    refuse(root, "annotation_count", annotation_count=0)
    with pytest.raises(UserError, match="once"):
        read_milannotations(root, [])


def test_bad_annotations_are_named_by_line(shipped):
    root, _ = shipped
    folder = root / "vgg16" / "places365"
    write_annotations(folder, [("10", 0, "x"), ("10", "3a", "y")])
    assert refuse(root, "must be an integer").where.endswith("annotations.csv:3")
    write_annotations(folder, [("10", 0, "x"), ("10", 9, "y")])
    assert refuse(root, "unit 9 of 10 has no images").where.endswith("annotations.csv:3")
    write_annotations(folder, [("../10", 0, "x")])
    assert refuse(root, "has no folder").where.endswith("annotations.csv:2")
    write_annotations(folder, header=("layer", "unit", "text", "e"))
    assert "summary" in str(refuse(root, "missing column"))
    write_annotations(folder, [])
    refuse(root, "any descriptions")
    (folder / "annotations.csv").unlink()
    refuse(root, r"no annotations\.csv")


def test_bad_arrays_are_named(shipped):
    root, made = shipped
    folder = root / "vgg16" / "places365" / "10"
    np.save(folder / "units.npy", np.array([0.0, 1.0, 2.0, 3.0]))
    assert refuse(root, "invalid units").where.endswith("units.npy")
    np.save(folder / "units.npy", np.array([0, 1, 2, 2]))
    refuse(root, "invalid units")
    (folder / "units.npy").write_bytes(b"no array")
    refuse(root, "cannot read")
    (folder / "units.npy").unlink()
    np.save(folder / "images.npy", made["10"]["images"][:3])
    refuse(root, "do not match")
    np.save(folder / "images.npy", made["10"]["images"].astype(np.float32))
    refuse(root, "uint8")
    np.save(folder / "images.npy", np.array([{}], dtype=object))
    refuse(root, "cannot read the array")
    np.save(folder / "images.npy", made["10"]["images"])
    np.save(folder / "masks.npy", made["10"]["masks"][:, :, 0])
    refuse(root, "invalid shape")
    (folder / "masks.npy").unlink()
    refuse(root, r"no masks\.npy")


def test_bad_tables_are_named_by_line(tmp_path):
    write_annotations(tmp_path / "vgg16" / "places365", [("10", 0, "x")])
    folder = tmp_path / "vgg16" / "places365" / "10"
    made = write_layer(folder, images=False)
    write_image_folder(tmp_path / "val")
    val = tmp_path / "val"
    refuse(tmp_path, "contains no images")
    refuse(tmp_path, "no folder", images=tmp_path / "missing")
    refuse(tmp_path, "no class folder", images=tmp_path / "val" / "n01")
    good = (folder / "ids.csv").read_text()
    (folder / "ids.csv").write_text(good.replace("\n", "\nx,1,2\n", 1))
    assert refuse(tmp_path, "not a number", images=val).where.endswith("ids.csv:2")
    (folder / "ids.csv").write_text(good + "1,2,3\n")
    assert refuse(tmp_path, "more rows", images=val).where.endswith("ids.csv:5")
    (folder / "ids.csv").write_text("1,2\n" + good)
    refuse(tmp_path, "2 columns", images=val)
    (folder / "ids.csv").write_text("1,2,3\n")
    refuse(tmp_path, "1 rows for the 4 units", images=val)
    (folder / "ids.csv").write_text("1,2,9\n" * 4)
    refuse(tmp_path, "image 9 of 9", images=val)
    (folder / "ids.csv").unlink()
    refuse(tmp_path, "neither", images=val)
    assert made["ids"].shape == (4, K)


def test_other_sizes_are_not_mixed(shipped):
    root, _ = shipped
    folder = root / "vgg16" / "places365" / "fc"
    np.save(folder / "masks.npy", np.zeros((4, K, 1, 20, 20), np.uint8))
    np.save(folder / "images.npy", np.zeros((4, K, 3, 20, 20), np.uint8))
    refuse(root, "separately")


def test_an_unreadable_image_is_named(tmp_path):
    write_image_folder(tmp_path)
    (tmp_path / "n01" / "a.png").write_bytes(b"no image")
    with pytest.raises(UserError, match="cannot read the image"):
        FolderImages(tmp_path, S).image(0)
