"""`dissectbench faithfulness`: labels of a small run against held-out images."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.cli import faithfulness as cli
from bench.errors import UserError
from bench.evidence import EvidenceRequest, Store
from bench.parts import catalog
from bench.parts.probes.glyphs import GlyphsProbe
from bench.rescore import record_config
from bench.run import disk, faithfulness, faithfulness_costs
from bench.run.build import Parts, build_part
from bench.run.faithfulness_costs import check_costs
from bench.run.presence_judge import ImageTextCosines, build_judge
from bench.verification.record import verify_record
from leaderboards.faithfulness import (
    faithfulness_files,
    read_faithfulness_with_units,
    units_path,
)
from leaderboards.files import csv_bytes, gzip_bytes
from leaderboards.record import Record
from leaderboards.record_tables import read_descriptions
from metrics.cosy import cosy_auc
from metrics.faithfulness import AGREEMENTS
from metrics.observations import Observations

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    "board", "row", "method", "key", "target", "control", "layer", "probe", "concepts", "images",
    "alpha", "metric", "value", "ci_low", "ci_high", "n", "n_unlabelled", "unknown", "chance",
    "ceiling", "p_shuffled", "presence", "circular", "reported",
]  # fmt: skip


@pytest.fixture
def folder(here: Path) -> Path:
    [found] = (here / "results" / "local" / "clip_dissect").iterdir()
    return found


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list:
    """The probe sets that were gathered, each with its evidence."""
    found = []
    gather = faithfulness.gather

    def watch(request, **named):
        evidence = gather(request, **named)
        found.append((request.probe, evidence))
        return evidence

    monkeypatch.setattr(faithfulness, "gather", watch)
    return found


def test_the_images_that_follow_are_scored(
    folder: Path, gathered: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    file = tmp_path / "faithfulness.csv"
    assert main(["faithfulness", str(folder), "--out", str(file), "--alpha", "0.05"]) == 0
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    added = sorted(after.keys() - before.keys())
    assert [path.parent.name for path in added] == ["faithfulness", "faithfulness"]
    assert {path: after[path] for path in before} == before
    scores, units = read_faithfulness_with_units(added[0])
    assert scores.setting["probe"]["n"] == 48
    assert not scores.circular
    [(probe, evidence)] = gathered
    assert probe == GlyphsProbe(size=48, offset=48)
    table = pd.read_csv(file)
    assert list(table) == COLUMNS
    assert table["metric"].tolist() == ["f1", "iou", "correlation", "cosine", "auprc"]
    assert set(table["images"]) == {48}
    assert set(table["target"]) == {"glyphs scenes"}
    written, header, row = capsys.readouterr().out.splitlines()[:3]
    assert written == f"{folder}: wrote faithfulness/{added[0].name}"
    value = table.set_index("metric").loc["correlation", "value"]
    assert "correlation" in header
    assert f"{value:.3f}" in row

    # The same by hand, from scenes that the world knows of these images.
    from bench.glyphs import vocabulary, world

    scenes = [entry.name for entry in vocabulary.SCENES]
    shown = [scenes[world.render(48 + index, "val").scene_id] for index in range(48)]
    labels = read_descriptions(folder).query("rank == 1").set_index("unit")["label"]
    presence = np.array([[scene == labels[unit] for unit in labels.index] for scene in shown])
    assert units["label"].tolist() == [labels.get(unit, "") for unit in units["unit"]]
    observed = Observations(evidence.activations("fc").numpy()[:, labels.index], presence, 0.05)
    for name, found in table.set_index("metric")["value"].items():
        expected = np.diag(AGREEMENTS[str(name)].compute(observed))
        assert found == pytest.approx(expected.mean(), abs=1e-6), name
        assert units[name].dropna().to_numpy() == pytest.approx(expected, abs=1e-6)
        assert scores.scores[str(name)].value == pytest.approx(found)


def test_metrics_of_a_second_call_are_added(folder: Path) -> None:
    for metrics in (["iou"], ["mad", "cosy_auc"]):
        assert main(["faithfulness", str(folder), "--metrics", *metrics]) == 0
    [file] = faithfulness_files(folder)
    scores, units = read_faithfulness_with_units(file)
    assert list(scores.scores) == ["cosy_auc", "iou", "mad"]
    assert set(units.columns) == {"unit", "label", "cosy_auc", "iou", "mad"}
    findings = verify_record(folder, Parts())
    assert findings.mismatches == []
    assert "chance levels, ceilings and p-values of faithfulness" in dict(findings.trusted)
    table = units.assign(iou=units["iou"] + 0.01, label="sea")
    units_path(folder, scores.fkey).write_bytes(gzip_bytes(csv_bytes(table)))
    found = "\n".join(verify_record(folder, Parts()).mismatches)
    for part in ("iou.value", "sha256", "its labels are not those of the record"):
        assert part in found


def test_the_encoder_of_the_labels_is_no_judge(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ["faithfulness", str(folder), "judge=glyphs", "--calibration", "20,-0.4"]
    assert main(request) == 2
    captured = capsys.readouterr()
    assert "skipped, the judge is the encoder that made its labels" in captured.out


@pytest.fixture
def judge(folder: Path, tmp_path: Path) -> list[str]:
    """Another encoder: embeddings of the 48 images that follow, and of all scenes."""
    from bench.glyphs import vocabulary

    rng = np.random.default_rng(0)
    words = [entry.name for entry in vocabulary.SCENES]
    arrays = {"images": rng.normal(size=(48, 8)), "texts": rng.normal(size=(len(words), 8))}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array.astype(np.float32))
    (tmp_path / "words.txt").write_text("\n".join(words))
    files = {"images": "images.npy", "texts": "texts.npy", "words": "words.txt"}
    return ["judge=precomputed", *(f"judge.params.{k}={tmp_path / v}" for k, v in files.items())]


def test_a_calibration_is_never_guessed(
    folder: Path, judge: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["faithfulness", str(folder), *judge]) == 2
    error = capsys.readouterr().err
    assert "no calibration of the encoder precomputed is known" in error
    assert "--calibration fit" in error


def test_another_encoder_judges(
    folder: Path, judge: list[str], gathered: list, tmp_path: Path
) -> None:
    calibration = ["--calibration", "5,-0.1"]
    assert main(["faithfulness", str(folder), *judge, *calibration]) == 0
    [file] = faithfulness_files(folder)
    scores, units = read_faithfulness_with_units(file)
    assert scores.setting["presence"]["calibration"] == {
        "scale": 5.0, "bias": -0.1, "source": "given",
    }  # fmt: skip
    assert not scores.circular
    texts = np.load(tmp_path / "texts.npy").astype(float)
    words = (tmp_path / "words.txt").read_text().splitlines()
    images = np.load(tmp_path / "images.npy").astype(float)
    chosen = units[units["label"] != ""]
    own = texts[[words.index(label) for label in chosen["label"]]]
    images, own = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, own))
    presence = 1 / (1 + np.exp(-5 * (images @ own.T - 0.1)))
    activations = gathered[-1][1].activations("fc").numpy()[:, chosen["unit"]]
    expected = np.diag(AGREEMENTS["correlation"].compute(Observations(activations, presence)))
    assert chosen["correlation"].to_numpy() == pytest.approx(expected, abs=1e-6)


def test_a_judge_with_the_text_tower_of_the_labels_is_known(folder: Path, judge: list[str]) -> None:
    record = Record.read(folder)
    tower = record.encoder["fingerprint"]["text_tower"]
    for name, same in ((tower, True), ("another", False), ("", False)):
        own = build_judge([*judge, f"judge.params.text_tower={name}"], "5,-0.1")
        assert own.shares_text_tower(record) is same
        assert not own.made(record)


def test_images_of_concepts(folder: Path, gathered: list, tmp_path: Path) -> None:
    labels = read_descriptions(folder).query("rank == 1").set_index("unit")["label"]
    concept = labels.mode()[0]
    for number in range(3):
        place = tmp_path / "images" / concept.title().replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        GlyphsProbe(size=3, offset=500).image(number).save(place / f"{number}.png")
    assert main(["faithfulness", str(folder), "--images", str(tmp_path / "images")]) == 0
    [file] = faithfulness_files(folder)
    scores, units = read_faithfulness_with_units(file)
    assert list(scores.scores) == ["activation_rate", "cosy_auc", "cosy_mad"]
    assert scores.setting["alpha"] is None
    count = int((labels == concept).sum())
    for score in scores.scores.values():
        assert (score.n, score.detail) == (count, {"unknown": len(labels) - count})
    control, images = (evidence.activations("fc").double().numpy() for _, evidence in gathered)
    for unit in labels.index[labels == concept]:
        expected = cosy_auc(control[:, unit], images[:, unit])
        assert units.loc[unit, "cosy_auc"] == pytest.approx(float(expected))


def test_other_images_and_other_metrics(folder: Path, gathered: list, tmp_path: Path) -> None:
    file = tmp_path / "mad.csv"
    request = [str(folder), "probe.params.size=12", "--out", str(file)]
    assert main(["faithfulness", *request, "--metrics", "mad", "recall", "mad"]) == 0
    assert [probe for probe, _ in gathered] == [GlyphsProbe(size=12, offset=48)]
    assert pd.read_csv(file)["metric"].tolist() == ["mad", "recall"]


def test_failed_and_imported_records_are_skipped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((folder / "record.json").read_text())
    for change, reason in (({"origin": "imported"}, "imported"), ({"status": "failed"}, "failed")):
        (folder / "record.json").write_text(json.dumps({**content, **change}))
        assert main(["faithfulness", str(folder)]) == 2
        captured = capsys.readouterr()
        assert f"skipped, its {'labels are' if reason == 'imported' else 'run'} {reason}" in (
            captured.out
        )
        assert "no record can be scored" in captured.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["probe.params.offset=20"], ["labels were made with", "probe.params.offset=48"]),
        (["probe.params.variant=none"], ["probe.params.variant"]),
        (["method.params.top_k=3"], ["decides the labels", "probe.*, judge and runtime.*"]),
        (["--metrics", "corelation"], ["nearest: correlation"]),
        (["--alpha", "1"], ["--alpha", "between 0 and 1"]),
        (["--calibration", "fit"], ["no judge to calibrate", "judge=ENCODER"]),
        (["judge=glyphs", "--calibration", "5"], ["invalid calibration '5'", "58,-0.25"]),
        (["judge=glyphs", "--calibration", "0,1"], ["invalid calibration '0,1'", "positive"]),
        (["judge=glyphs", "--calibration", "-5,1"], ["invalid calibration '-5,1'", "positive"]),
        (["judge=glyphs", "--calibration", "nan,1"], ["invalid calibration 'nan,1'", "positive"]),
        (["judge=glyphs,open_clip"], ["judge: judge=glyphs,open_clip gives", "give one value"]),
        (["probe.params.size=9,10"], ["give one value"]),
        (["--out", "."], ["--out: ", "it is a folder"]),
        (["probe.params.size=1000000000"], ["GB of memory", "choose fewer than"]),
        (["judge=glyphs", "--images", "x"], ["need no judge"]),
        (["judge=glyph"], ["judge: ", "glyph", "nearest: glyphs"]),
        (["judge=precomputed"], ["judge.params.images: ", "add judge.params.images=..."]),
        (["--images", "x", "--metrics", "iou"], ["--metrics", "cosy_auc"]),
        (["--images", "nowhere"], ["--images: ", "nowhere"]),
        (["--images", ""], ["--images: ", "no folder"]),
    ],
)
def test_wrong_requests(
    folder: Path, options: list[str], says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["faithfulness", str(folder), *options]) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in says), error


def test_a_record_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faithfulness", "probe.params.size=9"]) == 2
    assert "no record is named" in capsys.readouterr().err


def test_a_calibration_is_fitted_to_images_with_known_concepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    presence = np.random.default_rng(0).random((48, 6)) < 0.3
    cosines = ImageTextCosines(None, None, None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(ImageTextCosines, "compute", lambda *_: 0.2 + 0.1 * presence)
    found = cosines.fit(GlyphsProbe(size=48), ["a"] * 6, presence)
    assert 0.2 < -found.bias < 0.3
    assert found.scale == round(found.scale, 3) > 10
    with pytest.raises(UserError, match="cannot be fitted: a higher similarity"):
        cosines.fit(GlyphsProbe(size=48), ["a"] * 6, ~presence)


def test_a_record_that_cannot_be_scored_does_not_stop_the_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first, second = (shutil.copytree(folder, tmp_path / name) for name in ("1", "2"))

    def measure(own: Path, *_: object) -> list[dict[str, Any]]:
        raise UserError(f"no images follow those of {own.name}", where="probe")

    monkeypatch.setattr(cli, "_measure", measure)
    assert main(["faithfulness", str(first), str(second)]) == 2
    told = capsys.readouterr()
    assert told.out.count(": skipped, ") == 2
    assert "no record can be scored" in told.err
    assert main(["faithfulness", str(first)]) == 2
    assert "no images follow" in capsys.readouterr().err


def test_images_that_do_not_fit_on_the_disk_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10**6})
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage)
    assert main(["faithfulness", str(folder), "probe.params.size=5000"]) == 2
    said = capsys.readouterr().err
    assert "the request may write 0.32" in said  # 64 kB of masks an image, and activations
    assert "hint: free some space" in said


def test_long_work_is_told_before(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record's own pass was timed here: its time grows with the images."""
    record, config = Record.read(folder), record_config(folder, ())
    target = build_part(catalog.TARGETS, config.target, "target")
    monkeypatch.setattr(faithfulness_costs, "check_bound", lambda *_: None)
    for images, told in ((48, False), (3_000_000, True)):
        probe = GlyphsProbe(size=images, offset=5000)
        request = EvidenceRequest(target, ["fc"], probe)
        caplog.clear()
        check_costs(record, config, request, Store("cache"), masks=False, embeddings=False)
        assert ("3,000,000 images take about" in caplog.text) is told
        assert (("hours" in caplog.text) and ("measured here" in caplog.text)) is told


def test_scores_of_no_unit_say_why(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = ["probe.params.size=1", "probe.params.offset=900"]
    assert main(["faithfulness", str(folder), *image]) == 0
    said = capsys.readouterr().out
    assert "no unit is scored: their activations do not differ on 1 image\n  hint: " in said
    (tmp_path / "images" / "zzz").mkdir(parents=True)
    GlyphsProbe(size=1, offset=500).image(0).save(tmp_path / "images" / "zzz" / "0.png")
    concepts = ["--images", str(tmp_path / "images")]
    assert main(["faithfulness", str(folder), *concepts, *image]) == 0
    assert "their activations do not differ" in capsys.readouterr().out
    assert main(["faithfulness", str(folder), *concepts]) == 0
    said = capsys.readouterr().out
    assert "no unit is scored: no folder in" in said
    assert "hint: name folders as" in said


def test_the_hint_for_a_broken_image_of_a_concept_names_no_setting(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images" / "sea").mkdir(parents=True)
    (tmp_path / "images" / "sea" / "0.png").write_bytes(b"no image")
    assert main(["faithfulness", str(folder), "--images", str(tmp_path / "images")]) == 2
    said = capsys.readouterr().err
    assert "0.png: cannot read this image" in said
    assert "hint: repair it, or remove it from the folder" in said
    assert "on_error" not in said


def test_out_is_checked_before_any_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_measure", lambda *_: pytest.fail("work before the check"))
    assert main(["faithfulness", str(folder), "--out", str(tmp_path)]) == 2
    (tmp_path / "file").touch()
    assert main(["faithfulness", str(folder), "--out", str(tmp_path / "file" / "a.csv")]) == 2
    monkeypatch.setattr(cli, "_measure", lambda *_: [None])
    monkeypatch.setattr(cli, "table_rows", lambda _: [{"n": 1, "unknown": 0}])
    monkeypatch.setattr(cli, "print_rows", lambda *_: None)
    assert main(["faithfulness", str(folder), "--out", str(tmp_path / "new" / "a.csv")]) == 0
    assert pd.read_csv(tmp_path / "new" / "a.csv")["n"].tolist() == [1]
