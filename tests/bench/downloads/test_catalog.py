"""The catalogue agrees with itself, with torchvision's checksums, and with published copies."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from bench.downloads.catalog import BY_NAME, ENTRIES, HEADINGS, choose
from bench.errors import UserError

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "published" / "labels"
COPIES = {
    "paper_3k": "3k.txt",
    "paper_10k": "10k.txt",
    "paper_20k": "20k.txt",
    "paper_broden": "broden_labels_clean.txt",
    "categories_places365": "categories_places365.txt",
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_whole(entry):
    assert entry.summary
    assert entry.licence
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.md5 is None or re.fullmatch("[0-9a-f]{32}", entry.md5)
    assert bool(entry.url) != bool(entry.agreement)
    if entry.agreement:
        assert "https://" in entry.agreement or "http://" in entry.agreement
        assert "DIR" in entry.use
        return
    assert re.match("https?://", entry.url)
    if entry.kind == "hub":
        assert entry.url == f"https://huggingface.co/{entry.repo}"
        assert len(set(entry.files)) == len(entry.files) >= 1
        assert entry.files[0].endswith(".safetensors")
        assert entry.sha256
        assert not entry.path
        return
    assert not entry.repo
    assert not entry.files
    assert entry.path
    assert not Path(entry.path).is_absolute()
    assert ".." not in Path(entry.path).parts
    # What is checked says by whose word.
    assert bool(entry.has_hash or entry.size) == bool(entry.checked_by)
    assert (entry.kind == "file") == (not entry.contents)


def test_every_entry_stands_under_a_heading():
    assert [entry for kind in HEADINGS.values() for entry in kind] == list(ENTRIES)


def test_names_and_places_are_taken_once():
    assert len(BY_NAME) == len(ENTRIES)
    paths = [Path(entry.path) for entry in ENTRIES if entry.path]
    assert len(set(paths)) == len(paths)
    for one in paths:  # replacing a folder must not take another thing along
        assert not any(one in other.parents for other in paths)


def test_checksums_are_torchvisions():
    datasets = pytest.importorskip("torchvision.datasets")
    assert BY_NAME["cifar100"].md5 == datasets.CIFAR100.tgz_md5
    assert BY_NAME["cifar100"].url == datasets.CIFAR100.url
    assert BY_NAME["categories_places365"].md5 == datasets.Places365._CATEGORIES_META[1]
    images, md5 = datasets.Places365._IMAGES_META["val", True]
    assert f"{images} (md5 {md5})" in BY_NAME["places365_val"].agreement
    from torchvision.datasets.imagenet import ARCHIVE_META

    for part in ("val", "devkit"):
        archive, md5 = ARCHIVE_META[part]
        assert f"{archive} (md5 {md5})" in BY_NAME["imagenet_val"].agreement


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/published")
@pytest.mark.parametrize("name", COPIES)
def test_checksums_are_those_of_published_copies(name):
    content = (PUBLISHED / COPIES[name]).read_bytes()
    assert len(content) == BY_NAME[name].size
    assert hashlib.sha256(content).hexdigest() == BY_NAME[name].sha256


def test_groups_and_patterns():
    assert [entry.name for entry in choose(["paper_20k"])] == ["paper_20k"]
    lists = ["paper_3k", "paper_10k", "paper_20k", "paper_broden"]
    assert [entry.name for entry in choose(["paper_10k", "Paper"])] == [
        "paper_10k", "paper_3k", "paper_20k", "paper_broden",
    ]  # fmt: skip
    assert [entry.name for entry in choose(["paper"])] == lists
    assert [entry.name for entry in choose(["broden1-*"])] == ["broden1_224", "broden1_227"]
    with pytest.raises(UserError) as caught:
        choose(["paper_20", "broden"])
    assert "paper_20k" in caught.value.valid
    with pytest.raises(UserError):
        choose(["no*thing"])
