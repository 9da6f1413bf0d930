"""Differences between two records, and the matching of the records of two folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pandas as pd

from leaderboards.hashing import page_json
from leaderboards.judge_names import judge_name
from leaderboards.reading import newest
from leaderboards.record_tables import read_descriptions, read_units
from leaderboards.scores import ScoreSet, read_scores
from leaderboards.timings import read_timings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leaderboards.record import Record
    from metrics.scores import Score

Entry = tuple["Path", "Record"]
"""The folder of a record, and the record."""

LABELS = ("key_a", "key_b", "unit", "truth", "label_a", "label_b", "right_a", "right_b")
SCORES = ("scores", "judge", "score", "a", "b")
_PARTS = (
    "target", "probe", "concepts", "encoder", "segmenter", "captioner", "language_model",
    "generator",
)  # fmt: skip
_MISSING = object()
_Item = TypeVar("_Item")


class Difference(NamedTuple):
    """A setting by its dotted name, with its value in each record as JSON; None for no value."""

    name: str
    a: str | None
    b: str | None


@dataclass(frozen=True, repr=False)
class RecordDiff:
    """What differs between two records.

    Attributes:
        a: One record.
        b: The other one.
        settings: Fields of record.json and of what the labels were scored by.
        labels: Units with different first labels, columns `LABELS`; "" for no label or true name,
            NA where it is unknown whether a label is right.
        n_units: Units compared; 0 for different layers, or targets without common true names.
        scores: Scores, and scores of controls, that differ in value or interval, columns `SCORES`.
        n_scores: Scores compared.
        times: Seconds by phase of the last timed run, columns "a" and "b". They vary from run to
            run, and count as no difference.
    """

    a: Record
    b: Record
    settings: tuple[Difference, ...]
    labels: pd.DataFrame
    n_units: int
    scores: pd.DataFrame
    n_scores: int
    times: pd.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether the records are equal."""
        return not (self.settings or len(self.labels) or len(self.scores))


def match_records(
    a: Sequence[Entry], b: Sequence[Entry]
) -> list[tuple[Entry | None, Entry | None]]:
    """Match the records of two folders that are of the same cell.

    Records of equal keys match; of the others, those with equal seeds, layers, and names and
    parameters of the method and of all parts. Fingerprints may differ, so that a cell is still
    matched after its weights or images have changed.

    Returns:
        Pairs in the order of `a`, with None for a missing record; then those that `a` lacks.
    """
    return _match(
        a,
        b,
        (
            lambda entry: [entry[1].board, entry[1].key],
            lambda entry: entry[1].key,
            lambda entry: _request(entry[1]),
        ),
    )


def _request(record: Record) -> object:
    parts = [record.method, *(getattr(record, part) for part in _PARTS)]
    names = [(part.get("name"), part.get("params")) for part in parts]
    return [names, record.target.get("layer"), record.seed]


def _match(
    a: Sequence[_Item], b: Sequence[_Item], identities: Sequence[Callable[[_Item], object]]
) -> list[tuple[_Item | None, _Item | None]]:
    """Match items by the first identity, the remaining ones by the next, and so on."""
    partners: dict[int, _Item] = {}
    left = list(b)
    for identity in identities:
        found: dict[str, list[_Item]] = defaultdict(list)
        for item in left:
            found[page_json(identity(item))].append(item)
        for number, item in enumerate(a):
            if number not in partners and (same := found[page_json(identity(item))]):
                partners[number] = same.pop(0)
        left = [item for items in found.values() for item in items]
    return [(item, partners.get(number)) for number, item in enumerate(a)] + [
        (None, item) for item in left
    ]


def compare_records(a: Entry, b: Entry, ignored: Sequence[str] = ()) -> RecordDiff:
    """Compare two records.

    Scores files of equal keys are compared; of the others, those of equal truths, rules and
    sentence encoders.

    Args:
        a: One record.
        b: The other one.
        ignored: Names of settings to leave out, with everything below them ("environment").

    Raises:
        RecordError: A file of a record is missing or damaged.
    """
    pairs = _match(_score_sets(a[0]), _score_sets(b[0]), (lambda own: own.skey, _scoring_identity))
    both = [(own, other) for own, other in pairs if own and other]
    layers = [[record.target.get(name) for name in ("name", "layer")] for _, record in (a, b)]
    # Units of targets with other names are the same if their true names are, as in exported arrays.
    same = layers[0] == layers[1] or (bool(both) and layers[0][1] == layers[1][1])
    units = _units(a, b, both or pairs) if same else pd.DataFrame(columns=pd.Index(LABELS))
    labels = units[units["label_a"] != units["label_b"]]
    left, right = (_settings(record, pairs, side) for side, (_, record) in enumerate((a, b)))
    if len(labels) or not (left["tables"] and right["tables"]):
        left["tables"] = right[
            "tables"
        ] = {}  # hashes: the labels say more; older records lack them
    settings = [
        one
        for one in _differences("", left, right)
        if not any(one.name == name or one.name.startswith(f"{name}.") for name in ignored)
    ]
    scores = [one for pair in both for one in _score_rows(*pair)]
    return RecordDiff(
        a[1],
        b[1],
        settings=tuple(settings),
        labels=labels,
        n_units=len(units),
        scores=pd.DataFrame(
            [row for row, equal in scores if not equal], columns=pd.Index(SCORES)
        ).astype({"a": "float64", "b": "float64"}),
        n_scores=len(scores),
        times=pd.DataFrame({"a": _times(a[0]), "b": _times(b[0])}, dtype="float64"),
    )


def _score_sets(folder: Path) -> Sequence[ScoreSet]:
    return newest(read_scores(path) for path in sorted((folder / "scores").glob("[!.]*.json")))


def _scoring_identity(scores: ScoreSet) -> object:
    """Return what decides scores, without the encoder that made the labels."""
    names = ("truth", "units", "rules", "sentence", "decisions")
    return [scores.scoring.get(name) for name in names]


def _settings(
    record: Record, pairs: Sequence[tuple[ScoreSet | None, ScoreSet | None]], side: int
) -> dict[str, Any]:
    """Return the fields of a record, and by scores file what its labels were scored by."""
    scoring = {
        next(one.skey for one in pair if one): own.scoring
        for pair in pairs
        if (own := pair[side]) is not None
    }
    return asdict(record) | {"scoring": scoring}


def _differences(name: str, a: object, b: object) -> Iterator[Difference]:
    """Yield what differs between two JSON values, at the greatest depth that both have."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(inner, a.get(key, _MISSING), b.get(key, _MISSING))
        return
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and _hold_texts(a, b):
        # Of long lists, such as the overrides of a run, name only what differs.
        a, b = [one for one in a if one not in b], [one for one in b if one not in a]
    texts = [None if value is _MISSING else page_json(value) for value in (a, b)]
    if texts[0] != texts[1]:
        yield Difference(name, *texts)


def _hold_texts(*lists: Sequence[object]) -> bool:
    """Return whether lists contain only texts, and not the same ones."""
    texts = all(isinstance(one, str) for own in lists for one in own)
    return texts and len({frozenset(own) for own in lists}) > 1


def _score_rows(a: ScoreSet, b: ScoreSet) -> Iterator[tuple[tuple[object, ...], bool]]:
    """Yield a row of `SCORES`, and whether both records have the same value and interval, or none.

    The reasons for a missing value may differ.
    """
    judge = judge_name(a.scoring.get("sentence") or {})
    left, right = _scores(a), _scores(b)
    for name in left | right:
        own, other = left.get(name), right.get(name)
        values = [None if score is None else score.value for score in (own, other)]
        yield (a.skey, judge, name, *values), own == other or values == [None, None]


def _scores(own: ScoreSet) -> dict[str, Score]:
    """Return the scores of the labels by name, and those of controls by `control: name`."""
    controls = {
        f"{control}: {name}": score
        for control, scores in own.controls.items()
        for name, score in scores.items()
    }
    return {**own.scores, **controls}


def _units(
    a: Entry, b: Entry, pairs: Sequence[tuple[ScoreSet | None, ScoreSet | None]]
) -> pd.DataFrame:
    """Return the first labels of all units side by side, columns `LABELS`."""
    left = _first_labels(a, [own for own, _ in pairs]).add_suffix("_a")
    right = _first_labels(b, [own for _, own in pairs]).add_suffix("_b")
    units = left.join(right, how="outer").rename_axis("unit").reset_index()
    texts = ["label_a", "label_b", "truth_a", "truth_b"]
    units[texts] = units[texts].fillna("")
    truth = units["truth_a"].where(units["truth_a"] != "", units["truth_b"])
    return units.assign(truth=truth, key_a=a[1].key, key_b=b[1].key)[list(LABELS)]


def _first_labels(entry: Entry, scores: Sequence[ScoreSet | None]) -> pd.DataFrame:
    """Return label, truth and right by unit; of a failed record none."""
    folder, record = entry
    if record.status != "ok":
        return pd.DataFrame(columns=pd.Index(["label", "truth", "right"]))
    table = read_descriptions(folder)
    first = table[table["rank"] == 1].drop_duplicates("unit").set_index("unit")[["label"]]
    own = next((one for one in scores if one), None)
    if own is None:
        return first.assign(truth="", right=pd.array([pd.NA] * len(first), "boolean"))
    units = read_units(folder, own.skey).drop_duplicates("unit").set_index("unit")
    right = pd.Series(pd.NA, units.index, "boolean")
    if "lexical_match" in units:
        right = right.mask(units["truth"] != "", units["lexical_match"] == 1)
    return first.join(units[["truth"]].assign(right=right), how="outer")


def _times(folder: Path) -> dict[str, float]:
    runs, _ = read_timings(folder)
    phases = runs[-1].get("phases", ()) if runs else ()
    return {phase["name"]: phase["wall_s"] for phase in phases}
