"""Settings of decisions where no network runs: imported labels, published keys, values refused."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from bench.run.judges import SelectionJudges
from bench.run.selection import build_selection
from leaderboards.hashing import short_hash
from leaderboards.storage import find_records


def test_imported_labels_need_activations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"unit": [0, 1], "label": ["sea", "forest"]}).to_csv("l.csv", index=False)
    given = ["--method", "m", "--target", "t", "--layer", "layer4", "--units", "4"]
    assert main(["import", "l.csv", *given, "scoring.decisions.classifier=fc"]) == 0
    [(folder, _)] = find_records(Path("results")).records
    [file] = (folder / "scores").glob("*.json")
    found = json.loads(file.read_text())
    for name in ("decision_truth", "decision_prediction"):
        assert found["scores"][name]["reason"] == "n/a: needs activations"
    capsys.readouterr()


def test_published_scores_keep_their_key() -> None:
    [job] = expand(["target.layers=[fc]", "method=netdissect"])
    skey = short_hash(SelectionJudges.of(build_selection(job.config)).scoring("fc"))
    root = Path(__file__).resolve().parents[3]
    with tarfile.open(root / "leaderboards" / "glyphs" / "records.tar.xz") as archive:
        assert f"{skey}.json" in {Path(name).name for name in archive.getnames()}


@pytest.mark.parametrize("weight", ["-1", "nan", "inf"])
def test_a_weight_that_is_none(weight: str) -> None:
    with pytest.raises(UserError, match="at least 0") as caught:
        expand([f"scoring.decisions.clip_weight={weight}"])
    assert caught.value.where == "scoring.decisions.clip_weight"
