"""Hugging Face's segmentation models from folders as transformers writes them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from bench.downloads.hub import models as hub
from bench.errors import UserError
from bench.parts.protocols import Segmenter
from bench.parts.segmenters import HuggingFaceSegmenter

NAMES = ["background", "sky", "tree", "water, sea"]
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 100, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SegFormer of random weights, some ten thousand parameters."""
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessor,
    )

    torch.manual_seed(0)
    config = SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16],
        patch_sizes=[7, 3], strides=[4, 2], num_attention_heads=[1, 2], mlp_ratios=[2, 2],
        decoder_hidden_size=16, id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("segformer")
    model = SegformerForSemanticSegmentation(config).eval()
    with torch.no_grad():
        model.decode_head.classifier.weight.mul_(50)  # so that more than one class wins somewhere
    model.save_pretrained(path)
    SegformerImageProcessor(size={"height": 64, "width": 64}).save_pretrained(path)
    return path


def part(folder, **options):
    return HuggingFaceSegmenter(model=str(folder), mask_size=16, **options)


def test_masks_are_the_models_best_classes(folder):
    from transformers import SegformerForSemanticSegmentation

    segmenter = part(folder)
    assert isinstance(segmenter, Segmenter)
    assert [label.name for label in segmenter.labels()] == NAMES[1:]
    loaded = segmenter.load("cpu")
    images = torch.stack([loaded.transform(PICTURE), loaded.transform(PICTURE.rotate(180))])
    assert images.shape == (2, 3, 64, 64)
    assert images.dtype == torch.float32
    found = loaded.segment(images)
    assert found.shape == (2, 1, 16, 16)
    with torch.inference_mode():
        model = SegformerForSemanticSegmentation.from_pretrained(folder).eval()
        logits = model(pixel_values=images).logits
    small = torch.nn.functional.interpolate(logits, (16, 16), mode="bilinear", align_corners=False)
    assert (found[:, 0] == small.argmax(dim=1) - 1).float().mean() > 0.99
    assert len(found.unique()) > 1


def test_labels_and_fingerprint_need_no_torch(folder):
    code = f"""
import sys
from bench.parts.segmenters import HuggingFaceSegmenter
part = HuggingFaceSegmenter({str(folder)!r})
part.fingerprint(), part.labels()
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("no_socket")
def test_a_folder_needs_no_connection(folder):
    segmenter = HuggingFaceSegmenter(str(folder))
    segmenter.fingerprint(), segmenter.labels()
    segmenter.load("cpu")


def test_each_setting_and_file_shows_in_the_fingerprint(folder, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("a\nb\nc\nd\n")
    changed = [
        {"crop": 0.5}, {"input_size": 80}, {"category": "part"}, {"classes": str(names)},
        {"precision": "bfloat16"},
    ]  # fmt: skip
    found = [part(folder, **each).fingerprint() for each in ({}, *changed)]
    found.append(HuggingFaceSegmenter(model=str(folder), mask_size=17).fingerprint())
    other = tmp_path / "copy"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert part(other).fingerprint() == found[0]
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    found.append(part(other).fingerprint())
    assert all(found.count(each) == 1 for each in found)


def test_classes_without_names_are_asked_for(folder, tmp_path):
    other = tmp_path / "copy"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = json.loads((other / "config.json").read_text())
    del config["id2label"]
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="does not name its classes"):
        part(other).labels()
    names = tmp_path / "names.txt"
    names.write_text("sky\ntree\n")
    assert len(part(other, classes=str(names)).labels()) == 2
    with pytest.raises(UserError, match="4 classes, and 2 are named"):
        part(folder, classes=str(names)).load("cpu")


def test_other_models_and_folders_are_refused(folder, tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        part("./missing").labels()
    with pytest.raises(UserError, match=r"contains no config\.json"):
        part(tmp_path).fingerprint()
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        part(tmp_path).fingerprint()
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="cannot load"):
        part(tmp_path).load("cpu")


def test_untrained_heads_are_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    kept = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in kept.items() if "decode_head.classifier" not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="would be random"):
        part(tmp_path).load("cpu")


def test_a_model_on_the_hub_is_known_by_its_commit(folder, tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes((folder / "config.json").read_bytes())
    monkeypatch.setattr(hub, "_download_config", lambda name, *_: snapshot / "config.json")
    segmenter = HuggingFaceSegmenter("someone/model")
    assert segmenter.fingerprint()["model"] == {"hub": "someone/model", "commit": "a" * 40}
    assert [label.name for label in segmenter.labels()] == NAMES[1:]
