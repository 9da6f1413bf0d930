"""Parts named inside other parts."""

import pytest

from bench.errors import UserError
from bench.parts import choice
from bench.parts.catalog import PROBES


def test_a_choice_is_a_file_of_the_group_or_a_mapping():
    by_name = choice.build("concepts", "wordfreq_3k", "x")
    told = choice.freeze({"name": "wordfreq", "params": {"n": 3000}}, "x")
    assert choice.build("concepts", told, "x") == by_name
    assert choice.thaw(["wordfreq_3k", told]) == [
        "wordfreq_3k",
        {"name": "wordfreq", "params": {"n": 3000}},
    ]


def test_a_choice_may_be_a_part_without_a_file():
    assert choice.build("probe", "glyphs", "x") == PROBES.build("glyphs", {})


def test_a_frozen_choice_can_be_frozen_again():
    told = choice.freeze({"name": "folder", "params": {"path": "a"}}, "x")
    assert choice.freeze(told, "x") == told


@pytest.mark.parametrize(
    "spec",
    ["", 3, {"params": {}}, {"name": "file", "path": "a"}, "{name: file}", '{"name": 3}', "{}"],
)
def test_anything_else_is_no_choice(spec):
    with pytest.raises(UserError):
        choice.freeze(spec, "x")


def test_an_unknown_choice_names_the_nearest():
    with pytest.raises(UserError) as caught:
        choice.build("concepts", "wordfreq_3", "concepts.params.of")
    assert "wordfreq_3k" in caught.value.valid
