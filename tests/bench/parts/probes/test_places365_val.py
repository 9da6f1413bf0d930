"""Places365's validation set: flat with its list, or in folders named in the usual ways."""

from __future__ import annotations

import tarfile

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.probes import Places365ValProbe
from bench.run.identity import params_of

CLASSES = (165, 0, 364, 71, 8)


@pytest.fixture
def flat(tmp_path):
    root = tmp_path / "val_256"
    root.mkdir()
    for number in range(1, 6):
        file = root / f"Places365_val_{number:08d}.jpg"
        Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(file)
    return root


def lines():
    return "".join(
        f"Places365_val_{number:08d}.jpg {place}\n" for number, place in enumerate(CLASSES, start=1)
    )


def told(probe):
    return [probe.image_classes()[probe.files.index(name)] for name in sorted(probe.files)]


@pytest.mark.parametrize("form", ["beside", "list", "folder", "tar", "tar beside"])
def test_flat_files_have_classes_by_the_list(flat, tmp_path, form):
    place = flat if form.endswith("beside") else tmp_path / "filelist_places365-standard"
    place.mkdir(exist_ok=True)
    listed = place / "places365_val.txt"
    listed.write_text(lines())
    given = {"list": listed, "folder": place}.get(form, "")
    if form.startswith("tar"):
        given = place / "filelist_places365-standard.tar"
        with tarfile.open(given, "w") as tar:
            tar.add(listed, "places365_val.txt")
        listed.unlink()
    if form.endswith("beside"):
        given = ""
    probe = Places365ValProbe(str(flat), filelist=str(given))
    assert told(probe) == list(CLASSES)
    assert probe.class_names()[71] == "bus station/indoor"
    assert len(probe.class_names()) == 365
    assert len(probe.mask_labels()) == 365
    assert params_of(probe) == {"limit": None, "mask_size": 56}


@pytest.mark.parametrize(
    "folders",
    [
        ("airfield", "bus_station/indoor", "zen_garden"),
        ("a/airfield", "b/bus_station/indoor", "z/zen_garden"),
        ("airfield", "bus_station-indoor", "zen_garden"),
    ],
)
def test_folders_name_classes_in_the_usual_ways(tmp_path, folders):
    for folder in folders:
        (tmp_path / "val" / folder).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "val" / folder / "1.jpg")
    assert told(Places365ValProbe(str(tmp_path / "val"))) == [0, 71, 364]


def test_a_published_file_is_known_by_its_name_wherever_it_lies(flat, tmp_path):
    (flat / "places365_val.txt").write_text(lines())
    whole = Places365ValProbe(str(flat))
    before = (whole.fingerprint(), whole.masks_fingerprint())
    for number, place in enumerate(CLASSES, start=1):
        name = whole.class_names()[place].replace(" ", "_")
        (tmp_path / "sorted" / name).mkdir(parents=True)
        file = f"Places365_val_{number:08d}.jpg"
        (flat / file).rename(tmp_path / "sorted" / name / file)
    other = Places365ValProbe(str(tmp_path / "sorted"))
    assert (other.fingerprint(), other.masks_fingerprint()) == before


def test_without_the_list_no_class_is_known(flat):
    probe = Places365ValProbe(str(flat))
    assert set(probe.image_classes()) == {-1}
    with pytest.raises(UserError) as caught:
        probe.mask_labels()
    assert "filelist_places365-standard.tar" in caught.value.hint


@pytest.mark.parametrize("bad", ["Places365_val_00000001.jpg 365", "Places365_val_00000001.jpg"])
def test_a_damaged_list_is_named_with_its_line(flat, bad):
    (flat / "places365_val.txt").write_text(f"Places365_val_00000002.jpg 0\n{bad}\n")
    with pytest.raises(UserError) as caught:
        Places365ValProbe(str(flat)).image_classes()
    assert caught.value.where == f"{flat / 'places365_val.txt'}:2"
