"""CLIP-Dissect's own lists, from the data folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.config.compose import expand
from bench.downloads import catalog
from bench.downloads.data_folder import path_of
from bench.errors import UserError
from bench.parts.concepts import PaperConcepts
from bench.parts.protocols import ConceptSet

PUBLISHED = Path(__file__).resolve().parents[5] / "shared" / "published" / "labels"


@pytest.fixture(autouse=True)
def settled(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("size", ["3k", "10k", "20k", "broden"])
def test_a_list_that_is_not_here_names_the_command(size):
    [job] = expand([f"concepts=paper_{size}"])
    assert job.config.concepts.name == "paper"
    assert job.config.concepts.params.size == size
    with pytest.raises(UserError) as caught:
        PaperConcepts(size).words()
    assert caught.value.hint == f"dissectbench fetch paper_{size}"
    assert "not in the data folder" in caught.value.what
    [requirement] = PaperConcepts(size).unmet_requirements()
    assert requirement.hint == caught.value.hint
    assert requirement.size == catalog.BY_NAME[f"paper_{size}"].size
    assert not requirement.automatic


def test_a_damaged_list_is_refused():
    file = path_of(catalog.BY_NAME["paper_20k"])
    file.parent.mkdir(parents=True)
    file.write_text("the\nof\n")
    with pytest.raises(UserError, match="damaged: it has 7 bytes"):
        PaperConcepts("20k").words()
    assert PaperConcepts("20k").unmet_requirements()


def test_faults_of_a_list_are_told(monkeypatch):
    entry = replace(catalog.BY_NAME["paper_3k"], size=None, sha256=None)
    monkeypatch.setitem(catalog.BY_NAME, "paper_3k", entry)
    path_of(entry).parent.mkdir(parents=True)
    path_of(entry).write_bytes(b"\xef\xbb\xbfzoo\r\n\r\n apple \r\nzoo\r\n")
    concepts = PaperConcepts("3k")
    assert isinstance(concepts, ConceptSet)
    assert concepts.words() == ("zoo", "apple")
    notes = concepts.notes()
    assert "dropped 1 line that repeats an earlier concept" in notes
    assert "the list 3k holds 2 words" in notes


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/published")
@pytest.mark.parametrize(
    ("size", "file", "count", "first", "notes"),
    [
        ("3k", "3k", 3000, ("a", "abandon"), ()),
        ("10k", "10k", 9894, ("the", "of"), ("the list 10k holds 9,894 words",)),
        ("20k", "20k", 20_000, ("the", "of"), ()),
        (
            "broden",
            "broden_labels_clean",
            1153,
            ("wine cellar-bottle storage", "bird"),
            ("dropped 44 lines that repeat an earlier concept",),
        ),
    ],
)
def test_the_published_lists(size, file, count, first, notes):
    here = path_of(catalog.BY_NAME[f"paper_{size}"])
    here.parent.mkdir(parents=True)
    shutil.copy(PUBLISHED / f"{file}.txt", here)
    concepts = PaperConcepts(size)
    assert len(concepts.words()) == count
    assert concepts.words()[:2] == first
    assert concepts.notes() == notes
    assert concepts.unmet_requirements() == ()
