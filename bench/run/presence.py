"""On which images a concept is present: what a label predicts of its unit.

Presence is known (True or False), or a probability. In formulas, AND is the least and OR the
greatest presence, and NOT the rest to 1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.composition.presence import mask_presence
from bench.errors import UserError
from bench.parts.protocols import LabelledProbe, SegmentedProbe
from metrics.faithfulness_scores import NO_LABEL, UNKNOWN
from metrics.formulas import clean_mask_label
from metrics.lexical import SYNONYM_CREDIT, lexical_credits
from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.spatial import MaskLabel
    from bench.parts.protocols import Probe
    from bench.parts.superclasses import Superclasses

    Presence = NDArray[Any]
    """[N], or [N, C] of several concepts."""

_OPERATOR = r"(?<![^\s(])(?:AND|OR|NOT)(?![^\s)])"
_TOKEN = re.compile(rf"(\(|\)|{_OPERATOR})")


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
    names, presence = _concept_presence(probe, cache.absolute(), Path.cwd())
    return list(names), presence


@lru_cache(maxsize=4)  # shared by the records of a command
def _concept_presence(probe: Probe, cache: Path, _folder: Path) -> tuple[tuple[str, ...], Presence]:
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
            hint="use images with masks or classes, such as probe.name=glyphs, or an image-text "
            "encoder as judge",
        )
    found = np.concatenate(rows, axis=1)
    unique = tuple(dict.fromkeys(names))
    columns = [[at for at, name in enumerate(names) if name == own] for own in unique]
    return unique, np.column_stack([found[:, own].any(axis=1) for own in columns])


def known_columns(
    labels: Sequence[str], names: Sequence[str], presence: Presence
) -> dict[str, Presence]:
    """Return the presence of labels, and of the names in formulas, by name or inflection.

    Args:
        labels: Labels; "" for none.
        names: Names of C concepts.
        presence: Which images show them [N, C].
    """
    leaves = leaf_texts(labels)
    credits = lexical_credits([TrueName(leaf, (leaf,)) for leaf in leaves], names)
    columns = {
        leaf: found[earned == SYNONYM_CREDIT]
        for leaf, (found, earned) in zip(leaves, credits, strict=True)
    }
    return {
        leaf: np.maximum.reduce(presence[:, found], axis=1)
        for leaf, found in columns.items()
        if len(found)
    }


def superclass_presence(
    superclasses: Superclasses,
    labels: Sequence[MaskLabel],
    names: Sequence[str],
    presence: Presence,
) -> dict[str, Presence]:
    """Return the presence of superclasses by name: where one of the labels below is present.

    Args:
        superclasses: The superclasses of some labels.
        labels: These labels.
        names: Names of C concepts.
        presence: Which images show them [N, C].

    Returns:
        Presence of those of whose labels at least one is known.
    """
    below = [clean_mask_label(label.name) for label in labels]
    known = known_columns(below, names, presence)
    found = {}
    for label, members in zip(superclasses.labels, superclasses.members, strict=True):
        columns = [known[below[at]] for at in members if below[at] in known]
        if columns:
            found[clean_mask_label(label.name)] = np.maximum.reduce(columns)
    return found


def leaf_texts(labels: Sequence[str]) -> list[str]:
    """Return all different labels, and the names in those that are formulas, sorted."""
    texts = set(labels) - {""}
    parts = {part.strip() for text in texts for part in _TOKEN.split(text)}
    names = {clean_mask_label(part) for part in parts if part and not _TOKEN.fullmatch(part)}
    return sorted(texts | names)


def has_operators(label: str) -> bool:
    """Return whether a label has an operator of formulas: AND, OR or NOT."""
    return re.search(_OPERATOR, label) is not None


def label_presence(
    labels: Sequence[str], presence: Presence, columns: Mapping[str, Presence]
) -> tuple[NDArray[np.int64], Presence]:
    """Return the presence of each label: its own column, or that of a formula.

    Args:
        labels: Labels of U units; "" for none.
        presence: Which images show each of C concepts [N, C].
        columns: Presence by name [N].

    Returns:
        The column of each label [U], `NO_LABEL` or `UNKNOWN`; and the presence of the C concepts,
        then of each different label that is known.
    """

    def of_name(name: str) -> Presence | None:
        return columns.get(clean_mask_label(name))

    texts = sorted(set(labels) - {""})
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


def formula_presence(formula: str, of_name: Callable[[str], Presence | None]) -> Presence | None:
    """Return the presence of a formula such as "((a OR b) AND (NOT c))".

    Operators apply from the left where no parentheses say otherwise.

    Args:
        formula: The formula.
        of_name: Returns the presence of a concept [N]; None if unknown.

    Returns:
        Its presence [N]; None for an unknown concept or an invalid formula.
    """
    parts = [part for piece in _TOKEN.split(formula) if (part := piece.strip())]

    def operand() -> Presence:
        part = parts.pop(0)
        if part == "NOT":
            return 1 - operand()
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
            combine = np.minimum if parts.pop(0) == "AND" else np.maximum
            found = combine(found, operand())
        return found

    try:
        found = operands()
    except (ValueError, IndexError):
        return None
    return None if parts else found
