"""Check that some candidate label is the true name of some unit; else accuracy is 0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metrics.labels import LabelRules, true_concepts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.selection import Selection
    from metrics.truth import TrueName

_WORDNET = re.compile(r"n\d{8}")
"""A noun's number in WordNet, which names the folders of ImageNet."""


def explain_no_match(selection: Selection, layer: str) -> str:
    """Return why no candidate label of a layer can be right; empty where one can.

    Labels are compared by the rules of the scores. Free text has no candidates, and a layer without
    true names is not scored.
    """
    truth = list(selection.true_names(layer).values())
    words = selection.words
    if not truth or not words or _any_right(truth, words, _rules(selection)):
        return ""
    return (
        f"no candidate label is the true name of any unit of {layer}, so accuracy is 0 for every "
        f"method: the {len(words):,} candidates are such as {words[0]!r}, the "
        f"{len(truth):,} true names such as {truth[0].name!r}; {_hint(selection, truth)}"
    )


def _rules(selection: Selection) -> LabelRules:
    return LabelRules(official=selection.config.scoring.official_labels)


def _any_right(truth: Sequence[TrueName], words: Sequence[str], rules: LabelRules) -> bool:
    return any(len(right) for right in true_concepts(truth, words, rules))


def _hint(selection: Selection, truth: Sequence[TrueName]) -> str:
    if _rules(selection).official and _any_right(truth, selection.words, LabelRules()):
        return "scoring.official_labels=false compares them without case and separators"
    if all(_WORDNET.fullmatch(word) for word in selection.words):
        return (
            "these are WordNet's numbers: probe=imagenet_val gives such folders their names in "
            "ImageNet, and probe.params.names=TABLE of class_folder those of a table"
        )
    source = (
        "a probe set (or a segmenter)" if selection.uses_masks else "a concept set (concepts=...)"
    )
    return f"choose {source} that has the true names among its labels, or another target.truth"
