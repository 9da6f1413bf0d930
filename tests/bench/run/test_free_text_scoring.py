"""What decides the scores of sentences, and what leaves the keys of older scores alone."""

from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path

import pytest

from bench.config.compose import expand
from bench.config.schema import BertScoreConfig
from bench.errors import UserError
from bench.run.bertscore import bert_scorer, describe_bertscore
from bench.run.judges import SelectionJudges
from bench.run.selection import build_selection
from leaderboards.hashing import short_hash
from metrics.sentences import SentenceReader

ROOT = Path(__file__).resolve().parents[3]


def judges(*overrides: str) -> SelectionJudges:
    [job] = expand([*overrides])
    return SelectionJudges.of(build_selection(job.config))


def test_published_scores_keep_their_key() -> None:
    """A scores file of the embedded world's objects, made before there were references."""
    skey = short_hash(judges().scoring("fc"))
    with tarfile.open(ROOT / "leaderboards" / "glyphs" / "records.tar.xz") as archive:
        assert f"{skey}.json" in {Path(name).name for name in archive.getnames()}


def test_references_and_bertscore_decide_scores(tmp_path: Path) -> None:
    keys = set()
    for lines in ("fc,0,dogs", "fc,0,dogs\nfc,0,dogs"):  # equal but for the references
        path = tmp_path / f"{len(lines)}.csv"
        path.write_text(f"layer,unit,summary\n{lines}\n", encoding="utf-8")
        truth = [
            "target.truth.name=annotations", f"target.truth.params.path={path}",
            "target.truth.params.layer=fc",
        ]  # fmt: skip
        keys.add(judges(*truth).scoring("fc")["truth"]["hash"])
    assert len(keys) == 2
    bert = judges("scoring.bertscore.model=roberta-large").scoring("fc")["bertscore"]
    assert bert == {
        "name": "roberta-large", "weights": "hub:roberta-large", "layer": 0, "baseline": [],
        "idf": True,
    }  # fmt: skip


def test_bertscore_is_always_rescaled() -> None:
    pytest.importorskip("bert_score")
    assert bert_scorer(BertScoreConfig(), "cpu") is None
    assert describe_bertscore(BertScoreConfig()) == {}
    found = bert_scorer(BertScoreConfig("roberta-large"), "cpu")
    assert found is not None
    assert found.idf
    with pytest.raises(UserError, match="no baseline") as caught:
        bert_scorer(BertScoreConfig("owner/unknown", layer=3), "cpu")
    assert caught.value.where == "scoring.bertscore.baseline"
    with pytest.raises(UserError, match="layer") as caught:
        bert_scorer(BertScoreConfig("owner/unknown", baseline=[0.1, 0.1, 0.1]), "cpu")
    assert caught.value.where == "scoring.bertscore.layer"
    with pytest.raises(UserError, match="no folder"):
        bert_scorer(BertScoreConfig("./nowhere"), "cpu")


def test_sentences_are_read_by_the_layers_names() -> None:
    closed = judges()
    assert closed.reader("fc") is None
    selection = closed.selection

    class Writes(type(selection.method)):  # type: ignore[misc]
        vocabulary = "free text"

    method = Writes(**dataclasses.asdict(selection.method))
    writing = dataclasses.replace(selection, method=method)
    reader = SelectionJudges.of(writing).reader("fc")
    assert isinstance(reader, SentenceReader)
    assert reader("a red heart on the sea") == ("heart",)
