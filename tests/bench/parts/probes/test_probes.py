import numpy as np
import pytest
from PIL import Image, features

from bench.errors import UserError
from bench.parts.probes import FolderProbe, GlyphsProbe
from bench.parts.probes.images import open_rgb
from bench.parts.protocols import Probe


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    draw = np.random.default_rng(0)
    for synset in ("n01", "n02", "n03"):
        (root / synset).mkdir(parents=True)
        for index in range(12):
            pixels = draw.integers(0, 256, (8 + index, 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / synset / f"{index}.JPEG")
    (root / "notes.txt").write_text("no image")
    (root / ".hidden.jpg").write_text("no image")
    return root


def test_a_small_set_is_a_mixed_prefix_of_a_large_one(folder):
    whole = FolderProbe(str(folder))
    small = FolderProbe(str(folder), limit=9)
    assert isinstance(whole, Probe)
    assert len(whole) == 36
    assert small.names == whole.names[:9]
    assert len({name.split("/")[0] for name in small.names}) > 1
    assert small.image(0).tobytes() == whole.image(0).tobytes()
    assert len(FolderProbe(str(folder), limit=99)) == 36


def test_an_offset_takes_the_images_after_it(folder):
    whole = FolderProbe(str(folder))
    draw = FolderProbe(str(folder), limit=9, offset=9)
    assert draw.names == whole.names[9:18]
    assert draw.image(0).tobytes() == whole.image(9).tobytes()
    assert draw.fingerprint() != FolderProbe(str(folder), limit=9).fingerprint()
    assert draw.parameters["offset"] == 9
    assert "offset" not in whole.parameters
    with pytest.raises(UserError, match="no image remains") as caught:
        len(FolderProbe(str(folder), offset=36))
    assert caught.value.hint == "there are 36 images"
    with pytest.raises(UserError, match="invalid offset -1"):
        FolderProbe(str(folder), offset=-1)


def test_the_fingerprint_follows_names_and_bytes_not_places(folder, tmp_path):
    before = FolderProbe(str(folder)).fingerprint()
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    assert FolderProbe(str(moved)).fingerprint() == before
    assert FolderProbe(str(moved), limit=9).fingerprint() != before
    (moved / "n01" / "0.JPEG").rename(moved / "n01" / "zero.JPEG")
    assert FolderProbe(str(moved)).fingerprint() != before
    (moved / "n01" / "zero.JPEG").rename(moved / "n01" / "0.JPEG")
    assert FolderProbe(str(moved)).fingerprint() == before
    data = (moved / "n01" / "0.JPEG").read_bytes()
    (moved / "n01" / "0.JPEG").write_bytes(data[:-1] + b"\0")
    assert FolderProbe(str(moved)).fingerprint() != before


def test_a_link_to_a_class_is_followed_and_a_circle_ends(folder, tmp_path):
    other = tmp_path / "other"
    (folder / "n01").rename(other)
    (folder / "n01").symlink_to(other)
    (folder / "n02" / "up").symlink_to(folder)
    assert len(FolderProbe(str(folder))) == 36


def test_a_folder_without_images_names_it_and_the_endings(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(UserError) as caught:
        len(FolderProbe(str(tmp_path)))
    assert str(tmp_path) in str(caught.value)
    assert ".jpg" in caught.value.hint
    with pytest.raises(UserError, match="no folder"):
        len(FolderProbe(str(tmp_path / "none")))
    with pytest.raises(UserError):
        FolderProbe(str(tmp_path), limit=0)


def test_every_mode_becomes_rgb(tmp_path):
    grey = np.full((4, 5), 128, dtype=np.uint8)
    red = np.zeros((4, 5, 4), dtype=np.uint8)
    red[..., 0], red[:2, :, 3] = 255, 255
    images = {
        "l.png": (Image.fromarray(grey), (128, 128, 128)),
        "one.png": (Image.fromarray(grey).convert("1", dither=Image.Dither.NONE), (255, 255, 255)),
        "deep.png": (Image.fromarray(np.full((4, 5), 128 * 257, np.uint16)), (128, 128, 128)),
        "float.tif": (Image.fromarray(np.full((4, 5), 0.5, np.float32)), (128, 128, 128)),
        "p.gif": (Image.fromarray(red[..., :3]).convert("P"), (255, 0, 0)),
        "cmyk.tif": (Image.fromarray(red[..., :3]).convert("CMYK"), (255, 0, 0)),
        "rgba.png": (Image.fromarray(red), (255, 0, 0)),
    }
    for name, (image, colour) in images.items():
        image.save(tmp_path / name)
        back = open_rgb(tmp_path / name)
        assert back.mode == "RGB", name
        assert back.size == (5, 4), name
        assert np.abs(np.subtract(back.getpixel((0, 0)), colour)).max() <= 1, name
    assert open_rgb(tmp_path / "rgba.png").getpixel((0, 3)) == (255, 255, 255)
    assert len(FolderProbe(str(tmp_path))) == len(images)


def test_other_files_are_counted_and_said(tmp_path, caplog):
    (tmp_path / "in").mkdir()
    image = Image.new("RGB", (4, 5), (9, 9, 9))
    image.save(tmp_path / "a.png")
    alone = FolderProbe(str(tmp_path))
    assert alone.notes() == ()
    before = alone.fingerprint()
    for name in ("in/b.HEIC", "c.heic", "d.txt", "notes", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).write_text("x")
    probe = FolderProbe(str(tmp_path))
    told = "ignored 4 files without an image extension: 2 .heic, 1 .txt, 1 without extension"
    assert probe.notes() == (told,)
    assert probe.fingerprint() == before
    assert len(FolderProbe(str(tmp_path))) == 1
    assert caplog.text.count(told) == 1  # though several jobs look at the folder


@pytest.mark.parametrize("ending", ["jfif", "JPE", "webp", "avif"])
def test_endings_of_photographs_are_known(tmp_path, ending):
    if ending == "avif" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    kind = {"jfif": "JPEG", "JPE": "JPEG"}.get(ending, ending.upper())
    Image.new("RGB", (16, 8), (40, 90, 200)).save(tmp_path / f"a.{ending}", kind, quality=95)
    probe = FolderProbe(str(tmp_path))
    assert probe.files == (f"a.{ending}",)
    assert probe.notes() == ()
    assert np.abs(np.subtract(probe.image(0).getpixel((3, 3)), (40, 90, 200))).max() <= 4


def test_the_cameras_orientation_is_applied(tmp_path):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = open_rgb(tmp_path / "a.png")
    assert image.size == (4, 6)
    assert image.getpixel((3, 0)) == (255, 255, 255)


def test_a_damaged_image_is_named(folder):
    bad = folder / "n01" / "0.JPEG"
    bad.write_bytes(bad.read_bytes()[:200])
    probe = FolderProbe(str(folder))
    with pytest.raises(UserError) as caught:
        probe.image(probe.names.index("n01/0.JPEG"))
    assert caught.value.where == str(bad)


def test_draws_of_glyphs_are_told_apart(tmp_path):
    first, draw = GlyphsProbe("val", 2), GlyphsProbe("val", 2, offset=3)
    assert draw.image(1).tobytes() == GlyphsProbe("val", 5).image(4).tobytes()
    assert draw.fingerprint() != first.fingerprint()
    assert draw.masks_fingerprint() != first.masks_fingerprint()
    assert draw.parameters["offset"] == 3
    # Keys of older records stay as they are.
    assert "offset" not in first.fingerprint() | first.parameters
    whole, own = GlyphsProbe("val", 5).masks(tmp_path), draw.masks(tmp_path)
    ours, same = own.image(1), whole.image(4)
    assert np.array_equal(ours.planes, same.planes)
    assert ours.scalars == same.scalars


def test_glyphs_are_nested_and_told_apart():
    small, large = GlyphsProbe("val", 3), GlyphsProbe("val", 5)
    assert isinstance(small, Probe)
    assert len(small) == 3
    assert small.image(2).tobytes() == large.image(2).tobytes()
    assert small.image(0).size == (128, 128)
    assert small.fingerprint() != large.fingerprint()
    assert small.fingerprint() != GlyphsProbe("half", 3).fingerprint()
    with pytest.raises(IndexError):
        small.image(3)
    with pytest.raises(UserError):
        GlyphsProbe(size=0)
