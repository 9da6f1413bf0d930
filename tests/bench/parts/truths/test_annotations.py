import pytest

from bench.errors import UserError
from bench.parts.catalog import TRUTHS
from bench.parts.protocols import Truth
from bench.parts.truths import AnnotationsTruth

TEXT = (
    "layer,unit,summary\nconv1,0,red things\nlayer4,0,Dogs\nlayer4,2,\"grass, and sky\"\n"
    "layer4,0,animals in grass\nlayer4,2,grass\nlayer4,0,Dogs\n0,7,numbers\n"
)  # fmt: skip


def table(tmp_path, text=TEXT):
    path = tmp_path / "annotations.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_all_sentences_of_a_unit_are_its_references(tmp_path):
    truth = AnnotationsTruth(table(tmp_path), layer="layer4")
    assert isinstance(truth, Truth)
    names = truth.names()
    assert list(names) == [0, 2]
    assert names[0].name == "Dogs"
    assert names[0].synonyms == ("Dogs", "animals in grass")
    assert names[0].references == ("Dogs", "animals in grass", "Dogs")
    assert names[2].name == "grass, and sky"


def test_layers_with_numbers_for_names(tmp_path):
    path = table(tmp_path)
    built = TRUTHS.build("annotations", {"path": path, "layer": "0"}, where="target.truth")
    assert list(built.names()) == [7]


@pytest.mark.parametrize(
    ("text", "layer", "where", "says"),
    [
        ("layer,unit,summary\na,0,x\na,0,\n", "a", ":3", "empty"),
        ("layer,unit,summary\na,0,x\na,x,y\n", "a", ":3", "whole number"),
        ("layer,unit,summary\na,0,x, y\n", "a", ":2", "4 cells"),
        ("layer,unit,text\na,0,x\n", "a", ":1", "no column 'summary'"),
        ("layer,unit,summary\n", "a", ":1", "no unit"),
        ("layer,unit,summary\nlayer4,0,x\n", "layer3", "params.layer", "no line of layer"),
    ],
)
def test_faults(tmp_path, text, layer, where, says):
    with pytest.raises(UserError, match=says) as caught:
        AnnotationsTruth(table(tmp_path, text), layer).names()
    assert caught.value.where.endswith(where)
