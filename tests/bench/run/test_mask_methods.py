"""Methods that look at pixels, as a user runs them: one table with the others, no silent misfit."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from bench.config.compose import expand
from bench.errors import UserError
from bench.glyphs.vocabulary import all_concepts
from bench.run.provenance import describe_concepts, describe_given
from bench.run.survey import plan
from leaderboards.record import Record

SMALL = ["probe.params.size=48", "board=masks"]


def planned(*overrides):
    [job] = plan(expand([*SMALL, *overrides]))
    return job


def key(*overrides):
    return planned(*overrides).cells[0].key


def test_one_judge_for_all_rows():
    judged = [
        planned(f"method={name}").judges.scoring("fc")
        for name in ("clip_dissect", "netdissect", "netdissect2020", "compositional")
    ]
    assert all(one == judged[0] for one in judged)


def test_mask_labels_that_are_a_concept_set_go_by_its_name():
    own, listed = planned("method=netdissect"), planned("method=clip_dissect")
    assert describe_concepts(own.selection) == describe_concepts(listed.selection)
    other = planned("method=netdissect", "concepts=glyphs_objects")
    other = describe_concepts(other.selection)
    assert (other["name"], other["n"]) == ("mask_labels", 128)


def test_exact_searches_are_refused_before_evidence_is_gathered():
    exact = "method=compositional", "method.params.exact=true"
    assert key(*exact) != key(exact[0]) == key(exact[0], "method.params.exact=false")
    with pytest.raises(UserError, match=r"128 labels may take .* minutes a unit") as error:
        planned(*exact, "method.params.max_length=4")
    assert error.value.where == "method.params"


def test_settings_that_decide_nothing_make_no_second_job():
    jobs = expand([*SMALL, "method=netdissect", "concepts=glyphs_all,wordfreq_3k"], multirun=True)
    assert len(jobs) == 2
    assert len(plan(jobs)) == 1


def test_keys_know_the_segmenter_and_the_masks():
    keys = {
        key("method=netdissect2020", "segmenter=glyphs"),
        key("method=netdissect2020", "segmenter=masks"),
        key("method=netdissect"),
        key("method=netdissect", "method.params.denominator=image_has_category"),
        key("method=netdissect", "target.precision=bfloat16"),
    }
    assert len(keys) == 5
    by_probe = planned("method=netdissect2020", "segmenter=masks")
    assert describe_given(by_probe.selection) == "masks"


def test_a_probe_without_masks_is_refused(tmp_path):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="has none") as caught:
        plan(expand(["method=netdissect", "probe=folder", f"probe.params.path={tmp_path}"]))
    assert "glyphs" in caught.value.hint


@pytest.mark.parametrize(
    ("resize", "refused"), [("", True), ("target.params.resize=224", False)], ids=["crop", "whole"]
)
def test_a_target_that_sees_another_part_of_the_image_is_refused(tmp_path, resize, refused):
    (tmp_path / "net.pth").write_bytes(b"x")
    overrides = [
        "method=netdissect", "target=torchvision", "target.params.arch=resnet18",
        f"target.params.file={tmp_path / 'net.pth'}", "target.layers=[layer4]",
    ]  # fmt: skip
    overrides += [resize] if resize else []
    jobs = expand([*SMALL, *overrides])
    if refused:
        with pytest.raises(UserError, match=r"87\.5%"):
            plan(jobs)
    else:
        assert len(plan(jobs)) == 1
    assert len(plan(expand([*SMALL, *overrides, "method=clip_dissect"]))) == 1


def test_a_segmenter_may_crop_as_the_target_does(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"x")
    overrides = [
        "method=netdissect2020", "target=torchvision", "target.params.arch=resnet18",
        f"target.params.file={tmp_path / 'net.pth'}", "target.layers=[layer4]",
        "segmenter=torchvision", "segmenter.params.arch=fcn_resnet50",
        f"segmenter.params.file={tmp_path / 'net.pth'}",
    ]  # fmt: skip
    assert len(plan(expand([*SMALL, *overrides]))) == 1
    with pytest.raises(UserError, match="would not match"):
        plan(expand([*SMALL, *overrides, "segmenter.params.crop=1.0"]))


@pytest.mark.parametrize(
    ("method", "table", "first"),
    [
        (["method=netdissect"], "tally", 1),
        (["method=netdissect2020", "segmenter=masks"], "report", 0),
        (
            ["method=netdissect2020", "segmenter=glyphs", "method.params.official_background=true"],
            "report",
            0,
        ),
        (["method=compositional"], "formulas", 0),
    ],
)
def test_a_cell_is_described_scored_and_keeps_its_own_table(
    fresh_run, shared_cache, method, table, first
):
    home = fresh_run(
        *method, "concepts=glyphs_all", "target.layers=[layer1,fc]", "probe.params.size=100",
        f"runtime.cache={shared_cache}",
    )  # fmt: skip
    folders = [file.parent for file in home.rglob("record.json")]
    records = {Record.read(folder).target["layer"]: folder for folder in folders}
    assert records.keys() == {"layer1", "fc"}
    for layer, units in (("layer1", 64), ("fc", 25)):
        folder = records[layer]
        record = Record.read(folder)
        assert record.status == "ok"
        assert record.counts["units"] == units
        assert record.counts["detectors"] >= record.counts["unique_detectors"]
        assert record.concepts["n"] == 128
        own = pd.read_csv(folder / f"{table}.csv.gz")
        assert sorted(own["unit"]) == list(range(first, units + first))
        said = pd.read_csv(folder / "descriptions.csv.gz")
        if table != "formulas":
            assert set(said["label"]) <= set(all_concepts())
            assert (said["score"] > 0).all()
        [scores] = (folder / "scores").glob("*.json")
        values = json.loads(scores.read_text())["scores"]
        assert values["distinct_labels"]["value"] >= 1
        assert (values["accuracy_at_1"]["value"] is None) == (layer == "layer1")
        ranked = layer == "fc" and table != "formulas"
        assert (values["mean_rank"]["value"] is not None) == ranked
        assert "circular" not in values["sentence_cosine"]
        timing = json.loads((folder / "timings.jsonl").read_text())
        phases = {phase["name"] for phase in timing["phases"]}
        assert {"gather", "match", "score"} <= phases
        assert not phases & {"text", "image_encoding"}, "no encoder runs"
