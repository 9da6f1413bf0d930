"""Captioning models in folders as transformers writes them: what is read, known and refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench.downloads.hub import models as hub
from bench.errors import UserError
from bench.parts.captioners import HuggingFaceCaptioner
from bench.parts.protocols import CaptionerPart
from bench.parts.registry import Registry
from tests.bench.parts.captioners.tiny_models import part


def test_it_fits_the_registry_and_its_parameters_are_checked(folders):
    paths = {"hf": "bench.parts.captioners:HuggingFaceCaptioner"}
    parts = Registry("captioner", "captioners", CaptionerPart, paths)
    assert parts.build("hf", {"model": "x"}).given == "captions"
    with pytest.raises(UserError, match="needs a value"):
        parts.build("hf", {})
    wrong = (
        {"max_length": 0}, {"image_size": 0}, {"sources": 0}, {"precision": "float8"},
        {"prior": "x"}, {"background": "black"},
    )  # fmt: skip
    for params in wrong:
        with pytest.raises(UserError):
            parts.build("hf", {"model": str(folders["git"]), **params})


def test_fingerprint_needs_no_torch(folders):
    code = f"""
import sys
from bench.parts.captioners import HuggingFaceCaptioner
HuggingFaceCaptioner({str(folders["blip"])!r}).fingerprint()
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("no_socket")
def test_a_folder_needs_no_connection(folders):
    captioner = HuggingFaceCaptioner(str(folders["blip"]))
    captioner.fingerprint()
    captioner.load("cpu")


def copy(folder, to):
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_each_setting_and_file_shows_in_the_fingerprint(folders, tmp_path):
    folder = folders["git"]
    changed = [
        {"prompt": "a"}, {"image_size": 25}, {"precision": "bfloat16"}, {"max_length": 6},
        {"background": "grey"}, {"prior": "none"}, {"sources": 3},
    ]  # fmt: skip
    found = [part(folder, **each).fingerprint() for each in ({}, *changed)]
    other = copy(folder, tmp_path / "copy")
    assert part(other).fingerprint() == found[0]
    for name in ("model.safetensors", "tokenizer.json", "generation_config.json"):
        file = other / name
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        found.append(part(other).fingerprint())
    (other / "merges.txt").write_text("a b")
    found.append(part(other).fingerprint())
    assert all(found.count(each) == 1 for each in found)
    assert json.loads(json.dumps(found[0])) == found[0]


def test_other_models_and_damaged_folders_are_refused(folders, tmp_path):
    with pytest.raises(UserError, match="there is no folder") as caught:
        part("./missing").fingerprint()
    assert caught.value.where == "captioner.params.model"
    with pytest.raises(UserError, match=r"contains no config\.json"):
        part(tmp_path).load("cpu")
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        other = copy(folders["blip"], tmp_path / name)
        (other / name).write_bytes(b"{")
        with pytest.raises(UserError):
            part(other).load("cpu")
        (other / name).unlink()
        with pytest.raises(UserError):
            part(other).load("cpu")


def test_weights_left_at_random_are_refused(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    other = copy(folders["encoder_decoder"], tmp_path / "copy")
    kept = load_file(other / "model.safetensors")
    lacking = {name: value for name, value in kept.items() if "crossattention" not in name}
    assert len(lacking) < len(kept)
    save_file(lacking, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="would be random"):
        part(other).load("cpu")
    # Published captioners lack their poolers, which nothing reads.
    poolers = {name: value for name, value in kept.items() if ".pooler." not in name}
    assert len(poolers) < len(kept)
    save_file(poolers, other / "model.safetensors", metadata={"format": "pt"})
    assert part(other).load("cpu").has_prior


def test_chat_models_are_refused(folders, tmp_path, monkeypatch):
    from transformers import BlipForConditionalGeneration

    def refuse(self, *_, **__):
        raise ValueError("image tokens and features do not match")

    monkeypatch.setattr(BlipForConditionalGeneration, "forward", refuse)
    with pytest.raises(UserError, match="without further input"):
        part(folders["blip"]).load("cpu")


def test_a_model_on_the_hub_is_known_by_its_commit(folders, tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes((folders["git"] / "config.json").read_bytes())
    monkeypatch.setattr(hub, "_download_config", lambda name, *_: snapshot / "config.json")
    found = HuggingFaceCaptioner("someone/model").fingerprint()
    assert found["model"] == {"hub": "someone/model", "commit": "a" * 40}
