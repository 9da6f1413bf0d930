"""Composition: every YAML composes, requests expand as they read, faults are named."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest
from omegaconf import OmegaConf

from bench.cli.demo import FIRST
from bench.config.compose import Job, expand
from bench.errors import UserError
from bench.parts.choice import CONF, choices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OF_USERS = {"describe_and_dissect", "falcon"}
"""Methods for models and captions of the user's own, which the demo does not have."""
PART_GROUPS = ("method", "target", "probe", "concepts", "encoder", "scoring", "runtime")
NEEDS = {
    ("target", name): ["target.layers=[fc]"]
    for name in ("callable", "timm", "torch_hub", "torchvision")
}


def every_choice() -> list[tuple[str, str]]:
    return [(group, name) for group in PART_GROUPS for name in choices(group, CONF)]


@pytest.fixture(scope="module")
def composed() -> None:
    """Compose a choice of every group at once, again and again: fewer compositions than choices."""
    expand([])
    for names in zip_longest(*(choices(group, CONF) for group in PART_GROUPS)):
        request = [
            f"{group}={name}" for group, name in zip(PART_GROUPS, names, strict=True) if name
        ]
        with suppress(UserError):  # then each is composed alone
            expand(request)


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize(("group", "name"), every_choice())
def test_every_yaml_composes_and_says_what_it_is(group: str, name: str) -> None:
    [job] = expand([f"{group}={name}", *NEEDS.get((group, name), [])])
    assert not OmegaConf.missing_keys(job.config)
    first = (CONF / group / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith((".", ")"))


@pytest.fixture(scope="module")
def expanded() -> Callable[[str], list[Job]]:
    """An experiment's jobs; composing so many takes seconds."""
    return cache(lambda name: expand([f"experiment={name}"]))


@pytest.mark.parametrize("name", choices("experiment", CONF))
def test_every_experiment_changes_what_it_says(
    name: str, expanded: Callable[[str], list[Job]]
) -> None:
    raw = OmegaConf.load(CONF / "experiment" / f"{name}.yaml")
    jobs = expanded(name)
    assert jobs
    assert {job.config.board for job in jobs} == {raw.board}
    assert raw.board != expand([])[0].config.board
    assert {job.choices["experiment"] for job in jobs} == {name}


def test_the_full_study_is_made_of_distinct_cells(expanded: Callable[[str], list[Job]]) -> None:
    every = expanded("glyphs_full")
    jobs = [job for job in every if job.config.method.name == "clip_dissect"]
    cells = {
        (
            job.config.target.params.net,
            job.config.concepts.name + str(job.config.concepts.params),
            job.config.probe.params.variant,
            job.config.method.params.similarity,
            job.config.target.control,
            tuple(job.config.target.layers),
        )
        for job in jobs
    }
    assert len(jobs) == len(cells) == 2 * 3 * 2 * 5 + 2
    others = {
        (
            job.config.target.params.net,
            job.config.method.name,
            job.config.concepts.name + str(job.config.concepts.params),
            job.config.segmenter.name,
            job.config.method.params.get("pmi_weight"),
            job.config.target.control,
            tuple(job.config.target.layers),
        )
        for job in every
        if job.config.method.name != "clip_dissect"
    }
    assert len(others) == len(every) - len(jobs) == 2 * (2 + 2 + 2 + 1 + 5 * 3 + 2) + 6


def test_the_demo_runs_each_method_once_on_each_final_layer(
    expanded: Callable[[str], list[Job]],
) -> None:
    jobs = expanded("glyphs_demo")
    rows = [(job.choices["target"], job.config.method.name) for job in jobs]
    assert len(rows) == len(set(rows)) == 36
    for target in ("glyphs_objects", "glyphs_scenes"):
        named = {method for own, method in rows if own == target}
        assert named == set(choices("method", CONF)) - OF_USERS
    assert {tuple(job.config.target.layers) for job in jobs} == {("fc",), ("middle",)}
    assert {job.config.probe.params["size"] for job in jobs} == {2000}
    first = rows[:FIRST]
    assert {target for target, _ in first} == {"glyphs_objects"}
    assert first[0][1] == "netdissect"  # its pass over the images gives the activations too
    assert ("glyphs_objects", "clip_dissect") in first


def test_the_user_beats_the_experiment() -> None:
    jobs = expand(["experiment=glyphs_full", "board=mine", "probe=glyphs_half", "seed=9"])
    assert len(jobs) == 30 + 14 + 34 + 8
    assert {job.config.board for job in jobs} == {"mine"}
    assert {job.config.seed for job in jobs} == {9}
    assert {job.config.probe.params.variant for job in jobs} == {"half"}


def test_a_sweep_needs_m() -> None:
    with pytest.raises(UserError, match="add -m"):
        expand(["probe=glyphs_val,glyphs_half"])
    jobs = expand(["probe=glyphs_val,glyphs_half", "seed=1,2"], multirun=True)
    assert [(j.config.probe.params.variant, j.config.seed) for j in jobs] == [
        ("val", 1), ("val", 2), ("half", 1), ("half", 2),
    ]  # fmt: skip


def test_a_range_without_single_values_is_no_sweep() -> None:
    with pytest.raises(UserError, match="gives no list of values"):
        expand(["seed=interval(1,4)"], multirun=True)
    assert [job.config.seed for job in expand(["seed=range(1,4)"], multirun=True)] == [1, 2, 3]


def test_no_experiment_can_be_said_too() -> None:
    assert expand(["experiment=null"])[0].config == expand([])[0].config


def test_parameters_need_no_plus_and_layers_are_lists() -> None:
    [job] = expand(["method.params.top_k=7", "target.layers=[layer3,fc]"])
    assert job.config.method.params == {"similarity": "soft_wpmi", "top_k": 7}
    assert list(job.config.target.layers) == ["layer3", "fc"]


def test_a_registered_part_without_yaml_can_be_chosen() -> None:
    [job] = expand(["concepts=wordfreq", "concepts.params.n=700"])
    assert job.config.concepts == {"name": "wordfreq", "params": {"n": 700}}


def test_recomposing_a_jobs_overrides_gives_its_config() -> None:
    swept = ["board=b", "probe=glyphs_val,glyphs_half", "method.params.similarity=wpmi"]
    jobs = expand(swept, multirun=True)
    assert len(jobs) == 2
    for job in jobs:
        [again] = expand(job.overrides)
        assert (again.config, again.choices) == (job.config, job.choices)


def test_a_job_survives_its_way_to_a_worker() -> None:
    [job] = expand(["experiment=glyphs_smoke", "target.layers=[fc]", "seed=3"])[:1]
    again = Job.from_json(json.loads(json.dumps(job.to_json())))
    assert again == job
    assert again.config.seed == 3


def test_values_are_set_on_copies_of_what_was_chosen() -> None:
    swept = ["method=clip_dissect,netdissect", "method.params={}", "seed=1,2"]
    jobs = expand([*swept, "target.truth.name=file,none"], multirun=True)
    assert len(jobs) == 8
    for job in jobs:
        [alone] = expand(job.overrides)
        assert alone == job


def test_own_config_groups(tmp_path: Path) -> None:
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "mine.yaml").write_text("name: glyphs\nparams: {variant: val, size: 9}\n")
    [job] = expand(["probe=mine"], config_dir=tmp_path)
    assert job.config.probe.params["size"] == 9


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("method=clip_disect", ["clip_dissect", "dissectbench list methods"]),
        ("probe=glyph_val", ["glyphs_val", "dissectbench list probes"]),
        ("experiment=glyphs_dem", ["glyphs_demo", "dissectbench list experiments"]),
        ("runtime=gpu", ["unknown runtime 'gpu'", "choose one of: default"]),
        ("methd=clip_dissect", ["nearest: method"]),
        ("runtime.batchsize=3", ["nearest: runtime.batch_size"]),
        ("+method.topk=3", ["there is no setting 'method.topk'"]),
        ("+surprise=1", ["there is no setting 'surprise'"]),
        ("~method", ["every run needs"]),
        ("seed=abc", ["'abc'", "Integer"]),
        ("seed", ["gives no value"]),
        ("target=torchvision", ["target.layers", "needs a value"]),
        ("target.pooling=median", ["unknown pooling", "avg, max"]),
        ("board=../x", ["cannot name a board"]),
        ("runtime.batch_size=0", ["runtime.batch_size", "at least 1"]),
        ("runtime.device=tpu", ["unknown device 'tpu'"]),
        ("launcher=joblib", ["'joblib' is not installed\n", "pip install 'dissectbench[joblib]'"]),
        ("hydra/launcher=joblib_x", ["'joblib_x' is not installed\n", "'dissectbench[joblib]'"]),
        ("method.params.top_k=[1", ["method.params.top_k=[1"]),
        ("results=${nothing}", ["'nothing' not found", "refers to another setting"]),
        ("seed=interval(1,4)", ["gives several values to one run"]),
    ],
)
def test_faults_are_named(override: str, says: list[str]) -> None:
    if override == "launcher=joblib":
        with suppress(ModuleNotFoundError):
            if find_spec("hydra_plugins.hydra_joblib_launcher"):
                pytest.skip("the joblib launcher is installed here")
    with pytest.raises(UserError) as caught:
        expand([override])
    for part in says:
        assert part in str(caught.value)


@pytest.mark.parametrize(("multirun", "hint"), [(False, "add -m"), (None, "give one value")])
def test_the_hint_for_several_values_fits_the_command(multirun: bool | None, hint: str) -> None:
    with pytest.raises(UserError, match=f"several values to one run(.|\n)*{hint}"):
        expand(["seed=1,2"], multirun=multirun)


def test_a_part_named_anew_starts_from_its_own_defaults() -> None:
    [job] = expand(["target.truth.name=file", "target.truth.params.path=names.csv"])
    assert job.config.target.truth == {"name": "file", "params": {"path": "names.csv"}}
    jobs = expand(["target.truth.name=glyphs,none"], multirun=True)
    assert [dict(job.config.target.truth.params) for job in jobs] == [{}, {}]
    [job] = expand(["target.truth.params.kind=scenes"])
    assert job.config.target.truth == {"name": "glyphs", "params": {"kind": "scenes"}}
