"""Whether a request can score at all: whether any candidate label is the true name of any unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metrics.labels import LabelRules, true_concepts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.selection import Parts
    from metrics.truth import TrueName

_WORDNET = re.compile(r"n\d{8}")
"""WordNet's number of a noun, as folders of ImageNet are called."""


def why_none_right(parts: Parts, layer: str) -> str:
    """Say why no candidate label of a layer can be right; empty where one can.

    Under the rule of the scores, as the oracle's accuracy: a method could not do better than 0.
    Free text has no candidates, and a layer without true names is not scored.
    """
    truth = list(parts.true_names(layer).values())
    words = parts.words
    if not truth or not words or _any_right(truth, words, _rules(parts)):
        return ""
    return (
        f"no candidate label is the true name of any unit of {layer}, so accuracy is 0 whatever a "
        f"method says: the {len(words):,} candidates are such as {words[0]!r}, the "
        f"{len(truth):,} true names such as {truth[0].name!r}; {_hint(parts, truth)}"
    )


def _rules(parts: Parts) -> LabelRules:
    return LabelRules(official=parts.config.scoring.official_labels)


def _any_right(truth: Sequence[TrueName], words: Sequence[str], rules: LabelRules) -> bool:
    return any(len(right) for right in true_concepts(truth, words, rules))


def _hint(parts: Parts, truth: Sequence[TrueName]) -> str:
    if _rules(parts).official and _any_right(truth, parts.words, LabelRules()):
        return "scoring.official_labels=false compares them without case and separators"
    if all(_WORDNET.fullmatch(word) for word in parts.words):
        return (
            "these are WordNet's numbers: probe=imagenet_val calls such folders by ImageNet's "
            "names, probe.params.names=TABLE of class_folder by those of a table"
        )
    source = "a probe set (or a segmenter)" if parts.uses_masks else "a concept set (concepts=...)"
    return f"choose {source} that has the true names among its labels, or another target.truth"
