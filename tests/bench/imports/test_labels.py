"""Files of labels: what is read of them, and that every fault is named with its line."""

from __future__ import annotations

import json

import pytest

from bench.errors import UserError
from bench.imports.labels import Columns, read_labels
from bench.imports.targets import TARGETS, find_layer
from bench.parts.truths import ImageNetTruth, Places365Truth

PLAIN = Columns()


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="labels.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return to_file


def read(path, columns=PLAIN, layer="fc", n_units=4, vocabulary="free text"):
    return read_labels(path, columns, layer, n_units, vocabulary)


def rows(labels):
    return [tuple(row) for row in labels.table[["unit", "rank", "label"]].itertuples(index=False)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'unit,label\n0,"tench, Tinca tinca"\n2,null\n'),
        ("a.tsv", "unit\tlabel\n0\ttench, Tinca tinca\n2\tnull\n"),
        ("a.txt", "unit;label\r\n0;tench, Tinca tinca\r\n\r\n2; null \r\n"),
        ("a.csv", "\ufeffunit|label\n2|null\n0|tench, Tinca tinca\n"),
        ("a.jsonl", '{"unit": 2, "label": "null"}\n\n{"unit": "0", "label": "tench, Tinca tinca"}'),
    ],
)
def test_every_kind_of_table_gives_the_same_labels(write, name, text):
    found = read(write(text, name))
    assert rows(found) == [(0, 1, "tench, Tinca tinca"), (2, 1, "null")]
    assert found.units == (0, 2)
    assert found.table["score"].isna().all()
    assert not found.ranked
    assert any("2 of the layer's 4 units" in note for note in found.notes)


def test_units_may_count_from_1(write):
    found = read(write("unit,label\n1,a\n4,d\n"), Columns(first_unit=1))
    assert rows(found) == [(0, 1, "a"), (3, 1, "d")]


def test_columns_by_other_names_and_one_layer_of_several(write):
    path = write("layer,neuron,said,sim\nconv1,0,x,1\nfc,0,a,0.5\nfc,1,b,\nfc,2,,\n")
    found = read(path, Columns(unit="neuron", label="said", score="sim"))
    assert rows(found) == [(0, 1, "a"), (1, 1, "b")]
    assert found.table["score"].tolist()[0] == 0.5
    assert found.units == (0, 1, 2)  # unit 2 is in the file, without a label


def test_ranks_order_labels_and_ten_are_kept(write):
    lines = [f"0,{rank},w{rank}" for rank in (12, 3, 1, *range(4, 12))]
    found = read(write("unit,rank,label\n" + "\n".join(lines) + "\n1,1,x\n"), Columns(rank="rank"))
    own = [label for unit, _, label in rows(found) if unit == 0]
    assert own == ["w1", "w3", *(f"w{rank}" for rank in range(4, 12))]
    assert found.ranked
    assert found.table["rank"].tolist() == [*range(1, 11), 1]
    assert any("left out: 1" in note for note in found.notes)


def test_network_dissections_table_is_known_by_its_header(write):
    path = write("unit,category,label,score\n1,scene,bus_station-indoor-s,0.2\n2,color,red-c,0.1\n")
    found = read(path, Columns(first_unit=1), vocabulary=None)
    assert found.vocabulary == "mask labels"
    assert [label for _, _, label in rows(found)] == ["bus station-indoor", "red"]
    plain = read(write("unit,label\n0,red-c\n"), vocabulary=None)
    assert (plain.vocabulary, rows(plain)) == ("free text", [(0, 1, "red-c")])
    assert any("nothing else was said" in note for note in plain.notes)


def test_a_part_that_seems_to_count_from_1_is_told(write):
    found = read(write("unit,label\n1,a\n2,b\n3,c\n"))
    assert any("--first-unit 1" in note for note in found.notes)
    assert not any("--first-unit" in note for note in read(write("unit,label\n2,a\n")).notes)


RANKED = Columns(rank="rank")
FAULTS = {
    "unknown unit": ("unit,label\n0,a\n7,b\n", PLAIN, ":3", "unit 7 is unknown", "0 to 3"),
    "counts from 1": ("unit,label\n1,a\n4,b\n", PLAIN, ":3", "unit 4", "--first-unit 1"),
    "counts from 0": (
        "unit,label\n0,a\n", Columns(first_unit=1), ":2", "unit 0 is unknown", "--first-unit 0",
    ),
    "twice": ("unit,label\n0,a\n1,b\n0,c\n", PLAIN, ":4", "unit 0 appears twice", "line 2"),
    "rank twice": ("unit,rank,label\n0,1,a\n0,1,b\n", RANKED, ":3", "rank 1 of unit 0", "line 2"),
    "rank 0": ("unit,rank,label\n0,0,a\n", RANKED, ":2", "rank '0'", "best label"),
    "no number": ("unit,label\nx1,a\n", PLAIN, ":2", "'x1' is not a whole number", "--unit-column"),
    "negative": ("unit,label\n-1,a\n", PLAIN, ":2", "'-1' is not a whole number", ""),
    "header alone": ("unit,label\n", PLAIN, ":1", "the table is empty", ""),
    "nothing": ("", PLAIN, ":1", "the table is empty", ""),
    "no label at all": ("unit,label\n0,\n1, \n", PLAIN, "'label'", "contains no label", ""),
    "short line": ("unit,label\n0,a\n1\n", PLAIN, ":3", "1 cells where the header has 2", "commas"),
    "bare comma": ("unit,label\n0,a, b\n", PLAIN, ":2", "3 cells", "quotes"),
    "open quote": ('unit,label\n0,"a\n1,b\n', PLAIN, ":3", "not a readable table", "quotes"),
    "latin 1": (b"unit,label\n0,a\n1,caf\xe9\n", PLAIN, ":3", "byte 0xe9, which is not UTF-8", ""),
    "utf 16": ("unit,label\n0,a\n".encode("utf-16"), PLAIN, ":1", "not UTF-8", "plain text"),
    "no column": ("unit,lable\n0,a\n", PLAIN, ":1", "no column 'label'", "nearest: lable"),
    "no score": (
        "unit,label,sim\n0,a,1\n", Columns(score="similarity"), ":1", "no column 'similarity'",
        "--score-column",
    ),
    "score of words": ("unit,label,s\n0,a,x\n", Columns(score="s"), ":2", "score 'x'", ""),
    "no layer column": (
        "unit,label\n0,a\n", Columns(layer="block", layer_given=True), ":1", "no column 'block'",
        "--layer-column",
    ),
    "no such layer": ("layer,unit,label\nfc1,0,a\n", PLAIN, "'layer'", "layer 'fc'", "fc1"),
    "two columns": ("unit,label,label\n0,a,b\n", PLAIN, ":1", "two columns 'label'", ""),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_tables(write, fault):
    content, columns, where, what, hint = FAULTS[fault]
    with pytest.raises(UserError) as caught:
        read(write(content), columns)
    assert caught.value.where.endswith(where)
    assert what in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{"unit": 0, "label": "a"}\n{"unit": 1, "label"\n', 2, "not JSON"),
        ('{"unit": 0, "label": "a"}\n\n[1, "b"]\n', 3, "not a JSON object"),
        ('{"unit": true, "label": "a"}\n', 1, "True is not a whole number"),
        ('{"unit": 1.5, "label": "a"}\n', 1, "1.5 is not a whole number"),
        ('{"unit": 0, "label": 7}\n', 1, "is not a text"),
        ('{"unit": 0, "lable": "a"}\n', 1, "nearest: lable"),
    ],
)
def test_faults_of_json_lines(write, text, line, what):
    path = write(text, "a.jsonl")
    with pytest.raises(UserError) as caught:
        read(path)
    assert caught.value.where == f"{path}:{line}"
    assert what in str(caught.value)


def test_a_missing_file_names_its_neighbours(write, tmp_path):
    write("unit,label\n", "labels.csv")
    with pytest.raises(UserError, match="there is no file") as caught:
        read(str(tmp_path / "lables.csv"))
    assert caught.value.valid == (str(tmp_path / "labels.csv"),)


def test_json_lines_and_csv_agree_on_awkward_labels(write):
    labels = ["a\tb", 'say "x"', "null", "ä,ö", "1"]
    lines = [json.dumps({"unit": unit, "label": text}) for unit, text in enumerate(labels)]
    quoted = ['"' + text.replace('"', '""') + '"' for text in labels]
    csv = "unit,label\n" + "\n".join(f"{unit},{text}" for unit, text in enumerate(quoted))
    first = read(write("\n".join(lines), "a.jsonl"), n_units=5)
    assert rows(first) == rows(read(write(csv, "a.csv"), n_units=5))
    assert [label for _, _, label in rows(first)] == labels


def test_known_networks_have_as_many_final_units_as_their_truth_names():
    truths = {"imagenet": ImageNetTruth().names(), "places365": Places365Truth().names()}
    finals = 0
    for known in TARGETS.values():
        for layer in known.layers.values():
            if layer.truth != "none":
                assert sorted(truths[layer.truth]) == list(range(layer.units))
                finals += 1
    assert finals == 9
    assert find_layer("resnet50_imagenet", "layer4", None).units == 2048
    assert find_layer("resnet18_places365", "layer4", None).units == 512
    assert find_layer("alexnet", "fc8", 205).truth == "none"


@pytest.mark.parametrize(
    ("target", "layer", "units", "says"),
    [
        ("resnet18_places", "fc", None, ["unknown target", "resnet18_places365"]),
        (
            "resnet50_imagenet",
            "layer5",
            None,
            ["layer 'layer5' of resnet50_imagenet is not listed", "layer4"],
        ),
        ("resnet50_imagenet", "fc", 365, ["1000 units, not 365"]),
    ],
)
def test_unknown_networks_and_layers(target, layer, units, says):
    with pytest.raises(UserError) as caught:
        find_layer(target, layer, units)
    for part in says:
        assert part in str(caught.value)
