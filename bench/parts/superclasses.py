"""Superclasses of the labels of images: WordNet's hypernyms of ImageNet's classes, or a file."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.spatial import ImageMasks, MaskLabel
from bench.downloads.paths import read_text
from bench.errors import UserError, nearest
from bench.parts.truths.shipped import imagenet_hypernyms
from leaderboards.hashing import sha256_json
from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeGuard

    from baselines.spatial import Masks
    from bench.parts.protocols import Fingerprint, SegmentedProbe

MIXED = "superclass"
"""Category of a superclass whose labels are of several categories."""

WORDNET = "wordnet"
WHERE = "method.params.superclasses"


@dataclass(frozen=True)
class Superclasses:
    """Superclasses of C labels.

    Attributes:
        labels: The superclasses as labels of masks. Each is of the category of the labels below it,
            so that a formula such as (tench OR animal) is no answer for a tench, as a list of
            several classes is none.
        members: Positions of the labels below each superclass, ascending.
    """

    labels: tuple[MaskLabel, ...]
    members: tuple[tuple[int, ...], ...]

    def fingerprint(self) -> Fingerprint:
        """Return the number of superclasses, and a hash of their names and members."""
        names = [label.name for label in self.labels]
        return {"n": len(names), "sha256": sha256_json([names, self.members])}


@dataclass(frozen=True, eq=False)
class SuperclassMasks:
    """Masks with superclasses as labels of whole images. Fits `baselines.spatial.Masks`.

    An image shows a superclass if it shows one of the labels below it.

    Attributes:
        masks: Masks of C labels.
        superclasses: Superclasses of these labels; superclass s has the number C + s.
    """

    masks: Masks
    superclasses: Superclasses

    @cached_property
    def labels(self) -> tuple[MaskLabel, ...]:
        """The labels, then the superclasses."""
        return (*self.masks.labels, *self.superclasses.labels)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, with that of superclasses of several categories."""
        own = (label.category for label in self.superclasses.labels)
        return tuple(dict.fromkeys((*self.masks.categories, *own)))

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width of all masks."""
        return self.masks.mask_size

    def __len__(self) -> int:
        return len(self.masks)

    def image(self, index: int) -> ImageMasks:
        """Return an image's masks, with the superclasses of all its labels."""
        own = self.masks.image(index)
        shown = {*own.scalars, *np.unique(own.planes).tolist()} - {-1}
        above = {number for label in shown for number in self._above.get(label, ())}
        return ImageMasks(own.planes, (*own.scalars, *sorted(above)))

    @cached_property
    def _above(self) -> Mapping[int, list[int]]:
        """The numbers of the superclasses of each label."""
        above = defaultdict(list)
        for number, members in enumerate(self.superclasses.members, start=len(self.masks.labels)):
            for label in members:
                above[label].append(number)
        return above


def read_superclasses(setting: str, probe: SegmentedProbe) -> Superclasses:
    """Return the superclasses of a probe set's labels.

    Args:
        setting: "wordnet" for the hypernyms of ImageNet's classes in WordNet; else a file. A JSON
            file (*.json) maps labels, and superclasses that are below others, to their
            superclasses; a line of any other file has a label and its superclasses, separated by
            tabs.
        probe: The probe set.

    Raises:
        UserError: The probe set's labels are not classes of ImageNet; the file is missing or
            invalid; or no superclass has at least two labels, and not all.
    """
    own = probe.mask_labels()
    labels = [clean_mask_label(label.name) for label in own]
    keys: Sequence[str] = labels
    parents: Mapping[str, Sequence[str]]
    names: Mapping[str, str] = {}
    if setting == WORDNET:
        keys = _imagenet_synsets(probe)
        parents, names = imagenet_hypernyms()
    else:
        parents = _read_file(setting, labels)
    try:
        found = group_labels(keys, parents)
    except CycleError as error:
        chain = " > ".join(error.args[1])
        raise UserError(
            f"a superclass is above itself: {chain}",
            where=setting,
            hint="remove one of these lines",
        ) from error
    if not found:
        raise UserError(
            f"no superclass has at least two of the {len(keys)} labels, and not all",
            where=setting if setting != WORDNET else WHERE,
            hint=f"leave {WHERE} out, or name superclasses that several labels share",
        )
    kinds = [{own[position].category for position in members} for members in found.values()]
    return Superclasses(
        tuple(
            MaskLabel(names.get(name, name), kind.pop() if len(kind) == 1 else MIXED)
            for name, kind in zip(found, kinds, strict=True)
        ),
        tuple(found.values()),
    )


def group_labels(
    keys: Sequence[str], parents: Mapping[str, Sequence[str]]
) -> dict[str, tuple[int, ...]]:
    """Return the labels below each superclass that has at least two, but not all.

    Of superclasses with the same labels, keep the most specific: the one with the most superclasses
    of its own (ties: the first by name).

    Args:
        keys: The labels.
        parents: Superclasses of labels and of superclasses, by name.

    Returns:
        Positions of labels, ascending, by superclass: those of few labels first, so that INVERT
        prefers the more specific of two with the same images; ties by name.

    Raises:
        CycleError: A superclass is above itself.
    """
    above: dict[str, set[str]] = {}
    for name in TopologicalSorter(parents).static_order():  # superclasses come first
        own = parents.get(name, ())
        above[name] = set(own).union(*(above[parent] for parent in own))
    members: defaultdict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        for name in above.get(key, ()):
            members[name].append(position)
    kept: dict[tuple[int, ...], str] = {}
    for name in sorted(members, key=lambda name: (-len(above[name]), name)):
        if 2 <= len(members[name]) < len(keys):
            kept.setdefault(tuple(members[name]), name)
    order = sorted(kept.items(), key=lambda pair: (len(pair[0]), pair[1]))
    return {name: labels for labels, name in order}


def _imagenet_synsets(probe: SegmentedProbe) -> tuple[str, ...]:
    """Return the synset of each of a probe set's classes."""
    folders: tuple[str, ...] = getattr(probe, "class_folders", tuple)()
    parents, _ = imagenet_hypernyms()
    other = [name for name in folders if name not in parents]
    if not folders or other:
        raise UserError(
            f"the class folder {other[0]!r} is no synset of ImageNet's 1,000 classes"
            if other
            else "the labels of this probe set are not classes of ImageNet",
            where=WHERE,
            valid=nearest(other[0], parents) if other else (),
            hint="use probe=imagenet_val, probe=tiny_imagenet, or probe=class_folder with synsets "
            f"as folders; or give a file of superclasses: {WHERE}=FILE",
        )
    return folders


def _read_file(path: str, labels: Sequence[str]) -> dict[str, list[str]]:
    """Read the superclasses of labels and of superclasses."""
    text = read_text(path, WHERE)
    rows = _json_rows(text, path) if path.lower().endswith(".json") else _lines(text, path)
    parents: defaultdict[str, list[str]] = defaultdict(list)
    for _, name, above in rows:
        parents[name] += above
    known = {*labels, *(superclass for _, _, above in rows for superclass in above)}
    for where, name, above in rows:
        if name not in known:
            raise UserError(
                f"{name!r} is neither a label of the probe set nor a superclass",
                where=where,
                valid=nearest(name, known),
                hint="name labels as in the records, and superclasses as in the other lines",
            )
        both = sorted(set(above) & set(labels))
        if both:
            raise UserError(
                f"{both[0]!r} is both a label of the probe set and a superclass",
                where=where,
                hint=f"give the superclass another name, such as 'any {both[0]}'",
            )
    return parents


_Row = tuple[str, str, list[str]]
"""Place of a row in its file, name of a label or superclass, and its superclasses."""


_EXAMPLE = 'write an object such as {"dog": ["pet", "mammal"], "mammal": "animal"}'


class _Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object, with repeated names."""


def _are_names(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(
        isinstance(value, str) and value.strip() for value in values
    )


def _json_rows(text: str, path: str) -> list[_Row]:
    try:
        found = json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}"
        raise UserError(f"not JSON: {error.msg}", where=where, hint=_EXAMPLE) from error
    except (ValueError, RecursionError) as error:  # a number of too many digits; too many brackets
        raise UserError("not an object of texts", where=path, hint=_EXAMPLE) from error
    rows = []
    if not isinstance(found, _Pairs):
        raise UserError("not a JSON object", where=path, hint=_EXAMPLE)
    for name, above in found:
        several = [above] if isinstance(above, str) else above
        if isinstance(several, _Pairs) or not _are_names(several):
            raise UserError(
                f"{name!r} has no list of superclasses, each with a name", where=path, hint=_EXAMPLE
            )
        rows.append((path, name, several))
    return rows


def _lines(text: str, path: str) -> list[_Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        name, *above = (cell.strip() for cell in line.split("\t"))
        if not line.strip():
            continue
        if not name or not above or not all(above):
            raise UserError(
                "the line does not name a label and its superclasses",
                where=f"{path}:{number}",
                hint='separate names by tabs, as in "dog<tab>pet<tab>mammal"',
            )
        rows.append((f"{path}:{number}", name, above))
    return rows
