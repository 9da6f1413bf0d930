"""Images that cannot be read: left out before anything runs, counted and listed."""

from __future__ import annotations

import json
import logging
import os

import numpy as np
import pytest
from PIL import Image

from bench import files
from bench.broden import BrodenLabel, MaskedImage, write_broden
from bench.errors import UserError
from bench.parts.probes import BrodenProbe, ClassFolderProbe, FolderProbe, validation
from bench.run.identity import params_of

BAD = ("a/broken_link.png", "a/cut.jpg", "a/empty.png", "b/text.jpg")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    draw = np.random.default_rng(0)
    for name in "ab":
        (root / name).mkdir(parents=True)
        for index in range(5):
            pixels = draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.jpg")
    data = (root / "a" / "0.jpg").read_bytes()
    (root / "a" / "cut.jpg").write_bytes(data[: len(data) * 2 // 3])
    (root / "a" / "empty.png").write_bytes(b"")
    (root / "b" / "text.jpg").write_text("no image")
    (root / "a" / "broken_link.png").symlink_to(root / "nowhere.png")
    return root


def test_they_are_left_out_before_the_limit_counts(folder):
    probe = FolderProbe(str(folder), on_error="skip")
    assert len(probe) == 10
    assert probe.skipped() == BAD
    for index in range(10):
        assert probe.image(index).size == (16, 16)
    small = FolderProbe(str(folder), limit=7, on_error="skip")
    assert small.names == probe.names[:7]
    assert small.skipped() == BAD
    classed = ClassFolderProbe(str(folder), on_error="skip")
    assert classed.files == probe.files
    assert sorted(classed.image_classes()) == [0] * 5 + [1] * 5


def test_without_bad_ones_the_set_is_the_same(folder):
    skipping = dict(FolderProbe(str(folder), on_error="skip").fingerprint())
    for name in BAD:
        (folder / name).unlink()
    plain = FolderProbe(str(folder))
    assert dict(plain.fingerprint()) == skipping
    assert plain.skipped() == ()
    assert params_of(plain) == {"path": str(folder), "limit": None}
    assert params_of(FolderProbe(str(folder), on_error="skip"))["on_error"] == "skip"


def test_the_default_fails_at_the_first(folder):
    probe = FolderProbe(str(folder))
    assert len(probe) == 14
    with pytest.raises(UserError, match="cannot read this image") as caught:
        probe.image(probe.names.index("b/text.jpg"))
    assert "on_error=skip" in caught.value.hint
    with pytest.raises(UserError, match="cannot read this file") as caught:
        probe.fingerprint()
    assert "nowhere.png" in caught.value.where


def test_it_is_told_once_and_remembered(folder, monkeypatch, caplog):
    monkeypatch.setattr(files, "_SETTLED_S", -1)
    with caplog.at_level(logging.WARNING, logger="bench"):
        probe = FolderProbe(str(folder), on_error="skip")
        len(probe), len(probe)
    [told] = [record.message for record in caplog.records]
    assert "left out 4 images" in told
    assert "b/text.jpg" in told
    assert probe.notes() == (f"left out 4 images that cannot be read: {', '.join(BAD)}",)

    opened = []
    decode = validation.open_rgb
    monkeypatch.setattr(validation, "open_rgb", lambda file: opened.append(file) or decode(file))
    assert len(FolderProbe(str(folder), on_error="skip")) == 10
    assert opened == []
    good = (folder / "a" / "1.jpg").read_bytes()
    (folder / "b" / "text.jpg").write_bytes(good)
    mended = FolderProbe(str(folder), on_error="skip")
    assert len(mended) == 11
    assert [file.name for file in opened] == ["text.jpg"]


def test_a_failing_disk_is_no_reason_to_leave_images_out(folder, monkeypatch):
    def failing(file):
        error = OSError(5, "Input/output error")
        raise UserError("cannot read this image") from error

    monkeypatch.setattr(validation, "open_rgb", failing)
    with pytest.raises(UserError, match="Input/output error"):
        len(FolderProbe(str(folder), on_error="skip"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_remembered_as_bad(folder, monkeypatch):
    monkeypatch.setattr(files, "_SETTLED_S", -1)
    file = folder / "a" / "1.jpg"
    file.chmod(0)
    assert "a/1.jpg" in FolderProbe(str(folder), on_error="skip").skipped()
    file.chmod(0o644)
    assert "a/1.jpg" not in FolderProbe(str(folder), on_error="skip").skipped()


def test_names_that_are_no_text_are_told_and_read(folder):
    try:
        odd = os.fsdecode(b"odd \xff.png")
        Image.new("RGB", (16, 16), (9, 8, 7)).save(folder / "a" / odd)
        (folder / "b" / odd).write_bytes(b"no image")
    except OSError:
        pytest.skip("this file system has no such names")
    probe = FolderProbe(str(folder), on_error="skip")
    assert "b/odd \\udcff.png" in probe.skipped()
    json.dumps([dict(probe.fingerprint()), probe.skipped()]).encode()
    assert probe.image(probe.names.index(f"a/{odd}")).getpixel((0, 0)) == (9, 8, 7)
    (folder / "a" / "broken_link.png").unlink()
    assert len(FolderProbe(str(folder)).fingerprint()["sha256"]) == 64


def test_a_class_without_a_readable_image_keeps_its_number(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "1.png")
    (tmp_path / "b" / "1.png").write_bytes(b"no image")
    probe = ClassFolderProbe(str(tmp_path), on_error="skip")
    assert probe.class_names() == ("a", "b", "c")
    assert sorted(probe.image_classes()) == [0, 2]


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(UserError, match="none of 1 images"):
        len(FolderProbe(str(tmp_path), on_error="skip"))


def test_broden_loses_images_and_their_masks_together(tmp_path):
    labels = [BrodenLabel(n, f"label {n}", "object") for n in range(1, 7)]
    images = [
        MaskedImage(
            f"{n}",
            {"object": [np.full((4, 4), n + 1)]},
            Image.fromarray(np.full((8, 8, 3), 10 * n, np.uint8)),
        )
        for n in range(6)
    ]
    tree = tmp_path / "tree"
    write_broden(tree, images, labels, ["object"], mask_size=(4, 4))
    before = dict(BrodenProbe(str(tree)).fingerprint())
    assert dict(BrodenProbe(str(tree), on_error="skip").fingerprint()) == before
    (tree / "images" / "1.png").write_text("no image")
    (tree / "images" / "3.png").unlink()
    probe = BrodenProbe(str(tree), on_error="skip", limit=3)
    assert probe.skipped() == ("1.png", "3.png")
    assert [probe.image(i).getpixel((0, 0))[0] for i in range(3)] == [0, 20, 40]
    masks = probe.masks(tmp_path)
    assert [int(masks.image(i).planes[0, 0, 0]) for i in range(3)] == [0, 2, 4]
    assert probe.masks_fingerprint()["n"] == probe.fingerprint()["n"] == 3
