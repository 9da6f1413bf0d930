import pytest

from bench.errors import UserError
from bench.parts import Truth
from bench.truths import FileTruth, GlyphsTruth, NoTruth


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
        ("unit,name\n0,a\n0,b\n", 3, "stands twice"),
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
