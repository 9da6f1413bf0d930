"""Cells of a board: records with their scores and timings, and one hash over them all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from leaderboards.faithfulness import (
    FaithfulnessSet,
    faithfulness_files,
    read_faithfulness_with_units,
)
from leaderboards.hashing import page_json, sha256_lines
from leaderboards.reading import newest, plain_labels
from leaderboards.record import Fault, Record, RecordError
from leaderboards.record_tables import read_units
from leaderboards.scores import ScoreSet, read_scores
from leaderboards.stability import read_stability
from leaderboards.storage import Problem, find_records
from leaderboards.timings import read_timings
from leaderboards.verified_labels import LabelVerification, read_verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from metrics.scores import Score

Content = TypeVar("Content")


@dataclass(frozen=True)
class Cell:
    """A record with its scores and timings.

    Attributes:
        record: What ran on what.
        scores: Its scores files, by skey, each with the stability of the labels if measured.
        timings: Its timed runs, in the order in which they were made.
        first_labels: True name and first label of each unit, "" for none, and whether the label is
            right; read for layers that some method describes in sentences.
        units: By skey, the table of units.
        folder: Where it was read from; None for a cell that is not on disk.
        verification: How many labels of an import a run here gives too; None if not compared.
        faithfulness: Scores on held-out images, each with its table of units.
    """

    record: Record
    scores: tuple[ScoreSet, ...] = ()
    timings: tuple[Mapping[str, Any], ...] = ()
    first_labels: tuple[tuple[str, str, bool], ...] = ()
    units: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)
    verification: LabelVerification | None = None
    faithfulness: tuple[tuple[FaithfulnessSet, pd.DataFrame], ...] = ()


def load_cells(roots: Iterable[Path]) -> tuple[list[Cell], list[Problem]]:
    """Read every record, scores file and timing under the roots; report damaged ones and skip them.

    Args:
        roots: Folders of records.

    Raises:
        RecordError: A root is not a folder.
    """
    search = find_records(*roots)
    sentence_layers = {_layer(record) for _, record in search.records if record.has_free_text}
    loader = _Loader(sentence_layers)
    cells = [
        replace(loader.load(folder, record), faithfulness=loader.load_faithfulness(folder, record))
        for folder, record in search.records
    ]
    return cells, [*search.problems, *loader.problems]


class _Loader:
    """Reads cells and collects what is wrong with their files."""

    def __init__(self, sentence_layers: set[str]) -> None:
        self.problems: list[Problem] = []
        self._sentence_layers = sentence_layers

    def load(self, folder: Path, record: Record) -> Cell:
        where = f"{record.board}/{record.method['name']}/{record.key}"
        scores = newest(self._scores(folder, where))
        if stability := self._try(where, lambda: read_stability(folder)):
            scores = tuple(replace(own, scores={**own.scores, **stability}) for own in scores)
        timings, faults = read_timings(folder)
        for fault in faults:
            self._report(f"{where}/timings.jsonl", fault.rpartition("/")[2])
        if record.status == "ok" and not scores:
            message = "labels without a readable scores file"
            self.problems.append(Problem(where, "unscored", message))
        read = self._try(where, lambda: {own.skey: read_units(folder, own.skey) for own in scores})
        units = read or {}
        first_labels: tuple[tuple[str, str, bool], ...] = ()
        if units and _layer(record) in self._sentence_layers:
            first_labels = _first_labels(units[plain_labels(scores).skey])
        verification = self._try(where, lambda: read_verification(folder))
        return Cell(record, scores, tuple(timings), first_labels, units, folder, verification)

    def load_faithfulness(
        self, folder: Path, record: Record
    ) -> tuple[tuple[FaithfulnessSet, pd.DataFrame], ...]:
        where = f"{record.board}/{record.method['name']}/{record.key}/faithfulness"
        read = (
            self._try(f"{where}/{path.name}", partial(read_faithfulness_with_units, path))
            for path in faithfulness_files(folder)
        )
        return tuple(found for found in read if found)

    def _scores(self, folder: Path, where: str) -> list[ScoreSet]:
        found = []
        for path in sorted((folder / "scores").glob("[!.]*.json")):
            try:
                scores = read_scores(path)
            except RecordError as error:
                message = str(error).replace(f"{path}: ", "")
                self._report(f"{where}/scores/{path.name}", message, error.fault)
                continue
            if scores.skey == path.name.removesuffix(".json"):
                found.append(scores)
            else:
                message = f"holds scores under another key, {scores.skey!r}"
                self._report(f"{where}/scores/{path.name}", message)
        return found

    def _try(self, where: str, read: Callable[[], Content]) -> Content | None:
        try:
            return read()
        except RecordError as error:
            self._report(where, str(error).rpartition("/")[2], error.fault)
            return None

    def _report(self, where: str, message: str, fault: Fault = "damaged") -> None:
        self.problems.append(Problem(where, fault, message))


def _layer(record: Record) -> str:
    """Identify the layer that a record's units belong to: board, network and layer."""
    target = record.target
    return page_json(
        [record.board, target.get("name"), target.get("fingerprint"), target.get("layer")]
    )


def _first_labels(table: pd.DataFrame) -> tuple[tuple[str, str, bool], ...]:
    """Return true name, first label and whether it is right by unit; "" for a missing text."""
    right = (
        (table.lexical_match == 1).tolist() if "lexical_match" in table else [False] * len(table)
    )
    found = {
        int(unit): (str(truth), str(label), bool(is_right))
        for unit, truth, label, is_right in zip(
            table.unit.tolist(), table.truth.tolist(), table.label.tolist(), right, strict=True
        )
    }
    return tuple(found.get(unit, ("", "", False)) for unit in range(max(found, default=-1) + 1))


def hash_scores(cells: Iterable[Cell]) -> str:
    """Return one sha256 over all that the score tables show.

    Leave out what may differ between two machines that agree on every label and score:
    environment, run settings, parameters of parts (fingerprints represent them), timings, and the
    hashes of tables, whose scores may differ in their last digits.
    """
    lines = []
    for cell in cells:
        hidden = ("environment", "run", "notes", "schema", "tables")
        record = {name: value for name, value in vars(cell.record).items() if name not in hidden}
        optional = ("segmenter", "captioner", "language_model", "generator")
        for name in optional:  # as older records have none
            if not record[name]:
                del record[name]
        parts = {"target", "probe", "concepts", "encoder", *optional}
        for name in parts & record.keys():
            record[name] = {key: record[name][key] for key in record[name] if key != "params"}
        if record["error"]:
            record["error"] = {key: record["error"].get(key) for key in ("type", "message")}
        scored = [_without_table_hashes(scores) for scores in cell.scores]
        verified = [vars(cell.verification)] if cell.verification else []
        lines.append(page_json([record, scored, *verified]))
        lines += [_describe_faithfulness(cell.record.key, own) for own, _ in cell.faithfulness]
    return sha256_lines(sorted(lines))


def _describe_faithfulness(key: str, own: FaithfulnessSet) -> str:
    scores = {name: vars(score) for name, score in own.scores.items()}
    return page_json([key, own.fkey, own.circular, scores])


def _without_table_hashes(scores: ScoreSet) -> dict[str, Any]:
    """Return all of a scores file but the hashes of its tables, as JSON values."""
    content = {**vars(scores), "scores": _as_dicts(scores.scores)}
    content["controls"] = {name: _as_dicts(found) for name, found in scores.controls.items()}
    del content["tables"]
    return content


def _as_dicts(scores: Mapping[str, Score]) -> dict[str, dict[str, Any]]:
    return {name: vars(score) for name, score in scores.items()}


def hash_timings(cells: Iterable[Cell]) -> str:
    """Return one sha256 over all timed runs."""
    lines = [page_json([cell.record.key, cell.timings]) for cell in cells if cell.timings]
    return sha256_lines(sorted(lines))
