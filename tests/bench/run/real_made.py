"""What `make real` fetches, in the real formats and names, with random weights and few images."""

from __future__ import annotations

import hashlib
import io
import json
import string
import zipfile
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.downloads.catalog import BY_NAME
from bench.parts.truths.shipped import imagenet_names, imagenet_synsets
from tests.bench.parts.sentences.tiny_mpnet import write_mpnet

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.bench.downloads.hub_server import Hub
    from tests.bench.downloads.server import Site

CLIP = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
SYNSETS = ("n03444034", "n01443537", "n02124075", "n01629819")  # as wnids.txt: not sorted
IMAGES = 12


def put_networks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's two networks, as torchvision saves them."""
    import torch
    import torchvision

    torch.manual_seed(0)
    for arch in ("resnet18", "resnet50"):
        held = io.BytesIO()
        torch.save(torchvision.models.get_model(arch).state_dict(), held)
        entry = BY_NAME[f"{arch}_imagenet"]
        site.files[f"/{entry.file_name}"] = held.getvalue()
        begins = hashlib.sha256(held.getvalue()).hexdigest()[:8]
        stand_in(monkeypatch, entry.name, url=f"{site.url}/{entry.file_name}", sha256_prefix=begins)


def put_images(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive of Tiny-ImageNet, with four classes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        root = "tiny-imagenet-200"
        archive.writestr(f"{root}/wnids.txt", "".join(f"{synset}\n" for synset in SYNSETS))
        names = {synset: imagenet_names()[imagenet_synsets()[synset]] for synset in SYNSETS}
        words = "".join(f"{synset}\t{name}\n" for synset, name in names.items())
        archive.writestr(f"{root}/words.txt", words)
        lines = ""
        for number in range(IMAGES):
            pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
            image = io.BytesIO()
            Image.fromarray(pixels).save(image, "JPEG")
            archive.writestr(f"{root}/val/images/val_{number}.JPEG", image.getvalue())
            lines += f"val_{number}.JPEG\t{SYNSETS[number % len(SYNSETS)]}\t0\t0\t62\t62\n"
        archive.writestr(f"{root}/val/val_annotations.txt", lines)
    content = held.getvalue()
    site.files["/tiny-imagenet-200.zip"] = content
    stand_in(
        monkeypatch, "tiny_imagenet", url=f"{site.url}/tiny-imagenet-200.zip", size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
    )  # fmt: skip


def put_models(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CLIP that open_clip builds under the real one's name, and an MPNet."""
    import open_clip
    import torch
    from open_clip import factory
    from safetensors.torch import save_file

    monkeypatch.setitem(factory._MODEL_CONFIGS, "ViT-B-16-quickgelu", CLIP)
    torch.manual_seed(0)
    state = open_clip.create_model("ViT-B-16-quickgelu").state_dict()
    clip = folder / "clip"
    clip.mkdir(parents=True)
    contiguous = {name: value.contiguous() for name, value in state.items()}
    save_file(contiguous, clip / "open_clip_model.safetensors")
    (clip / "open_clip_config.json").write_text(json.dumps({"model_cfg": CLIP}))
    mpnet = folder / "mpnet"
    mpnet.mkdir()
    letters = string.ascii_lowercase + string.digits
    write_mpnet(mpnet, [*letters, *(f"##{letter}" for letter in letters)])
    for name, source in (("clip_vit_b16_openai", clip), ("all_mpnet_base_v2", mpnet)):
        entry = BY_NAME[name]
        files = {own: (source / own).read_bytes() for own in entry.files}
        weights = files[entry.files[0]]
        hub.put(entry.repo, files)
        digest = hashlib.sha256(weights).hexdigest()
        stand_in(monkeypatch, name, size=len(weights), sha256=digest)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **facts: object) -> None:
    """Let an entry of the catalogue speak of another file, for everybody who holds it."""
    for field, value in facts.items():
        monkeypatch.setitem(BY_NAME[name].__dict__, field, value)
