"""The protocol, the registry, labels of classes, and the part of an image that is looked at."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from baselines.spatial import MaskLabel
from bench.errors import UserError
from bench.parts.catalog import SEGMENTERS
from bench.parts.protocols import Segmenter
from bench.parts.segmenters import GlyphsSegmenter, ProbeMasks
from bench.parts.segmenters.classes import class_labels, class_positions, read_names
from bench.parts.view import square_view

NAMES = ("__background__", "sky", "Background", "tree")


@pytest.mark.parametrize("name", SEGMENTERS.names())
def test_every_segmenter_fits_the_protocol(name):
    part = SEGMENTERS.get(name)
    assert part.summary
    assert part.uses_probe_masks is (name == "masks")


def test_instances_fit_the_protocol():
    assert isinstance(GlyphsSegmenter(), Segmenter)
    assert isinstance(ProbeMasks(), Segmenter)


def test_the_probes_own_masks_have_no_network():
    part = SEGMENTERS.build("masks", {})
    assert (part.labels(), part.categories()) == ((), ())
    assert part.fingerprint() == ProbeMasks().fingerprint()
    with pytest.raises(UserError, match="no network"):
        part.load("cpu")


def test_classes_that_mark_nothing_are_no_labels():
    assert class_labels(NAMES, "object") == (
        MaskLabel("sky", "object"),
        MaskLabel("tree", "object"),
    )
    assert class_positions(NAMES) == (-1, 0, -1, 1)


def test_names_are_read_line_by_line(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("background\r\nsky \ntree\n")
    assert read_names(str(file), "x") == ("background", "sky", "tree")
    file.write_text("background\n\ntree\n")
    with pytest.raises(UserError, match="names no class") as caught:
        read_names(str(file), "x")
    assert caught.value.where.endswith("names.txt:2")


def striped(width, height):
    """Each pixel's red is its column, its green its row."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return Image.fromarray(np.stack([columns, rows, rows * 0], axis=2))


def test_the_view_is_the_central_square():
    view = np.asarray(square_view(striped(80, 40), 0.5))
    assert view.shape == (20, 20, 3)
    assert (view[0, :, 0] == np.arange(30, 50)).all()
    assert (view[:, 0, 1] == np.arange(10, 30)).all()
    assert np.asarray(square_view(striped(80, 40), 1.0)).shape == (40, 40, 3)


def test_the_view_is_what_a_classifiers_transform_keeps():
    from torchvision import transforms

    image = striped(150, 128)
    usual = transforms.Compose([transforms.Resize(64), transforms.CenterCrop(56)])
    ours = np.asarray(square_view(image, 56 / 64, 56)).astype(int)
    # Theirs rounds sizes and corners to whole pixels: half a pixel of 64 is one and a bit of 128.
    assert np.abs(ours - np.asarray(usual(image)).astype(int)).max() <= 2


def test_a_share_of_0_squashes_the_whole_image():
    view = np.asarray(square_view(striped(80, 40), 0.0, 40))
    assert view.shape == (40, 40, 3)
    assert view[0, 0, 0] <= 1
    assert view[0, -1, 0] >= 78
    assert np.asarray(square_view(striped(80, 40), 0.0)).shape == (80, 80, 3)


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"crop": 1.5}, "segmenter.params.crop"),
        ({"mask_size": 0}, "segmenter.params.mask_size"),
        ({"input_size": 0}, "segmenter.params.input_size"),
        ({"precision": "int8"}, "segmenter.params.precision"),
    ],
)
def test_values_that_are_none_are_refused(params, where):
    for name, own in (
        ("hugging_face", {"model": "x"}),
        ("torchvision", {"arch": "x", "file": "y"}),
    ):
        with pytest.raises(UserError) as caught:
            SEGMENTERS.build(name, {**own, **params})
        assert caught.value.where == where


def test_describing_a_segmenter_loads_no_torch():
    code = """
import sys
from bench.parts.catalog import SEGMENTERS
for name in SEGMENTERS.names():
    SEGMENTERS.get(name)
for part in (
    SEGMENTERS.build("glyphs", {}),
    SEGMENTERS.build("masks", {}),
    SEGMENTERS.build("torchvision", {"arch": "fcn_resnet50", "weights": "DEFAULT"}),
):
    part.fingerprint(), part.labels(), part.categories()
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
