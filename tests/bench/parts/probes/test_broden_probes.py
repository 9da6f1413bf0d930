"""Probe sets with masks: what they show, and what decides it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bench.broden import BrodenLabel, MaskedImage, write_broden
from bench.config.compose import expand
from bench.errors import UserError
from bench.glyphs import broden_cache
from bench.parts.catalog import PROBES
from bench.parts.probes import BrodenProbe, FolderProbe, GlyphsBrodenProbe, GlyphsProbe
from bench.parts.protocols import Probe, SegmentedProbe
from bench.run.identity import params_of


@pytest.fixture
def tree(tmp_path):
    draw = np.random.default_rng(0)
    labels = [BrodenLabel(n, f"label {n}", "object" if n < 3 else "scene") for n in (1, 2, 3, 4)]
    images = [
        MaskedImage(
            f"{index}",
            {"object": [draw.integers(0, 3, (4, 4))]} if index % 2 else {"scene": [3]},
            Image.fromarray(draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)),
            split="train" if index < 4 else "val",
        )
        for index in range(6)
    ]
    write_broden(tmp_path / "tree", images, labels, ["object", "scene"], mask_size=(4, 4))
    return tmp_path / "tree"


def test_images_come_in_the_order_of_the_index(tree, tmp_path):
    probe = BrodenProbe(str(tree))
    assert isinstance(probe, SegmentedProbe)
    assert len(probe) == 6
    for index in range(6):
        with Image.open(tree / "images" / f"{index}.png") as image:
            assert probe.image(index).tobytes() == image.tobytes()
    assert len(probe.masks(tmp_path)) == 6
    few = BrodenProbe(str(tree), limit=3)
    assert len(few) == len(few.masks(tmp_path)) == 3
    assert few.image(2).tobytes() == probe.image(2).tobytes()
    objects = BrodenProbe(str(tree), ("object",))
    assert [objects.image(i).tobytes() for i in range(3)] == [
        probe.image(i).tobytes() for i in (1, 3, 5)
    ]
    assert objects.masks(tmp_path).image(2).planes.tolist() == (
        probe.masks(tmp_path).image(5).planes.tolist()
    )
    assert len(BrodenProbe(str(tree), split="val")) == 2
    with pytest.raises(UserError):
        BrodenProbe(str(tree), limit=0)
    with pytest.raises(UserError, match="no folder"):
        len(BrodenProbe(str(tree / "none")))


def prints(folder, **parameters):
    """Of a fresh probe each: what was opened earlier must not hide a change."""
    probe = BrodenProbe(str(folder), **parameters)
    return dict(probe.fingerprint()), dict(probe.masks_fingerprint())


def test_fingerprints_follow_contents_not_places(tree, tmp_path):
    before = prints(tree)
    moved = tmp_path / "moved"
    shutil.copytree(tree, moved)
    assert prints(moved) == before
    assert str(tmp_path) not in str(before)

    mask = moved / "images" / "1_object.png"
    Image.new("RGB", (4, 4), (1, 0, 0)).save(mask)
    images, masks = prints(moved)
    assert images == before[0]
    assert masks != before[1]

    shutil.copyfile(tree / "images" / "1_object.png", mask)
    assert prints(moved) == before
    Image.new("RGB", (8, 8)).save(moved / "images" / "1.png")
    images, masks = prints(moved)
    assert images != before[0]
    assert masks == before[1]


@pytest.mark.parametrize("name", ["index.csv", "label.csv", "category.csv", "c_object.csv"])
def test_fingerprints_follow_every_table(tree, name):
    before = prints(tree)
    with (tree / name).open("a") as file:
        file.write("\n")
    after = prints(tree)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    "parameters", [{"limit": 3}, {"split": "val"}, {"categories": ("object",)}]
)
def test_fingerprints_follow_the_parameters(tree, parameters):
    before, after = prints(tree), prints(tree, **parameters)
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_missing_files_are_named_by_their_row(tree):
    (tree / "images" / "5_object.png").unlink()
    with pytest.raises(UserError) as caught:
        BrodenProbe(str(tree)).masks_fingerprint()
    assert caught.value.where == f"{tree / 'index.csv'}:7"
    (tree / "images" / "2.png").unlink()
    with pytest.raises(UserError) as caught:
        BrodenProbe(str(tree)).fingerprint()
    assert caught.value.where == f"{tree / 'index.csv'}:4"
    assert "2.png" in caught.value.what


def test_glyphs_have_masks_at_no_cost_until_they_are_asked_for(tmp_path, monkeypatch):
    probe = GlyphsProbe("val", 3)
    assert isinstance(probe, SegmentedProbe)
    assert not isinstance(FolderProbe(str(tmp_path)), SegmentedProbe)
    other = GlyphsProbe("val", 4)
    assert probe.masks_fingerprint() == GlyphsProbe("val", 3).masks_fingerprint()
    assert probe.masks_fingerprint() != other.masks_fingerprint()
    assert probe.masks_fingerprint() != probe.fingerprint()
    assert not list(tmp_path.iterdir())
    masks = probe.masks(tmp_path)
    assert (len(masks), masks.mask_size) == (3, (64, 64))
    whole = [masks.image(index).planes.tolist() for index in range(3)]
    monkeypatch.setattr(broden_cache, "write_glyphs", None)  # made once: never called again
    fewer = GlyphsProbe("val", 2).masks(tmp_path)
    assert len(fewer) == 2
    assert [fewer.image(index).planes.tolist() for index in range(2)] == whole[:2]
    assert fewer.labels == masks.labels


def test_glyphs_from_files_are_glyphs(tmp_path):
    probe = GlyphsBrodenProbe("half", 3, root=str(tmp_path / "cache"))
    assert isinstance(probe, SegmentedProbe)
    plain = GlyphsProbe("half", 3)
    assert len(probe) == 3
    assert probe.masks_fingerprint() == plain.masks_fingerprint()
    assert probe.fingerprint() != GlyphsBrodenProbe("half", 4, root=str(tmp_path)).fingerprint()
    assert not list(tmp_path.iterdir())  # describing it makes no tree
    for index in range(3):
        assert probe.image(index).tobytes() == plain.image(index).tobytes()
        ours = probe.masks(tmp_path).image(index)
        theirs = plain.masks(tmp_path).image(index)
        assert (ours.planes == theirs.planes).all()
        assert ours.scalars == theirs.scalars
    with pytest.raises(IndexError):
        probe.image(3)
    with pytest.raises(UserError):
        GlyphsBrodenProbe(size=0, root=str(tmp_path))


def test_the_place_of_the_tree_decides_nothing(tmp_path):
    one, other = (GlyphsBrodenProbe(size=3, root=str(tmp_path / name)) for name in "ab")
    assert params_of(one) == params_of(other) == {"variant": "val", "size": 3}
    assert one.fingerprint() == other.fingerprint()
    assert one.masks_fingerprint() == other.masks_fingerprint()


def test_both_are_chosen_by_name(tree, tmp_path):
    [job] = expand(["probe=glyphs_broden", f"runtime.cache={tmp_path}", "probe.params.size=5"])
    probe = PROBES.build(job.config.probe.name, dict(job.config.probe.params))
    assert probe == GlyphsBrodenProbe("val", 5, root=str(tmp_path))
    [job] = expand(["probe=broden", f"probe.params.path={tree}", "probe.params.limit=2"])
    probe = PROBES.build(job.config.probe.name, dict(job.config.probe.params))
    assert isinstance(probe, Probe)
    assert len(probe) == 2


def test_masks_are_read_without_torch(tree):
    code = (
        "import sys\n"
        "from bench.parts.probes import BrodenProbe\n"
        "probe = BrodenProbe(sys.argv[1])\n"
        "probe.masks(None).image(1), probe.fingerprint(), probe.masks_fingerprint()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tree)], check=True)
