"""Published figures: each with a source, and never set against what another judge said."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from leaderboards.pages.published import published_section
from leaderboards.published import difference, load_figures, mismatch
from leaderboards.scores import ScoreSet
from metrics.scores import Score

ROOT = Path(__file__).resolve().parents[2]
BOARDS = [ROOT / "leaderboards" / name for name in ("imagenet", "places365")]
MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MPNET = "hub:all-mpnet-base-v2"
MPNET_FILE = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
DIGITS = {
    "imagenet": {"netdissect": "0.2952", "milan": "0.2788"},
    "places365": {"netdissect": "0.6697"},
}
AS_PUBLISHED = {"official": True, "reading": {"mask_labels": "as published"}}


def judged(weights=MPNET, units=1000, official=False, **more):
    return ScoreSet(
        skey="k",
        scoring={
            "truth": {"name": "imagenet", "units": units},
            "sentence": {"weights": weights},
            "rules": {"official_labels": official},
            **more,
        },
        circular=False,
        scores={"sentence_cosine": Score(0.3), "clip_cosine": Score(0.7),
                "accuracy_at_1": Score(0.4)},
    )  # fmt: skip


def figure(metric, target="resnet50_imagenet", method="netdissect"):
    [found] = [
        f for f in load_figures()
        if (f.metric, f.target, f.method, f.layer) == (metric, target, method, "fc")
    ]  # fmt: skip
    return found


def test_the_figures_that_are_cited():
    assert figure("sentence_cosine").value == "0.2952"
    assert figure("sentence_cosine", method="milan").value == "0.2788"
    places = figure("accuracy_at_1", "resnet18_places365")
    assert (places.value, places.scale, places.units) == ("43.8202", "%", "267")
    assert places.number == pytest.approx(117 / 267, abs=5e-7)


def test_every_figure_has_a_source_and_is_marked_as_reported():
    assert len(load_figures()) > 20
    for found in load_figures():
        assert found.origin == "reported"
        assert found.seen_in
        assert found.judge
        assert found.protocol
        assert found.seen == (found.seen_in != "not seen")
        if found.metric == "minutes":
            assert "abstract" in found.source
            continue
        if not found.experiment:
            float(found.value)
            assert re.search(r"arXiv:\d{4}\.\d{5}|(ICLR|ICML|CVPR) 20\d\d|github", found.source)
            continue
        assert re.search(r"github\.com/\S+ at [0-9a-f]{7}", found.source)
        assert found.number is not None
        assert (1 <= found.number <= 1000) if found.scale == "rank" else (0 < found.number < 1)
        assert bool(found.rerun) == bool(found.rerun_source)


def test_the_tables_are_whole():
    """Ten rows of Table 1, sixteen cells of Table 3 with their seven numbers, five layers' time."""
    cells: dict[str, set[tuple[str, ...]]] = {}
    for f in load_figures():
        if f.experiment:
            cell = (f.method, f.variant, f.probe_set, f.concept_set)
            cells.setdefault(f.experiment, set()).add(cell)
    assert {name: len(found) for name, found in cells.items()} == {
        "paper_table1": 10, "paper_table2": 2, "paper_table3": 32, "paper_table4": 4, "paper_a6": 3,
    }  # fmt: skip
    minutes = {f.method: f.value for f in load_figures() if f.experiment == "paper_table4"}
    assert minutes.pop("clip_dissect") == "4"
    assert set(minutes.values()) == {""}


def test_authors_own_outputs_come_first():
    """Where the official notebooks store a number, a rerun only stands beside it."""
    stored = {
        (f.probe_set, f.metric): f.value
        for f in load_figures()
        if (f.experiment, f.variant, f.concept_set) == ("paper_table3", "soft_wpmi", "paper_20k")
    }
    for f in load_figures():
        if f.experiment == "paper_table1" and f.concept_set == "paper_20k":
            assert f.value == stored[f.probe_set, f.metric]
            assert f.rerun


def test_no_cosine_of_one_encoder_is_set_against_one_of_another():
    own = figure("sentence_cosine")
    for weights in (MPNET, MPNET.replace(":", ":sentence-transformers/"), MPNET_FILE):
        assert difference(own, judged(weights, **AS_PUBLISHED)) == pytest.approx(0.3 - 0.2952)
    # Mask labels in plain words are other texts than those that the notebook embeds.
    assert difference(own, judged()) is None
    assert difference(figure("sentence_cosine", method="milan"), judged()) is not None
    for other in (MINILM, "hub:all-MiniLM-L6-v2", None):
        assert difference(own, judged(other, **AS_PUBLISHED)) is None
    assert difference(figure("clip_cosine"), judged(**AS_PUBLISHED)) is None
    for found in load_figures():
        if found.metric == "sentence_cosine":
            assert mismatch(found, judged(MINILM))


def test_nor_other_units_or_rules():
    own = figure("sentence_cosine")
    assert difference(own, judged(units=999, **AS_PUBLISHED)) is None
    part = judged(**AS_PUBLISHED)
    part = dataclasses.replace(part, scoring={**part.scoring, "units": {"n": 50}})
    assert difference(own, part) is None
    accuracy = figure("accuracy_at_1", "resnet18_places365")
    assert difference(accuracy, judged(units=267, official=True)) is not None
    assert difference(accuracy, judged(units=267)) is None
    assert difference(accuracy, judged(units=365, official=True)) is None


@pytest.mark.parametrize("folder", BOARDS, ids=lambda path: path.name)
def test_committed_boards_reproduce_the_cosines_and_show_the_rest_apart(folder, published):
    """By the paper's judge the authors' labels give their notebooks' digits."""
    board = published(folder.name)
    found = {}
    for table in board.tables:
        for row in table.methods:
            assert row.origin == "imported"
            assert row.score_set is not None
            judge = row.score_set.scoring["sentence"]["weights"]
            assert judge in (MINILM, MPNET_FILE)
            name = row.record.method["name"]
            own = [figure for figure in load_figures() if figure.method == name]
            gaps = [gap for figure in own if (gap := difference(figure, row.score_set)) is not None]
            if judge == MINILM:
                assert gaps == []
            for gap in gaps:
                assert abs(gap) < 5e-5
                found[name] = row.score_set.scores["sentence_cosine"].value
    assert {name: f"{value:.4f}" for name, value in found.items()} == DIGITS[folder.name]
    page = "\n\n".join(published_section(board))
    assert len(re.findall(r"\| +0\.0000 \|", page)) == len(found)
    assert page in (folder / "README.md").read_text()


def test_what_the_committed_boards_say(published):
    """117 and 141 of 365 units by the official and the mended rule, with floors and intervals."""
    tables = published("places365").tables
    right = {}
    for table in tables:
        [row] = table.methods
        score = row.scores["accuracy_at_1"]
        assert score.value is not None
        assert score.ci_low is not None
        assert row.score_set is not None
        rules = row.score_set.scoring["rules"]["official_labels"]
        right[rules] = (round(score.value * score.n), score.n)
    assert right == {True: (117, 365), False: (141, 365)}
    tables = published("imagenet").tables
    assert len(tables) == 3
    for table in tables:
        assert {row.label for row in table.methods} == {"netdissect (imported)", "milan (imported)"}
        constant = table.control("constant")
        assert constant is not None
        for row in table.methods:
            score = row.scores["sentence_cosine"]
            assert score.n == 1000
            assert score.ci_low is not None
            assert constant.scores["sentence_cosine"].value is not None


def test_sentences_count_for_the_plurals_that_lexical_match_accepts(published):
    """Of MILAN's thousand sentences 14 say the class's name, 9 of these in the plural."""
    right = {}
    for table in published("imagenet").tables:
        [row] = [row for row in table.methods if row.record.method["name"] == "milan"]
        assert row.score_set is not None
        rules = row.score_set.scoring["rules"]["official_labels"]
        own = (row.scores[name].value for name in ("accuracy_at_1", "lexical_match"))
        right.setdefault(rules, set()).add(tuple(own))
    assert right == {False: {(0.014, 0.014)}, True: {(0.003, 0.014)}}


def test_the_docs_have_the_figures_of_other_protocols():
    page = (BOARDS[0].parents[1] / "docs/results/published.md").read_text()
    others = [f for f in load_figures() if not f.experiment]
    assert len(others) > 50
    for f in others:
        [row] = [
            row for row in page.splitlines()
            if f"| {f.metric} ({f.scale}) |" in row and f"{f.label} {f.value}" in row
            and " ".join(filter(None, (f.target, f.layer, f.concept_set))) in row
        ]  # fmt: skip
        assert f.seen_in.partition(",")[0] in row
