"""Cells without a judge: where no model is asked how near a label is, none is looked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.parts.encoders import GlyphsEncoder
from bench.parts.sentences import SentenceTransformer
from bench.run.judges import SelectionJudges
from bench.run.plan import State
from bench.run.selection import build_selection
from bench.run.survey import find_unmet, plan
from leaderboards.board import load_board
from leaderboards.pages.render import check_board, write_board

if TYPE_CHECKING:
    from collections.abc import Callable


NO_TRUTH = "target.truth.name=none"
BY_MODEL = ("sentence_cosine", "sentence_cosine_best_synonym", "nearest_name")


def refuse(*_: Any) -> None:
    raise AssertionError("an encoder was looked for")


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence encoder of all groups but one, which must not be asked anything."""
    for name in ("fingerprint", "unmet_requirements", "load"):
        monkeypatch.setattr(SentenceTransformer, name, refuse)


def judges(*overrides: str) -> SelectionJudges:
    [job] = expand(["probe.params.size=20", *overrides])
    return SelectionJudges.of(build_selection(job.config))


def scored(folder: Path, **scoring: Any) -> dict[str, Any]:
    """The one scores file of a record with the given facts in its scoring."""
    files = [json.loads(path.read_text()) for path in sorted((folder / "scores").glob("*.json"))]
    [found] = [f for f in files if scoring.items() <= f["scoring"].items()]
    values: dict[str, Any] = found["scores"]
    return values


@pytest.fixture
def folder(here: Path) -> Path:
    [found] = (here / "results" / "local" / "clip_dissect").iterdir()
    return found


@pytest.mark.usefixtures("no_encoder")
def test_without_a_sentence_encoder_all_else_is_scored(
    folder: Path, run: Callable[..., int]
) -> None:
    [before] = [json.loads(path.read_text()) for path in folder.glob("scores/*.json")]
    assert run("scoring=none") == 0
    found = scored(folder, sentence={}, clip_text={})
    for name in ("accuracy_at_1", "accuracy_at_5", "lexical_match", "mean_rank", "mrr", "auroc"):
        assert found[name] == before["scores"][name]
        assert found[name]["value"] is not None
    for name in BY_MODEL:
        assert found[name]["value"] is None
        assert found[name]["reason"] == "no sentence encoder was given"
    assert "scoring.clip_text.name" in found["clip_cosine"]["reason"]


@pytest.mark.usefixtures("no_encoder")
def test_the_labelling_encoder_still_judges(folder: Path, run: Callable[..., int]) -> None:
    assert run("scoring.sentence.name=none") == 0
    found = scored(folder, sentence={})
    assert found["sentence_cosine"]["value"] is None
    assert -1 <= found["clip_cosine"]["value"] <= 1


@pytest.mark.usefixtures("no_encoder")
def test_without_true_names_nothing_judges(
    folder: Path, run: Callable[..., int], small: tuple[str, ...]
) -> None:
    assert run(NO_TRUTH) == 0
    [other, found] = sorted(
        (json.loads(path.read_text()) for path in folder.glob("scores/*.json")),
        key=lambda content: bool(content["scoring"]["sentence"]),
        reverse=True,
    )
    assert other["scoring"]["sentence"]
    assert found["scoring"]["sentence"] == found["scoring"]["clip_text"] == {}
    assert found["circular"] is False
    for name in ("accuracy_at_1", "clip_cosine", *BY_MODEL):
        assert found["scores"][name]["value"] is None
        assert found["scores"][name]["reason"] == "no unit has a true name"
    assert found["scores"]["distinct_labels"]["value"] >= 1
    # Whichever judge would have been asked: the scores are the same, and so is their key.
    assert plan(expand([*small, NO_TRUTH, "scoring=mpnet"]))[0].cells[0].read_state() is State.DONE


@pytest.mark.usefixtures("no_encoder")
def test_scores_of_an_older_release_are_not_made_again(
    folder: Path,
    run: Callable[..., int],
    small: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(NO_TRUTH) == 0
    [file] = [f for f in folder.glob("scores/*.json") if not _told(f)["sentence"]]
    content = json.loads(file.read_text())
    content["scoring"] |= {"sentence": {"kind": "old"}, "clip_text": {"kind": "old"}}
    content["skey"] = "0123456789abcdef"
    (folder / "scores" / "0123456789abcdef.json").write_text(json.dumps(content))
    file.with_name(f"{file.stem}.units.csv.gz").rename(
        folder / "scores" / "0123456789abcdef.units.csv.gz"
    )
    file.unlink()
    asked = expand([*small, NO_TRUTH])
    [cell] = plan(asked)[0].cells
    assert (cell.skey, cell.read_state()) == ("0123456789abcdef", State.DONE)
    assert main(["score", str(folder), NO_TRUTH]) == 0
    assert "scores/0123456789abcdef.json is there already" in capsys.readouterr().out
    (folder / "scores" / "0123456789abcdef.json").write_text("{")  # damaged: made anew
    [cell] = plan(asked)[0].cells
    assert (cell.skey, cell.read_state()) == (file.stem, State.TO_SCORE)
    official = expand([*small, NO_TRUTH, "scoring.official_labels=true"])
    assert plan(official)[0].cells[0].skey != file.stem


def _told(file: Path) -> dict[str, Any]:
    scoring: dict[str, Any] = json.loads(file.read_text())["scoring"]
    return scoring


def test_a_board_shows_scores_that_no_model_made(folder: Path, run: Callable[..., int]) -> None:
    [with_judge] = folder.glob("scores/*.json")
    assert run("scoring=none") == 0
    assert run(NO_TRUTH) == 0
    assert write_board(load_board([folder]), Path("mixed"))
    with_judge.unlink()
    board = load_board([folder])
    write_board(board, Path("pages"))
    assert not check_board(board, Path("pages"))
    page = Path("pages/board.md").read_text()
    assert "no sentence encoder was given" in page
    assert "| sentence cosine" not in page
    assert "lexical match" in page


@pytest.mark.parametrize(
    ("overrides", "judged", "may_be"),
    [
        (["target.layers=[fc]"], ["fc"], True),
        (["target.layers=[layer4]"], [], False),
        (["target.layers=[layer3,fc]"], ["fc"], True),
        (["target.layers=['layer*']"], [], False),
        (["target.layers=['f*']"], ["fc"], True),
        (["target.truth_layer=''"], ["fc"], True),
        ([NO_TRUTH], [], False),
        (["target.layers=[layer4]", "scoring.decisions.classifier=fc"], ["layer4"], True),
        (["target.layers=[layer4]", "scoring.decisions.classifier=layer3"], [], False),
    ],
)
def test_a_layer_is_judged_where_it_has_names_or_decides(
    overrides: list[str], judged: list[str], may_be: bool
) -> None:
    found = judges(*overrides)
    layers = found.selection.layers
    assert [layer for layer in layers if found.judged(layer)] == judged
    assert found.may_judge is may_be
    for layer in layers:
        models = {name: found.scoring(layer)[name] for name in ("sentence", "clip_text")}
        assert all(models.values()) is (layer in judged)


@pytest.mark.usefixtures("no_encoder")
@pytest.mark.parametrize(
    "overrides",
    [
        [NO_TRUTH],
        ["target.layers=[layer4]"],
        ["scoring=none"],
        ["scoring.sentence.name=none"],
        ["scoring=mpnet", NO_TRUTH, "scoring.bertscore.model=owner/model"],
    ],
)
@pytest.mark.parametrize("method", ["clip_dissect", "netdissect"])
def test_nothing_is_looked_for_that_only_judges(
    method: str, overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judges(f"method={method}", *overrides)
    if found.encoder is None:  # the configured one would judge alone
        monkeypatch.setattr(GlyphsEncoder, "fingerprint", refuse)
        monkeypatch.setattr(GlyphsEncoder, "unmet_requirements", refuse)
    assert find_unmet(found.selection) == ()
    assert all(found.scoring(layer) for layer in found.selection.layers)


def test_what_judges_is_named_where_it_is_missing(tmp_path: Path) -> None:
    missing = f"scoring.sentence.params.model={tmp_path}/none"
    [requirement] = find_unmet(judges("scoring=minilm", missing).selection)
    assert str(tmp_path) in requirement.name
    assert find_unmet(judges(missing, NO_TRUTH).selection) == ()
    # A truth that cannot be read may have names: a judge is looked for.
    unread = ("target.truth.name=class_list", "target.truth.params.path=none.txt")
    assert len(find_unmet(judges(missing, *unread).selection)) == 2


@pytest.mark.parametrize(
    ("choice", "by_encoder", "alone"),
    [
        ("scoring=minilm", True, True),
        ("scoring=none", False, False),
        ("scoring.sentence.name=none", True, False),
        ("scoring.clip_text.name=none", False, False),
    ],
)
def test_which_text_encoder_judges(choice: str, by_encoder: bool, alone: bool) -> None:
    assert bool(judges(choice).clip_text) is by_encoder
    assert bool(judges(choice, "method=netdissect").clip_text) is alone
