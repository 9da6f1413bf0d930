"""Fingerprints of the shipped choices and of parts from files stay what they are.

A changed fingerprint makes every finished cell of that part run again. `golden_fingerprints.json`
is written by `python -m tests.bench.parts.test_fingerprints`, from the root of the repository.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from contextlib import chdir
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts import choice
from bench.parts.catalog import BY_GROUP, SENTENCES, TRUTHS
from bench.run.identity import params_of
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).with_name("golden_fingerprints.json")
GROUPS = (
    "target", "probe", "concepts", "encoder", "segmenter", "captioner", "language_model",
    "generator",
)  # fmt: skip
VERSIONS = ("torchvision", "timm", "transformers", "sentence-transformers")

NET = {"file": "net.safetensors"}
FROM_FILES: list[tuple[str, str, dict[str, Any]]] = [
    ("target", "callable", {"path": "own_net:build", **NET}),
    ("target", "callable", {"path": "own_net:build", **NET, "input_size": 64, "std": [1, 1, 1]}),
    ("target", "timm", {"model": "resnet18.a1_in1k", "pretrained": True}),
    ("target", "timm", {"model": "resnet18", **NET}),
    ("target", "timm", {"model": "resnet18", **NET, "num_classes": 3, "input_size": 64,
                        "resize": 0, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    ("target", "torch_hub", {"repo_or_dir": "repository", "entry_point": "build", **NET,
                             "kwargs": ["width=8", "name=small"]}),
    ("target", "torch_hub", {"repo_or_dir": "owner/repository:v1.0", "entry_point": "build",
                             "trust_repo": True, **NET}),
    ("target", "torchvision", {"arch": "resnet18", **NET, "state_dict": "model"}),
    ("target", "torchvision", {"arch": "resnet18", "weights": "DEFAULT", "input_size": 64}),
    ("target", "torchvision", {"arch": "googlenet", **NET, "transform_input": True}),
    ("probe", "folder", {"path": "images", "limit": 3}),
    ("probe", "class_folder", {"path": "images", "mask_size": 8}),
    ("probe", "imagenet_val", {"path": "images"}),
    ("probe", "places365_val", {"path": "images"}),
    ("probe", "cifar100", {"path": "cifar-100-python.tar.gz"}),
    ("probe", "union", {"of": ["glyphs_val", {"name": "folder", "params": {"path": "images"}}],
                        "limit": 5}),
    ("concepts", "file", {"path": "words.txt"}),
    ("concepts", "combined", {"of": ["wordfreq_3k", "glyphs_all"]}),
    ("encoder", "open_clip", {"model": "ViT-B-32", "pretrained": "./net.safetensors"}),
    ("encoder", "open_clip_files", {"config": "clip.json", "weights": "net.safetensors"}),
    ("segmenter", "torchvision", {"arch": "fcn_resnet50", **NET, "classes": "words.txt"}),
    ("segmenter", "torchvision", {"arch": "lraspp_mobilenet_v3_large", "weights": "DEFAULT"}),
    ("segmenter", "hugging_face", {"model": "model", "crop": 0.0}),
    ("captioner", "hf", {"model": "model", "prompt": "a photo of"}),
    ("captioner", "milan", {"file": "net.safetensors", "weights": "IMAGENET1K_V1"}),
    ("captioner", "milan", {"file": "net.safetensors", "arch": "alexnet",
                            "vision_file": "net.safetensors"}),
    ("language_model", "hf", {"model": "model", "temperature": 0.3}),
    ("generator", "folder", {"path": "images"}),
    ("sentence", "none", {}),
    ("sentence", "sentence_transformers", {}),
    ("sentence", "sentence_transformers", {"model": "owner/model"}),
    ("sentence", "sentence_transformers", {"model": "model"}),
    ("truth", "file", {"path": "names.csv"}),
    ("truth", "class_list", {"path": "words.txt"}),
    ("truth", "glyphs", {}),
    ("truth", "imagenet", {}),
    ("truth", "none", {}),
    ("truth", "planted", {}),
]  # fmt: skip


def write_files(folder: Path) -> None:
    """Write the files that `FROM_FILES` names; their content is arbitrary and fixed."""
    (folder / "net.safetensors").write_bytes(b"weights")
    (folder / "own_net.py").write_text("import own_helper\n\n\ndef build():\n    return None\n")
    (folder / "own_helper.py").write_text("WIDTH = 8\n")
    (folder / "words.txt").write_text("background\nfox\nstripes\n")
    (folder / "names.csv").write_text("unit,name\n0,fox\n2,red fox;fox\n")
    (folder / "repository").mkdir()
    (folder / "repository" / "hubconf.py").write_text("from models import build\n")
    (folder / "repository" / "models.py").write_text("def build(**_):\n    return None\n")
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps({"id2label": {"0": "a", "1": "b"}}))
    (folder / "model" / "model.safetensors").write_bytes(b"more weights")
    text = {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    vision = {"image_size": 32, "layers": 1, "width": 8, "patch_size": 8}
    clip = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text}
    (folder / "clip.json").write_text(json.dumps(clip))
    for number, name in enumerate(["n01440764/a.png", "n01443537/b.png", "c.ppm", "d.bmp"]):
        file = folder / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".png":  # bytes of our own: an encoder's may change with its release
            file.write_bytes(b"not decoded" * (number + 1))
        else:
            Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(file)
    _write_cifar(folder / "cifar-100-python.tar.gz")


def _write_cifar(file: Path) -> None:
    import pickle

    pixels = np.arange(4 * 3072, dtype=np.int64).astype(np.uint8).reshape(4, 3072)
    split = {"data": pixels, "fine_labels": [0, 1, 1, 0]}
    contents = {"test": split, "train": split, "meta": {"fine_label_names": ["fox", "red_fox"]}}
    with tarfile.open(file, "w:gz") as archive:
        for name, content in contents.items():
            data = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def facts(part: Any) -> object:
    """What of a part decides the cell's key: its fingerprint, words, names, masks."""
    found: dict[str, object] = {"params": params_of(part)}
    for name in ("fingerprint", "masks_fingerprint", "words", "names", "class_names"):
        if callable(getattr(part, name, None)):
            try:
                value = getattr(part, name)()
            except UserError:  # needs a file that is not here
                value = None
            small = name.endswith("fingerprint") or value is None
            found[name] = value if small else _digest(value)
    for name in ("given", "image_size", "visible_share", "squashes", "notes"):
        if hasattr(type(part), name) and not (name == "notes" and found.get("fingerprint") is None):
            try:
                value = getattr(part, name)
                found[name] = value() if callable(value) else value
            except UserError:
                found[name] = None
    return found


def _digest(value: object) -> str:
    plain = json.dumps(value, default=_fields)
    return sha256_json(json.loads(plain))


def _fields(name: Any) -> list[object]:
    """Return the fields of a true name, without concepts where it has none: as in older names."""
    fields = vars(name)
    return [fields[key] for key in fields if key != "concepts" or fields[key]]


def all_facts() -> dict[str, object]:
    """Facts of every shipped choice and of `FROM_FILES`; versions of libraries left out."""
    found: dict[str, object] = {}
    for group in GROUPS:
        for name in choice.choices(group, choice.CONF):
            try:
                part = choice.build(group, name, group)
            except UserError:  # a choice whose parameters the user must give
                continue
            found[f"{group}={name}"] = facts(part)
    registries = {**BY_GROUP, "sentence": SENTENCES, "truth": TRUTHS}
    for group, name, params in FROM_FILES:
        found[f"{group}={name} {json.dumps(params)}"] = facts(registries[group].build(name, params))
    text = json.dumps(found, default=list, sort_keys=True)
    for package in VERSIONS:
        text = text.replace(f'"{version(package)}"', f'"{package} version"')
    loaded: dict[str, object] = json.loads(text)
    return loaded


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the files and nothing of the user's: no data, no hub cache, no connection."""
    for name in ("DISSECTBENCH_DATA", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "files"
    folder.mkdir()
    write_files(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    return


@pytest.mark.usefixtures("away")
def test_fingerprints_are_unchanged() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = all_facts()
    assert sorted(found) == sorted(golden)
    for name, value in golden.items():
        assert found[name] == value, name


if __name__ == "__main__":
    import sys
    import tempfile

    from huggingface_hub import constants

    with tempfile.TemporaryDirectory() as temporary, chdir(temporary):
        constants.HF_HUB_CACHE, constants.HF_HUB_OFFLINE = f"{temporary}/hub", True
        os.environ |= {"DISSECTBENCH_HOME": temporary, "TORCH_HOME": temporary}
        sys.path.insert(0, temporary)
        write_files(Path(temporary))
        written = json.dumps(all_facts(), indent=1, sort_keys=True)
    GOLDEN.write_text(f"{written}\n", encoding="utf-8")
