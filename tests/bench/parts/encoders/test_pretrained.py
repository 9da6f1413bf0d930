"""open_clip's own architectures: tags, checkpoint files, prompts; and what is not here of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from bench.config.compose import expand
from bench.downloads import catalog
from bench.errors import UserError
from bench.parts.catalog import ENCODERS
from bench.parts.encoders import OpenClipPretrained
from bench.parts.protocols import Encoder

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 12, "width": 16, "heads": 2, "layers": 1},
}
NAMES = ["fox", "sea"]


@pytest.fixture(autouse=True)
def settled(tmp_path, monkeypatch):
    """Nothing of the user's own: neither a data folder nor the hub's cache."""
    from huggingface_hub import constants

    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A model of a tiny architecture that open_clip knows as "tiny-own"."""
    import open_clip
    from open_clip import factory

    (tmp_path / "tiny-own.json").write_text(json.dumps(TINY))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    open_clip.add_model_config(tmp_path / "tiny-own.json")
    torch.manual_seed(0)
    return open_clip.create_model("tiny-own").eval()


@pytest.fixture
def file(tiny, tmp_path):
    torch.save(tiny.state_dict(), tmp_path / "w.pt")
    return str(tmp_path / "w.pt")


def texts(model, *prompts):
    import open_clip

    with torch.inference_mode():
        return model.encode_text(open_clip.get_tokenizer("tiny-own")(list(prompts)))


def test_a_state_dict_in_a_file(tiny, file):
    encoder = OpenClipPretrained("tiny-own", file)
    assert isinstance(encoder, Encoder)
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert encoder.fingerprint()["weights"] == encoder.fingerprint()["text_tower"] == digest
    loaded = encoder.load("cpu")
    picture = loaded.transform(Image.new("RGB", (50, 50)))[None]
    assert torch.allclose(loaded.encode_images(picture), tiny.encode_image(picture), atol=1e-5)


def test_a_checkpoint_as_open_clips_training_writes_it(tiny, tmp_path, monkeypatch):
    optimizer = torch.optim.AdamW(tiny.parameters(), lr=1e-3)
    told = {
        "epoch": 32,
        "name": "2026_01_01-model_tiny-own",
        "state_dict": {f"module.{name}": value for name, value in tiny.state_dict().items()},
        "optimizer": optimizer.state_dict(),
    }
    # Named like a tag: the file is meant, for it is there.
    torch.save(told, tmp_path / "openai")
    monkeypatch.chdir(tmp_path)
    encoder = OpenClipPretrained("tiny-own", "openai")
    assert len(encoder.fingerprint()["weights"]) == 64
    found = encoder.load("cpu").encode_texts(NAMES)
    assert torch.allclose(found, texts(tiny, *NAMES), atol=1e-6)


def test_weights_of_another_network_are_refused(tiny, file, tmp_path):
    torch.save({"visual.conv1.weight": torch.ones(3)}, tmp_path / "other.pt")
    other = OpenClipPretrained("tiny-own", str(tmp_path / "other.pt"))
    with pytest.raises(UserError, match="cannot load tiny-own"):
        other.load("cpu")


def test_bare_words_one_prompt_and_several(tiny, file):
    assert OpenClipPretrained("tiny-own", file).templates == ("{}",)
    bare = OpenClipPretrained("tiny-own", file).load("cpu").encode_texts(NAMES)
    assert torch.allclose(bare, texts(tiny, "fox", "sea"), atol=1e-6)
    one = (
        OpenClipPretrained("tiny-own", file, templates=("a photo of a {}",))
        .load("cpu")
        .encode_texts(NAMES)
    )
    photo = texts(tiny, "a photo of a fox", "a photo of a sea")
    assert torch.allclose(one, photo, atol=1e-6)
    assert not torch.allclose(one, bare, atol=1e-2)
    both = OpenClipPretrained("tiny-own", file, templates=("{}", "a photo of a {}"))
    mean = sum(torch.nn.functional.normalize(part, dim=1) for part in (bare, photo)) / 2
    assert torch.allclose(both.load("cpu").encode_texts(NAMES), mean, atol=1e-6)


def test_prompts_and_precision_stand_in_the_fingerprint(tiny, file):
    plain = OpenClipPretrained("tiny-own", file)
    photo = OpenClipPretrained("tiny-own", file, templates=("a photo of a {}",))
    rough = OpenClipPretrained("tiny-own", file, precision="bfloat16")
    prints = [encoder.fingerprint() for encoder in (plain, photo, rough)]
    assert all(a != b for a in prints for b in prints if a is not b)
    found = rough.load("cpu").encode_texts(NAMES)
    exact = plain.load("cpu").encode_texts(NAMES)
    assert found.dtype == torch.float32
    assert 0 < (found - exact).abs().max() < 0.1
    with pytest.raises(UserError):
        OpenClipPretrained("tiny-own", file, precision="float8")  # type: ignore[arg-type]


def test_a_file_that_is_missing_has_no_fingerprint(tiny, file, tmp_path):
    for name in (str(tmp_path / "v.pt"), "v.pt", "sub/v"):
        missing = OpenClipPretrained("tiny-own", name)
        for ask in (missing.fingerprint, lambda: missing.load("cpu")):  # noqa: B023
            with pytest.raises(UserError) as caught:
                ask()
            assert caught.value.where == "encoder.params.pretrained"
        [requirement] = missing.unmet_requirements()
        assert requirement.name == f"the checkpoint file {name}"
    assert OpenClipPretrained("tiny-own", file).unmet_requirements() == ()


def test_a_checkpoint_may_have_been_fetched(tiny, file, tmp_path):
    path = "fetched:tiny_imagenet/w.pt"
    with pytest.raises(UserError) as caught:
        OpenClipPretrained("tiny-own", path).fingerprint()
    assert caught.value.hint == "dissectbench fetch tiny_imagenet"
    [requirement] = OpenClipPretrained("tiny-own", path).unmet_requirements()
    assert requirement.hint == "dissectbench fetch tiny_imagenet"
    place = tmp_path / "data" / "tiny-imagenet-200" / "w.pt"
    place.parent.mkdir(parents=True)
    place.write_bytes(Path(file).read_bytes())
    fetched = OpenClipPretrained("tiny-own", path)
    assert fetched.fingerprint() == OpenClipPretrained("tiny-own", file).fingerprint()
    assert fetched.load("cpu").encode_texts(NAMES).shape == (2, 16)


def test_unknown_models_and_tags_have_neighbours():
    with pytest.raises(UserError) as caught:
        OpenClipPretrained("ViT-B-61", "openai").load("cpu")
    assert "ViT-B-16" in caught.value.valid
    with pytest.raises(UserError) as caught:
        OpenClipPretrained("ViT-B-16", "opnai").load("cpu")
    assert "openai" in caught.value.valid


def test_weights_trained_with_quickgelu_need_it():
    import open_clip

    for model, tag in [("ViT-B-16", "openai"), ("RN50", "openai"), ("ViT-B-16", "dfn2b")]:
        with pytest.raises(UserError, match="QuickGELU") as caught:
            OpenClipPretrained(model, tag).load("cpu")
        assert caught.value.hint == f"encoder.params.model={model}-quickgelu"
        assert f"{model}-quickgelu" in open_clip.list_models()


def shipped(*overrides):
    [job] = expand(list(overrides))
    config = job.config
    encoder = ENCODERS.build(
        config.encoder.name, OmegaConf.to_container(config.encoder.params)  # type: ignore[arg-type]
    )  # fmt: skip
    clip_text = config.scoring.clip_text
    return encoder, clip_text.name, OmegaConf.to_container(clip_text.params)


@pytest.mark.parametrize(
    ("name", "templates"),
    [("clip_vit_b16", 1), ("clip_vit_b16_photo", 1), ("clip_vit_b16_seven", 7), ("open_clip", 1)],
)
def test_the_choices_are_openais_network(name, templates):
    import open_clip

    encoder, *_ = shipped(f"encoder={name}")
    assert len(encoder.templates) == templates
    tag = open_clip.get_pretrained_cfg(encoder.model, encoder.pretrained)
    config = open_clip.get_model_config(encoder.model)
    assert tag["quick_gelu"]
    assert config["quick_gelu"]
    assert (config["embed_dim"], config["vision_cfg"]["patch_size"]) == (512, 16)
    [requirement] = encoder.unmet_requirements()
    assert requirement.hint == "dissectbench fetch clip_vit_b16_openai"
    assert requirement.automatic


def test_the_bare_words_are_the_papers():
    encoder, *_ = shipped("encoder=clip_vit_b16")
    assert encoder.templates == ("{}",)
    assert shipped("encoder=clip_vit_b16_photo")[0].templates == ("a photo of a {}",)
    _, name, params = shipped("scoring=mpnet")
    assert ENCODERS.build(name, params) == encoder


def test_what_open_clip_takes_from_the_cache_is_what_is_fetched(tmp_path, monkeypatch):
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME
    from open_clip.pretrained import get_pretrained_cfg

    entry = catalog.BY_NAME["clip_vit_b16_openai"]
    assert get_pretrained_cfg("ViT-B-16-quickgelu", "openai")["hf_hub"] == f"{entry.repo}/"
    assert entry.files == (HF_SAFE_WEIGHTS_NAME,)
    monkeypatch.setitem(catalog.BY_NAME, entry.name, replace(entry, size=len(b"weights")))
    model = tmp_path / "hub" / "models--timm--vit_base_patch16_clip_224.openai"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("1f" * 20)
    (model / "snapshots" / ("1f" * 20)).mkdir(parents=True)
    encoder = OpenClipPretrained("ViT-B-16-quickgelu", "openai")
    before = encoder.fingerprint()
    assert encoder.unmet_requirements()
    (model / "snapshots" / ("1f" * 20) / HF_SAFE_WEIGHTS_NAME).write_bytes(b"weights")
    assert encoder.unmet_requirements() == ()
    assert encoder.fingerprint() == before
    assert before["weights"] == "open_clip:ViT-B-16-quickgelu/openai"
    assert OpenClipPretrained("ViT-B-32", "laion2b_s34b_b79k").unmet_requirements() == ()
    # The same file by its path is known by its bytes.
    path = f"fetched:clip_vit_b16_openai/{HF_SAFE_WEIGHTS_NAME}"
    by_path = OpenClipPretrained("ViT-B-16-quickgelu", path)
    assert by_path.unmet_requirements() == ()
    assert by_path.fingerprint()["weights"] == hashlib.sha256(b"weights").hexdigest()


def test_unmet_requirements_need_no_torch():
    code = (
        "import sys\n"
        "from bench.parts.encoders import OpenClipPretrained\n"
        "from bench.parts.sentences import SentenceTransformer\n"
        "OpenClipPretrained('ViT-B-16-quickgelu', 'openai').unmet_requirements()\n"
        "SentenceTransformer('sentence-transformers/all-mpnet-base-v2').unmet_requirements()\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'open_clip' not in sys.modules\n"
    )
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
