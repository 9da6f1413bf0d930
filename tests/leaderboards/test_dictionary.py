"""Every column of every table that a board writes is described, in one place."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import leaderboards.confidence
import leaderboards.costs
import leaderboards.detectors
import leaderboards.faithfulness_tables
import leaderboards.judges
import leaderboards.seeds
import leaderboards.sensitivity
from bench.__main__ import main
from leaderboards import dictionary
from leaderboards.board import load_board
from leaderboards.dictionary import describe_columns, score_tables
from leaderboards.frames import RESULTS, SUMMARY
from leaderboards.pages.render import check_board, render_parquet, write_board

TABLES = {
    "results": RESULTS,
    "summary": SUMMARY,
    "confidence": leaderboards.confidence.COLUMNS,
    "costs": leaderboards.costs.COLUMNS,
    "detectors": leaderboards.detectors.COLUMNS,
    "faithfulness": leaderboards.faithfulness_tables.COLUMNS,
    "judges": leaderboards.judges.COLUMNS,
    "seeds": leaderboards.seeds.SEED_COLUMNS,
    "sensitivity": leaderboards.sensitivity.COLUMNS,
}


def dictionary_file() -> pd.DataFrame:
    return pd.read_csv(Path(dictionary.__file__).with_name("columns.csv"), keep_default_na=False)


def test_every_column_is_described_and_no_other() -> None:
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    described = describe_columns(empty)
    used = set(zip(described["table"], described["column"], strict=True))
    for name, columns in TABLES.items():
        assert {column for table, column in used if table == name} == {*columns, "provenance"}
    assert (described["meaning"].str.len() > 5).all()
    assert set(described["type"]) == {"text", "number", "integer", "boolean"}
    own = dictionary_file()
    listed = [
        (table, row.column)
        for row in own.itertuples(index=False)
        for table in row.tables.split()
        if table != "*"
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) <= used
    shared = set(own[own["tables"] == "*"]["column"]) - {"provenance"}
    assert shared <= {column for columns in TABLES.values() for column in columns}


def test_types_are_those_of_the_tables(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path / "r", build.make_record(), build.make_scores(0.5))
    board = load_board([tmp_path / "r"])
    tables = score_tables(board) | {"costs": board.costs}
    described = describe_columns(tables).set_index(["table", "column"])["type"]
    kinds = {"text": "OSU", "number": "f", "integer": "iu", "boolean": "b"}
    for name, table in tables.items():
        for column, values in table.convert_dtypes().items():
            if values.notna().any():
                kind = values.dtype.kind
                expected = kinds[described[name, column]]
                # convert_dtypes makes integers of numbers without decimals.
                assert kind in expected or (expected == "f" and kind == "i"), (name, column)


def test_the_file_stands_beside_the_tables(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path / "r", build.make_record(), build.make_scores(0.5))
    board = load_board([tmp_path / "r"])
    write_board(board, tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "columns.csv", keep_default_na=False)
    for path in (tmp_path / "out").glob("*.csv*"):
        if path.name != "columns.csv":
            columns = set(found[found["table"] == path.name.partition(".")[0]]["column"])
            assert columns == set(pd.read_csv(path).columns), path.name
    (tmp_path / "out" / "columns.csv").write_text("changed")
    assert check_board(board, tmp_path / "out") == ["columns.csv"]


def test_parquet_without_its_package_is_refused(
    tmp_path: Path, build: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.put(tmp_path / "r", build.make_record(), build.make_scores(0.5))
    monkeypatch.setattr("bench.cli.board.find_package", lambda name: None)
    out = tmp_path / "out"
    assert main(["board", str(tmp_path / "r"), "--out", str(out), "--parquet"]) == 2
    error = capsys.readouterr().err
    assert "--parquet: Parquet files need the package pyarrow" in error
    assert "hint: pip install pyarrow" in error
    assert not out.exists()


def test_tables_have_types_that_parquet_can_hold(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    board = load_board([tmp_path])
    for name, table in (score_tables(board) | {"costs": board.costs}).items():
        for column, values in table.convert_dtypes().items():
            mixed = {type(value) for value in values.dropna()} - {str}
            assert values.dtype != object or not mixed, (name, column)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet_holds_what_the_csv_holds(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    board = load_board([tmp_path])
    files = render_parquet(board)
    assert {"results.parquet", "summary.parquet", "costs.parquet"} <= files.keys()
    found = pd.read_parquet(io.BytesIO(files["results.parquet"]))
    assert list(found.columns) == list(board.results.columns)
    assert found["value"].tolist() == board.results["value"].convert_dtypes().tolist()
    assert "record set" in found.attrs["provenance"]
