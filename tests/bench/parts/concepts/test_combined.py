"""Concept sets joined and taken apart."""

from __future__ import annotations

import pytest

from bench.config.compose import expand
from bench.errors import UserError
from bench.parts.catalog import CONCEPTS
from bench.parts.concepts import CombinedConcepts, FileConcepts
from bench.parts.protocols import ConceptSet
from bench.run.identity import params_of
from leaderboards.hashing import words_sha256


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A function from a name and some lines to a choice of that file."""
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))

    def write(name, *lines):
        (tmp_path / name).write_text("\n".join(lines))
        return {"name": "file", "params": {"path": str(tmp_path / name)}}

    return write


def test_sets_are_joined_in_order(listed):
    one, two = listed("1", "fox", "Cardigan", "fox"), listed("2", "sea", "cardigan", "Cardigan")
    combined = CombinedConcepts(of=(one, two))
    assert isinstance(combined, ConceptSet)
    assert combined.words() == ("fox", "Cardigan", "sea", "cardigan")
    assert combined.notes() == (
        "file: dropped 1 line that repeats an earlier concept",
        "file: dropped 1 that an earlier set holds",
    )
    assert CombinedConcepts(of=(two, one)).words() == ("sea", "cardigan", "Cardigan", "fox")


def test_one_set_alone_is_that_set(listed):
    one = listed("1", "fox", "sea")
    combined = CombinedConcepts(of=(one,))
    alone = FileConcepts(one["params"]["path"])
    assert words_sha256(combined.words()) == words_sha256(alone.words())
    assert combined.notes() == alone.notes() == ()


def test_names_are_taken_out_as_scoring_compares_them(listed):
    words = listed("1", "tench", "Bus Station", "fox", "tench, Tinca tinca", "tench, fish", "bus")
    out = listed("2", "Tench, tinca_tinca", "bus_station", "bus_station")
    combined = CombinedConcepts(of=(words,), without=(out,))
    assert combined.words() == ("fox", "tench, fish", "bus")
    assert combined.notes() == (
        "file: dropped 1 line that repeats an earlier concept",
        "file: took out 3",
    )


def test_nothing_to_join_and_nothing_left_are_refused(listed):
    with pytest.raises(UserError) as caught:
        CombinedConcepts(of=())
    assert caught.value.where == "concepts.params.of"
    one = listed("1", "fox")
    with pytest.raises(UserError, match="no concept remains"):
        CombinedConcepts(of=(one,), without=(one,)).words()
    with pytest.raises(UserError) as caught:
        CombinedConcepts(of=("wordfreq_4k",)).words()
    assert "wordfreq_3k" in caught.value.valid
    assert caught.value.where == "concepts.params.of"


def test_it_is_chosen_on_the_command_line_and_told_in_records():
    [job] = expand(
        ["concepts=combined", "concepts.params.of=[glyphs_scenes,{name:wordfreq,params:{n:10}}]",
         "concepts.params.without=[glyphs_objects]"]
    )  # fmt: skip
    from omegaconf import OmegaConf

    params = OmegaConf.to_container(job.config.concepts.params)
    part = CONCEPTS.build("combined", params)
    assert hash(part) == hash(CONCEPTS.build("combined", params))
    assert {"sea", "the", "that"} <= set(part.words())
    assert params_of(part) == {
        "of": ["glyphs_scenes", {"name": "wordfreq", "params": {"n": 10}}],
        "without": ["glyphs_objects"],
    }
    with pytest.raises(UserError, match="needs a value for 'of'"):
        CONCEPTS.build("combined", {})
    with pytest.raises(UserError, match="invalid choice"):
        CONCEPTS.build("combined", {"of": [3]})


def test_unmet_requirements_are_those_of_its_sets(listed):
    inner = {"name": "combined", "params": {"of": ["paper_20k", "paper_3k"]}}
    combined = CombinedConcepts(of=("paper_3k", inner, "wordfreq_3k"), without=("paper_broden",))
    hints = [requirement.hint for requirement in combined.unmet_requirements()]
    assert hints == [f"dissectbench fetch paper_{name}" for name in ("3k", "20k", "broden")]
    assert CombinedConcepts(of=("wordfreq_3k", listed("1", "fox"))).unmet_requirements() == ()
