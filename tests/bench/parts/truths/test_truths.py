import pytest

from bench.errors import UserError
from bench.parts.protocols import Truth
from bench.parts.truths import ClassListTruth, FileTruth, GlyphsTruth, ImageNetTruth, NoTruth


def table(tmp_path, text, name="truth.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_csv_may_cover_some_units(tmp_path):
    path = table(tmp_path, 'unit,name\n7,"tench, Tinca tinca"\n2,goldfish\n\n')
    names = FileTruth(path).names()
    assert set(names) == {7, 2}
    assert names[7].name == "tench, Tinca tinca"
    assert names[7].synonyms == ("tench", "Tinca tinca")
    assert names[2].synonyms == ("goldfish",)


def test_a_tsv_with_all_columns(tmp_path):
    path = table(
        tmp_path,
        "name\tunit\tsynonyms\thypernyms\tgroup\nman, boy\t0\tlad; boy\tperson;animal\tseen\n",
    )
    name = FileTruth(path).names()[0]
    assert name.synonyms == ("man", "boy", "lad")
    assert name.hypernyms == ("person", "animal")
    assert name.group == "seen"


def test_other_column_names(tmp_path):
    path = table(tmp_path, "synset\timagenet_index\tname\nn01\t25\tgoldfish\n")
    names = FileTruth(path, unit_column="imagenet_index").names()
    assert names[25].name == "goldfish"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("unit,name\n0,a\n0,b\n", 3, "appears twice"),
        ("unit,name\n-1,a\n", 2, "whole number"),
        ("unit,name\n1.5,a\n", 2, "whole number"),
        ("unit,name\n1,a\n2,tench, fish\n", 3, "3 cells"),
        ("unit,name\n1,\n", 2, "empty"),
        ("unit,nam\n1,a\n", 1, "no column 'name'"),
        ("0,goldfish\n", 1, "no column 'unit'"),
        ("unit,name\n", 1, "no unit"),
        ("", 1, "no column"),
    ],
)
def test_faults_say_the_line(tmp_path, text, line, says):
    path = table(tmp_path, text)
    with pytest.raises(UserError, match=says) as caught:
        FileTruth(path).names()
    assert caught.value.where == f"{path}:{line}"


def test_glyphs_objects_fall_into_seen_and_unseen():
    names = GlyphsTruth("objects").names()
    groups = [name.group for name in names.values()]
    assert set(groups) == {"seen", "unseen"}
    assert groups.count("unseen") >= 8
    assert all(name.synonyms[0] == name.name for name in names.values())
    assert {name.group for name in GlyphsTruth("scenes").names().values()} == {""}


def test_no_truth_names_nothing():
    assert NoTruth().names() == {}
    assert isinstance(NoTruth(), Truth)


def test_a_class_list_names_every_unit_by_its_line(tmp_path):
    path = table(tmp_path, "tench, Tinca tinca\r\ngoldfish\n\n", "classes.txt")
    names = ClassListTruth(path).names()
    assert [names[unit].name for unit in range(2)] == ["tench, Tinca tinca", "goldfish"]
    assert names[0].synonyms == ("tench", "Tinca tinca")
    assert isinstance(ClassListTruth(path), Truth)


def test_a_table_picks_the_units_to_score(tmp_path):
    path = table(tmp_path, "tench\ngoldfish\nhen\n", "classes.txt")
    units = table(tmp_path, "synset\tindex\nn2\t2\nn0\t0\n", "shown.tsv")
    names = ClassListTruth(path, units, "index").names()
    assert {unit: name.name for unit, name in names.items()} == {0: "tench", 2: "hen"}


@pytest.mark.parametrize(
    ("classes", "units", "says"),
    [
        ("tench\n\nhen\n", "", ["classes.txt:2", "names no unit"]),
        ("", "", ["classes.txt", "names no unit"]),
        ("tench\n", "unit\n1\n", ["units.csv:2", "unit 1 has no name", "1 lines"]),
        ("tench\n", "unit\n0\n0\n", ["units.csv:3", "appears twice"]),
        ("tench\n", "index\n0\n", ["units.csv:1", "unit_column"]),
    ],
)
def test_faults_of_a_class_list_are_named(tmp_path, classes, units, says):
    path = table(tmp_path, classes, "classes.txt")
    chosen = table(tmp_path, units, "units.csv") if units else ""
    with pytest.raises(UserError) as caught:
        ClassListTruth(path, chosen).names()
    for part in says:
        assert part in str(caught.value)


def test_the_names_of_imagenet_ship_with_the_package(tmp_path):
    names = ImageNetTruth().names()
    assert sorted(names) == list(range(1000))
    assert names[0].name == "tench, Tinca tinca"
    assert names[0].synonyms == ("tench", "Tinca tinca")
    assert names[134].name == "crane, bird"
    assert names[999].name.startswith("toilet tissue")
    assert len({name.name for name in names.values()}) == 1000
    chosen = table(tmp_path, "index\n1\n388\n", "shown.csv")
    assert list(ImageNetTruth(chosen, "index").names()) == [1, 388]
    assert isinstance(ImageNetTruth(), Truth)


def test_synsets_pick_the_units_to_score(tmp_path):
    listed = table(tmp_path, "n02510455\nn01440764\n\n", "wnids.txt")  # as published: not sorted
    names = ImageNetTruth(synsets=listed).names()
    assert {unit: name.name for unit, name in names.items()} == {
        0: "tench, Tinca tinca",
        388: "giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca",
    }
    [requirement] = ImageNetTruth(synsets="fetched:tiny_imagenet/wnids.txt").unmet_requirements()
    assert requirement.hint == "dissectbench fetch tiny_imagenet"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("n01440764\nn00000001\n", ["wnids.txt:2", "not a synset of ImageNet's"]),
        ("\n", ["wnids.txt", "names no synset"]),
    ],
)
def test_faults_of_a_list_of_synsets_are_named(tmp_path, lines, says):
    with pytest.raises(UserError) as caught:
        ImageNetTruth(synsets=table(tmp_path, lines, "wnids.txt")).names()
    for part in says:
        assert part in str(caught.value)


def test_one_file_picks_the_units():
    with pytest.raises(UserError, match="both a table of units and a list of synsets"):
        ImageNetTruth("units.csv", synsets="wnids.txt")
