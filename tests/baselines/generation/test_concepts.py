"""Candidate concepts: of a language model that the test answers for, and cleaned answers."""

from __future__ import annotations

import pytest

from baselines.generation.concepts import (
    add_backgrounds,
    clean_answer,
    clean_concept,
    distinct,
    summarise,
)


class FakeModel:
    """Answers by the last lines of a prompt."""

    def __init__(self, summary):
        self.summary = summary
        self.prompts = []
        self.seeds = set()

    def answer(self, prompts, *, seed):
        self.seeds.add(seed)
        self.prompts += prompts
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt):
        *_, given, last = prompt.splitlines()
        if last == "Short:":
            return f" {given.removeprefix('Description: ').upper()}.\n\nDescription: more"
        return " Animal" if last == "Name:" else self.summary(given.removeprefix("Images: "))


def test_captions_are_shortened_then_summarised_in_several_orders():
    model = FakeModel(lambda given: given.split("; ")[0])
    found = summarise(["a dog", "a cat", "a cow"], model, rounds=5, seed=[3, 7])
    assert found[0] == "a dog"  # the first round keeps the order of the images
    assert set(found) <= {"a dog", "a cat", "a cow"}
    assert len(found) == len(set(found)) > 1
    assert len(model.prompts) == 3 + 5
    assert len(model.seeds) == 1
    again = FakeModel(lambda given: given.split("; ")[0])
    assert summarise(["a dog", "a cat", "a cow"], again, rounds=5, seed=[3, 7]) == found
    other = FakeModel(lambda given: given.split("; ")[0])
    assert summarise(["a dog", "a cat", "a cow"], other, rounds=5, seed=[3, 8])[0] == "a dog"
    orders = [[prompt for prompt in one.prompts if "; " in prompt] for one in (again, other)]
    assert orders[0] != orders[1]


def test_a_list_is_asked_for_one_name():
    model = FakeModel(lambda _: "dogs, cats, cows")
    assert summarise(["a dog"], model, rounds=2, seed=[0]) == ["animal"]
    assert model.prompts[-1].endswith("all of these: dogs, cats, cows\nName:")


def test_an_empty_answer_is_no_concept_and_an_empty_short_form_is_the_caption():
    assert summarise(["a dog"], FakeModel(lambda _: " \n"), rounds=3, seed=[0]) == []

    class Silent(FakeModel):
        def _one(self, prompt):
            return "" if prompt.endswith("Short:") else super()._one(prompt)

    silent = Silent(lambda given: given)
    assert summarise(["a {dog}"], silent, rounds=1, seed=[0]) == ["a {dog}"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  Red  Vehicles. ", "red vehicles"),
        ("\n\n'Stripes'\nImages: a dog", "stripes"),
        ("In common: Road Vehicles", "road vehicles"),
        ('Answer: concept: "dogs"', "dogs"),
        ("**Dogs**", "dogs"),
        (":\nplants", "plants"),
        ("...", ""),
    ],
)
def test_answers_are_cleaned(text, clean):
    assert clean_answer(text) == clean


def test_concepts_are_distinct_and_designs_have_a_background_too():
    assert clean_concept("A Sun.") == "a sun"
    assert distinct(["b", "", "a", "b"]) == ["b", "a"]
    assert add_backgrounds(["striped design", "dog", "graphics"]) == [
        "striped design", "striped design background", "dog", "graphics", "graphics background",
    ]  # fmt: skip
