"""Tiny-ImageNet's published tree, and trees of synsets."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.probes import TinyImageNetProbe
from bench.run.identity import params_of

REAL = Path(__file__).resolve().parents[5] / "shared" / "real"
SYNSETS = ("n03444034", "n01443537", "n02124075")  # as wnids.txt: not sorted
VAL = (0, 1, 1, 2, 0, 2)
WORDS = {"n03444034": "go-kart", "n01443537": "goldfish, Carassius auratus"}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tiny-imagenet-200"
    images = root / "val" / "images"
    images.mkdir(parents=True)
    for number, at in enumerate(VAL):
        pixels = np.full((64, 64, 3), 80 * at + number, np.uint8)
        Image.fromarray(pixels).save(images / f"val_{number}.JPEG", quality=100)
    (root / "train" / "n03444034" / "images").mkdir(parents=True)
    shutil.copy(images / "val_0.JPEG", root / "train/n03444034/images/n03444034_0.JPEG")
    (root / "wnids.txt").write_text("".join(f"{synset}\n" for synset in SYNSETS))
    (root / "words.txt").write_text(
        "n00001740\tentity\n" + "".join(f"{k}\t{v}\n" for k, v in WORDS.items())
    )
    (root / "val" / "val_annotations.txt").write_text(
        "".join(f"val_{n}.JPEG\t{SYNSETS[at]}\t0\t32\t44\t62\n" for n, at in enumerate(VAL))
    )
    return root


def synsets_by_number(probe):
    order = sorted(SYNSETS)
    found = zip(probe.files, probe.image_classes(), strict=True)
    return {int(Path(name).stem[4:]): order[at] for name, at in found}


EXPECTED = {number: SYNSETS[at] for number, at in enumerate(VAL)}


@pytest.mark.parametrize("inside", ["", "val", "val/images"])
def test_the_published_tree(tree, inside):
    probe = TinyImageNetProbe(str(tree / inside))
    assert len(probe) == len(VAL), "validation images alone"
    assert synsets_by_number(probe) == EXPECTED
    # Sorted by synset; what words.txt does not name is named as in ImageNet.
    assert probe.class_names() == (
        "goldfish, Carassius auratus", "Egyptian cat", "go-kart",
    )  # fmt: skip
    assert params_of(probe) == {"limit": None, "mask_size": 56}


def test_it_is_chosen_where_it_was_fetched(tree, own_folders):
    own_folders.mkdir()
    tree.rename(own_folders / "tiny-imagenet-200")
    probe = TinyImageNetProbe()
    assert synsets_by_number(probe) == EXPECTED
    assert probe.image(0).size == (64, 64)
    assert probe.unmet_requirements() == ()


@pytest.mark.parametrize("inside", ["{synset}", "{synset}/images", "val/{synset}"])
def test_sorted_into_folders_it_is_the_same_set(tree, tmp_path, inside):
    before = TinyImageNetProbe(str(tree))
    prints = (before.fingerprint(), before.masks_fingerprint())
    other = tmp_path / "sorted"
    for number, at in enumerate(VAL):
        folder = other / inside.format(synset=SYNSETS[at])
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / "val" / "images" / f"val_{number}.JPEG", folder)
    shutil.copy(tree / "words.txt", other)
    probe = TinyImageNetProbe(str(other))
    assert synsets_by_number(probe) == EXPECTED
    assert (probe.fingerprint(), probe.masks_fingerprint()) == prints


def test_what_lies_above_a_foreign_tree_is_not_read(tree, tmp_path):
    other = tmp_path / "sorted"
    (other / "n01443537").mkdir(parents=True)
    shutil.copy(tree / "val" / "images" / "val_1.JPEG", other / "n01443537")
    (tmp_path / "words.txt").write_text("a list of words\nof something else\n")
    probe = TinyImageNetProbe(str(other))
    assert probe.class_names() == ("goldfish, Carassius auratus",)
    assert probe.image_classes() == (0,)


def test_what_cannot_be_named_is_an_error(tree, tmp_path):
    with (tree / "wnids.txt").open("a") as file:
        file.write("n99999999\n")
    with pytest.raises(UserError, match="n99999999"):
        TinyImageNetProbe(str(tree)).class_names()
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    shutil.rmtree(tree)
    with pytest.raises(UserError, match=r"the classes of .* are unknown"):
        TinyImageNetProbe(str(tmp_path)).image_classes()


def test_images_of_classes_that_are_not_listed_are_of_none(tree):
    (tree / "wnids.txt").write_text(f"{SYNSETS[0]}\n{SYNSETS[1]}\n")
    probe = TinyImageNetProbe(str(tree))
    by_number = dict(zip((int(Path(f).stem[4:]) for f in probe.files), probe.image_classes(),
                         strict=True))  # fmt: skip
    assert [by_number[n] for n in range(6)] == [1, 0, 0, -1, 1, -1]


def test_a_damaged_list_is_named_with_its_line(tree):
    file = tree / "val" / "val_annotations.txt"
    file.write_text("val_0.JPEG\tn03444034\t0\t0\t0\t0\nval_1.JPEG\n")
    with pytest.raises(UserError) as caught:
        TinyImageNetProbe(str(tree)).image_classes()
    assert caught.value.where == f"{file}:2"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/real")
def test_real_images():
    probe = TinyImageNetProbe(str(REAL / "tiny_imagenet_val_half"))
    assert len(probe) == 5000
    assert len(probe.class_names()) == len(set(probe.class_names())) == 200
    assert [probe.image_classes().count(at) for at in range(200)] == [25] * 200
