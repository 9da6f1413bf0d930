"""Jobs of a sweep share compositions and sections, and are what each of them is alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from omegaconf import OmegaConf

from bench.config import composition
from bench.config.compose import expand
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = [
    "method=clip_dissect,milan",
    "probe=glyphs_val,glyphs_broden",
    "concepts=wordfreq_3k,wordfreq_5k",
    "results=a,b",
    "target.truth.name=none,glyphs",
]


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the lists of choices that Hydra composes, by a process that has composed none."""
    composition.own_composer.cache_clear()
    calls: list[list[str]] = []
    compose = composition.compose

    def count(name: str, overrides: list[str], **settings: bool) -> object:
        calls.append(overrides)
        return compose(name, overrides=overrides, **settings)

    monkeypatch.setattr(composition, "compose", count)
    return calls


def test_each_distinct_choice_is_composed_once(composed: list[list[str]]) -> None:
    jobs = expand(SWEEP, multirun=True)
    assert len(jobs) == 32
    assert len(composed) == 4  # the first combination, and one for each other choice
    for job in (jobs[5], jobs[18], jobs[31]):
        composition.own_composer.cache_clear()
        [alone] = expand(job.overrides)
        assert alone.to_json() == job.to_json()


def test_choices_composed_with_others_are_not_composed_again(composed: list[list[str]]) -> None:
    """Whatever groups a request names beside them, and in which order."""
    expand(["probe=glyphs_half", "concepts=wordfreq_3k"])
    expand(["concepts=wordfreq_5k", "method=milan"])
    assert len(composed) == 2
    [job] = expand(["method=milan", "probe=glyphs_half", "concepts=wordfreq_5k"])
    assert len(composed) == 2
    composition.own_composer.cache_clear()
    [alone] = expand(job.overrides)
    assert len(composed) == 3
    assert alone.to_json() == job.to_json()


def test_requests_share_compositions(composed: list[list[str]]) -> None:
    first = expand(["probe=glyphs_half", "seed=1"])
    second = expand(["probe=glyphs_half", "seed=2"])
    assert len(composed) == 1
    assert [job.config.seed for job in (*first, *second)] == [1, 2]
    assert first[0].config.probe == second[0].config.probe


def test_a_choice_that_changes_other_sections_is_composed_with_each_combination(
    tmp_path: Path, composed: list[list[str]]
) -> None:
    folder = tmp_path / "concepts"
    folder.mkdir()
    (folder / "wide.yaml").write_text("# @package _global_\nseed: 7\nconcepts: {name: glyphs}\n")
    sweep = ["concepts=glyphs_all,wide", "probe=glyphs_val,glyphs_half"]
    jobs = expand(sweep, multirun=True, config_dir=tmp_path)
    assert [job.config.seed for job in jobs] == [0, 0, 7, 7]
    assert len(composed) == 4


def test_jobs_share_equal_sections_and_differ_in_others() -> None:
    jobs = expand(["probe.params.size=20,30", "board=one,two", "results=${board}/x"], multirun=True)
    assert [job.config.probe.params.size for job in jobs] == [20, 20, 30, 30]
    assert jobs[0].config.probe is jobs[1].config.probe
    assert jobs[0].config.target is jobs[3].config.target
    assert [job.config.results for job in jobs] == ["one/x", "two/x"] * 2
    assert [job.config.runtime.cache for job in jobs] == ["one/x/.cache", "two/x/.cache"] * 2
    copy = jobs[0].config.copy()
    copy.probe.params.size = 5
    assert jobs[0].config.probe.params.size == 20
    assert OmegaConf.to_yaml(jobs[2].config) == OmegaConf.to_yaml(
        expand(jobs[2].overrides)[0].config
    )


def test_a_fault_in_one_value_of_a_sweep_is_named() -> None:
    with pytest.raises(UserError, match="could not be converted"):
        expand(["seed=1,2,x"], multirun=True)
    with pytest.raises(UserError, match="at least 1") as caught:
        expand(["runtime.batch_size=4,0"], multirun=True)
    assert caught.value.where == "runtime.batch_size"
