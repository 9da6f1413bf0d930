"""`dissectbench score`: the same labels under another rule or truth, and what the cache is for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from baselines.clip_dissect import ClipDissect
from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

OFFICIAL = "scoring.official_labels=true"


@pytest.fixture
def folder(here: Path) -> Path:
    [found] = (here / "results" / "local" / "clip_dissect").iterdir()
    return found


@pytest.fixture
def no_method(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the method was run")

    monkeypatch.setattr(ClipDissect, "describe", refuse)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def scores(folder: Path, *, official: bool) -> dict[str, Any]:
    """The one scores file under the given label rule."""
    files = [json.loads(path.read_text()) for path in sorted((folder / "scores").glob("*.json"))]
    [found] = [f for f in files if f["scoring"]["rules"]["official_labels"] is official]
    values: dict[str, Any] = found["scores"]
    return values


@pytest.mark.usefixtures("no_method")
def test_another_rule_adds_a_scores_file_and_touches_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert main(["score", str(folder), OFFICIAL]) == 0
    assert "wrote scores/" in capsys.readouterr().out
    after = contents(folder)
    assert {name: after[name] for name in before} == before
    new = sorted(set(after) - set(before))
    assert len(new) == 2
    assert new[0].removesuffix(".json") == new[1].removesuffix(".units.csv.gz")
    assert scores(folder, official=True)["mean_rank"]["value"] >= 1


@pytest.mark.usefixtures("no_method")
def test_a_score_that_exists_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(folder), OFFICIAL]) == 0
    before = contents(folder)
    assert main(["score", str(folder), OFFICIAL]) == 0
    assert "is there already" in capsys.readouterr().out
    assert contents(folder) == before


@pytest.mark.usefixtures("no_method")
def test_scores_whose_key_an_older_release_made_of_models_too_are_replaced(folder: Path) -> None:
    shutil.rmtree(folder / "scores")
    assert main(["score", str(folder), "target.truth.name=none"]) == 0
    [file] = (folder / "scores").glob("*.json")
    older = json.loads(file.read_text())
    older["scoring"]["sentence"] = {"kind": "sentence_transformers"}
    older["skey"] = "0" * 16
    file.with_name("0000000000000000.json").write_text(json.dumps(older))
    units = folder / "scores" / f"{file.stem}.units.csv.gz"
    units.rename(units.with_name("0000000000000000.units.csv.gz"))
    file.unlink()
    assert main(["score", str(folder), "target.truth.name=none"]) == 0
    assert not file.exists()
    assert main(["score", str(folder), "target.truth.name=none", "--replace"]) == 0
    assert sorted(path.name for path in (folder / "scores").iterdir()) == [file.name, units.name]


@pytest.mark.usefixtures("no_method")
def test_scores_of_an_older_release_are_replaced_and_keep_their_ranks(folder: Path) -> None:
    complete = contents(folder)
    [name] = [name for name in complete if name.startswith("scores/") and name.endswith(".json")]
    old = json.loads(complete[name])
    del old["scores"]["nearest_name"], old["controls"]["oracle"]["nearest_name"]
    (folder / name).write_text(json.dumps(old))
    shutil.rmtree("results/.cache")
    assert main(["score", str(folder)]) == 0
    assert json.loads((folder / name).read_text()) == old
    assert main(["score", "--replace", str(folder)]) == 0
    assert contents(folder) == complete


def test_run_and_score_agree(folder: Path, run: Callable[..., int]) -> None:
    assert main(["score", str(folder), OFFICIAL]) == 0
    before = contents(folder)
    assert run(OFFICIAL) == 0
    assert contents(folder) == before


@pytest.mark.usefixtures("no_method")
def test_without_the_cache_ranks_are_null_and_say_why(folder: Path) -> None:
    assert scores(folder, official=False)["mean_rank"]["value"] is not None
    shutil.rmtree("results/.cache")
    assert main(["score", str(folder), OFFICIAL]) == 0
    found = scores(folder, official=True)
    for name in ("mean_rank", "median_rank", "mrr"):
        assert found[name]["value"] is None
        assert "no longer in the cache" in found[name]["reason"]
    for name in ("accuracy_at_1", "accuracy_at_5", "sentence_cosine", "lexical_match"):
        assert found[name]["value"] is not None
        assert found[name]["n"] == 25


OTHER_JUDGE = ["scoring.sentence.name=none", "scoring.sentence.params={}"]


@pytest.mark.usefixtures("no_method")
def test_another_judge_needs_no_cache_for_ranks_that_are_known(folder: Path) -> None:
    """The scores file is the same to the last byte, whether the score matrix is there or not."""
    before = contents(folder)
    assert main(["score", str(folder), *OTHER_JUDGE]) == 0
    with_matrix = contents(folder)
    [new, table] = sorted(set(with_matrix) - set(before))
    shutil.rmtree("results/.cache")
    for name in (new, table):
        (folder / name).unlink()
    assert main(["score", str(folder), *OTHER_JUDGE]) == 0
    assert contents(folder) == with_matrix
    assert json.loads(with_matrix[new])["scores"]["mean_rank"]["value"] >= 1


def test_a_folder_of_records_an_experiments_among_them(here: Path, small: tuple[str, ...]) -> None:
    assert main(["run", "experiment=glyphs_smoke", *small]) == 0
    folders = sorted(Path("results").glob("*/clip_dissect/*"))
    assert {folder.parts[1] for folder in folders} == {"local", "smoke"}
    assert main(["score", "results", OFFICIAL]) == 0
    for folder in folders:
        assert len(list(folder.glob("scores/*.json"))) == 2


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (["target.truth.name=file", "target.truth.params.path=names.csv"], {"file": 2}),
        (["target.truth.name=none"], {"none": 0}),
    ],
)
def test_another_kind_of_truth(truth: list[str], expected: dict[str, int], folder: Path) -> None:
    Path("names.csv").write_text("unit,name\n3,sea\n7,forest\n", encoding="utf-8")
    assert main(["score", str(folder), *truth]) == 0
    found = [json.loads(path.read_text()) for path in folder.glob("scores/*.json")]
    named = {scores["scoring"]["truth"]["name"]: scores["scoring"]["truth"] for scores in found}
    assert {name: truth["units"] for name, truth in named.items()} == {"glyphs": 25, **expected}


@pytest.mark.usefixtures("no_method")
def test_another_table_of_names_scores_the_same_labels(folder: Path) -> None:
    labels = (folder / "descriptions.csv.gz").read_bytes()
    best = pd.read_csv(folder / "descriptions.csv.gz").query("rank == 1").set_index("unit").label
    Path("right.csv").write_text(f"unit,name\n2,{best[2]}\n6,{best[6].upper()}\n")
    truth = ["target.truth.name=file", "target.truth.params.path=right.csv"]
    assert main(["score", str(folder), *truth]) == 0
    assert main(["score", str(folder), *truth, OFFICIAL]) == 0
    assert (folder / "descriptions.csv.gz").read_bytes() == labels
    found = [json.loads(path.read_text()) for path in folder.glob("scores/*.json")]
    right = [scores for scores in found if scores["scoring"]["truth"]["units"] == 2]
    assert len(right) == 2
    for content in right:
        # The published rule compares letter by letter: it misses the second name.
        exact = content["scoring"]["rules"]["official_labels"]
        assert content["scores"]["accuracy_at_1"]["value"] == (0.5 if exact else 1)
        assert content["scores"]["accuracy_at_1"]["n"] == 2
        assert content["scores"]["mean_rank"]["value"] == 1


def test_a_truth_of_another_layer_is_a_wrong_request(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert main(["score", str(folder), "target.truth.params.kind=objects"]) == 2
    assert contents(folder) == before
    assert "the truth names unit 25; the layer has 25 units" in capsys.readouterr().err


def test_a_record_of_own_config_groups_can_be_scored(here: Path) -> None:
    Path("mine/probe").mkdir(parents=True)
    Path("mine/probe/few.yaml").write_text("name: glyphs\nparams: {variant: val, size: 40}\n")
    own = ("--config-dir", "mine", "probe=few", "board=few")
    assert main(["run", "target=glyphs_scenes", "concepts=glyphs_scenes", *own]) == 0
    [folder] = Path("results/few/clip_dissect").iterdir()
    assert main(["score", str(folder), OFFICIAL]) == 0


def test_ranks_are_found_from_any_working_directory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["score", str(folder), OFFICIAL]) == 0
    assert scores(folder, official=True)["mean_rank"]["value"] is not None


def test_ranks_are_found_in_a_cache_of_the_users_own(here: Path, run: Callable[..., int]) -> None:
    assert Path("results/.cache").is_dir()
    assert run("runtime.cache=mine", "board=few", "probe.params.size=40") == 0
    [folder] = Path("results/few/clip_dissect").iterdir()
    assert main(["score", str(folder), OFFICIAL]) == 0
    assert scores(folder, official=True)["mean_rank"]["value"] is not None
