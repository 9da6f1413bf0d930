"""A column's cosines are warned of where labels copy the comma-joined form of the true names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import render_scores
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from pathlib import Path

TRUTHS = ["tench, Tinca tinca", "cock", "hen", "goldfish, Carassius auratus"]


def put(root: Path, build: Any, similarity: str, labels: list[str], cosines: tuple[float, float]):
    scores = build.make_scores(0.5)
    whole, best = (build.share(value, width=0.1) for value in cosines)
    scores["scores"] |= {"sentence_cosine": whole, "sentence_cosine_best_synonym": best}
    units = pd.DataFrame({"unit": range(4), "truth": TRUTHS, "label": labels})
    units = units.assign(score=0.5, truth_rank=1.0, truth_score=0.5)
    descriptions = build.make_descriptions()
    record = build.make_record(similarity)
    write_record(root, record, descriptions=descriptions, scores=[(scores, units)])


@pytest.fixture
def board(tmp_path: Path, build: Any):
    put(tmp_path, build, "copies", [TRUTHS[0], "cock", TRUTHS[0], ""], (0.849, 0.795))
    put(tmp_path, build, "names", ["tench", "cock", "a hen, a cock", "x"], (0.846, 0.95))
    return load_board([tmp_path])


def test_the_warning_names_methods_and_shows_the_fair_cosine(board):
    pages = {name: text.decode() for name, text in render_scores(board).items() if ".md" in name}
    told = (
        "comma-joined synonyms, and some labels copy that form: clip_dissect copies (67%). "
        "The cosine with the whole name rewards the form, right or wrong; compare by the nearest "
        "synonym: clip_dissect names 0.950, clip_dissect copies 0.795."
    )
    assert f"\n- **Warning.** The true names are {told}" in pages["README.md"]
    # Under the table of that cosine, and not under the lexical match.
    assert pages["README.md"].count("**Warning.**") == 1
    assert pages["README.md"].index("**Warning.**") > pages["README.md"].index(
        "### sentence cosine"
    )
    assert told in pages["board.md"]


def test_there_is_none_where_no_label_copies_it(tmp_path: Path, build: Any):
    put(tmp_path, build, "names", ["tench", "cock", "a hen, a cock", "x"], (0.8, 0.9))
    [table] = load_board([tmp_path]).tables
    assert [row.comma_joined for row in table.methods] == [0]
    assert table.notes == ()
