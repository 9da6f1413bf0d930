"""Names for rows and columns: as short as they can be while different things read differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leaderboards.cells import Cell, short_hash

if TYPE_CHECKING:
    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet


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
        scoring: What the labels are judged by; empty where the target has one scoring alone.
        skey: The key of the scores files.
        n_images: Size of the probe set.
        n_concepts: Size of the concept set.
    """

    id: str
    board: str
    target: str
    layer: str
    probe: str
    concepts: str
    scoring: str
    skey: str
    n_images: int | None
    n_concepts: int | None

    @property
    def place(self) -> tuple[str, str, str]:
        """Board, target and layer: the summary that this is a column of."""
        return self.board, self.target, self.layer

    @property
    def heading(self) -> tuple[str, ...]:
        """The lines of the column's heading in a summary."""
        return tuple(part for part in (self.probe, self.concepts, self.scoring) if part)

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by target, then probe set, then the size of the concept set."""
        size = -1 if self.n_concepts is None else self.n_concepts
        return (*self.place, self.probe, size, self.concepts, self.scoring, self.id)


def name_conditions(
    pairs: Sequence[tuple[Cell, ScoreSet | None]],
) -> list[Condition]:
    """Name the condition of every scored cell (or of every cell, with None for the scores)."""
    targets = [_target(cell.record) for cell, _ in pairs]
    target_names = _tell_apart(
        [(name, (board, layer), identity, None) for board, name, layer, identity in targets]
    )
    facets: dict[str, list[Any]] = defaultdict(list)
    for (cell, scores), place in zip(pairs, targets, strict=True):
        probe, concepts = cell.record.probe, cell.record.concepts
        facets["probe"].append(
            (_name(probe), place, short_hash(probe.get("fingerprint")), _size(probe))
        )
        facets["concepts"].append(
            (_name(concepts), place, short_hash(concepts.get("sha256")), _size(concepts))
        )
        facets["scoring"].append(
            ("scoring", place, short_hash(scores.scoring if scores else None), None)
        )
    names = {facet: _tell_apart(facets[facet]) for facet in facets}
    conditions = []
    for index, (cell, scores) in enumerate(pairs):
        board, _, layer, _ = place = targets[index]
        scoring = names["scoring"][index]
        parts = [facets[facet][index] for facet in ("probe", "concepts", "scoring")]
        conditions.append(
            Condition(
                id=short_hash([place, [(name, identity) for name, _, identity, _ in parts]]),
                board=board,
                target=target_names[index],
                layer=layer,
                probe=names["probe"][index],
                concepts=names["concepts"][index],
                scoring="" if scoring == "scoring" else _scoring(scores, scoring),
                skey=scores.skey if scores else "",
                n_images=_size(cell.record.probe),
                n_concepts=_size(cell.record.concepts),
            )
        )
    return conditions


def name_rows(records: Sequence[Record]) -> list[str]:
    """Name each record's row: the method, and what tells it from the others of that method.

    A setting is named where it varies on the board (the pooling: within one layer, since layers of
    different shapes are pooled differently by nature). Texts stand bare, others as `name=value`.
    """
    varies: dict[tuple[Hashable, ...], set[str]] = defaultdict(set)
    for record in records:
        for scope, _, value in _settings(record):
            varies[scope].add(value)
    labels = []
    for record in records:
        words = [_name(record.method)]
        for scope, shown, _ in _settings(record):
            if shown and len(varies[scope]) > 1:
                words.append(shown)
        labels.append(" ".join(words))
    return labels


def _settings(record: Record) -> Iterable[tuple[tuple[Hashable, ...], str, str]]:
    """Yield (where it is compared, how it is shown, what decides equality) for each setting."""
    method = (record.board, "method", _name(record.method))
    given = record.method.get("params")
    params: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    for name in sorted(params):
        value = params[name]
        shown = value if isinstance(value, str) else f"{name}={value}"
        yield (*method, name), shown, short_hash(value)
    version = record.method.get("version")
    yield (*method, "", "version"), f"v{version}", short_hash(version)
    encoder = record.encoder
    identity = short_hash([encoder.get("name"), encoder.get("fingerprint")])
    yield (*method, "", "encoder"), str(encoder.get("name", "")), identity
    yield (*method, "", "seed"), f"seed={record.seed}", str(record.seed)
    place = short_hash([record.target.get("name"), record.target.get("layer")])
    pooling = str(record.target.get("pooling", ""))
    yield (record.board, place, _name(record.method), "pooling"), pooling, pooling


def _tell_apart(items: Sequence[tuple[str, Hashable, str, int | None]]) -> list[str]:
    """Add a size or a hash to names that stand for several things within one scope.

    Args:
        items: Name, scope, identity, size (None where it has none).
    """
    sizes: dict[tuple[str, Hashable], dict[str, int | None]] = defaultdict(dict)
    for name, scope, identity, size in items:
        sizes[name, scope][identity] = size
    names = []
    for name, scope, identity, size in items:
        variants = sizes[name, scope]
        if len(variants) == 1:
            names.append(name)
        elif None not in variants.values() and len(set(variants.values())) == len(variants):
            names.append(f"{name} (n={size})")
        else:
            names.append(f"{name} #{identity[:6]}")
    return names


def _target(record: Record) -> tuple[str, str, str, str]:
    target = record.target
    layer = str(target.get("layer", "?"))
    return record.board, _name(target), layer, short_hash(target.get("fingerprint"))


def _scoring(scores: ScoreSet | None, fallback: str) -> str:
    """Name a scoring by its truth and sentence encoder, with its hash: rules may differ too."""
    if scores is None:
        return fallback
    words = []
    for name in ("truth", "sentence"):
        part = scores.scoring.get(name)
        if isinstance(part, Mapping) and part.get("name"):
            words.append(str(part["name"]))
    return " ".join([*words, f"#{fallback.rpartition('#')[2]}"])


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name", "?"))


def _size(part: Mapping[str, Any]) -> int | None:
    size = part.get("n")
    return size if isinstance(size, int) else None
