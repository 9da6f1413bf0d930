"""Models of the Hugging Face hub: fetched into its own cache, and held against what was fetched."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from bench.downloads.data_folder import inspect_entry, path_of, read_ledger
from bench.downloads.entry import Download
from bench.downloads.fetch import fetch
from bench.downloads.hub.cache import is_cached, snapshot
from bench.downloads.requirements import unmet_download
from bench.errors import UserError
from bench.offline import offline
from tests.bench.downloads.hub_server import COMMIT, Hub, serve_hub

REPO = "somebody/tiny-model"
FILES = {"model.safetensors": b"weights", "config.json": b"{}", "1_Pooling/config.json": b"[]"}
SHA256 = hashlib.sha256(FILES["model.safetensors"]).hexdigest()


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """A hub of our own and an empty cache; the library has read its variables long ago."""
    state = Hub()
    state.put(REPO, FILES)
    with serve_hub(state, monkeypatch, tmp_path / "hub"):
        yield state


@pytest.fixture
def model():
    return Download(
        "tiny", "a model", "none", kind="hub", repo=REPO, files=tuple(FILES), sha256=SHA256,
        size=7, url=f"https://huggingface.co/{REPO}", checked_by="its author",
    )  # fmt: skip


def test_a_model_is_fetched_once_into_the_hubs_cache(hub, model, data):
    assert inspect_entry(model, data).kind == "missing"
    [requirement] = unmet_download(model)
    assert (requirement.hint, requirement.size, requirement.automatic) == (
        "dissectbench fetch tiny",
        7,
        True,
    )
    came = fetch(model, data)
    assert came.new
    assert came.checked == "sha256 as published"
    assert came.path == path_of(model, data) == snapshot(REPO)
    assert came.path.name == COMMIT
    for name, content in FILES.items():
        assert (came.path / name).read_bytes() == content
        assert try_to_load_from_cache(REPO, name) == str(came.path / name)
        assert is_cached(REPO, name)
    told = read_ledger(data)["tiny"]
    assert (told["sha256"], told["commit"], told["size"]) == (SHA256, COMMIT, 7)
    assert told["file"] == "model.safetensors"
    assert inspect_entry(model, data).kind == "here"
    assert unmet_download(model) == ()
    asked = len(hub.asked)
    assert not fetch(model, data).new
    assert len(hub.asked) == asked


def test_without_a_published_hash_the_first_one_counts(hub, model, data):
    model = replace(model, sha256=None, size=None)
    assert "is now on record" in fetch(model, data).checked
    hub.put(REPO, {"model.safetensors": b"another"})
    hub.commit = "2e" * 20
    (snapshot(REPO) / "config.json").unlink()
    with pytest.raises(UserError, match="another file than at its first download") as caught:
        fetch(model, data)
    assert "fetched.json" in caught.value.hint
    assert inspect_entry(model, data).kind == "missing"


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 8}])
def test_wrong_weights_do_not_stay(model, data, wrong, tmp_path):
    with pytest.raises(UserError, match=f"its {next(iter(wrong))} is .*its author") as caught:
        fetch(replace(model, **wrong), data)
    assert "--from" not in caught.value.hint
    assert not is_cached(REPO, "model.safetensors")
    assert not any(file.read_bytes() == b"weights" for file in (tmp_path / "hub").rglob("blobs/*"))
    assert read_ledger(data) == {}


def test_damaged_weights_are_seen_and_fetched_anew(hub, model, data):
    fetch(model, data)
    weights = snapshot(REPO) / "model.safetensors"
    weights.resolve().write_bytes(b"w3ights")
    assert inspect_entry(model, data).detail == "its sha256 is another"
    assert unmet_download(model) == ()  # sizes alone are looked at
    assert fetch(model, data).new
    assert weights.read_bytes() == b"weights"
    weights.resolve().write_bytes(b"short")
    assert inspect_entry(model, data).kind == "damaged"
    assert unmet_download(model)


def test_a_part_path_a_model_is_no_model(model, data):
    fetch(replace(model, files=("model.safetensors",)), data)
    state = inspect_entry(model, data)
    assert (state.kind, state.detail) == ("missing", "it lacks config.json")
    assert fetch(model, data).new
    assert inspect_entry(model, data).kind == "here"


def test_bytes_that_are_not_those_of_the_tag_do_not_stay(hub, model, data):
    hub.garble = True
    with pytest.raises(UserError):
        fetch(model, data)
    assert not is_cached(REPO, "model.safetensors")


@pytest.mark.parametrize(
    ("error", "says", "hint"),
    [
        ((404, "RepoNotFound"), "has no model somebody/tiny-model", "log in"),
        ((403, "GatedRepo"), "agreed to its terms", "log in"),
        ((404, "RevisionNotFound"), "at its revision main", "moved or replaced"),
        ((404, "EntryNotFound"), "has no config.json", "moved or replaced"),
        ((418, ""), "cannot fetch config.json", "connection"),
    ],
)
def test_refusals_are_told_apart(hub, model, data, error, says, hint):
    hub.error = error
    with pytest.raises(UserError, match=says) as caught:
        fetch(model, data)
    assert hint in caught.value.hint
    assert caught.value.where == f"{hub.url}/{REPO}"


def test_no_connection_is_told(model, data, monkeypatch):
    template = "http://127.0.0.1:1/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("time.sleep", lambda _: None)  # the library's patience
    with pytest.raises(UserError, match=r"cannot fetch config\.json") as caught:
        fetch(model, data)
    assert "connection" in caught.value.hint


def test_other_sources_and_offline_are_refused(hub, model, data, monkeypatch):
    with pytest.raises(UserError, match="own cache") as caught:
        fetch(model, data, source="model.safetensors")
    assert caught.value.where == "--from"
    assert "models--somebody--tiny-model" in caught.value.hint
    with offline(), pytest.raises(UserError, match="connections are disabled"):
        fetch(model, data)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as caught:
        fetch(model, data)
    assert caught.value.where == "$HF_HUB_OFFLINE"
    assert hub.asked == []


def test_a_full_disk_is_told(model, data, monkeypatch):
    import errno

    def full(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    with pytest.raises(UserError, match="disk is full"):
        fetch(model, data)


def test_a_forged_reference_leads_nowhere(tmp_path):
    refs = tmp_path / "hub" / "models--somebody--tiny-model" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("../../..")
    assert snapshot(REPO) == refs.parent
