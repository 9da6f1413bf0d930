"""Cells of methods that write sentences, from the command to the board."""

import json

import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.run.survey import plan
from leaderboards.record import Record


@pytest.fixture(scope="module")
def described(fresh_run, shared_cache):
    return fresh_run(
        "method=milan", "method.params.beam=4", "target.layers=[layer1,fc]",
        "probe.params.size=200",
        f"runtime.cache={shared_cache}",
    )  # fmt: skip


def folders_by_layer(home):
    folders = [file.parent for file in home.rglob("record.json")]
    return {Record.read(folder).target["layer"]: folder for folder in folders}


def test_sentences_are_recorded_and_scored(described):
    folders = folders_by_layer(described)
    assert folders.keys() == {"layer1", "fc"}
    for layer, units in (("layer1", 64), ("fc", 25)):
        record = Record.read(folders[layer])
        assert record.status == "ok"
        assert record.concepts["name"] == "free text"
        assert record.concepts["n"] == 0
        assert record.captioner["name"] == "glyphs"
        assert record.encoder == {}
        assert record.method["given"] == "annotated units"
        said = pd.read_csv(folders[layer] / "descriptions.csv.gz")
        assert said["unit"].nunique() == units - record.counts["dead"]
        assert (said.groupby("unit")["score"].diff().dropna() <= 1e-9).all()
        candidates = pd.read_csv(folders[layer] / "candidates.csv.gz")
        first = candidates[candidates["rank"] == 0]
        expected = first["log_p"] - 0.2 * first["log_prior"]
        assert (first["score"] - expected).abs().max() < 1e-4
        timing = json.loads((folders[layer] / "timings.jsonl").read_text())
        phases = [phase["name"] for phase in timing["phases"]]
        assert {"gather", "exemplars", "match", "score"} <= set(phases)
        assert "text" not in phases


def test_the_final_layer_of_scenes_is_named_in_sentences(described):
    folder = folders_by_layer(described)["fc"]
    [file] = (folder / "scores").glob("*.json")
    content = json.loads(file.read_text())
    values, controls = content["scores"], content["controls"]
    assert values["accuracy_at_1"]["value"] >= 0.5
    assert controls["listed"]["accuracy_at_1"]["value"] == 0
    assert controls["oracle"]["sentence_cosine"]["value"] > values["sentence_cosine"]["value"]
    assert controls["listed"]["sentence_cosine"]["value"] < values["sentence_cosine"]["value"]
    assert values["nearest_name"]["value"] >= values["accuracy_at_1"]["value"] - 0.2


def test_a_board_shows_sentences_beside_words(described, run, shared_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(described)
    assert run("probe.params.size=200", f"runtime.cache={shared_cache}") == 0
    assert main(["board", "results/local", "--out", str(tmp_path / "board")]) == 0
    labels = (tmp_path / "board" / "labels.md").read_text(encoding="utf-8")
    assert "milan" in labels
    assert "clip_dissect" in labels
    assert main(["board", "results/local", "--out", str(tmp_path / "board"), "--check"]) == 0


def test_an_encoder_may_put_the_sentences_in_order(fresh_run, shared_cache):
    home = fresh_run(
        "method=milan_clip", "method.params.beam=4", "probe.params.size=200",
        f"runtime.cache={shared_cache}",
    )  # fmt: skip
    [folder] = [file.parent for file in home.rglob("record.json")]
    record = Record.read(folder)
    assert record.encoder["name"] == "glyphs"
    assert record.captioner["name"] == "glyphs"
    assert record.method["given"] == "annotated units, captions"
    [file] = (folder / "scores").glob("*.json")
    values = json.loads(file.read_text())["scores"]
    assert values["sentence_cosine"]["circular"] is True
    assert values["accuracy_at_1"]["value"] >= 0.5


def test_what_decides_a_sentence_stands_in_the_key():
    def keys(*overrides):
        [job] = plan(expand(["method=milan", "probe.params.size=40", *overrides]))
        return [cell.key for cell in job.cells]

    own = keys()
    assert keys("concepts=wordfreq_3k") == own
    assert keys("encoder=open_clip") == own
    assert keys("runtime.batch_size=7") == own
    for changed in (
        "method.params.pmi_weight=0", "method.params.top_k=10", "method.params.quantile=0.995",
        "method.params.official_lm_score=true", "seed=1", "probe.params.size=41",
    ):  # fmt: skip
        assert keys(changed) != own
