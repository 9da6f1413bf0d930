"""The boards that are published here follow from their records, and say what we say of them."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboards.pages.render import check_board

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from leaderboards.board import Board

    Published = Callable[[str], Board]

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted(path.parent for path in (ROOT / "leaderboards").glob("*/records.tar.xz"))
MACHINE = re.compile(r"(?:^|[\s\"'=:])/(?:home|root|tmp|work|Users|mnt)/")
SOFT_WPMI = "clip_dissect soft_wpmi"


@pytest.mark.parametrize("folder", BOARDS, ids=lambda path: path.name)
def test_tables_follow_from_the_records(folder: Path, published: Published) -> None:
    board = published(folder.name)
    assert board.n_records > 0
    assert (board.failures, board.problems) == ((), ())
    assert check_board(board, folder) == []


@pytest.mark.parametrize("folder", BOARDS, ids=lambda path: path.name)
def test_no_record_holds_a_path_of_its_maker(folder: Path) -> None:
    with tarfile.open(folder / "records.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            if Path(member.name).suffix in {".json", ".jsonl", ".yaml", ".log"}:
                assert MACHINE.search(file.read().decode()) is None, member.name


@pytest.fixture(scope="module")
def glyphs(published: Published) -> pd.DataFrame:
    """Every score of the embedded world's board, by its own judge."""
    board = published("glyphs")
    own = [one.condition.id for one in board.tables if "mpnet" not in one.condition.judge]
    return board.results[board.results["condition"].isin(own)]


def value(table: pd.DataFrame, row: str, metric: str, concepts: str, probe: str) -> float:
    """One score of the object network's final layer."""
    found = table[
        (table["target"] == "glyphs objects")
        & (table["layer"] == "fc")
        & (table["row"] == row)
        & (table["metric"] == metric)
        & table["concepts"].str.startswith(concepts)
        & (table["probe"] == probe)
    ]
    return float(found["value"].item())


def test_the_embedded_world_is_learnable(glyphs: pd.DataFrame) -> None:
    """soft_wpmi names object units, from their own list and from the English one."""
    own = ("glyphs objects", "glyphs val")
    assert value(glyphs, SOFT_WPMI, "accuracy_at_1", *own) >= 0.95
    open_set = ("sentence_cosine", "wordfreq", "glyphs val")
    score, constant, oracle = (
        value(glyphs, row, *open_set) for row in (SOFT_WPMI, "constant", "oracle")
    )
    assert (score - constant) / (oracle - constant) >= 0.75


@pytest.mark.parametrize(("concepts", "size"), [("glyphs objects", 87), ("glyphs all", 128)])
def test_controls_stand_where_they_must(glyphs: pd.DataFrame, concepts: str, size: int) -> None:
    for probe in ("glyphs val", "glyphs half"):
        assert value(glyphs, "chance", "accuracy_at_1", concepts, probe) == pytest.approx(1 / size)
        assert value(glyphs, "oracle", "accuracy_at_1", concepts, probe) == 1.0
        assert value(glyphs, "oracle", "lexical_match", concepts, probe) == 1.0


@pytest.mark.parametrize("concepts", ["glyphs objects", "glyphs all", "wordfreq"])
def test_half_of_the_objects_is_clearly_worse(glyphs: pd.DataFrame, concepts: str) -> None:
    for metric in ("lexical_match", "lexical_match[seen]"):
        full, half = (
            value(glyphs, SOFT_WPMI, metric, concepts, probe)
            for probe in ("glyphs val", "glyphs half")
        )
        assert half < full - 0.1


def test_methods_that_look_at_pixels_stand_beside_the_others(glyphs: pd.DataFrame) -> None:
    """One table, final layer: masks name every object; a poor segmenter's labels do not."""
    own = ("accuracy_at_1", "glyphs all", "glyphs val")
    for row in ("netdissect", "compositional", "netdissect2020 masks", SOFT_WPMI):
        assert value(glyphs, row, *own) >= 0.95
    assert 0.3 < value(glyphs, "netdissect2020 glyphs", *own) < 0.8


def test_hidden_layers_are_compared_by_detectors(published: Published) -> None:
    found = published("glyphs").detectors
    every = found[(found["category"] == "all") & (found["method"] == "netdissect")]
    unique = {
        (row.target, row.layer): row.unique_detectors for row in every.itertuples(index=False)
    }
    assert len(unique) == 6
    assert unique["glyphs objects", "layer4"] > unique["glyphs objects", "layer3"]
    assert set(every["map_size"]) == {"1 x 1", "4 x 4", "8 x 8"}
