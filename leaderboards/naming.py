"""Names for rows and columns: as short as they can be while different things read differently."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leaderboards.distinct import Named, tell_apart
from leaderboards.hashing import page_hash
from leaderboards.imported import column_words, row_name
from leaderboards.judge_names import judge_name
from leaderboards.readings import without_reading

if TYPE_CHECKING:
    from leaderboards.cells import Cell
    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet

_MODELS = ("sentence", "clip_text", "bertscore")
"""What a scores file says of the models that judge."""


@dataclass(frozen=True)
class Condition:
    """What the rows of one table have in common. Rows with other fingerprints are elsewhere.

    Attributes:
        id: Short hash of all names and fingerprints.
        board: The board's name.
        target: The network's name.
        layer: The layer's name.
        probe: The probe set's name, with what tells it from another of the same name.
        concepts: The concept set's name, likewise.
        scoring: What counts as right (truth, units, rules); empty where the target has one alone.
        judge: The models that the cosines come from; empty where the target has one set alone.
        skey: The key of the scores files; where labels of several kinds are read in ways of their
            own (`leaderboards.readings`), of one of them.
        n_images: Size of the probe set.
        n_concepts: Size of the concept set; None for labels from no set.
    """

    id: str
    board: str
    target: str
    layer: str
    probe: str
    concepts: str
    scoring: str
    judge: str
    skey: str = field(compare=False)
    n_images: int | None
    n_concepts: int | None

    @property
    def place(self) -> tuple[str, str, str]:
        """Board, target and layer: the summary that this is a column of."""
        return self.board, self.target, self.layer

    @property
    def heading(self) -> tuple[str, ...]:
        """The lines of the column's heading in a summary."""
        judge = f"judge {self.judge}" if self.judge else ""
        return tuple(part for part in (self.probe, self.concepts, self.scoring, judge) if part)

    @property
    def without_judge(self) -> Condition:
        """The condition of scores that no model judges: equal for all judges."""
        return replace(self, id="", judge="", skey="")

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by target, then probe set, then the size of the concept set; no set is last."""
        size = math.inf if self.n_concepts is None else self.n_concepts
        return (*self.place, self.probe, size, self.concepts, self.scoring, self.judge, self.id)


def name_conditions(
    pairs: Sequence[tuple[Cell, ScoreSet | None]],
) -> list[Condition]:
    """Name the condition of every scored cell (or of every cell, with None for the scores)."""
    places = [_place(cell.record) for cell, _ in pairs]
    layers = [(board, layer) for board, layer, _, _ in places]
    targets = tell_apart(
        [_named(c.record.target, at) for (c, _), at in zip(pairs, layers, strict=True)]
    )
    probes = tell_apart(
        [_named(c.record.probe, at) for (c, _), at in zip(pairs, places, strict=True)]
    )
    concepts = tell_apart(
        [_named(c.record.concepts, at) for (c, _), at in zip(pairs, places, strict=True)]
    )
    scorings = [_scoring(scores, at) for (_, scores), at in zip(pairs, places, strict=True)]
    judges = [_judge(scores, at) for (_, scores), at in zip(pairs, places, strict=True)]
    scoring_names, judge_names = _where_several(scorings), _where_several(judges)
    conditions = []
    for index, (cell, scores) in enumerate(pairs):
        board, layer, _, _ = place = places[index]
        record = cell.record
        # Free text comes from a set of no words, which is no size to show.
        n_images, n_concepts = _size(record.probe), _size(record.concepts) or None
        size = "" if n_concepts is None else f" ({n_concepts:,})"
        shown = column_words(record) or (probes[index], f"{concepts[index]}{size}")
        parts = [
            (_name(record.probe), _identity(record.probe)),
            (_name(record.concepts), _identity(record.concepts)),
            ("scoring", page_hash(without_reading(scores.scoring)) if scores else ""),
        ]
        conditions.append(
            Condition(
                id=page_hash([place, parts]),
                board=board,
                target=targets[index],
                layer=layer,
                probe=shown[0],
                concepts=shown[1],
                scoring=scoring_names[index],
                judge=judge_names[index],
                skey=scores.skey if scores else "",
                n_images=n_images,
                n_concepts=n_concepts,
            )
        )
    return conditions


def name_rows(records: Sequence[Record]) -> list[str]:
    """Name each record's row: the method, and what tells it from the others of that method.

    A setting is named where it varies on the board (a number: among rows whose texts are equal; the
    pooling: within one layer, since layers of different shapes are pooled differently by nature).
    Texts stand bare, others as `name=value`.
    """
    varies: dict[tuple[Hashable, ...], set[str]] = defaultdict(set)
    for record in records:
        for scope, _, value in _settings(record):
            varies[scope].add(value)
    labels = []
    for record in records:
        words = [row_name(record)]
        for scope, shown, _ in _settings(record):
            if shown and len(varies[scope]) > 1:
                words.append(shown)
        labels.append(" ".join(words))
    return labels


def _settings(record: Record) -> Iterable[tuple[tuple[Hashable, ...], str, str]]:
    """Yield (where it is compared, how it is shown, what decides equality) for each setting."""
    method = (record.board, "method", row_name(record))
    params = _mapping(record.method.get("params"))
    texts = {name: value for name, value in params.items() if isinstance(value, str)}
    for name in sorted(params):
        value = params[name]
        if name in texts:
            yield (*method, name), value, page_hash(value)
        else:
            # Which number is the default often hangs on a text, such as the similarity function.
            yield (*method, name, page_hash(texts)), f"{name}={value}", page_hash(value)
    version = record.method.get("version")
    yield (*method, "", "version"), f"v{version}", page_hash(version)
    encoder = record.encoder
    identity = page_hash([encoder.get("name"), encoder.get("fingerprint")])
    yield (*method, "", "encoder"), str(encoder.get("name", "")), identity
    for role, part in (("segmenter", record.segmenter), ("captioner", record.captioner)):
        identity = page_hash([part.get("name"), part.get("fingerprint")])
        yield (*method, "", role), str(part.get("name", "")), identity
    yield (*method, "", "seed"), f"seed={record.seed}", str(record.seed)
    place = page_hash([record.target.get("name"), record.target.get("layer")])
    pooling = str(record.target.get("pooling", ""))
    yield (record.board, place, row_name(record), "pooling"), pooling, pooling


def _named(part: Mapping[str, Any], scope: Hashable) -> Named:
    return Named(_name(part), scope, _identity(part), _mapping(part.get("params")), _size(part))


def _identity(part: Mapping[str, Any]) -> str:
    """What decides the part's work: its fingerprint, or the hash of a concept set's words."""
    return page_hash(part.get("fingerprint", part.get("sha256")))


def _place(record: Record) -> tuple[str, str, str, str]:
    target = record.target
    return record.board, str(target.get("layer", "?")), _name(target), _identity(target)


def _scoring(scores: ScoreSet | None, scope: Hashable) -> Named:
    """What counts as right: the truth and the rules by name, the rest by its hash."""
    if scores is None:
        return Named("scoring", scope, "")
    told = {k: v for k, v in without_reading(scores.scoring).items() if k not in _MODELS}
    found = {"truth": told.get("truth"), **_mapping(told.get("rules"))}
    decisions = _mapping(told.get("decisions"))
    if decisions:
        found["decisions"] = decisions.get("classifier")
    truth = _mapping(found["truth"])
    params = {**found, "truth": truth.get("name")}
    n = _mapping(told.get("units")).get("n", truth.get("units"))
    size = n if isinstance(n, int) else None
    return Named("scoring", scope, page_hash(told), params, size)


def _judge(scores: ScoreSet | None, scope: Hashable) -> Named:
    """The models that judge: the sentence encoder by its published name, the rest by its hash."""
    models = {k: v for k, v in scores.scoring.items() if k in _MODELS} if scores else {}
    name = judge_name(_mapping(models.get("sentence"))) or "none"
    return Named(name, scope, page_hash(models))


def _where_several(items: Sequence[Named]) -> list[str]:
    """The items' names; empty where a scope has one thing alone."""
    kinds: dict[Hashable, set[str]] = defaultdict(set)
    for item in items:
        kinds[item.scope].add(item.identity)
    names = tell_apart(items)
    return [
        name if len(kinds[item.scope]) > 1 else "" for name, item in zip(names, items, strict=True)
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name", "?"))


def _size(part: Mapping[str, Any]) -> int | None:
    size = part.get("n")
    return size if isinstance(size, int) else None
