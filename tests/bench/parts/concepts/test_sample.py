"""All labels of one concept set with a sample of another."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from bench.config.compose import expand
from bench.errors import UserError
from bench.parts.catalog import CONCEPTS
from bench.parts.concepts import SampledConcepts
from bench.parts.protocols import ConceptSet
from bench.run.identity import params_of


@pytest.fixture
def sample(tmp_path):
    """A function that samples from 20 words, two of which name concepts that are kept."""

    def choice(name, lines):
        (tmp_path / name).write_text("\n".join(lines))
        return {"name": "file", "params": {"path": str(tmp_path / name)}}

    keep = choice("keep", ["fox", "sea lion"])
    of = choice("of", ["Fox", "sea_lion", *(f"word {number}" for number in range(18))])
    return lambda limit, offset=0: SampledConcepts((keep,), (of,), limit, offset)


def test_kept_labels_come_first_and_are_no_distractors(sample):
    assert isinstance(sample(3), ConceptSet)
    words = sample(18).words()
    assert words[:2] == ("fox", "sea lion")
    assert set(words[2:]) == {f"word {number}" for number in range(18)}
    assert list(words[2:]) != sorted(words[2:], key=lambda word: int(word.split()[1]))
    assert sample(0).words() == ("fox", "sea lion")


def test_samples_are_nested_and_draws_disjoint(sample):
    assert sample(6).words() == sample(9).words()[:8]
    draws = [set(sample(9, offset).words()) for offset in (0, 9)]
    assert draws[0] & draws[1] == {"fox", "sea lion"}


def test_too_few_distractors_are_refused(sample):
    with pytest.raises(UserError, match="18 distractors, and labels up to number 19") as caught:
        sample(10, 9).words()
    assert caught.value.where == "concepts.params.limit"
    for limit, offset, name in ((-1, 0, "limit"), (1, -2, "offset")):
        with pytest.raises(UserError, match=f"invalid {name}"):
            sample(limit, offset)


def test_a_choice_is_composed_and_recorded():
    overrides = ["concepts=sample", "concepts.params.keep=[glyphs_all]"]
    overrides += ["concepts.params.of=[{name:wordfreq,params:{n:300}}]", "concepts.params.limit=9"]
    (job,) = expand(overrides)
    chosen = OmegaConf.to_container(job.config.concepts)
    part = CONCEPTS.build(chosen["name"], chosen["params"])
    assert len(part.words()) == 128 + 9
    assert part.unmet_requirements() == ()
    assert params_of(part) == {
        "keep": ["glyphs_all"],
        "of": [{"name": "wordfreq", "params": {"n": 300}}],
        "limit": 9,
        "offset": 0,
    }
