from __future__ import annotations

import gzip
import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboards.board import load_board
from leaderboards.cells import load_cells
from leaderboards.files import csv_bytes, gzip_bytes, read_csv_gz
from leaderboards.record import Record, RecordError, slug
from leaderboards.record_tables import (
    description_bytes,
    hash_tables,
    read_descriptions,
    read_set_sizes,
    read_units,
)
from leaderboards.scores import read_scores
from leaderboards.storage import add_scores, find_records, write_record
from leaderboards.timings import add_phases, append_timing, read_timings

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path, build: Any) -> None:
    record = build.make_record(notes=("top_k clamped",))
    folder = build.put(tmp_path, record, build.make_scores(0.5), texts={"run.log": "done\n"})
    assert folder == tmp_path / "glyphs" / "clip_dissect" / record.key
    assert Record.read(folder) == replace(record, tables=hash_tables(folder))
    descriptions, units = build.make_descriptions(), build.make_units()
    pd.testing.assert_frame_equal(
        read_descriptions(folder), as_float32(descriptions, "score"), check_exact=True
    )
    pd.testing.assert_frame_equal(
        read_units(folder, "5c0e"),
        as_float32(units, "score", "truth_score"),
        check_column_type=False,
        check_exact=True,
    )
    assert read_timings(folder) == ([build.make_timing()], [])
    assert (folder / "run.log").read_text() == "done\n"
    assert [path.name for path in folder.parent.iterdir()] == [record.key]


def as_float32(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    narrow = {name: table[name].astype("float32").astype("float64") for name in columns}
    return table.assign(**narrow)


def test_scores_are_written_as_the_shortest_float32(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    texts = gzip.decompress((folder / "descriptions.csv.gz").read_bytes()).decode()
    assert texts.splitlines()[1:3] == ["0,1,umbrella,0.3", "0,2,null,0.33333334"]
    units = gzip.decompress((folder / "scores" / "5c0e.units.csv.gz").read_bytes()).decode()
    assert ",0.1,2.0,0.33333334," in units.splitlines()[4]
    before = (folder / "descriptions.csv.gz").read_bytes()
    assert description_bytes(read_descriptions(folder)) == before


@settings(deadline=None)
@given(bits=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
def test_any_float32_survives(bits: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    scores = np.array(bits, dtype=np.uint32).view(np.float32)
    table = pd.DataFrame({"unit": range(len(bits)), "rank": 1, "label": "a", "score": scores})
    folder = tmp_path_factory.mktemp("t")
    (folder / "descriptions.csv.gz").write_bytes(description_bytes(table))
    back = read_descriptions(folder)["score"].to_numpy()
    np.testing.assert_array_equal(back, scores.astype(np.float64))


def test_hashes_are_those_of_the_unpacked_tables(tmp_path: Path, build: Any) -> None:
    tally = pd.DataFrame({"unit": [0], "iou": [0.5]})
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5), tables={"t": tally})

    def sha256(name: str) -> str:
        return hashlib.sha256(gzip.decompress((folder / name).read_bytes())).hexdigest()

    names = ("descriptions.csv.gz", "t.csv.gz")
    assert Record.read(folder).tables == {name: sha256(name) for name in names}
    scores = read_scores(folder / "scores" / "5c0e.json")
    assert scores.tables == {
        "descriptions.csv.gz": sha256("descriptions.csv.gz"),
        "5c0e.units.csv.gz": sha256("scores/5c0e.units.csv.gz"),
    }


def test_equal_tables_are_equal_bytes(build: Any) -> None:
    first = gzip_bytes(csv_bytes(build.make_descriptions()))
    time.sleep(1.1)  # A time in the header would have a resolution of one second.
    assert gzip_bytes(csv_bytes(build.make_descriptions())) == first
    assert first[4:8] == b"\0\0\0\0"


@settings(deadline=None)
@given(labels=st.lists(TEXT, min_size=1, max_size=5), score=st.floats(allow_infinity=False))
def test_any_label_and_float_survive(
    labels: list[str], score: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv.gz"
    table = pd.DataFrame({"label": labels, "score": [score] * len(labels)})
    path.write_bytes(gzip_bytes(csv_bytes(table)))
    back = read_csv_gz(path, {"label": "str", "score": "float64"})
    assert list(back["label"]) == labels
    pd.testing.assert_series_equal(back["score"], table["score"], check_exact=True)


def test_a_finished_record_is_kept_and_a_failed_one_replaced(tmp_path: Path, build: Any) -> None:
    failed = build.make_record(status="failed", error={"type": "E", "message": "m"})
    done = build.make_record()
    folder = write_record(tmp_path, failed)
    assert build.put(tmp_path, done, build.make_scores(0.5)) == folder
    assert Record.read(folder).status == "ok"
    write_record(tmp_path, failed)
    assert Record.read(folder).status == "ok"
    write_record(tmp_path, failed, replace=True)
    assert Record.read(folder).status == "failed"
    assert [path.name for path in folder.parent.iterdir()] == [done.key]


def test_an_interrupted_write_leaves_no_record(
    tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Record, "to_json", stop)
    with pytest.raises(KeyboardInterrupt):
        build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    assert find_records(tmp_path).records == ()
    assert list((tmp_path / "glyphs" / "clip_dissect").iterdir()) == []


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\n", "ü", "a" * 81, None, 3])
def test_no_unchecked_name_reaches_a_path(tmp_path: Path, build: Any, name: Any) -> None:
    with pytest.raises(RecordError, match="cannot be part of a path"):
        slug(name, "board")
    with pytest.raises(RecordError, match="board name"):
        write_record(tmp_path, build.make_record(board=name))
    with pytest.raises(RecordError, match="method name"):
        write_record(tmp_path, build.make_record(method=name))
    assert list(tmp_path.iterdir()) == []


def test_records_are_found_sorted_and_damage_is_reported(tmp_path: Path, build: Any) -> None:
    folders = [
        build.put(tmp_path, build.make_record(similarity), build.make_scores(0.5))
        for similarity in ("wpmi", "soft_wpmi", "rank_reorder")
    ]
    (folders[0] / "record.json").write_text('{"schema": 1, "key"', encoding="utf-8")
    (tmp_path / "glyphs" / ".left.tmp").mkdir()
    (tmp_path / "glyphs" / ".left.tmp" / "record.json").write_text("{")
    found = find_records(tmp_path)
    assert [folder for folder, _ in found.records] == sorted(folders[1:])
    [problem] = found.problems
    assert problem.kind == "damaged"
    assert problem.where == folders[0].relative_to(tmp_path).as_posix()
    assert "record.json" in problem.message
    assert str(tmp_path) not in problem.message
    with pytest.raises(RecordError, match="no such folder"):
        find_records(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("status", "great", "status"),
        ("method", ["x"], "method"),
        ("seed", "0", "seed"),
        ("schema", 99, "schema 99"),
        ("extra", 1, "extra"),
    ],
)
def test_fields_of_another_type_are_refused(
    tmp_path: Path, build: Any, field: str, value: Any, message: str
) -> None:
    data = json.loads(build.make_record().to_json()) | {field: value}
    (tmp_path / "record.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(RecordError, match=message):
        Record.read(tmp_path)


def test_of_two_copies_the_finished_one_is_kept(tmp_path: Path, build: Any) -> None:
    failed = build.make_record(status="failed", error={"type": "E", "message": "m"})
    write_record(tmp_path / "a", failed)
    build.put(tmp_path / "b", build.make_record(), build.make_scores(0.5))
    build.put(tmp_path / "c", build.make_record(), build.make_scores(0.5))
    found = find_records(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    [(folder, record)] = found.records
    assert record.status == "ok"
    assert folder.is_relative_to(tmp_path / "b")
    assert [problem.kind for problem in found.problems] == ["duplicate", "duplicate"]


def test_damaged_tables_name_their_file(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    path = folder / "descriptions.csv.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RecordError, match=r"descriptions\.csv\.gz: damaged"):
        read_descriptions(folder)
    path.write_bytes(gzip_bytes(b"unit,rank,label,score\n0,x,cat,1.0\n"))
    with pytest.raises(RecordError, match="column 'rank'"):
        read_descriptions(folder)
    path.write_bytes(gzip_bytes(b"unit,label,score\n"))
    with pytest.raises(RecordError, match="no column rank"):
        read_descriptions(folder)
    path.unlink()
    with pytest.raises(RecordError, match="no such file"):
        read_descriptions(folder)


def test_scores_are_checked_on_the_way_in_and_out(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    nan = build.make_scores(0.5, scores={"mrr": {"value": float("nan")}})
    with pytest.raises(RecordError, match="JSON"):
        add_scores(folder, nan, build.make_units())
    with pytest.raises(RecordError, match="'value'"):
        add_scores(folder, build.make_scores(0.5, scores={"mrr": {}}), build.make_units())
    with pytest.raises(RecordError, match="scores key"):
        add_scores(folder, build.make_scores(0.5, skey="../x"), build.make_units())
    with pytest.raises(RecordError, match="no column truth"):
        add_scores(folder, build.make_scores(0.5), build.make_units().drop(columns="truth"))
    (folder / "scores" / "5c0e.json").write_text('{"schema": 1, "skey": "5c0e"', encoding="utf-8")
    cells, problems = load_cells([tmp_path])
    assert cells[0].scores == ()
    assert [problem.kind for problem in problems] == ["damaged", "unscored"]
    assert load_board([tmp_path]).tables == ()


def test_a_second_scoring_stands_beside_the_first(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    other = build.make_scores(0.4, skey="0ther", scoring={"rules": {"official": True}})
    add_scores(folder, other, build.make_units())
    board = load_board([tmp_path])
    assert {table.condition.skey for table in board.tables} == {"0ther", "5c0e"}
    assert len({table.condition.heading for table in board.tables}) == 2


def test_a_line_that_was_cut_short_costs_no_other(tmp_path: Path, build: Any) -> None:
    append_timing(tmp_path, build.make_timing(1.0))
    with (tmp_path / "timings.jsonl").open("a") as stream:
        stream.write('{"hardware": "2 co')
    append_timing(tmp_path, build.make_timing(3.0))
    runs, faults = read_timings(tmp_path)
    assert runs == [build.make_timing(1.0), build.make_timing(3.0)]
    assert len(faults) == 1
    assert "timings.jsonl:2" in faults[0]


def test_a_second_run_of_a_finished_cell_adds_its_timing(tmp_path: Path, build: Any) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    write_record(tmp_path, build.make_record(seed=1), timing=build.make_timing(7.0))
    assert read_timings(folder) == ([build.make_timing(), build.make_timing(7.0)], [])
    assert Record.read(folder).seed == 0


@pytest.mark.parametrize("name", ["record.json", "descriptions.csv.gz"])
def test_an_incomplete_record_is_replaced_and_its_scores_and_timings_stay(
    tmp_path: Path, build: Any, name: str
) -> None:
    folder = build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    other = build.make_scores(0.4, skey="0ther", scoring={"rules": {"official": True}})
    add_scores(folder, other, build.make_units())
    (folder / name).write_bytes((folder / name).read_bytes()[:20])
    assert build.put(tmp_path, build.make_record(), build.make_scores(0.6)) == folder
    [cell], problems = load_cells([tmp_path])
    assert problems == []
    assert sorted(scores.skey for scores in cell.scores) == ["0ther", "5c0e"]
    assert max(scores.scores["lexical_match"].value for scores in cell.scores) == 0.6
    assert len(cell.timings) == 2


def test_the_phase_of_scoring_is_added_once_and_on_the_same_hardware(
    tmp_path: Path, build: Any
) -> None:
    timing = build.make_timing(phases=[{"name": "match", "wall_s": 2.0}])
    score = {"name": "score", "wall_s": 1.0}
    append_timing(tmp_path, timing)
    add_phases(tmp_path, "others", [score])
    assert read_timings(tmp_path) == ([timing], [])
    for seconds in (1.0, 9.0):
        add_phases(tmp_path, timing["hardware"], [score | {"wall_s": seconds}])
    assert read_timings(tmp_path) == ([timing | {"phases": [*timing["phases"], score]}], [])


def test_sizes_of_sets_are_read_where_there_are_any(tmp_path: Path) -> None:
    assert read_set_sizes(tmp_path, 2) is None
    table = pd.DataFrame({"unit": [0, 1], "words": [3, 0]})
    (tmp_path / "word_sets.csv.gz").write_bytes(gzip_bytes(csv_bytes(table)))
    assert read_set_sizes(tmp_path, 2) == [3, 0]
    with pytest.raises(RecordError, match="units are not 0, 1, "):
        read_set_sizes(tmp_path, 3)
