"""Small records that verify, and ways to change them."""

from __future__ import annotations

import gzip
import json
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from bench.config.compose import expand
from bench.run.build import Parts
from bench.run.identity import label_key
from bench.run.judges import SelectionJudges
from bench.run.provenance import describe_concepts, describe_method
from bench.run.score_inputs import score_inputs
from bench.run.selection import build_selection
from leaderboards.hashing import short_hash
from leaderboards.record import Record
from leaderboards.record_tables import hash_tables
from leaderboards.storage import write_record
from metrics.scoring import score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PARTS = Parts()


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return unit-norm vectors that depend on nothing but the texts."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=16) for text in texts]
    table = np.array(rows, dtype=np.float32)
    return table / np.linalg.norm(table, axis=1, keepdims=True)


SCENES = "board=glyphs target=glyphs_scenes concepts=glyphs_all scoring=none"


@cache
def make_judges(request: str) -> SelectionJudges:
    [job] = expand(request.split())
    return SelectionJudges.of(build_selection(job.config, PARTS))


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Return a function that writes a record of random scores of concepts, true names raised."""

    def write_one(root: Path, seed: int = 0, request: str = SCENES) -> Path:
        judges = make_judges(request)
        selection, layer = judges.selection, "fc"
        random = np.random.default_rng(seed)
        words = selection.words
        true_names = judges.true_names(layer)
        units = len(true_names)
        matrix = random.random((units, len(words)), dtype=np.float32)
        for unit, truth in true_names.items():
            if unit % 3:
                matrix[unit, words.index(truth.name)] += unit % 5 / 5
        order = np.argsort(-matrix, axis=1, kind="stable")[:, :10]
        unit, rank = np.indices(order.shape)
        descriptions = pd.DataFrame(
            {
                "unit": unit.ravel(),
                "rank": rank.ravel() + 1,
                "label": [words[concept] for concept in order.ravel()],
                "score": np.take_along_axis(matrix, order, axis=1).ravel().astype(float),
            }
        )
        record = Record(
            key="",
            board="glyphs",
            status="ok",
            origin="measured",
            method={
                **describe_method(selection),
                "source": "",
                "given": "none",
                "vocabulary": "concept set",
            },
            target={
                "name": judges.config.target.name,
                "params": {},
                "fingerprint": {"weights": "w"},
                "layer": layer,
                "pooling": "avg",
                "precision": "float32",
                "units": units,
                "dead_units": [],
            },
            probe={"name": "glyphs", "params": {}, "fingerprint": {"n": 1}, "n": 1},
            concepts=describe_concepts(selection),
            encoder={"name": "glyphs", "params": {}, "fingerprint": {"weights": "e"}},
            seed=seed,
            counts={"units": units, "dead": 0, "unlabelled": 0},
        )
        key = label_key(
            describe_method(selection),
            {
                "fingerprint": {"weights": "w"},
                "layer": layer,
                "pooling": "avg",
                "precision": "float32",
            },
            {"n": 1},
            record.concepts["sha256"],
            {"weights": "e"},
            seed,
        )
        record = Record(**{**vars(record), "key": key})
        given = score_inputs(record, descriptions, judges)
        scored = score(**given, score_matrix=matrix, sentence=embed)
        scoring = {**judges.scoring(layer), "sentence": {"kind": "test"}}
        content = scored.to_json()
        file = {
            "schema": 1,
            "skey": short_hash(scoring),
            "scoring": scoring,
            "circular": False,
            "scores": content["values"],
            "controls": content["controls"],
        }
        phases = [{"name": name, "wall_s": 1.5, "cached": False} for name in ("gather", "match")]
        timing = {"hardware": "h", "device": "cpu", "repeats": 1, "units": units, "phases": phases}
        return write_record(
            root,
            record,
            descriptions=descriptions,
            scores=[(file, scored.units)],
            timing=timing,
            texts={"config.yaml": OmegaConf.to_yaml(judges.config, resolve=True)},
            tables={"report": pd.DataFrame({"unit": [0], "iou": [0.5]})},
        )

    return write_one


@pytest.fixture
def embedder() -> Callable[..., NDArray[np.float32]]:
    """The sentence encoder of the records."""
    return embed


class Forger:
    """Changes files of a record, with or without their hashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        [self.scores] = folder.glob("scores/*.json")
        self.units = self.scores.with_name(f"{self.scores.stem}.units.csv.gz")
        self.descriptions = folder / "descriptions.csv.gz"

    def json(self, name: str, *keys: str, value: Any) -> None:
        """Set a value of record.json or of the scores file."""
        path = self.scores if name == "scores" else self.folder / "record.json"
        content = json.loads(path.read_text())
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        path.write_text(json.dumps(content))

    def table(self, path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Change a table whose fields are texts."""
        table = change(pd.read_csv(path, dtype=str, keep_default_na=False))
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))

    def cell(self, path: Path, row: int, column: str, value: str) -> None:
        """Set one field of a table."""

        def set_one(table: pd.DataFrame) -> pd.DataFrame:
            assert table.loc[row, column] != value
            table.loc[row, column] = value
            return table

        self.table(path, set_one)

    def hash(self) -> None:
        """Make all hashes fit the tables again."""
        hashes = hash_tables(self.folder)
        self.json("record", "tables", value=hashes)
        own = hash_tables(self.units.parent)
        name = self.descriptions.name
        self.json("scores", "tables", value={**own, name: hashes[name]})


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, write: Callable[..., Path]) -> Path:
    """A record that tests copy."""
    return write(tmp_path_factory.mktemp("template"))


@pytest.fixture
def record(tmp_path: Path, template: Path) -> Path:
    """A record under results/ of the test's folder."""
    folder = tmp_path / "results" / "/".join(template.parts[-3:])
    shutil.copytree(template, folder)
    return folder


@pytest.fixture
def forger(record: Path) -> Forger:
    return Forger(record)
