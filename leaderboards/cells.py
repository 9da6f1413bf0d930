"""What a board is made of: records with their scores and timings, and one hash over them all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from leaderboards.hashing import page_json, sha256_lines
from leaderboards.joined import JoinedLabels
from leaderboards.readings import newest, plain_labels
from leaderboards.record import Record, RecordError
from leaderboards.scores import ScoreSet, read_scores
from leaderboards.storage import Problem, find_records, read_timings, read_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd


FREE_TEXT = "free text"


@dataclass(frozen=True)
class Cell:
    """A record with what was later said of it.

    Attributes:
        record: What ran on what.
        scores: Its scores files, by skey.
        timings: Its timed runs, in the order in which they were made.
        words: True name and first label of each unit, "" for none, and whether that label is right,
            where they are to be shown: on layers of which some method writes sentences.
        joined: By skey, the share of labels that are comma-joined true names.
        units: By skey, the score of each unit, where these tables were asked for.
    """

    record: Record
    scores: tuple[ScoreSet, ...] = ()
    timings: tuple[Mapping[str, Any], ...] = ()
    words: tuple[tuple[str, str, bool], ...] = ()
    joined: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def load_cells(roots: Iterable[Path], *, units: bool = False) -> tuple[list[Cell], list[Problem]]:
    """Read every record, scores file and timing under the roots; report damaged ones and skip them.

    Args:
        roots: Folders of records.
        units: Read the tables of single units too.

    Raises:
        RecordError: A root is no folder.
    """
    found = find_records(*roots)
    problems = list(found.problems)
    cells = []
    joined = JoinedLabels()
    written = {_layer(record) for _, record in found.records if writes(record)}
    for folder, record in found.records:
        where = f"{record.board}/{record.method['name']}/{record.key}"
        scores: list[ScoreSet] = []
        for path in sorted((folder / "scores").glob("[!.]*.json")):
            try:
                scores.append(_scores_at(path))
            except RecordError as error:
                message = str(error).replace(f"{path}: ", "")
                problems.append(Problem(f"{where}/scores/{path.name}", "damaged", message))
        scores = list(newest(scores))
        timings, faults = read_timings(folder)
        problems += [
            Problem(f"{where}/timings.jsonl", "damaged", fault.rpartition("/")[2])
            for fault in faults
        ]
        if record.status == "ok" and not scores:
            problems.append(Problem(where, "unscored", "labels without a readable scores file"))
        words: tuple[tuple[str, str, bool], ...] = ()
        shares: dict[str, float] = {}
        tables: dict[str, pd.DataFrame] = {}
        try:
            shares = {own.skey: joined.share(folder, own) for own in scores}
            tables = {own.skey: read_units(folder, own.skey) for own in scores if units}
        except RecordError as error:
            problems.append(Problem(where, "damaged", str(error).rpartition("/")[2]))
        if scores and _layer(record) in written:
            try:
                words = _words_at(folder, plain_labels(scores).skey)
            except RecordError as error:
                problems.append(Problem(where, "damaged", str(error).rpartition("/")[2]))
        cells.append(Cell(record, tuple(scores), tuple(timings), words, shares, tables))
    return cells, problems


def writes(record: Record) -> bool:
    """Whether a record's labels are sentences of the method's own."""
    return bool(record.method.get("vocabulary") == FREE_TEXT)


def _layer(record: Record) -> str:
    """What makes units the same ones: board, network and layer."""
    target = record.target
    return page_json(
        [record.board, target.get("name"), target.get("fingerprint"), target.get("layer")]
    )


def _words_at(folder: Path, skey: str) -> tuple[tuple[str, str, bool], ...]:
    """True name, first label and whether it is right by unit; a unit without has empty texts."""
    table = read_units(folder, skey)
    right = table.lexical_match == 1 if "lexical_match" in table else [False] * len(table)
    found = {
        int(unit): (str(truth), str(label), bool(is_right))
        for unit, truth, label, is_right in zip(
            table.unit, table.truth, table.label, right, strict=True
        )
    }
    return tuple(found.get(unit, ("", "", False)) for unit in range(max(found, default=-1) + 1))


def _scores_at(path: Path) -> ScoreSet:
    scores = read_scores(path)
    if scores.skey != path.name.removesuffix(".json"):
        raise RecordError(f"{path}: holds scores under another key, {scores.skey!r}")
    return scores


def hash_scores(cells: Iterable[Cell]) -> str:
    """One sha256 over all that the score tables show.

    Left out is what two machines may differ in while they agree on every label and score:
    environment, run settings, parameters of parts (their fingerprints stand for them) and timings.
    """
    lines = []
    for cell in cells:
        record = asdict(cell.record)
        for name in ("environment", "run", "notes", "schema"):
            del record[name]
        for name in ("segmenter", "captioner"):  # as older records have none
            if not record[name]:
                del record[name]
        parts = {"target", "probe", "concepts", "encoder", "segmenter", "captioner"}
        for name in parts & record.keys():
            record[name] = {key: record[name][key] for key in record[name] if key != "params"}
        if record["error"]:
            record["error"] = {key: record["error"].get(key) for key in ("type", "message")}
        lines.append(page_json([record, [asdict(scores) for scores in cell.scores]]))
    return sha256_lines(sorted(lines))


def hash_timings(cells: Iterable[Cell]) -> str:
    """One sha256 over all timed runs."""
    lines = [page_json([cell.record.key, cell.timings]) for cell in cells if cell.timings]
    return sha256_lines(sorted(lines))
