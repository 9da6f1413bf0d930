"""Image files as they occur in the wild, against closed forms."""

from __future__ import annotations

import struct
import warnings
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.probes import FolderProbe
from bench.parts.probes.images import open_rgb

INKS = [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 60), (0, 0, 255, 128), (0, 0, 0, 255)]


def without_adobe_marker(data):
    """The same JPEG without the segment APP14, in which Adobe's programs say who they are."""
    at = data.find(b"\xff\xee")
    assert data[at + 4 : at + 9] == b"Adobe"
    (length,) = struct.unpack(">H", data[at + 2 : at + 4])
    return data[:at] + data[at + 2 + length :]


@pytest.mark.parametrize("inks", INKS)
@pytest.mark.parametrize("marked", [True, False])
def test_cmyk_follows_pillow_and_the_closed_form(tmp_path, inks, marked):
    file = tmp_path / "a.jpg"
    image = Image.new("CMYK", (16, 16), inks)
    image.save(file, quality=100, subsampling=0)
    if not marked:
        file.write_bytes(without_adobe_marker(file.read_bytes()))
    back = np.asarray(open_rgb(file), dtype=int)
    c, m, y, k = inks
    expected = [(255 - ink) * (255 - k) / 255 for ink in (c, m, y)]
    assert np.abs(back - expected).max() <= 2
    with Image.open(file) as opened:
        assert (back == np.asarray(opened.convert("RGB"))).all()


def test_inks_are_stored_inverted_as_adobe_does(tmp_path):
    # The stored samples themselves, read as if they were something else: 255 minus the inks.
    file = tmp_path / "a.jpg"
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(file, quality=100, subsampling=0)
    with Image.open(file) as image:
        image.tile = [tile._replace(args=("CMYK", "")) for tile in image.tile]
        stored = image.getpixel((0, 0))
    assert np.abs(np.subtract(stored, (245, 235, 225, 215))).max() <= 1


def test_grey_jpeg_has_three_equal_channels(tmp_path):
    Image.new("L", (16, 16), 77).save(tmp_path / "a.JPEG", quality=100)
    assert open_rgb(tmp_path / "a.JPEG").getcolors() == [(256, (77, 77, 77))]


def test_16_bit_levels_are_divided_by_257(tmp_path):
    levels = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    back = np.asarray(open_rgb(tmp_path / "a.png"))
    assert (back == np.floor(levels / 257 + 0.5)[..., None]).all()
    # A dark one is no 8-bit image.
    Image.fromarray(np.full((4, 4), 200, np.uint16)).save(tmp_path / "dark.png")
    assert open_rgb(tmp_path / "dark.png").getpixel((0, 0)) == (1, 1, 1)


def saved(folder, levels, **options):
    """A TIFF of some levels."""
    file = folder / "a.tif"
    Image.fromarray(np.asarray(levels)[None]).save(file, **options)
    return file


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (np.array([0, 0.2, 0.5, 1], np.float32), [0, 51, 128, 255]),
        (np.array([0, 0.25, 0.5], np.float32), [0, 64, 128]),  # never stretched to its maximum
        (np.array([0, 7, 200, 255], np.float32), [0, 7, 200, 255]),
        (np.array([0, 7, 200, 255], np.int32), [0, 7, 200, 255]),
        (np.array([0, 0], np.int32), [0, 0]),
        (np.array([0, 128, 129, 257, 65535], np.uint16), [0, 0, 1, 1, 255]),
    ],
)
def test_levels_of_a_known_range_are_brought_to_8_bits(tmp_path, levels, expected):
    back = np.asarray(open_rgb(saved(tmp_path, levels)))
    assert back[0].tolist() == [[level] * 3 for level in expected]


def test_big_endian_and_portable_16_bits_are_divided_by_257(tmp_path):
    data = np.array([0, 257, 200, 65535], ">u2").tobytes()
    # A TIFF by hand: one strip of 16 bits a pixel, most significant byte first.
    entries = [(256, 3, 4), (257, 3, 1), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 110),
               (278, 3, 1), (279, 4, 8)]  # fmt: skip
    packed = [
        struct.pack(">HHI", tag, kind, 1)
        + (struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value))
        for tag, kind, value in entries
    ]
    head = struct.pack(">2sHI", b"MM", 42, 8) + struct.pack(">H", len(entries))
    body = head + b"".join(packed) + struct.pack(">I", 0)
    assert len(body) == 110
    (tmp_path / "a.tif").write_bytes(body + data)
    (tmp_path / "a.pgm").write_bytes(b"P5 4 1 65535\n" + data)
    for name in ("a.tif", "a.pgm"):
        assert np.asarray(open_rgb(tmp_path / name))[0, :, 0].tolist() == [0, 1, 1, 255], name


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        (np.linspace(0, 1.2, 4, dtype=np.float32), "floats from 0 to 1.2"),
        (np.array([0.5, 99.5], np.float32), "floats from 0.5 to 99.5"),
        (np.array([-0.1, 0.9], np.float32), "floats from -0.1"),
        (np.array([0, 256], np.float32), "to 256"),
        (np.array([0, np.nan], np.float32), "not finite"),
        (np.array([0, np.inf], np.float32), "not finite"),
        (np.array([0, 4095], np.int32), "32-bit integers from 0 to 4095"),
        (np.array([-1, 255], np.int32), "from -1"),
        (np.array([0, 1], np.int32), "32-bit integers from 0 to 1"),
    ],
)
def test_levels_of_an_unknown_range_are_refused_by_file(tmp_path, levels, says):
    file = saved(tmp_path, levels)
    with pytest.raises(UserError) as caught:
        open_rgb(file)
    assert says in caught.value.what.replace("-0.100000001", "-0.1")
    assert caught.value.where == str(file)
    assert "on_error=skip" in caught.value.hint


def test_inverted_levels_are_refused(tmp_path):
    with pytest.raises(UserError, match="zero for white"):
        open_rgb(saved(tmp_path, np.array([0, 9], np.uint16), tiffinfo={262: 0}))


def test_unknown_levels_are_refused_before_evidence_is_looked_up(tmp_path):
    saved(tmp_path, np.array([0, 1.2], np.float32))
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "b.png")
    with pytest.raises(UserError, match=r"to 1\.2"):
        FolderProbe(str(tmp_path)).fingerprint()
    probe = FolderProbe(str(tmp_path), on_error="skip")
    assert probe.files == ("b.png",)
    assert probe.skipped() == ("a.tif",)
    assert probe.fingerprint()["n"] == 1


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_the_cameras_turns_are_undone(tmp_path, tag, ending):
    # One bright corner of 8 x 8 in a dark image of 32 x 16; where the tag says that it belongs.
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = tag
    file = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(file, exif=exif, **({"quality": 95} if ending == "jpg" else {}))
    back = np.asarray(open_rgb(file))[..., 0] > 127
    turned = {
        1: back, 2: back[:, ::-1], 3: back[::-1, ::-1], 4: back[::-1], 5: back.T,
        6: np.rot90(back), 7: back[::-1, ::-1].T, 8: np.rot90(back, -1),
    }[tag]  # fmt: skip
    assert turned.shape == (16, 32)
    assert turned[:8, :8].all()
    assert turned.sum() == 64


def test_a_palettes_transparent_entry_becomes_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50] + [0] * 762)
    image.putpixel((1, 1), 1)
    image.save(tmp_path / "a.png", transparency=1)
    back = open_rgb(tmp_path / "a.png")
    assert back.getpixel((0, 0)) == (10, 20, 30)
    assert back.getpixel((1, 1)) == (255, 255, 255)
    image.save(tmp_path / "b.png", transparency=bytes([128, 255]))
    half = open_rgb(tmp_path / "b.png").getpixel((0, 0))
    assert np.abs(np.subtract(half, [(v * 128 + 255 * 127) / 255 for v in (10, 20, 30)])).max() <= 1


def test_the_content_decides_not_the_ending(tmp_path):
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.JPEG")
    assert open_rgb(tmp_path / "a.JPEG").getpixel((0, 0)) == (1, 2, 3)


def test_a_file_that_claims_to_be_gigantic_is_no_crash(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.bmp")
    data = bytearray((tmp_path / "a.bmp").read_bytes())
    data[18:26] = struct.pack("<ii", 400_000, 400_000)
    (tmp_path / "a.bmp").write_bytes(bytes(data))
    with pytest.raises(UserError, match="cannot read this image"):
        open_rgb(tmp_path / "a.bmp")


def test_damage_of_any_kind_is_the_users_error(tmp_path):
    draw = np.random.default_rng(0)
    image = Image.fromarray(draw.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    for ending in ("jpg", "png", "gif", "tif", "webp", "bmp"):
        file = tmp_path / f"a.{ending}"
        image.save(file, **({"exif": exif} if ending in ("jpg", "png") else {}))
        whole = file.read_bytes()
        for trial in range(60):
            data = bytearray(whole)
            for at in draw.integers(0, min(len(data), 300), 3):
                data[at] = draw.integers(256)
            if trial % 3 == 0:
                del data[draw.integers(len(data)) :]
            file.write_bytes(bytes(data))
            with warnings.catch_warnings(), suppress(UserError):
                warnings.simplefilter("ignore")
                assert open_rgb(file).mode == "RGB"
