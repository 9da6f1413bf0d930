"""Methods by unit embeddings and by AUROC, as a user runs them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.run.survey import plan
from leaderboards.record import Record

METHODS = {
    "semantic_lens": "unit_statistics",
    "csp": "unit_statistics",
    "direction": None,
    "www": "word_sets",
    "invert": "formulas",
    "linear": "word_sets",
    "linear_labels": "word_sets",
}


def test_each_gives_a_record_with_its_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = [
        f"method={','.join(METHODS)}", "probe.params.size=48", "scoring=none", "board=vectors",
        f"runtime.cache={tmp_path / 'cache'}", "runtime.progress=false", "concepts=glyphs_all",
    ]  # fmt: skip
    assert main(["run", "-m", *request]) == 0
    folders = {
        Record.read(f.parent).method["name"]: f.parent for f in tmp_path.rglob("record.json")
    }
    assert folders.keys() == METHODS.keys()
    for name, folder in folders.items():
        record = Record.read(folder)
        assert record.status == "ok", record.error
        units = record.counts["units"]
        by_masks = name in ("invert", "linear_labels")
        given = "masks" if by_masks else "captions (through its image-text encoder)"
        assert record.method["given"] == given
        labels = pd.read_csv(folder / "descriptions.csv.gz")
        silent = record.counts["unlabelled"]
        assert labels.unit.nunique() == units - record.counts["dead"] - silent
        assert silent == 0 or name.startswith("linear")
        if table := METHODS[name]:
            assert pd.read_csv(folder / f"{table}.csv.gz").unit.tolist() == list(range(units))
        [file] = (folder / "scores").glob("*.json")
        found = json.loads(file.read_text())["scores"]
        assert ("answer_f1" in found) == (table in ("word_sets", "formulas"))


@pytest.mark.parametrize("method", [name for name in METHODS if "linear" not in name])
def test_parameters_and_evidence_decide_the_key(method):
    def key(*overrides):
        [job] = plan(expand([f"method={method}", "probe.params.size=48", *overrides]))
        return job.cells[0].key

    own = key()
    changed = {
        "semantic_lens": "subtract=mean",
        "csp": "contrast=1.0",
        "direction": "by=ridge",
        "www": "alpha=90",
        "invert": "max_length=2",
    }[method]
    assert key(f"method.params.{changed}") != own
    assert (key("encoder=open_clip") == own) == (method == "invert")
