"""What can run here, what is missing for the rest, and what `plan` says of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from bench.__main__ import main
from bench.cli.plan import compare_choices
from bench.config.compose import expand
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.parts.registry import Registry
from bench.run.survey import plan, survey


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def broden(path):
    return ["probe=broden", f"probe.params.path={path}", "method=netdissect"]


def test_a_path_that_is_there_lacks_nothing(tmp_path):
    assert unmet_path("", "decoder", "x") == unmet_path(str(tmp_path), "decoder", "x") == ()
    [need] = unmet_path(str(tmp_path / "nowhere"), "decoder", "x", "train it")
    assert need.hint == "train it"
    assert need.name == f"the decoder {tmp_path}/nowhere"


def test_truths_say_which_files_they_miss(tmp_path):
    words = ["target.truth.name=class_list", f"target.truth.params.path={tmp_path}/a.txt"]
    [found] = survey(expand(["probe.params.size=20", *words]))
    assert not found.possible()
    assert [need.name for need in found.unmet] == [f"the list of classes {tmp_path}/a.txt"]


def test_a_job_is_possible_or_says_why_not(tmp_path):
    [good] = survey(expand(["probe.params.size=20"]))
    assert good.possible()
    assert good.plan
    [bad] = survey(expand(broden(tmp_path / "none")))
    assert not bad.possible()
    assert bad.fault or bad.unmet
    with pytest.raises(UserError):
        plan(expand(broden(tmp_path / "none")))


def test_only_the_possible_jobs_run_where_that_is_asked_for(tmp_path, caplog):
    words = tmp_path / "words.txt"
    words.write_text("sun\nmoon\n")
    jobs = expand(["concepts=file", f"concepts.params.path={words}", "probe.params.size=20"])
    jobs += expand(["target.truth.name=class_list", "target.truth.params.path=none.txt"])
    assert len(plan(jobs, only_possible=True)) == 1
    assert "1 of 2 jobs are left out" in caplog.text
    with pytest.raises(UserError) as caught:
        plan(jobs)
    assert "dissectbench plan" in str(caught.value)
    assert "--possible" in str(caught.value)
    nothing = expand(["target.truth.name=class_list", "target.truth.params.path=none.txt",
                      "probe.params.size=20,30"], multirun=True)  # fmt: skip
    with pytest.raises(UserError) as caught:
        plan(nothing, only_possible=True)
    assert "2 of 2 jobs" in str(caught.value)
    assert "--possible" not in str(caught.value)


def test_equal_cells_are_planned_once():
    jobs = expand(["method=milan", "probe.params.size=40"])
    assert len(plan([*jobs, *jobs])) == 1


def test_plan_names_what_is_missing_and_what_brings_it(capsys):
    assert main(["plan", "target.truth.name=class_list", "target.truth.params.path=no.txt"]) == 0
    told = capsys.readouterr().out
    assert "1 cell: 1 impossible" in told
    assert "[1] target.truth.params.path: the list of classes no.txt" in told
    assert main(["plan", "-m", "probe.params.size=20,30"]) == 0
    assert "2 cells: 2 to run" in capsys.readouterr().out


def test_planning_imports_no_torch():
    code = (
        "import sys\nfrom bench.__main__ import main\n"
        "main(['plan', 'probe.params.size=20'])\nassert 'torch' not in sys.modules\n"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_what_all_cells_share_is_said_once(tmp_path):
    jobs = expand(["method=clip_dissect,milan", "probe=glyphs_val,glyphs_half"], multirun=True)
    common, told = compare_choices(survey(jobs))
    assert common["target"] == "glyphs_objects"
    assert common["concepts"] == "glyphs_all"  # of clip_dissect; milan writes its own words
    assert told[:2] == ["clip_dissect | glyphs_val", "clip_dissect | glyphs_half"]
    given = ["method.params.similarity=wpmi", "probe.params.size=20"]
    jobs = expand([*given, "scoring.official_labels=true,false"], multirun=True)
    common, told = compare_choices(survey(jobs))
    assert common["probe"] == "glyphs_val size=20"
    assert told == [f"clip_dissect wpmi | official_labels={word}" for word in ("True", "False")]


def test_plan_ends_with_one_command_for_all_that_can_be_fetched(capsys):
    assert main(["plan", "probe=broden1_224", "concepts=paper_20k"]) == 0
    told = capsys.readouterr().out
    assert "dissectbench fetch broden1_224 paper_20k" in told.splitlines()[-1]


def test_of_several_jobs_a_faulty_one_names_what_runs_the_others():
    jobs = expand(["method.params.similarity=wpmi,wpm"], multirun=True)
    with pytest.raises(UserError) as caught:
        plan(jobs)
    assert "wpm" in caught.value.what
    assert "1 of 2 jobs cannot run" in caught.value.hint
    assert "--possible" in caught.value.hint
    [alone] = expand(["method.params.similarity=wpm"])
    with pytest.raises(UserError) as caught:
        plan([alone])
    assert "jobs" not in caught.value.hint


def test_jobs_of_a_sweep_share_their_parts(monkeypatch):
    built = Counter()
    build = Registry.build

    def count(registry, name, params, **where):
        built[registry.kind] += 1
        return build(registry, name, params, **where)

    monkeypatch.setattr(Registry, "build", count)
    jobs = expand(["probe.params.size=20,30,40", "seed=0,1,2,3"], multirun=True)
    plans = plan(jobs)
    assert len({cell.key for each in plans for cell in each.cells}) == len(plans) == 12
    assert built["probe"] == 3
    assert set(built.values()) == {1, 3}
    assert plans[0].selection.truth is plans[-1].selection.truth
