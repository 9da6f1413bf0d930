"""Which strings a judge is given under the official rules: those of the published notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from bench.evidence import text as text_module
from bench.run.judges import SelectionJudges
from bench.run.scoring import score_table
from bench.run.selection import build_selection
from leaderboards.record import Record
from leaderboards.record_tables import read_descriptions
from leaderboards.storage import find_records

TABLE = """unit,category,label,score
1,scene,airfield-s,0.3
2,scene,airplane_cabin-s,0.2
72,scene,bus_station-indoor-s,0.1
4,color,red-c,0.2
"""
OFFICIAL, MENDED = "official", "mended"


@pytest.fixture(autouse=True)
def texts(tmp_path, monkeypatch):
    """Everything that the sentence encoder is asked to embed, in a fresh working directory."""
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("nd.csv").write_text(TABLE)
    seen: list[str] = []

    def load(*_):
        def embed(asked):
            seen.extend(asked)
            rows = [np.frombuffer(text.encode().ljust(64)[:64], np.uint8) for text in asked]
            table = np.array(rows, np.float32)
            return table / np.linalg.norm(table, axis=1, keepdims=True)

        return embed

    monkeypatch.setattr(text_module, "load_sentence_encoder", load)
    return seen


def imported(target, rules, *more):
    arguments = ["import", "nd.csv", "--method", "netdissect", "--target", target, "--layer", "fc"]
    given = ["--first-unit", "1", "--score-column", "score", "--label-rules", rules]
    return main([*arguments, *given, *more])


def scores(rules):
    [(folder, _)] = find_records(Path("results")).records
    files = [json.loads(path.read_text()) for path in (folder / "scores").glob("*.json")]
    [found] = [f for f in files if f["scoring"]["rules"]["official_labels"] == (rules == OFFICIAL)]
    return found


def test_table_1_embeds_labels_as_they_stand_in_the_file(texts):
    assert imported("resnet50_imagenet", OFFICIAL) == 0
    labels = {"airfield-s", "airplane_cabin-s", "bus_station-indoor-s", "red-c"}
    assert labels < set(texts)
    assert {"tench, Tinca tinca", "crane, bird"} < set(texts)
    assert not {"airfield", "airplane cabin", "bus station-indoor", "red"} & set(texts)
    assert scores(OFFICIAL)["scoring"]["reading"] == {"mask_labels": "as published"}
    texts.clear()
    assert imported("resnet50_imagenet", MENDED) == 0
    assert {"airfield", "airplane cabin", "bus station-indoor", "red"} <= set(texts)
    assert not labels & set(texts)
    assert "reading" not in scores(MENDED)["scoring"]


def test_table_2_takes_off_the_scenes_mark_alone(texts):
    assert imported("resnet18_places365", OFFICIAL) == 0
    assert {"airfield", "airplane_cabin", "bus_station-indoor", "red-c"} < set(texts)
    assert {"airplane_cabin", "bus_station/indoor", "apartment_building/outdoor"} < set(texts)
    assert not {"airplane cabin", "bus station/indoor", "airfield-s"} & set(texts)
    found = scores(OFFICIAL)["scores"]
    # The published code sets "bus station-indoor" against "bus station/indoor": no match.
    assert found["accuracy_at_1"]["value"] == 0.5
    assert found["lexical_match"]["value"] == 0.75
    texts.clear()
    assert imported("resnet18_places365", MENDED) == 0
    assert {"airplane cabin", "bus station-indoor", "bus station/indoor"} < set(texts)
    assert not {"airplane_cabin", "bus_station/indoor"} & set(texts)
    assert scores(MENDED)["scores"]["accuracy_at_1"]["value"] == 0.75


def test_both_rules_score_one_record_whose_labels_are_plain(texts):
    assert imported("resnet18_places365", MENDED) == 0
    [(folder, _)] = find_records(Path("results")).records
    kept = read_descriptions(folder)
    assert kept["label"].tolist() == ["airfield", "airplane cabin", "red", "bus station-indoor"]
    assert kept["written"].tolist()[1] == "airplane_cabin-s"
    texts.clear()
    assert main(["score", str(folder), "scoring.official_labels=true"]) == 0
    assert "bus_station-indoor" in texts
    assert len(list((folder / "scores").glob("*.json"))) == 2


def test_without_a_judge_the_official_rules_have_their_old_key(texts):
    assert imported("resnet18_places365", OFFICIAL, "scoring.sentence.name=none",
                    "scoring.sentence.params={}") == 0  # fmt: skip
    assert texts == []
    assert "reading" not in scores(OFFICIAL)["scoring"]


def judges_of(*overrides):
    [job] = expand(["method=netdissect", "probe=glyphs_broden", *overrides])
    return SelectionJudges.of(build_selection(job.config))


def test_labels_of_our_own_network_dissection_too(texts):
    judges = judges_of("scoring.official_labels=true", "scoring.clip_text.name=none")
    words = judges.words
    place = next(n for n, name in enumerate(judges.raw_mask_labels) if name != words[n])
    written = judges.raw_mask_labels[place]
    table = pd.DataFrame({"unit": [0], "rank": [1], "label": [words[place]], "score": [0.5]})
    units = len(judges.true_names("fc"))
    record = Record(
        key="k", board="b", status="ok", origin="measured", method={"name": "netdissect"},
        target={"layer": "fc", "units": units, "dead_units": []},
        probe={}, concepts={}, encoder={}, seed=0,
    )  # fmt: skip
    content, units_table = score_table(record, table, judges)
    assert content["scoring"]["reading"] == {"mask_labels": "as published"}
    assert written in texts
    assert units_table["label"][0] == written
    assert "reading" not in judges_of().scoring("fc")


def test_a_record_without_the_written_labels_is_refused(texts):
    assert imported("resnet18_places365", MENDED) == 0
    [(folder, record)] = find_records(Path("results")).records
    from omegaconf import OmegaConf

    from bench.imports.judges import imported_judges

    config = OmegaConf.load(folder / "config.yaml")
    config.scoring.official_labels = True
    old = read_descriptions(folder).drop(columns="written")
    with pytest.raises(UserError, match="import that file again"):
        score_table(record, old, imported_judges(config, record))
