"""ImageNet's validation set in the two ways in which people keep it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.probes import FolderProbe, ImageNetValProbe
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets
from bench.run.identity import params_of
from tests.bench.parts.probes.imagenet_made import IMAGES, SHOWN, image_name, pack, write_devkit

REAL = Path(__file__).resolve().parents[5] / "shared" / "real"


@pytest.fixture
def flat(tmp_path):
    root = tmp_path / "flat"
    root.mkdir()
    for number in range(1, len(IMAGES) + 1):
        Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(root / image_name(number))
    return root


@pytest.fixture
def sorted_out(tmp_path, flat):
    root = tmp_path / "sorted"
    for number, one in enumerate(IMAGES, start=1):
        (root / SHOWN[one - 1]).mkdir(parents=True, exist_ok=True)
        shutil.copy(flat / image_name(number), root / SHOWN[one - 1])
    return root


def told(probe):
    """Class by the number of the image."""
    numbers = [int(file[-13:-5]) for file in probe.files]
    return dict(zip(numbers, probe.image_classes(), strict=True))


EXPECTED = {n: imagenet_synsets()[SHOWN[one - 1]] for n, one in enumerate(IMAGES, start=1)}


def test_the_shipped_synsets_are_in_the_order_of_the_names():
    synsets, names = imagenet_synsets(), imagenet_names()
    assert len(synsets) == len(names) == len(set(names)) == 1000
    assert list(synsets) == sorted(synsets)
    known = {
        "n01440764": "tench",
        "n02119789": "kit fox",
        "n02129165": "lion",
        "n15075141": "toilet",
    }
    for synset, word in known.items():
        assert word in names[synsets[synset]]


@pytest.mark.parametrize("form", ["beside, packed", "beside", "folder", "packed"])
def test_flat_files_have_classes_by_the_devkit(flat, tmp_path, form):
    kit = write_devkit(flat if form.startswith("beside") else tmp_path)
    if form.endswith("packed"):
        kit = pack(kit)
    given = "" if form.startswith("beside") else str(kit)
    probe = ImageNetValProbe(str(flat), devkit=given)
    assert told(probe) == EXPECTED
    assert probe.class_names()[probe.image_classes()[probe.files.index(image_name(1))]].startswith(
        "tench"
    )


def test_both_ways_of_keeping_the_set_are_one_set(flat, sorted_out):
    write_devkit(flat)
    one, other = ImageNetValProbe(str(flat)), ImageNetValProbe(str(sorted_out))
    assert told(one) == told(other) == EXPECTED
    assert one.image_classes() == other.image_classes()
    assert one.fingerprint() == other.fingerprint()
    assert one.masks_fingerprint() == other.masks_fingerprint()
    assert params_of(one) == params_of(other) == {"limit": None, "mask_size": 56}
    assert one.fingerprint() == FolderProbe(str(flat)).fingerprint()
    for index in range(len(IMAGES)):
        assert one.image(index).tobytes() == other.image(index).tobytes()


def test_flat_files_alone_are_a_probe_set_of_no_known_class(flat, tmp_path):
    probe = ImageNetValProbe(str(flat))
    assert len(probe) == len(IMAGES)
    assert set(probe.image_classes()) == {-1}
    assert probe.notes() == ()
    for asked in (probe.mask_labels, probe.masks_fingerprint, lambda: probe.masks(tmp_path)):
        with pytest.raises(UserError, match="are unknown") as caught:
            asked()
        assert "devkit" in caught.value.hint


def test_it_says_how_many_classes_are_shown(sorted_out):
    assert ImageNetValProbe(str(sorted_out)).notes() == ("images of 4 of the 1,000 classes",)
    assert len(ImageNetValProbe(str(sorted_out)).mask_labels()) == 1000
    (sorted_out / "n00000001").mkdir()
    Image.new("RGB", (8, 8)).save(sorted_out / "n00000001" / "a.JPEG")
    assert -1 in ImageNetValProbe(str(sorted_out)).image_classes()


@pytest.mark.parametrize(
    ("truth", "where"), [("2\n1\n1001\n", ":3"), ("2\nfox\n", ":2"), ("5\n", ":1")]
)
def test_a_damaged_ground_truth_is_named_with_its_line(flat, truth, where):
    write_devkit(flat, truth)
    with pytest.raises(UserError, match="not the ILSVRC id") as caught:
        ImageNetValProbe(str(flat)).image_classes()
    assert caught.value.where.endswith(f"ground_truth.txt{where}")


def test_a_damaged_devkit_is_the_users_error(flat, tmp_path):
    kit = write_devkit(tmp_path)
    (kit / "data" / "meta.mat").write_bytes(b"no matrix at all" * 20)
    with pytest.raises(UserError, match="not a table of synsets"):
        ImageNetValProbe(str(flat), devkit=str(kit)).image_classes()
    assert ImageNetValProbe(str(flat), devkit=str(kit)).notes() == ()
    (kit / "data" / "meta.mat").unlink()
    with pytest.raises(UserError, match=r"does not contain data/meta\.mat"):
        ImageNetValProbe(str(flat), devkit=str(kit)).image_classes()
    (tmp_path / "kit.tar.gz").write_bytes(b"\x1f\x8b no archive")
    with pytest.raises(UserError, match="cannot read this"):
        ImageNetValProbe(str(flat), devkit=str(tmp_path / "kit.tar.gz")).image_classes()
    (tmp_path / "list.txt").write_text("n01440764\n")
    with pytest.raises(
        UserError, match="cannot read this archive: file could not be opened"
    ) as caught:
        ImageNetValProbe(str(flat), devkit=str(tmp_path / "list.txt")).image_classes()
    assert "\n" not in caught.value.what
    with pytest.raises(UserError, match="no such file"):
        ImageNetValProbe(str(flat), devkit=str(tmp_path / "none.tar.gz")).image_classes()


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/real")
def test_real_images_of_every_class():
    probe = ImageNetValProbe(str(REAL / "imagenet_samples"))
    assert sorted(probe.image_classes()) == list(range(1000))
    assert probe.notes() == ()
    small = ImageNetValProbe(str(REAL / "imagenet_samples"), limit=50)
    assert small.files == probe.files[:50]
    assert np.ptp(small.image_classes()) > 700
