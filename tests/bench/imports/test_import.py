"""`dissectbench import` from end to end: record, scores, boards, scored again."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.evidence import model_cache
from bench.parts.sentences import SentenceTransformer
from leaderboards.board import load_board
from leaderboards.pages.render import check_board, write_board
from leaderboards.record_tables import read_descriptions
from leaderboards.storage import find_records

ROOT = Path(__file__).resolve().parents[3]
NETDISSECT = """unit,category,label,score
1,scene,airfield-s,0.3
2,scene,airplane_cabin-s,0.2
3,scene,bus_station-indoor-s,0.1
4,object,car,0.2
"""
CLASSES = "airfield\nairplane cabin\nbus station/indoor\nalley\n"
SMALL = ("--target", "small", "--layer", "fc", "--units", "4")
TRUTH = ("target.truth.name=class_list", "target.truth.params.path=classes.txt")


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Folders for hashes of files and for embeddings: not the user's own."""
    return tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def settled(tmp_path, homes, monkeypatch):
    """An empty working directory with a small file of labels and a list of classes."""
    monkeypatch.setenv("DISSECTBENCH_HOME", str(homes[0]))
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(homes[1]))
    monkeypatch.chdir(tmp_path)
    Path("nd.csv").write_text(NETDISSECT)
    Path("classes.txt").write_text(CLASSES)


@pytest.fixture
def made_up_judge(monkeypatch):
    """A sentence encoder that gives each text its own random vector: for a thousand names."""

    def embed(texts):
        rows = [np.random.default_rng(list(text.encode())).normal(size=384) for text in texts]
        table = np.array(rows, dtype=np.float32)
        return table / np.linalg.norm(table, axis=1, keepdims=True)

    monkeypatch.setattr(model_cache, "_models", OrderedDict())
    monkeypatch.setattr(SentenceTransformer, "load", lambda *_: embed)
    monkeypatch.setenv("DISSECTBENCH_CACHE", "cache")  # no other test is to read these vectors


def labels(*arguments, file="nd.csv", method="netdissect"):
    first = ("--first-unit", "1") if file == "nd.csv" else ()
    return main(["import", file, "--method", method, *SMALL, *first, *arguments, *TRUTH])


def records(root="results"):
    return find_records(Path(root)).records


def scores(folder, **scoring):
    files = [json.loads(path.read_text()) for path in sorted((folder / "scores").glob("*.json"))]
    [found] = [f for f in files if scoring.items() <= f["scoring"]["rules"].items()]
    return found["scores"]


def test_a_record_of_its_own_kind(capsys):
    assert labels("--given", "masks", "--source", "a paper", "--score-column", "score") == 0
    out = capsys.readouterr().out
    assert "3 right of 4 units scored (mended label rules)" in out
    assert "netdissect (imported)" in out
    [(folder, record)] = records()
    assert record.origin == "imported"
    assert record.method["given"] == "masks"
    assert record.method["source"] == "a paper"
    assert record.method["vocabulary"] == "mask labels"
    assert record.target["units"] == 4
    for part in (record.probe, record.concepts):
        assert part["name"] == "unknown"
    assert "dead" not in record.counts
    assert not (folder / "timings.jsonl").exists()
    table = read_descriptions(folder)
    assert table["label"].tolist() == ["airfield", "airplane cabin", "bus station-indoor", "car"]
    found = scores(folder)
    assert found["accuracy_at_1"]["value"] == 0.75
    assert found["coverage"]["value"] == 1
    assert found["auroc"]["value"] == pytest.approx(0.5)
    for name in ("mean_rank", "median_rank", "mrr"):
        assert found[name]["value"] is None
        assert found[name]["reason"].startswith("n/a: needs activations")
    assert found["accuracy_at_5"]["value"] is None
    assert found["clip_cosine"]["reason"].startswith("n/a: no CLIP text encoder")
    assert 0 < found["sentence_cosine"]["value"] < 1


def test_the_official_rule_and_the_mended_one():
    """METHODS: the published code sets "/" of the class against "-" of the label."""
    assert labels("--label-rules", "official") == 0
    assert labels("--label-rules", "mended") == 0
    [(folder, _)] = records()  # one record, scored twice
    assert scores(folder, official_labels=True)["accuracy_at_1"]["value"] == 0.5
    assert scores(folder, official_labels=False)["accuracy_at_1"]["value"] == 0.75


def test_the_shipped_names_of_places(capsys):
    arguments = ["--method", "nd", "--target", "resnet18_places365", "--layer", "fc"]
    Path("p.csv").write_text("unit,label\n0,airfield\n1,airplane cabin\n71,bus station-indoor\n")
    for rules, right in (("official", 2), ("mended", 3)):
        assert main(["import", "p.csv", *arguments, "--label-rules", rules]) == 0
        assert f"{right} right of 3 units scored ({rules}" in capsys.readouterr().out


def test_a_part_of_a_layer_is_scored_on_what_it_holds(made_up_judge, capsys):
    lines = [f"{unit},tench" for unit in range(49)] + ["49,"]
    Path("part.csv").write_text("unit,label\n" + "\n".join(lines) + "\n")
    arguments = ["--method", "m", "--target", "resnet50_imagenet", "--layer", "fc"]
    assert main(["import", "part.csv", *arguments]) == 0
    out = capsys.readouterr().out
    assert "1 right of 50 units scored" in out
    assert "the layer has 1000 named units" in out
    assert "partial: the file is about 50 of the layer's 1,000 units" in out
    [(folder, record)] = records()
    assert record.counts["units_in_file"] == 50
    assert record.counts["unlabelled"] == 1
    assert any(note.startswith("partial") for note in record.notes)
    found = scores(folder)
    assert found["accuracy_at_1"]["n"] == 50
    assert found["accuracy_at_1"]["value"] == 1 / 50
    assert found["accuracy_at_1"]["n_unlabelled"] == 1
    assert found["coverage"]["value"] == 49 / 1000
    assert found["coverage"]["n"] == 1000
    # The nearest name is looked for among all 1,000: a tench is nearest to one of them.
    assert found["nearest_name"]["value"] == 1 / 50
    [units] = folder.glob("scores/*.units.csv.gz")
    table = pd.read_csv(units)
    assert (~table["dead"]).sum() == 50


def test_parts_and_whole_layers_stand_in_columns_of_their_own():
    assert labels() == 0
    Path("part.csv").write_text("unit,label\n0,airfield\n")
    assert labels(file="part.csv", method="part") == 0
    board = load_board([Path("results")])
    assert [len(table.methods) for table in board.tables] == [1, 1]
    assert {table.condition.scoring.rpartition("(")[2] for table in board.tables} == {
        "n=1)", "n=4)",
    }  # fmt: skip


def test_the_same_file_twice_is_skipped_with_a_word(capsys):
    assert labels() == 0
    [(folder, _)] = records()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert labels() == 0
    assert "skipped" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_key_follows_from_content_and_reading():
    assert labels() == 0
    Path("copy.csv").write_text(NETDISSECT)
    assert main(["import", "copy.csv", "--method", "netdissect", *SMALL, "--first-unit", "1"]) == 0
    assert len(records()) == 1  # another name, the same labels
    Path("nd.csv").write_text(NETDISSECT.replace("car", "cart"))
    assert labels() == 0
    assert labels("--vocabulary", "free text") == 0
    assert labels("--score-column", "score") == 0
    assert len(records()) == 4


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("unit,label\n9,a\n", ()),
        ("unit,label\n0,a\n", ("scoring.sentence.params.model=./nowhere", *TRUTH)),
        ("unit,label\n0,a\n", ("target.truth.params.path=nowhere.txt",)),
    ],
)
def test_whole_or_not_at_all(text, extra, capsys):
    Path("l.csv").write_text(text)
    assert main(["import", "l.csv", "--method", "m", *SMALL, *extra]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not list(Path().glob("results/imported"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "../m", *SMALL], ["'../m' cannot be part of a path", "--method"]),
        (["--method", "m", *SMALL, "probe=glyphs_half"], ["not a setting of scoring"]),
        (["--method", "m", *SMALL, "--units", "0"], ["invalid number of units 0"]),
        (["--method", "m", *SMALL[:4]], ["unknown target 'small'", "resnet50_imagenet"]),
        (["--method", "m", *SMALL, "--first-unit", "2"], ["invalid choice"]),
        ([*SMALL], ["--method"]),
    ],
)
def test_wrong_requests(arguments, says, capsys):
    assert main(["import", "nd.csv", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for part in says:
        assert part in error


def test_a_truth_of_another_layer_is_refused(capsys):
    Path("classes.txt").write_text(CLASSES + "one\ntoo many\n")
    assert labels() == 2
    assert "target.truth" in capsys.readouterr().err
    assert not list(Path().glob("results/imported"))


def test_scored_again_without_any_network(capsys):
    assert labels() == 0
    [(folder, _)] = records()
    capsys.readouterr()
    assert main(["score", "results", "scoring.official_labels=true"]) == 0
    assert "wrote scores/" in capsys.readouterr().out
    assert scores(folder, official_labels=True)["accuracy_at_1"]["value"] == 0.5
    assert main(["score", str(folder), "target.truth.name=none"]) == 0
    before = {path.name: path.read_bytes() for path in folder.glob("scores/*")}
    for path in folder.glob("scores/*"):
        path.unlink()
    # From the record alone come the very bytes that the import wrote.
    assert main(["score", str(folder), "scoring.seed=0"]) == 0
    for path in folder.glob("scores/*"):
        assert path.read_bytes() == before[path.name]


def test_imported_rows_of_a_layer_are_compared_in_one_column(tmp_path):
    assert labels("--given", "masks") == 0
    said = ["An airfield seen from above", "Seats", "A bus station/indoor hall", "An alley"]
    Path("milan.jsonl").write_text(
        "\n".join(json.dumps({"unit": u, "description": text}) for u, text in enumerate(said))
    )
    own = ("--label-column", "description", "--vocabulary", "free-text", "--source", "MILAN's")
    assert labels(*own, file="milan.jsonl", method="milan") == 0
    board = load_board([Path("results")])
    [table] = board.tables
    assert {row.label for row in table.methods} == {"netdissect (imported)", "milan (imported)"}
    assert {row.origin for row in table.methods} == {"imported"}
    assert table.condition.heading == ("imported labels", "own words")
    constant = table.control("constant")
    assert constant is not None
    assert constant.vocabulary == "labels in use"
    # The floor is the better of the two rows' own floors, name by name.
    own_floors = [
        {name: score["value"] for name, score in content["controls"]["constant"].items()}
        for path in Path("results").rglob("scores/*.json")
        for content in [json.loads(path.read_text())]
    ]
    for name in ("sentence_cosine", "lexical_match", "accuracy_at_1"):
        assert constant.scores[name].value == max(floor[name] for floor in own_floors)
    # Mask labels have no ceiling, so the column has none.
    oracle = table.control("oracle")
    assert oracle is not None
    assert oracle.scores["sentence_cosine"].value is None
    write_board(board, tmp_path / "board")
    assert check_board(load_board([Path("results")], board.command), tmp_path / "board") == []
    page = (tmp_path / "board" / "README.md").read_text()
    assert "imported labels<br>own words" in page
    assert "Where imported labels come from" in page
    assert "- milan (imported), small fc: MILAN's" in page
    details = (tmp_path / "board" / "board.md").read_text()
    assert "n/a: needs activations" in details


def test_labels_are_stored_as_they_are(tmp_path):
    Path("l.jsonl").write_text(json.dumps({"unit": 0, "label": "null"}) + "\n")
    assert labels(file="l.jsonl", method="m") == 0
    [(folder, _)] = records()
    text = gzip.decompress((folder / "descriptions.csv.gz").read_bytes()).decode()
    assert text == "unit,rank,label,score\n0,1,null,\n"


def test_reading_and_refusing_need_no_torch():
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "try:\n"
        "    main(['import', '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert main(['import', 'nd.csv', '--method', 'm', '--target', 'resnet18_places365',\n"
        "             '--layer', 'fc', '--units', '4']) == 2\n"
        "assert main(['import', 'nd.csv', '--method', 'm', '--target', 'x', '--layer', 'fc',\n"
        "             '--units', '3']) == 2\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
