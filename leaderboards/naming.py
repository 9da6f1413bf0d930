"""Names of rows and conditions: as short as they can be while different things read differently.

All cells of a board are named together, failed ones among them, so that every page calls a cell by
the same name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leaderboards.conditions import Condition
from leaderboards.development import tuned_on
from leaderboards.hashing import page_hash
from leaderboards.judge_names import judge_name
from leaderboards.reading import without_reading
from leaderboards.unique_names import Item, unique_names

if TYPE_CHECKING:
    from leaderboards.cells import Cell
    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet

_MODELS = ("sentence", "clip_text", "bertscore")
"""Keys of a scores file's `scoring` that describe the models that judge."""

CONTROL_NETWORKS = {"random_weights": "random weights", "rotated": "rotated basis"}
"""Names of what a control makes of a network, by their name in a record."""


@dataclass(frozen=True)
class NamedCell:
    """A cell with its names.

    Attributes:
        cell: The cell.
        row: Label of its row on every page.
        condition: Its condition before any scoring.
        scored: The condition of each of its scores files.
    """

    cell: Cell
    row: str
    condition: Condition
    scored: tuple[tuple[Condition, ScoreSet], ...] = ()


def name_cells(cells: Iterable[Cell]) -> list[NamedCell]:
    """Name the row and the conditions of every cell.

    Returns:
        The cells sorted by board and key; cells of one condition that no setting tells apart carry
        the beginning of their key in their labels.
    """
    cells = sorted(cells, key=lambda cell: (cell.record.board, cell.record.key))
    records = [cell.record for cell in cells]
    conditions = _name_conditions(records)
    rows = _name_rows(records)
    counts = Counter(zip(conditions, rows, strict=True))
    labels = [
        row if counts[condition, row] == 1 else f"{row} #{record.key[:6]}"
        for record, condition, row in zip(records, conditions, rows, strict=True)
    ]
    scored = _name_scorings(cells, conditions)
    return [
        NamedCell(cell, label, condition, tuple(own))
        for cell, label, condition, own in zip(cells, labels, conditions, scored, strict=True)
    ]


def _name_conditions(records: Sequence[Record]) -> list[Condition]:
    """Name network, probe set and concept set of each record."""
    places = [_place(record) for record in records]
    targets, probes, concepts = (
        unique_names([_item(part, scope) for part, scope in zip(parts, scopes, strict=True)])
        for parts, scopes in (
            ([record.target for record in records], [place[:2] for place in places]),
            ([record.probe for record in records], places),
            ([record.concepts for record in records], places),
        )
    )
    conditions = []
    for place, record, *names in zip(places, records, targets, probes, concepts, strict=True):
        target, probe, words = names
        # The set of free text holds no word; 0 is not a size to show.
        n_concepts = _size(record.concepts) or None
        if n_concepts is not None:
            words = f"{words} ({n_concepts:,})"
        if record.is_imported:
            # Neither the images nor the words that others chose from are known.
            probe, words = f"{record.origin} labels", "own words"
        conditions.append(
            Condition(
                id=_condition_id(record, ""),
                board=record.board,
                target=target,
                layer=place[1],
                probe=probe,
                concepts=words,
                scoring="",
                judge="",
                skey="",
                n_images=_size(record.probe),
                n_concepts=n_concepts,
            )
        )
    return conditions


def _name_scorings(
    cells: Sequence[Cell], conditions: Sequence[Condition]
) -> list[list[tuple[Condition, ScoreSet]]]:
    """Name what each scores file of each cell counts as right, and who judges it."""
    pairs = [
        (number, _place(cell.record), scores)
        for number, cell in enumerate(cells)
        for scores in cell.scores
    ]
    scorings = _names_where_several([_scoring(scores, place) for _, place, scores in pairs])
    judges = _names_where_several([_judge(scores, place) for _, place, scores in pairs])
    named: list[list[tuple[Condition, ScoreSet]]] = [[] for _ in cells]
    for (number, _, scores), scoring, judge in zip(pairs, scorings, judges, strict=True):
        condition = replace(
            conditions[number],
            id=_condition_id(cells[number].record, page_hash(without_reading(scores.scoring))),
            scoring=scoring,
            judge=judge,
            skey=scores.skey,
        )
        named[number].append((condition, scores))
    return named


def _condition_id(record: Record, scoring: str) -> str:
    parts = [
        (_name(record.probe), _identity(record.probe)),
        (_name(record.concepts), _identity(record.concepts)),
        ("scoring", scoring),
    ]
    return page_hash([_place(record), parts])


def _name_rows(records: Sequence[Record]) -> list[str]:
    """Name each record's row: the method, and the settings in which it differs from others.

    A setting is named where it varies on the board. Numbers are compared among rows whose texts are
    equal; the pooling within one layer, since layers of different shapes need different poolings.
    Texts are shown bare, other values as `name=value`.
    """
    varies: dict[tuple[Hashable, ...], set[str]] = defaultdict(set)
    for record in records:
        for scope, _, value in _settings(record):
            varies[scope].add(value)
    return [
        " ".join(
            [_row_name(record)]
            + [text for scope, text, _ in _settings(record) if text and len(varies[scope]) > 1]
            + ([f"(tuned on {split})"] if (split := tuned_on(record)) else [])
        )
        + control_suffix(record)
        for record in records
    ]


def _settings(record: Record) -> Iterable[tuple[tuple[Hashable, ...], str, str]]:
    """Yield (scope of comparison, text to show, what decides equality) of each setting."""
    method = (record.board, "method", _row_name(record))
    params = _mapping(record.method.get("params"))
    texts = {name: value for name, value in params.items() if isinstance(value, str)}
    for name in sorted(params):
        value = params[name]
        if name in texts:
            yield (*method, name), value, page_hash(value)
        else:
            # The default of a number often depends on a text, such as the similarity function.
            yield (*method, name, page_hash(texts)), f"{name}={value}", page_hash(value)
    version = record.method.get("version")
    yield (*method, "", "version"), f"v{version}", page_hash(version)
    for role in ("encoder", "segmenter", "captioner", "language_model", "generator"):
        part = getattr(record, role)
        identity = page_hash([part.get("name"), part.get("fingerprint")])
        yield (*method, "", role), str(part.get("name", "")), identity
    yield (*method, "", "seed"), f"seed={record.seed}", str(record.seed)
    place = page_hash([record.target.get("name"), record.target.get("layer")])
    pooling = str(record.target.get("pooling", ""))
    yield (record.board, place, _row_name(record), "pooling"), pooling, pooling


def control_suffix(record: Record) -> str:
    """Return what a control made of the network, such as ", random weights 0"; "" for no control.

    The number is the control's seed.
    """
    control = _mapping(record.target.get("control"))
    if not control:
        return ""
    name = str(control.get("name"))
    return f", {CONTROL_NETWORKS.get(name, name)} {control.get('seed')}"


def _row_name(record: Record) -> str:
    """Return the method's name, with the origin of labels that were made elsewhere."""
    name = str(record.method.get("name", "?"))
    return f"{name} ({record.origin})" if record.is_imported else name


def _scoring(scores: ScoreSet, scope: Hashable) -> Item:
    """Describe what counts as right: truth and rules by name, everything else by a hash."""
    facts = {k: v for k, v in without_reading(scores.scoring).items() if k not in _MODELS}
    truth = _mapping(facts.get("truth"))
    params = {"truth": truth.get("name"), **_mapping(facts.get("rules"))}
    if decisions := _mapping(facts.get("decisions")):
        params["decisions"] = decisions.get("classifier")
    n = _mapping(facts.get("units")).get("n", truth.get("units"))
    return Item("scoring", scope, page_hash(facts), params, n if isinstance(n, int) else None)


def _judge(scores: ScoreSet, scope: Hashable) -> Item:
    """Describe the models that judge: the sentence encoder by name, everything else by a hash."""
    models = {k: v for k, v in scores.scoring.items() if k in _MODELS}
    name = judge_name(_mapping(models.get("sentence"))) or "none"
    return Item(name, scope, page_hash(models))


def _names_where_several(items: Sequence[Item]) -> list[str]:
    """Return the unique names of items; empty ones in scopes that hold a single thing."""
    kinds: dict[Hashable, set[str]] = defaultdict(set)
    for item in items:
        kinds[item.scope].add(item.identity)
    names = unique_names(items)
    return [
        name if len(kinds[item.scope]) > 1 else "" for name, item in zip(names, items, strict=True)
    ]


def _item(part: Mapping[str, Any], scope: Hashable) -> Item:
    return Item(_name(part), scope, _identity(part), _mapping(part.get("params")), _size(part))


def _identity(part: Mapping[str, Any]) -> str:
    """Hash what decides a part's work: its fingerprint, or the words of a concept set.

    A control network has the identity of the network that it belongs to.
    """
    own = part.get("fingerprint", part.get("sha256"))
    return page_hash(_mapping(part.get("control")).get("base", own))


def _place(record: Record) -> tuple[str, str, str, str]:
    target = record.target
    return record.board, str(target.get("layer", "?")), _name(target), _identity(target)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name", "?"))


def _size(part: Mapping[str, Any]) -> int | None:
    size = part.get("n")
    return size if isinstance(size, int) else None
