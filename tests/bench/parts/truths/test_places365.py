"""The classes of Places365, and the rule by which CLIP-Dissect's table 2 leaves some out."""

from __future__ import annotations

import pytest

from bench.errors import UserError
from bench.parts.truths import Places365Truth
from metrics.formulas import clean_mask_label
from metrics.labels import LabelRules, matches

CATEGORIES = "/a/airfield 0\n/b/bus_station/indoor 1\n/f/field/wild 2\n/t/tree_farm 3\n"
SCENES = """code,number,name,frequency,coverage
1,10,airfield-s,5,5.0
2,11,bus_station-indoor-s,4,4.0
3,12,field_wild-s,1,1.0
4,13,tree_farm-s,1,1.0
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "categories.txt").write_text(CATEGORIES)
    (tmp_path / "c_scene.csv").write_text(SCENES)
    return str(tmp_path / "categories.txt"), str(tmp_path / "c_scene.csv")


def test_all_classes(files):
    names = Places365Truth(files[0]).names()
    assert [names[unit].name for unit in range(4)] == [
        "airfield", "bus station/indoor", "field/wild", "tree farm",
    ]  # fmt: skip


def test_only_classes_that_broden_has(files):
    # "field/wild" would have to stand as "field-wild-s"
    assert list(Places365Truth(*files).names()) == [0, 1, 3]


def test_a_label_of_broden_is_right_under_the_mended_rule_alone(files):
    truth = Places365Truth(*files).names()
    label = clean_mask_label("bus_station-indoor-s")
    assert matches(label, truth[1], LabelRules())
    assert not matches(label, truth[1], LabelRules(official=True))
    farm = clean_mask_label("tree_farm-s")
    assert matches(farm, truth[3], LabelRules(official=True))
    assert matches("airfield", truth[0], LabelRules(official=True))


@pytest.mark.parametrize(
    ("text", "line"),
    [("airfield 0\n", 1), ("/a/airfield 0\n\n/b/beach 1\n", 2), ("/a/a 0\n/b/b 0\n", 2), ("", 1)],
)
def test_faults_say_the_line(tmp_path, text, line):
    path = tmp_path / "c.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        Places365Truth(str(path)).names()
    assert caught.value.where == f"{path}:{line}"


def test_a_table_of_something_else(files, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("code,number\n1,2\n")
    with pytest.raises(UserError, match="no column 'name'"):
        Places365Truth(files[0], str(other)).names()
    other.write_text("name\nred-c\n")
    with pytest.raises(UserError, match="no class"):
        Places365Truth(files[0], str(other)).names()


def test_the_list_ships_with_the_package(files):
    names = Places365Truth().names()
    assert sorted(names) == list(range(365))
    assert (names[0].name, names[364].name) == ("airfield", "zen garden")
    assert names[71].name == "bus station/indoor"
    assert len({name.name for name in names.values()}) == 365
    assert [name.name for name in Places365Truth(scenes=files[1]).names().values()] == [
        "airfield", "bus station/indoor", "tree farm",
    ]  # fmt: skip
