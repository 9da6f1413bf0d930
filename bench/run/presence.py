"""On which images a concept is present: what a label predicts of its unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from baselines.composition.presence import mask_presence
from bench.errors import UserError
from bench.parts.protocols import LabelledProbe, SegmentedProbe
from metrics.faithfulness_scores import NO_LABEL, UNKNOWN
from metrics.formulas import clean_mask_label
from metrics.lexical import SYNONYM_CREDIT, lexical_credits
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.parts.protocols import Probe

    Presence = NDArray[np.bool_]

_TOKEN = re.compile(r"(\(|\)|(?<![^\s(])(?:AND|OR|NOT)(?![^\s)]))")


def concept_presence(probe: Probe, cache: Path) -> tuple[list[str], Presence]:
    """Return the concepts that are known of a probe set's images, and which images show them.

    A concept of masks is present if one pixel has it, or the whole image; concepts of equal names
    count as one, as do parts of comma-joined class names.

    Args:
        probe: The images.
        cache: Folder for derived files.

    Returns:
        Names in plain words, and their presence [N, C].

    Raises:
        UserError: The images have neither masks nor classes.
    """
    names: list[str] = []
    rows: list[Presence] = []
    if isinstance(probe, SegmentedProbe):
        names += [clean_mask_label(label.name) for label in probe.mask_labels()]
        rows.append(mask_presence(probe.masks(cache)))
    if isinstance(probe, LabelledProbe):
        names += probe.class_names()
        classes = np.asarray(probe.image_classes())[:, None]
        rows.append(classes == np.arange(len(probe.class_names())))
    if not rows:
        raise UserError(
            "these images have neither masks nor classes, so that no concept is known of them",
            where="probe",
            hint="use images with masks or classes, such as probe.name=glyphs",
        )
    found = np.concatenate(rows, axis=1)
    unique = list(dict.fromkeys(names))
    columns = [[at for at, name in enumerate(names) if name == own] for own in unique]
    return unique, np.column_stack([found[:, own].any(axis=1) for own in columns])


def label_presence(
    labels: Sequence[str], names: Sequence[str], presence: Presence
) -> tuple[NDArray[np.int64], Presence]:
    """Return the presence of each label among concepts, by name, inflection or formula.

    Args:
        labels: Labels of U units; "" for none.
        names: Names of the C concepts.
        presence: Which images show them [N, C].

    Returns:
        The column of each label [U], `NO_LABEL` or `UNKNOWN`; and the presence of the C concepts,
        then of each different label that is known.
    """
    texts = sorted(set(labels) - {""})
    leaves = sorted({leaf for text in texts for leaf in (text, *_leaves(text))})
    credits = lexical_credits([TrueName(leaf, (leaf,)) for leaf in leaves], names)
    columns = {
        leaf: found[earned == SYNONYM_CREDIT]
        for leaf, (found, earned) in zip(leaves, credits, strict=True)
    }

    def of_name(name: str) -> Presence | None:
        found = columns.get(clean_mask_label(name))
        if found is None or not len(found):
            return None
        shown: Presence = np.logical_or.reduce(presence[:, found], axis=1)
        return shown

    rows = {text: of_name(text) for text in texts}
    for text in texts:
        if rows[text] is None and _TOKEN.search(text):
            rows[text] = formula_presence(text, of_name)
    known = {text: row for text, row in rows.items() if row is not None}
    place = {text: presence.shape[1] + at for at, text in enumerate(known)}
    place[""] = NO_LABEL
    return (
        np.array([place.get(label, UNKNOWN) for label in labels], dtype=np.int64),
        np.column_stack([presence, *known.values()]),
    )


def _leaves(formula: str) -> list[str]:
    parts = (part.strip() for part in _TOKEN.split(formula))
    return [clean_mask_label(part) for part in parts if part and not _TOKEN.fullmatch(part)]


def formula_presence(formula: str, of_name: Callable[[str], Presence | None]) -> Presence | None:
    """Return on which images a formula such as "((a OR b) AND (NOT c))" is true.

    Operators apply from the left where no parentheses say otherwise.

    Args:
        formula: The formula.
        of_name: Returns on which images a concept is present; None if unknown.

    Returns:
        Its presence [N]; None for an unknown concept or an invalid formula.
    """
    parts = [part for piece in _TOKEN.split(formula) if (part := piece.strip())]

    def operand() -> Presence:
        part = parts.pop(0)
        if part == "NOT":
            return ~operand()
        if part == "(":
            inner = operands()
            if parts.pop(0) != ")":
                raise ValueError(formula)
            return inner
        found = of_name(part)
        if found is None:
            raise ValueError(part)
        return found

    def operands() -> Presence:
        found = operand()
        while parts and parts[0] in ("AND", "OR"):
            both = parts.pop(0) == "AND"
            other = operand()
            found = found & other if both else found | other
        return found

    try:
        found = operands()
    except (ValueError, IndexError):
        return None
    return None if parts else found
