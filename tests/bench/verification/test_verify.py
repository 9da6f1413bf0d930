"""Records that follow from their labels agree; every change of one number is noticed."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.__main__ import main
from bench.run.build import Parts
from bench.verification.record import verify_record
from leaderboards.record_tables import read_descriptions
from leaderboards.stability import write_stability
from metrics.aggregate import average
from metrics.catalog import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.verification.conftest import Forger

PARTS = Parts()


def mismatches(folder: Path) -> str:
    return "\n".join(verify_record(folder, PARTS).mismatches)


def test_a_record_agrees(record: Path) -> None:
    findings = verify_record(record, PARTS)
    assert findings.mismatches == []
    assert findings.where.startswith("glyphs/clip_dissect/")
    assert [what for what, _ in findings.trusted] == [
        "shuffled control of ranks",
        "cosines and their controls",
    ]


def flip_label(forger: Forger) -> None:
    forger.cell(forger.units, 3, "label", "anchor")


def swap_truths(forger: Forger) -> None:
    def swap(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[[1, 2], "truth"] = table.loc[[2, 1], "truth"].to_numpy()
        return table

    forger.table(forger.units, swap)
    forger.hash()


def replace_labels(forger: Forger) -> None:
    def rotate(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(label=[*table["label"][1:], table["label"][0]])

    forger.table(forger.descriptions, rotate)
    forger.hash()


def swap_ranks(forger: Forger) -> None:
    def swap(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[[4, 5], "label"] = table.loc[[5, 4], "label"].to_numpy()
        table.loc[[4, 5], "score"] = table.loc[[5, 4], "score"].to_numpy()
        return table

    forger.table(forger.descriptions, swap)
    forger.hash()


def duplicate_unit(forger: Forger) -> None:
    forger.table(forger.units, lambda table: pd.concat([table, table.iloc[-1:]]))
    forger.hash()


def add_unit(forger: Forger) -> None:
    last = {"unit": "25", "rank": "1"}
    forger.table(forger.descriptions, lambda t: pd.concat([t, t.iloc[-1:].assign(**last)]))
    forger.hash()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def with_hashes(column: str, value: str, row: int = 3) -> Callable[[Forger], None]:
    def change(forger: Forger) -> None:
        forger.cell(forger.units, row, column, value)
        forger.hash()

    return change


def in_json(name: str, *keys: str, value: object) -> Callable[[Forger], None]:
    return lambda forger: forger.json(name, *keys, value=value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flip_label, r"units.csv.gz: sha256 \w+ is recorded, the file has"),
        (with_hashes("label", "anchor"), r"units.csv.gz: label: differs at unit 3: 'anchor' inst"),
        (swap_truths, r"truth: 2 units differ, the first is unit 1"),
        (with_hashes("score", "0.125"), r"score: differs at unit 3: 0.125 instead of"),
        (with_hashes("accuracy_at_1", "0.5"), r"accuracy_at_1: differs at unit 3: 0.5 instead of"),
        (with_hashes("lexical_match", "0.25"), r"lexical_match: differs at unit 3"),
        (with_hashes("reach", "none"), r"reach: differs at unit 3: 'none' instead of 'exact'"),
        (with_hashes("truth_rank", "7.0"), r"truth_rank: differs at unit 3: 7.0 instead of"),
        (with_hashes("truth_rank", "900.0", 4), r"truth_rank: differs at unit 4"),
        (with_hashes("reciprocal_rank", "0.9"), r"reciprocal_rank: differs at unit 3"),
        (with_hashes("truth_score", "9.5"), r"truth_score: differs at unit 3: 9.5 instead"),
        (with_hashes("sentence_cosine", "1.5"), r"sentence_cosine: unit 3: 1.5 for"),
        (with_hashes("sentence_cosine", "0.9"), r"scores.sentence_cosine.value: .* instead of"),
        (duplicate_unit, r"units.csv.gz: unit: not 0, 1, ..., 24"),
        (replace_labels, r"label: 2[0-5] units differ, the first is unit"),
        (swap_ranks, r"unit 0: the score of rank 6 is above that of the rank before it"),
        (lambda forger: forger.units.unlink(), r"units.csv.gz: no such file"),
        (lambda forger: forger.descriptions.unlink(), r"\Adescriptions.csv.gz: no such file.*\Z"),
        (lambda forger: cut(forger.descriptions), r"\Adescriptions.csv.gz: damaged .*\Z"),
        (add_unit, r"descriptions.csv.gz: unit 25 is not one of the 25 units"),
        (lambda forger: (forger.folder / "report.csv.gz").unlink(), r"report.csv.gz: the file is"),
        (lambda forger: cut(forger.units), r"units.csv.gz: damaged"),
        (lambda forger: cut(forger.folder / "report.csv.gz"), r"\Areport.csv.gz: damaged .*\Z"),
        (in_json("record", "tables", "report.csv.gz", value="0" * 64), r"sha256 000000000000 is"),
        (in_json("scores", "tables", "descriptions.csv.gz", value="0"), r"sha256 0 is recorded"),
        (in_json("scores", "scores", "mrr", "value", value=0.9), r"scores.mrr.value: 0.9 instead"),
        (in_json("scores", "scores", "mrr", "ci_high", value=0.99), r"scores.mrr.ci_high: 0.99"),
        (
            in_json("scores", "scores", "accuracy_at_1", "p_shuffled", value=0.5),
            r"accuracy_at_1.p_shuffled: 0.5 instead of",
        ),
        (in_json("scores", "scores", "auroc", "n", value=24), r"scores.auroc.n: 24 instead of 25"),
        (in_json("scores", "scores", "mrr", "chance", value=0.5), r"mrr.chance: 0.5, the control"),
        (
            in_json("scores", "controls", "constant", "lexical_match", "value", value=0.5),
            r"controls.constant.lexical_match.value: 0.5 instead of",
        ),
        (
            in_json("scores", "controls", "constant", "mrr", "n", value=3),
            r"controls.constant.mrr.n: 3 instead of 0",
        ),
        (in_json("scores", "scoring", "seed", value=1), r"skey: \w+, but the hash of its scoring"),
        (in_json("record", "method", "name", value="x"), r"names x/\w+, the folder is clip_d"),
        (in_json("record", "method", "params", "similarity", value="wpmi"), r"key: \w+ is not the"),
        (in_json("record", "seed", value=5), r"record.json: key: \w+ is not the hash"),
        (in_json("record", "counts", "unlabelled", value=4), r"counts.unlabelled: 4 instead of 0"),
        (in_json("record", "target", "name", value="x"), r"target.name: 'x' instead of 'glyphs'"),
        (in_json("record", "probe", "params", "size", value=9), r"probe.params.size: 9 instead of"),
        (in_json("record", "probe", "n", value=9), r"probe.n: 9 instead of"),
        (in_json("record", "concepts", "n", value=9), r"concepts.n: 9 instead of"),
        (in_json("record", "encoder", "name", value="x"), r"encoder.name: 'x' instead of 'glyphs'"),
        (in_json("record", "method", "tuned_on", value="dev"), r"tuned_on: 'dev' instead of ''"),
    ],
)  # fmt: skip
def test_a_change_is_noticed(
    forger: Forger, change: Callable[[Forger], None], message: str
) -> None:
    change(forger)
    assert re.search(message, mismatches(forger.folder))


def test_swapped_scores_are_noticed(
    tmp_path: Path, write: Callable[..., Path], forger: Forger
) -> None:
    other = write(tmp_path / "results", seed=1)
    assert mismatches(other) == ""
    shutil.rmtree(forger.folder / "scores")
    shutil.copytree(other / "scores", forger.folder / "scores")
    found = mismatches(forger.folder)
    assert "tables: descriptions.csv.gz: sha256" in found
    assert re.search(r"label: \d+ units differ", found)


def test_stability_follows_from_the_shares_of_the_units(record: Path) -> None:
    first = read_descriptions(record).query("rank == 1")[["unit", "label"]]
    units = first.assign(share=[0.5, *[1.0] * (len(first) - 1)])
    score = average(METRICS["label_stability"], units["share"].to_numpy(), seed=0, reason="")
    score = replace(score, detail={"resamples": 2, "seed": 0})
    write_stability(record, score, units)
    assert mismatches(record) == ""
    assert main(["verify", str(record), "--add-hashes"]) == 0
    assert mismatches(record) == ""
    write_stability(record, replace(score, value=0.25), units)
    assert "stability.json: label_stability.value: 0.25 instead of" in mismatches(record)
    write_stability(record, score, units.assign(label="x"))
    assert "its labels are not the first labels of the units" in mismatches(record)


def test_labels_without_scores_are_on_trust(record: Path) -> None:
    shutil.rmtree(record / "scores")
    findings = verify_record(record, PARTS)
    assert findings.mismatches == []
    assert findings.trusted == [("labels", "they have no scores; `dissectbench score` makes them")]


def test_timings_that_cannot_be_read_are_noticed(record: Path) -> None:
    (record / "timings.jsonl").write_text("{")
    assert "timings.jsonl:1: not readable as JSON" in mismatches(record)


def test_a_truth_of_another_table_is_found_by_its_hash_or_trusted(forger: Forger) -> None:
    forger.json("scores", "scoring", "truth", "hash", value="0" * 16)
    findings = verify_record(forger.folder, PARTS)
    assert ("labels beside true names", "the truth is not on this machine") in findings.trusted


def test_the_command_says_what_differs(
    forger: Forger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    results = str(tmp_path / "results")
    assert main(["verify", results]) == 0
    said = capsys.readouterr().out
    assert "agrees; on trust: shuffled control of ranks; cosines and their controls\n" in said
    assert "1 record: 1 agree, 0 differ\n" in said
    archive = str(tmp_path / "a.tar.xz")
    assert main(["pack", results, "--out", archive]) == 0
    assert main(["verify", archive]) == 0
    forger.json("scores", "scores", "mrr", "value", value=0.9)
    capsys.readouterr()
    assert main(["verify", str(forger.folder)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"differs; .*\n  scores/\w+.json: scores.mrr.value: 0.9 instead of", said)
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert main(["verify"]) == 2


def test_board_check_verifies_records_and_costs(
    forger: Forger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    board = ["board", str(tmp_path / "results"), "--out", str(tmp_path / "board")]
    assert main(board) == 0
    assert main([*board, "--check"]) == 0
    timings = forger.folder / "timings.jsonl"
    before = timings.read_text()
    timings.write_text(before.replace("1.5", "0.5"))
    capsys.readouterr()
    assert main([*board, "--check"]) == 1
    assert "costs.csv: differs from what the records give" in capsys.readouterr().out
    timings.write_text(before)
    replace_labels(forger)
    assert main([*board, "--check"]) == 1
    assert "units.csv.gz: label: " in capsys.readouterr().out
    forger.descriptions.unlink()
    assert main([*board, "--check"]) == 1
    assert "descriptions.csv.gz: no such file" in capsys.readouterr().out
