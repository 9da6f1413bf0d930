"""Turn captions of images into candidate concepts, with a language model or without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.generated import LanguageModel

_SHORTEN = """\
Shorten the description of an image to what it shows, in a few words.

Description: there is a small brown dog that is sitting on a sofa in a room
Short: a brown dog on a sofa

Description: {caption}
Short:"""

_SUMMARISE = """\
A neuron responds to several images. Say in one to five words what most of them have in common.

Images: a red bus; cars on a wet street; a truck beside a house; two taxis
In common: road vehicles

Images: a striped shirt; a zebra; a crossing seen from above; a cat with dark stripes
In common: stripes

Images: {captions}
In common:"""

_CHOOSE = """\
Give one name of one to five words for all of these: {answer}
Name:"""

_VAGUE = frozenset({"design", "designs", "graphic", "graphics"})
"""Last words of concepts that an image generator draws as objects."""


def summarise(
    captions: Sequence[str], model: LanguageModel, *, rounds: int, seed: Sequence[int]
) -> list[str]:
    """Ask a language model what captions have in common.

    It shortens each caption, then summarises them `rounds` times, in their own order and then in
    random orders. An answer with a comma is a list, for which it is asked for one name.

    Args:
        captions: One caption at least, of the best image first.
        model: The language model.
        rounds: Number of answers.
        seed: Seed of the orders and of a model that draws at random.

    Returns:
        Clean concepts, each once.
    """
    generator = np.random.default_rng(list(seed))
    draw = int(generator.integers(2**31))
    short = model.answer([_SHORTEN.format(caption=caption) for caption in captions], seed=draw)
    short = [clean_answer(text) or caption for text, caption in zip(short, captions, strict=True)]
    orders = [np.arange(len(short)), *(generator.permutation(len(short)) for _ in range(1, rounds))]
    prompts = [_SUMMARISE.format(captions="; ".join(short[at] for at in order)) for order in orders]
    answers = [clean_answer(text) for text in model.answer(prompts, seed=draw)]
    lists = [at for at, text in enumerate(answers) if "," in text]
    names = model.answer([_CHOOSE.format(answer=answers[at]) for at in lists], seed=draw)
    for at, name in zip(lists, names, strict=True):
        answers[at] = clean_answer(name)
    return distinct(answers)


def clean_answer(text: str) -> str:
    """Return the concept in an answer: the first line with words, after its last colon."""
    lines = [line.rpartition(":")[2] for line in text.splitlines()]
    return next((clean for line in lines if (clean := clean_concept(line))), "")


def clean_concept(text: str) -> str:
    """Return a concept in small letters, without quotes and the full stop at its end."""
    return re.sub(r"\s+", " ", text).strip(" \"'`*.").lower()


def distinct(concepts: Sequence[str]) -> list[str]:
    """Return concepts that are not empty, each once, in order."""
    return [concept for concept in dict.fromkeys(concepts) if concept]


def add_backgrounds(concepts: Sequence[str]) -> list[str]:
    """Add "... background" after each concept that names a design, for an image generator."""
    both = [(text, f"{text} background" * (text.split()[-1] in _VAGUE)) for text in concepts]
    return distinct([text for pair in both for text in pair])
