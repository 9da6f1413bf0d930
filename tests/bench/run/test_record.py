"""What a run leaves on disk: the folder, its files, and what they say."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from omegaconf import OmegaConf

import bench.glyphs
from bench.__main__ import main
from bench.glyphs.vocabulary import SCENES
from bench.run.record import _PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
SCORES = {
    "accuracy_at_1", "accuracy_at_5", "mean_rank", "median_rank", "mrr", "auroc", "clip_cosine",
    "sentence_cosine", "lexical_match", "distinct_labels", "top_label_share",
}  # fmt: skip


def only_cell(working_directory: Path) -> Path:
    [folder] = (working_directory / "results" / "local" / "clip_dissect").iterdir()
    return folder


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return content


def texts(value: object) -> Iterator[str]:
    """All strings of a JSON value, at any depth, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield key
            yield from texts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from texts(inside)


def test_a_run_leaves_the_files_of_the_contract(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {"results"}
    folder = only_cell(finished)
    [scores] = folder.glob("scores/*.json")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "record.json", "descriptions.csv.gz", "timings.jsonl", "run.log", "config.yaml",
        f"scores/{scores.stem}.json", f"scores/{scores.stem}.units.csv.gz",
    }  # fmt: skip


def test_the_record_says_what_ran_on_what(finished: Path) -> None:
    folder = only_cell(finished)
    content = record(folder)
    assert (content["status"], content["origin"], content["error"]) == ("ok", "measured", None)
    assert (content["board"], content["key"]) == ("local", folder.name)
    assert content["counts"] == {"units": 25, "dead": 0, "unlabelled": 0, "undefined_scores": 0}
    assert content["method"]["params"]["top_k"] == 100  # a default, filled in
    assert (content["target"]["layer"], content["target"]["pooling"]) == ("fc", "avg")
    assert (content["probe"]["n"], content["concepts"]["n"]) == (48, 25)
    assert content["run"]["batch_size"] == 64
    assert content["run"]["tf32"] is False
    assert content["environment"]["versions"]["torch"]


def test_the_records_hashes_are_those_of_the_contents(finished: Path) -> None:
    content = record(only_cell(finished))
    weights = Path(bench.glyphs.__file__).with_name("weights")
    contents = {
        "target": gzip.decompress((weights / "scenes.safetensors.gz").read_bytes()),
        "encoder": (weights / "encoder.safetensors").read_bytes(),
    }
    for part, found in contents.items():
        assert content[part]["fingerprint"]["weights"] == hashlib.sha256(found).hexdigest()
    words = [scene.name for scene in SCENES]
    text = json.dumps(words, separators=(",", ":"), ensure_ascii=False)
    assert content["concepts"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_record_holds_no_path_of_this_machine(finished: Path) -> None:
    found = list(texts(record(only_cell(finished))))
    assert "glyphs" in found
    for text in found:
        assert not Path(text).is_absolute(), text
        for place in (finished, ROOT, Path.home()):
            assert str(place) not in text


def test_of_where_and_how_it_ran_a_record_tells_what_decides_labels(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _PLACE.match("runtime.tf32=true")
    assert not _PLACE.match("++runtime.tf32=true")
    assert _PLACE.match("runtime.threads=1")
    assert main(["score", "results", "runtime.tf32=true"]) == 2
    assert "decides the labels" in capsys.readouterr().err


def test_an_absolute_results_folder_stays_out_of_the_record(
    here: Path, tmp_path: Path, run: Callable[..., int]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert run(f"results={elsewhere}", f"runtime.cache={here / 'results' / '.cache'}") == 0
    [folder] = (elsewhere / "local" / "clip_dissect").iterdir()
    assert not [text for text in texts(record(folder)) if str(tmp_path) in text]


def test_the_log_says_what_took_how_long(finished: Path) -> None:
    text = (only_cell(finished) / "run.log").read_text(encoding="utf-8")
    assert (
        "clip_dissect soft_wpmi | glyphs scenes fc | glyphs scenes (25) | glyphs val (48)" in text
    )
    for phase in ("gather", "text", "match"):
        assert f"{phase}: " in text
    assert "top_k clamped from 100 to 48" in text


def test_descriptions_are_ten_labels_a_unit_best_first(finished: Path) -> None:
    table = pd.read_csv(only_cell(finished) / "descriptions.csv.gz")
    assert list(table.columns) == ["unit", "rank", "label", "score"]
    assert len(table) == 25 * 10
    assert set(table.label) <= {scene.name for scene in SCENES}
    for unit, rows in table.groupby("unit"):
        assert rows["rank"].tolist() == list(range(1, 11)), unit
        assert rows["score"].is_monotonic_decreasing, unit


def test_scores_stand_beside_their_units(finished: Path) -> None:
    folder = only_cell(finished)
    [path] = folder.glob("scores/*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["skey"] == path.stem
    assert set(content["scores"]) >= SCORES
    assert content["circular"] is True
    assert content["scores"]["clip_cosine"]["value"] is None
    assert "circular" in content["scores"]["clip_cosine"]["reason"]
    units = pd.read_csv(path.with_suffix(".units.csv.gz"))
    assert units.truth.tolist() == [scene.name for scene in SCENES]
    best = pd.read_csv(folder / "descriptions.csv.gz").query("rank == 1").set_index("unit")
    assert units.label.tolist() == best.label.tolist()
    accuracy = content["scores"]["accuracy_at_1"]
    assert accuracy["value"] == pytest.approx(units.accuracy_at_1.mean())
    assert accuracy["ci_low"] <= accuracy["value"] <= accuracy["ci_high"]


def test_timings_config_and_no_time_stamp_in_the_tables(finished: Path) -> None:
    folder = only_cell(finished)
    [line] = (folder / "timings.jsonl").read_text(encoding="utf-8").splitlines()
    phases = {phase["name"]: phase for phase in json.loads(line)["phases"]}
    assert {"gather", "text", "match", "score"} <= set(phases)
    assert not phases["gather"]["cached"]
    assert phases["gather"]["wall_s"] > 0
    config = OmegaConf.load(folder / "config.yaml")
    assert config.probe.params["size"] == 48
    for table in folder.rglob("*.csv.gz"):
        assert table.read_bytes()[4:8] == b"\0" * 4, table  # gzip's own field for the time
        assert gzip.decompress(table.read_bytes())


def test_more_top_images_than_there_are_is_noted(here: Path, run: Callable[..., int]) -> None:
    [note] = record(only_cell(here))["notes"]
    assert "clamped" in note
    assert "48" in note
    assert run("method.params.top_k=10", "board=few") == 0
    [folder] = Path("results/few/clip_dissect").iterdir()
    assert record(folder)["notes"] == []
