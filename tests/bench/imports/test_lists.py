"""Columns whose cells are Python lists of labels."""

from __future__ import annotations

import json

import pytest

from bench.errors import UserError
from bench.imports.labels import Columns, read_labels

PLAIN = Columns()


@pytest.fixture
def read(tmp_path):
    def from_cells(cells, columns=PLAIN, vocabulary="free text"):
        path = tmp_path / "labels.jsonl"
        lines = [json.dumps({"unit": unit, "label": cell}) for unit, cell in enumerate(cells)]
        path.write_text("\n".join(lines))
        return read_labels(str(path), columns, "fc", len(cells), vocabulary)

    return from_cells


def rows(labels):
    return [tuple(row) for row in labels.table[["unit", "rank", "label"]].itertuples(index=False)]


def test_pairs_of_label_and_score_as_a_csv_has_them(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "unit,label\n0,\"[('fish', 0.31), ('river', 0.12)]\"\n1,\"[('goldfish', 0.44)]\"\n2,\n"
    )
    found = read_labels(str(path), PLAIN, "fc", 3)
    assert rows(found) == [(0, 1, "fish"), (0, 2, "river"), (1, 1, "goldfish")]
    assert found.table["score"].tolist() == [0.31, 0.12, 0.44]
    assert found.units == (0, 1, 2)
    assert found.ranked
    assert found.lists
    assert any("lists" in note for note in found.notes)


@pytest.mark.parametrize(
    "cell",
    [
        "['fish', 'river']", '["fish", "river"]', "('fish','river')", "[ 'fish' , ' river ', '']",
        "[u'fish', u'river']",
        "{'fish': 2, 'river': 1}", "[['fish', 2], ['river', 1]]", ["fish", "river"],
        [["fish", 0.5], ["river", 0.5]],
    ],
)  # fmt: skip
def test_other_forms_of_a_list(read, cell):
    found = read([cell, "[]", ""])
    assert rows(found) == [(0, 1, "fish"), (0, 2, "river")]


def test_mask_labels_in_lists_lose_their_marks(read):
    found = read(["['street-s', 'red-c']"], vocabulary="mask labels")
    assert rows(found) == [(0, 1, "street"), (0, 2, "red")]
    assert found.table["written"].tolist() == ["street-s", "red-c"]


@pytest.mark.parametrize(
    "cell",
    ["[sky]", "(red AND (NOT sea))", "NOT((red) OR sea)", "a 'quoted' word", "'fish', 'river'"],
)
def test_a_label_with_brackets_is_no_list(read, cell):
    found = read([cell])
    assert not found.lists
    assert found.table["label"].tolist() == [cell]


@pytest.mark.parametrize(
    ("cells", "line", "what"),
    [
        (["['fish']", "river"], 2, "'river' is not a list"),
        (["['fish']", "['river'"], 2, "cannot be read as one"),
        (["[('fish', np.float64(0.3))]"], 1, "looks like a list, but cannot be read as one"),
        (["['fish', 3]"], 1, "looks like a list"),
        (["{'fish', 'river'}"], 1, "looks like a list"),
        (["['fish']", "__import__('os').getcwd()"], 2, "is not a list"),
        (["['fish' 'river']"], 1, "looks like a list"),  # as NumPy prints two texts
        (["[np.str_('fish')]"], 1, "looks like a list"),
        (["array(['fish', 'river'], dtype='<U5')"], 1, "looks like a list"),
        (["[(0.3, 'fish')]"], 1, "looks like a list"),
        (["[fish, river]"], 1, "looks like a list"),
        (["['fish', 'riv"], 1, "looks like a list"),  # a cell that was cut off
        (["river", "[]"], 1, "'river' is not a list"),
        (["[('fish', 0.1), ('river', 0.3)]"], 1, "not in descending order"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(read, cells, line, what):
    with pytest.raises(UserError) as caught:
        read(cells)
    assert caught.value.where.endswith(f"labels.jsonl:{line}")
    assert what in str(caught.value)


@pytest.mark.parametrize("columns", [Columns(rank="r"), Columns(score="r")])
def test_a_list_has_its_own_ranks_and_scores(tmp_path, columns):
    path = tmp_path / "labels.csv"
    path.write_text("unit,label,r\n0,\"['fish']\",1\n")
    with pytest.raises(UserError, match=r"name no column of (ranks|scores)"):
        read_labels(str(path), columns, "fc", 1)
