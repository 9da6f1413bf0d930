"""Sentences of the controls of free text: the true name in the method's own words, and a list.

The words around a name lower its cosine with the bare name. The ceiling of a method that writes
sentences is therefore one of its own sentences, with the true name in place of the names that the
sentence mentions. For a sentence without mentions, the commonest form of the layer is used.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metrics.sentences import BARE, Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrics.credit import Credit, Indices
    from metrics.sentences import SentenceReader
    from metrics.truth import TrueName


@dataclass(frozen=True)
class ControlSentences:
    """Sentences of the controls for R units.

    Attributes:
        texts: All different sentences; the first lists every true name of the layer.
        ceilings: For each unit, indices of the sentences with its true name.
        credits: Their credits, by column.
    """

    texts: tuple[str, ...]
    ceilings: Sequence[Indices]
    credits: Mapping[str, Credit]


def commonest_form(reader: SentenceReader, sentences: Sequence[str]) -> Form:
    """Return the form that most sentences share, of equals the first by its text."""
    forms = Counter(form for text in sentences if (form := reader.form(text)) is not None)
    return min(forms, key=lambda form: (-forms[form], form.pieces), default=BARE)


def write_sentences(
    reader: SentenceReader,
    truths: Sequence[TrueName],
    own: Sequence[str],
    right: Sequence[bool],
    layer: Sequence[str],
) -> tuple[tuple[str, ...], list[Indices]]:
    """Write the sentences of the controls.

    Args:
        reader: The reader of the layer's sentences.
        truths: True names of R units.
        own: Their first labels [R]; "" for none.
        right: Whether these are right [R]; a right sentence is one of its unit's ceilings.
        layer: First labels of all live units of the layer.

    Returns:
        The texts, and for each unit the indices of those with its true name: its form filled with
        the published name and with each synonym.
    """
    common = commonest_form(reader, layer)
    place = {reader.listing: 0}
    ceilings = []
    for truth, label, fits in zip(truths, own, right, strict=True):
        form = reader.form(label) or common
        texts = [form.fill(name) for name in (truth.name, *truth.synonyms)]
        texts += [label] if fits else []
        chosen = dict.fromkeys(place.setdefault(text, len(place)) for text in texts)
        ceilings.append(np.array(list(chosen), dtype=np.int64))
    return tuple(place), ceilings
