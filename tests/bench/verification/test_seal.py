"""Records of older releases are brought up to date, if they agree."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from bench.__main__ import main
from bench.run.build import Parts
from bench.verification.record import verify_record
from leaderboards.record import Record
from leaderboards.record_tables import hash_tables

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pytest

    from tests.bench.verification.conftest import Forger

PARTS = Parts()


def widen(table: pd.DataFrame) -> pd.DataFrame:
    for name in table.columns.intersection(["score", "truth_score"]):
        numbers = table[name].replace("", "nan").astype("float32").astype("float64")
        table[name] = numbers.map(repr).replace("nan", "")
    return table


def make_old(forger: Forger) -> None:
    """Write all digits of scores, and no hashes, as older releases did."""
    forger.table(forger.descriptions, widen)
    forger.table(forger.units, widen)
    for name in ("record.json", f"scores/{forger.scores.name}"):
        content = json.loads((forger.folder / name).read_text())
        del content["tables"]
        (forger.folder / name).write_text(json.dumps(content))


def test_an_old_record_gets_hashes_and_short_scores(
    forger: Forger, record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = {path: gzip.decompress(path.read_bytes()) for path in record.rglob("*.csv.gz")}
    scores = json.loads(forger.scores.read_text())
    make_old(forger)
    assert len(gzip.decompress(forger.descriptions.read_bytes())) > len(new[forger.descriptions])
    findings = verify_record(record, PARTS)
    assert findings.mismatches == []
    trusted = ("tables of labels", "the record has no hashes; --add-hashes adds them")
    assert trusted in findings.trusted
    assert main(["verify", str(record), "--add-hashes"]) == 0
    assert {path: gzip.decompress(path.read_bytes()) for path in new} == new
    assert Record.read(record).tables == hash_tables(record)
    assert json.loads(forger.scores.read_text()) == scores
    assert trusted not in verify_record(record, PARTS).trusted
    assert sorted(path.name for path in record.parent.iterdir()) == [record.name]


def test_a_record_that_differs_gets_no_hashes(forger: Forger, record: Path, tmp_path: Path) -> None:
    make_old(forger)
    forger.json("scores", "scores", "mrr", "value", value=0.9)
    before = {path: path.read_bytes() for path in record.rglob("*") if path.is_file()}
    assert main(["verify", str(record), "--add-hashes"]) == 1
    assert {path: path.read_bytes() for path in before} == before
    archive = tmp_path / "a.tar.xz"
    assert main(["pack", str(tmp_path / "results"), "--out", str(archive)]) == 0
    packed = archive.read_bytes()
    assert main(["verify", str(archive), "--add-hashes"]) == 1
    assert archive.read_bytes() == packed


def test_an_archive_is_brought_up_to_date(forger: Forger, tmp_path: Path) -> None:
    archives = [tmp_path / "new.tar.xz", tmp_path / "old.tar.xz"]
    assert main(["pack", str(tmp_path / "results"), "--out", str(archives[0])]) == 0
    make_old(forger)
    assert main(["pack", str(tmp_path / "results"), "--out", str(archives[1])]) == 0
    assert main(["verify", str(archives[1]), "--add-hashes"]) == 0
    folders = [tmp_path / path.stem for path in archives]
    for archive, folder in zip(archives, folders, strict=True):
        assert main(["unpack", str(archive), "--out", str(folder)]) == 0
    tables = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.csv.gz")}
        for folder in folders
    ]
    assert tables[0] == tables[1] != {}
    texts = [
        {path.relative_to(folder): json.loads(path.read_text()) for path in folder.rglob("*.json")}
        for folder in folders
    ]
    assert texts[0] == texts[1]
