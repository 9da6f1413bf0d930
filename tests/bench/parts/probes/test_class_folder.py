"""Folders of classes: what class an image is of, and classes in the place of masks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.probes import ClassFolderProbe, FolderProbe
from bench.parts.protocols import LabelledProbe, SegmentedProbe

REAL = Path(__file__).resolve().parents[5] / "shared" / "real"
SYNSETS = {"n03": 4, "n01": 3, "n02": 5}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for place, (synset, count) in enumerate(SYNSETS.items()):
        (root / synset / "deeper").mkdir(parents=True)
        for index in range(count):
            inside = "deeper/" if index == 0 else ""
            pixels = np.full((8, 8, 3), 50 * place + index, np.uint8)
            Image.fromarray(pixels).save(root / synset / f"{inside}{index}.png")
    return root


def test_every_image_knows_its_folder(folder):
    probe = ClassFolderProbe(str(folder))
    assert isinstance(probe, LabelledProbe)
    assert isinstance(probe, SegmentedProbe)
    assert probe.class_names() == ("n01", "n02", "n03")
    found = probe.image_classes()
    assert [probe.class_names()[at] for at in found] == [n.split("/")[0] for n in probe.files]
    for index, at in enumerate(found):
        level = probe.image(index).getpixel((0, 0))[0]
        assert list(SYNSETS)[level // 50] == probe.class_names()[at]
    few = ClassFolderProbe(str(folder), limit=5)
    assert few.image_classes() == found[:5]
    assert few.class_names() == probe.class_names()


def test_images_and_their_order_are_those_of_a_plain_folder(folder):
    assert ClassFolderProbe(str(folder)).fingerprint() == FolderProbe(str(folder)).fingerprint()
    loose = folder / "loose.png"
    Image.new("RGB", (8, 8)).save(loose)
    probe = ClassFolderProbe(str(folder))
    assert probe.fingerprint() == FolderProbe(str(folder)).fingerprint()
    assert probe.image_classes()[probe.files.index("loose.png")] == -1
    place = probe.files.index("loose.png")
    assert probe.masks(folder).image(place).scalars == ()


def test_classes_are_labels_of_whole_images(folder, tmp_path):
    probe = ClassFolderProbe(str(folder), mask_size=7)
    masks = probe.masks(tmp_path)
    assert masks.mask_size == (7, 7)
    assert masks.categories == ("class",)
    assert masks.labels == probe.mask_labels()
    assert [(label.name, label.category) for label in masks.labels] == [
        (name, "class") for name in ("n01", "n02", "n03")
    ]
    assert len(masks) == 12
    for index, at in enumerate(probe.image_classes()):
        image = masks.image(index)
        assert image.planes.shape == (0, 7, 7)
        assert image.planes.dtype == np.int32
        assert image.scalars == (at,)
    with pytest.raises(IndexError):
        masks.image(12)


def test_the_fingerprint_of_the_masks_follows_classes_alone(folder, tmp_path):
    before = dict(ClassFolderProbe(str(folder)).masks_fingerprint())
    assert str(tmp_path) not in str(before)
    assert dict(ClassFolderProbe(str(folder), mask_size=8).masks_fingerprint()) != before
    assert dict(ClassFolderProbe(str(folder), limit=5).masks_fingerprint()) != before
    order = ("n03", "n02", "n01")
    assert dict(ClassFolderProbe(str(folder), classes=order).masks_fingerprint()) != before
    Image.new("RGB", (8, 8)).save(folder / "n01" / "1.png")
    assert dict(ClassFolderProbe(str(folder)).masks_fingerprint()) == before
    (folder / "n01").rename(folder / "n09")
    assert dict(ClassFolderProbe(str(folder)).masks_fingerprint()) != before


def test_a_list_fixes_the_order_and_may_hold_more(folder):
    probe = ClassFolderProbe(str(folder), classes=("n00", "n03", "n02", "n01"))
    assert probe.class_names() == ("n00", "n03", "n02", "n01")
    assert set(probe.image_classes()) == {1, 2, 3}
    with pytest.raises(UserError, match="does not contain the folder 'n03'") as caught:
        ClassFolderProbe(str(folder), classes=("n01", "n02", "n033")).image_classes()
    assert "n033" in caught.value.valid
    with pytest.raises(UserError, match="twice"):
        ClassFolderProbe(str(folder), classes=("n01", "n01"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("words.txt", "n01\ttench, Tinca tinca\nn02\tgoldfish\nn03\tred fox\n"),
        ("mapping.txt", "n01 tench, Tinca tinca\nn02 goldfish\nn03 red fox\n"),
        ("a.csv", 'n01,"tench, Tinca tinca"\r\nn02,goldfish\r\nn03,red fox\r\n'),
        ("a.tsv", "wnid\tat\tname\nn01\t0\ttench, Tinca tinca\nn02\t1\tgoldfish\nn03\t2\tred fox"),
        ("b.csv", '\ufeffname,folder\n"tench, Tinca tinca",n01\ngoldfish,n02\nred fox,n03\n'),
    ],
)  # fmt: skip
def test_names_come_from_tables_of_many_forms(folder, tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    probe = ClassFolderProbe(str(folder), names=str(tmp_path / name))
    assert probe.class_names() == ("tench, Tinca tinca", "goldfish", "red fox")
    assert probe.mask_labels()[0].name == "tench, Tinca tinca"


def test_a_table_that_does_not_fit_is_named_with_its_line(folder, tmp_path):
    table = tmp_path / "words.txt"
    table.write_text("n01\ttench\nn02\tgoldfish\n")
    with pytest.raises(UserError, match="does not name the folder 'n03'"):
        ClassFolderProbe(str(folder), names=str(table)).class_names()
    table.write_text("n01\ttench\nn02\n")
    with pytest.raises(UserError) as caught:
        ClassFolderProbe(str(folder), names=str(table)).class_names()
    assert caught.value.where == f"{table}:2"
    table.write_text("n01\ttench\nn01\tgoldfish\n")
    with pytest.raises(UserError, match="n01 appears twice"):
        ClassFolderProbe(str(folder), names=str(table)).class_names()


def test_a_flat_folder_has_no_classes(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="no folder of a class"):
        ClassFolderProbe(str(tmp_path)).image_classes()
    with pytest.raises(UserError):
        ClassFolderProbe(str(tmp_path), mask_size=0)


def test_no_torch_is_needed(folder):
    code = (
        "import sys\n"
        "import bench.parts.probes\n"
        "probe = bench.parts.probes.ClassFolderProbe(sys.argv[1], on_error='skip')\n"
        "probe.unmet_requirements(), len(probe), probe.fingerprint(), probe.masks_fingerprint()\n"
        "probe.class_names(), probe.image_classes(), probe.masks(None).image(1)\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'scipy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/real")
def test_real_images_and_their_published_names():
    folder = str(REAL / "tiny_imagenet_val_half")
    table = str(REAL / "tiny_imagenet_names.tsv")
    probe = ClassFolderProbe(folder, names=table)
    assert len(probe) == 5000
    assert len(set(probe.class_names())) == 200
    assert probe.class_names()[0] == "goldfish"
    assert [probe.image_classes().count(at) for at in range(200)] == [25] * 200
    assert len(set(ClassFolderProbe(folder, limit=400).image_classes())) > 150
