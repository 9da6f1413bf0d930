"""torchvision's segmentation networks from files of the real format."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models

from bench.errors import UserError
from bench.parts.protocols import Segmenter
from bench.parts.segmenters import TorchvisionSegmenter
from bench.parts.segmenters.torchvision_models import VOC_NAMES

ARCH = "lraspp_mobilenet_v3_large"
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))


def network(classes=21, arch=ARCH, **options):
    torch.manual_seed(1)
    return models.get_model(
        arch, weights=None, weights_backbone=None, num_classes=classes, **options
    ).eval()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "net.pth"
    torch.save(network().state_dict(), path)
    return path


def part(file, **options):
    return TorchvisionSegmenter(arch=ARCH, file=str(file), input_size=64, mask_size=16, **options)


def test_the_classes_are_those_of_every_weights_entry():
    for name in models.list_models(module=models.segmentation):
        for entry in models.get_model_weights(name):
            assert tuple(entry.meta["categories"]) == VOC_NAMES


def test_masks_are_the_networks_best_classes(file):
    segmenter = part(file)
    assert isinstance(segmenter, Segmenter)
    loaded = segmenter.load("cpu")
    images = torch.stack([loaded.transform(PICTURE), loaded.transform(PICTURE.rotate(90))])
    assert images.shape == (2, 3, 64, 64)
    found = loaded.segment(images)
    assert (loaded.mask_size, found.shape) == ((16, 16), (2, 1, 16, 16))
    with torch.inference_mode():
        logits = network()(images)["out"]
    small = torch.nn.functional.interpolate(logits, (16, 16), mode="bilinear", align_corners=False)
    expected = small.argmax(dim=1) - 1  # class 0 is the background
    assert (found[:, 0] == expected).float().mean() > 0.99
    labels = segmenter.labels()
    assert [label.name for label in labels] == list(VOC_NAMES[1:])
    assert {label.category for label in labels} == set(segmenter.categories()) == {"object"}


def test_safetensors_hold_the_same(file, tmp_path):
    other = tmp_path / "net.safetensors"
    save_file({name: value.contiguous() for name, value in network().state_dict().items()}, other)
    images = torch.stack([part(file).load("cpu").transform(PICTURE)])
    one, two = (part(each).load("cpu").segment(images) for each in (file, other))
    assert torch.equal(one, two)
    assert part(file).fingerprint() != part(other).fingerprint()


def test_an_auxiliary_head_is_left_out(tmp_path):
    path = tmp_path / "fcn.pth"
    torch.save(network(2, "fcn_resnet50", aux_loss=True).state_dict(), path)
    names = tmp_path / "names.txt"
    names.write_text("background\nsky\n")
    segmenter = TorchvisionSegmenter(
        arch="fcn_resnet50", file=str(path), classes=str(names), input_size=32, mask_size=4
    )
    assert [label.name for label in segmenter.labels()] == ["sky"]
    found = segmenter.load("cpu").segment(torch.zeros(1, 3, 32, 32))
    assert set(found.unique().tolist()) <= {-1, 0}


def test_own_class_names_count_the_outputs(tmp_path):
    path, names = tmp_path / "net.pth", tmp_path / "names.txt"
    torch.save(network(3).state_dict(), path)
    names.write_text("background\nsky\ntree\n")
    segmenter = part(path, classes=str(names), category="material")
    assert [(one.name, one.category) for one in segmenter.labels()] == [
        ("sky", "material"),
        ("tree", "material"),
    ]
    segmenter.load("cpu")
    with pytest.raises(UserError, match="with 21 classes"):
        part(path).load("cpu")


def test_each_setting_shows_in_the_fingerprint(file, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(["background", *"abcdefghijklmnopqrst"]))
    base = {"arch": ARCH, "file": str(file)}
    changed = [
        {"crop": 0.5}, {"input_size": 65}, {"mask_size": 17}, {"category": "part"},
        {"classes": str(names)}, {"precision": "bfloat16"}, {"arch": "fcn_resnet50"},
        {"file": "", "weights": "DEFAULT"},
    ]  # fmt: skip
    found = [TorchvisionSegmenter(**{**base, **each}).fingerprint() for each in ({}, *changed)]
    assert all(found.count(each) == 1 for each in found)


def test_code_in_a_file_is_not_run(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(network(), path)
    with pytest.raises(UserError, match="running its code is refused"):
        part(path).load("cpu")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"arch": ARCH}, "give the segmenter's weights"),
        ({"arch": ARCH, "weights": "DEFAULT", "file": "x"}, "give the segmenter's weights"),
        ({"arch": "resnet18", "file": "x"}, "no segmentation architecture 'resnet18'"),
        ({"arch": ARCH, "weights": "IMAGENET1K_V1"}, "no weights 'IMAGENET1K_V1'"),
        ({"arch": ARCH, "file": "missing.pth"}, "no file missing.pth"),
    ],
)
def test_wrong_requests_are_named(params, says):
    with pytest.raises(UserError, match=says):
        TorchvisionSegmenter(**params).load("cpu")
