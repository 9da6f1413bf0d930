"""The sentences that the controls of free text say: the truth in the method's own words, and lists.

Style alone costs a sentence some of its cosine with a bare name, so the ceiling of a method that
writes sentences is a sentence of its own that names the truth: the unit's sentence with the true
name put in place of the names that it mentions. A sentence that mentions none lends no form; then
the layer's commonest form is taken.
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
class Written:
    """Sentences of the controls for R units.

    Attributes:
        texts: All of them, different ones; the first lists every true name of the layer.
        ceilings: For each unit, indices of the sentences that say its truth.
        credits: What they score, by column.
    """

    texts: tuple[str, ...]
    ceilings: Sequence[Indices]
    credits: Mapping[str, Credit]


def commonest_form(reader: SentenceReader, sentences: Sequence[str]) -> Form:
    """The form that most sentences share; of equals the first by its text.

    It is the bare name if no sentence mentions a name.
    """
    forms = Counter(form for text in sentences if (form := reader.form(text)) is not None)
    return min(forms, key=lambda form: (-forms[form], form.pieces), default=BARE)


def write(
    reader: SentenceReader,
    truths: Sequence[TrueName],
    own: Sequence[str],
    right: Sequence[bool],
    layer: Sequence[str],
) -> tuple[tuple[str, ...], list[Indices]]:
    """Write the controls' sentences.

    Args:
        reader: The layer's category.
        truths: True names of R units.
        own: Their first labels [R]; "" for none.
        right: Whether these say the truth [R]; such a sentence is one of its unit's ceilings.
        layer: First labels of all live units of the layer.

    Returns:
        The texts, and for each unit the indices of those that say its truth: its form filled with
        the published name and with each synonym.
    """
    common = commonest_form(reader, layer)
    place = {reader.listing: 0}
    ceilings = []
    for truth, label, fits in zip(truths, own, right, strict=True):
        form = reader.form(label) or common
        said = [form.fill(name) for name in (truth.name, *truth.synonyms)]
        said += [label] if fits else []
        chosen = dict.fromkeys(place.setdefault(text, len(place)) for text in said)
        ceilings.append(np.array(list(chosen), dtype=np.int64))
    return tuple(place), ceilings
