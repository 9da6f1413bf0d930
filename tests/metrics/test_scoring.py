from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboards.files import csv_bytes, gzip_bytes, read_csv_gz
from metrics.aggregate import aggregate_units
from metrics.labels import LabelRules
from metrics.scores import Score
from metrics.scoring import score
from metrics.truth import TrueName
from metrics.units import COLUMNS
from tests.metrics.plain import embedder

CONCEPTS = ("cloud", "clouds", "null", "nan", "heart", "sun", "bus station-indoor", "sky")
NAMES = [
    TrueName("cloud", ("cloud",), ("sky",), "seen"),
    TrueName("heart", ("heart", "love"), (), "unseen"),
    TrueName("null", ("null",), (), "seen"),
    TrueName("bus station/indoor", ("bus station/indoor",), (), "unseen"),
    TrueName("dragon", ("dragon",)),
]


def never(texts):
    raise AssertionError("not to be called")


def arguments(n=20, seed=0, **changes):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, len(CONCEPTS))).astype(np.float32)
    order = np.argsort(-matrix, axis=1)
    dead = np.zeros(n, bool)
    dead[3:4] = True
    silent = {5, 11} if n > 12 else set()
    rows = [[] if u in silent or dead[u] else order[u] for u in range(n)]
    return {
        "labels": [[CONCEPTS[c] for c in row] for row in rows],
        "label_scores": [[float(matrix[u, c]) for c in row] for u, row in enumerate(rows)],
        "concepts": CONCEPTS,
        "score_matrix": matrix,
        "dead": dead,
        "truth": {u: NAMES[u % len(NAMES)] for u in range(n) if u != 7},
        "sentence": embedder,
        "clip_text": embedder,
    } | changes


def test_a_withheld_column_has_no_value_anywhere_and_changes_no_other():
    full = score(**arguments())
    told = {"accuracy_at_5": "one label a unit", "truth_rank": "n/a: needs activations"}
    part = score(**arguments(withheld=told))
    for name, entry in full.values.items():
        column = name.removeprefix("selective_").partition("[")[0]
        found = part.values[name]
        if column in ("accuracy_at_5", "mean_rank", "median_rank"):
            key = "accuracy_at_5" if column == "accuracy_at_5" else "truth_rank"
            assert (found.value, found.ceiling, found.reason) == (None, None, told[key])
            assert all(scores[name].value is None for scores in part.controls.values())
        else:
            assert found == entry
    assert part.units[list(told)].isna().all(axis=None)
    again = aggregate_units(part.units, seed=0)
    assert again["accuracy_at_5"].value is None
    assert score(**arguments(withheld={})).to_json() == full.to_json()


def test_names_columns_and_json():
    result = score(**arguments())
    bases = ["accuracy_at_1", "accuracy_at_5", "mean_rank", "median_rank", "mrr", "clip_cosine",
             "clip_cosine_best_synonym", "sentence_cosine", "sentence_cosine_best_synonym",
             "lexical_match", "nearest_name"]  # fmt: skip
    grouped = ["accuracy_at_1", "accuracy_at_5", "mean_rank", "sentence_cosine",
               "sentence_cosine_best_synonym", "lexical_match", "nearest_name"]  # fmt: skip
    expected = {*bases, *(f"selective_{b}" for b in bases), "coverage", "auroc"}
    expected |= {"distinct_labels", "top_label_share"}
    expected |= {f"{b}[{g}]" for b in grouped for g in ("seen", "unseen")}
    expected |= {f"{b}[reachable]" for b in grouped if b != "mean_rank"} | {"reach"}
    assert set(result.values) == expected
    for entries in result.controls.values():
        assert set(entries) == expected - {"coverage", "reach"}
    assert tuple(result.units.columns) == COLUMNS
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert Score(**data["values"]["mrr"]) == result.values["mrr"]


def test_equal_input_gives_equal_bytes():
    one, other = score(**arguments()), score(**arguments())
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())
    pd.testing.assert_frame_equal(one.units, other.units, check_exact=True)


def test_aggregates_come_back_from_the_file(tmp_path):
    result = score(**arguments(), seed=4)
    path = tmp_path / "units.csv.gz"
    path.write_bytes(gzip_bytes(csv_bytes(result.units)))
    units = read_csv_gz(path, {"group": "str", "label": "str", "truth": "str"})
    units["dead"] = units["dead"] == "True"
    assert list(units["label"]) == list(result.units["label"])
    assert "nan" in set(units["label"])
    again = aggregate_units(units, seed=4)
    assert set(again) == set(result.values)
    for name, entry in again.items():
        own = result.values[name]
        bounds = {"chance": own.chance, "ceiling": own.ceiling, "p_shuffled": own.p_shuffled}
        assert replace(entry, **bounds).to_json() == own.to_json()


def test_dead_units_are_left_out_and_silent_ones_count():
    result = score(**arguments())
    units = result.units
    accuracy = result.values["accuracy_at_1"]
    assert (accuracy.n, accuracy.n_unlabelled) == (18, 2)
    assert units.loc[3, "accuracy_at_1":].isna().all()
    assert units.loc[[5, 11], "accuracy_at_1"].tolist() == [0, 0]
    assert units.loc[11, "truth_rank"] == len(CONCEPTS)
    assert units.loc[11, "reciprocal_rank"] == 1 / len(CONCEPTS)
    assert np.isnan(units.loc[11, "truth_score"])
    mean = np.mean(embedder(CONCEPTS).astype(float) @ embedder(["heart"])[0].astype(float))
    assert units.loc[11, "sentence_cosine"] == pytest.approx(mean, abs=1e-6)
    assert result.values["coverage"].value == 16 / 18
    assert result.values["selective_accuracy_at_1"].n == 16
    assert result.values["selective_accuracy_at_1"].n_unlabelled == 0
    # The dragon is in no concept set: it has accuracy 0 and no rank.
    assert result.values["mean_rank"].n < accuracy.n
    assert result.values["mean_rank"].detail == {"left_out": accuracy.n - result.values["mrr"].n}
    assert np.isnan(units.loc[4, "truth_rank"])


def test_rules_reach_the_scores():
    truth = {0: NAMES[3]}
    given_labels = {"labels": [["bus station-indoor"]], "label_scores": [[1.0]]}
    base = arguments(n=1, truth=truth, **given_labels)
    mended = score(**base).values
    official = score(**base, rules=LabelRules(official=True)).values
    assert mended["accuracy_at_1"].value == 1.0
    assert official["accuracy_at_1"].value == 0.0
    assert official["mean_rank"].value is None


def test_circularity():
    result = score(**arguments(), circular=True, clip_reason="one text tower")
    for name in ("clip_cosine", "selective_clip_cosine", "clip_cosine_best_synonym"):
        assert result.values[name].value is None
        assert result.values[name].reason == "one text tower"
    for entries in (result.values, *result.controls.values()):
        for name, entry in entries.items():
            assert entry.circular is ("sentence_cosine" in name or "nearest_name" in name)
    assert result.values["sentence_cosine"].to_json()["circular"] is True
    assert "circular" not in result.values["mrr"].to_json()


def test_a_clip_encoder_is_not_called_when_circular():
    score(**arguments(clip_text=never), circular=True)


def test_without_the_matrix_ranks_are_null():
    result = score(**arguments(score_matrix=None))
    for name in ("mean_rank", "median_rank", "mrr", "selective_mrr", "mean_rank[seen]"):
        assert result.values[name].value is None
        assert "no longer in the cache" in result.values[name].reason
    full = score(**arguments())
    assert result.values["accuracy_at_5"] == full.values["accuracy_at_5"]
    assert result.controls["chance"]["mrr"].value == full.controls["chance"]["mrr"].value


def test_free_text_has_no_set_to_draw_from():
    result = score(**arguments(concepts=None, score_matrix=None))
    assert result.values["accuracy_at_1"] is not None
    assert result.values["accuracy_at_1"].chance is None
    assert result.controls["oracle"]["accuracy_at_1"].value is None
    assert "free text" in result.controls["chance"]["lexical_match"].reason
    assert "no form" in result.controls["oracle"]["lexical_match"].reason
    assert result.controls["constant"]["lexical_match"].detail["concept"] in CONCEPTS
    assert "listed" not in result.controls
    assert result.controls["shuffled"]["sentence_cosine"].value is not None
    assert result.values["sentence_cosine"].value is not None


def test_all_units_dead():
    result = score(**arguments(dead=np.ones(20, bool), sentence=never, clip_text=never))
    assert all(entry.value is None for entry in result.values.values())
    assert "dead" in result.values["accuracy_at_1"].reason
    assert json.dumps(result.to_json(), allow_nan=False)


def test_no_truth_at_all_still_counts_the_labels():
    result = score(**arguments(truth={}, sentence=never, clip_text=never))
    assert result.values["accuracy_at_1"].reason == "no unit has a true name"
    assert result.values["distinct_labels"].value > 1
    assert len(result.units) == 20


def test_no_live_unit_has_a_label():
    empty = [[] for _ in range(20)]
    for concepts in (CONCEPTS, None):
        matrix = None if concepts is None else np.full((20, 8), np.nan, np.float32)
        result = score(
            **arguments(labels=empty, label_scores=empty, score_matrix=matrix, concepts=concepts)
        )
        assert result.values["accuracy_at_1"].value == 0.0
        assert result.values["coverage"].value == 0.0
        assert result.values["selective_accuracy_at_1"].value is None
        assert result.values["distinct_labels"].value == 0.0
        assert result.values["top_label_share"].value is None
    assert json.dumps(result.to_json(), allow_nan=False)


def test_one_concept_and_one_unit():
    result = score(
        labels=[["cloud"]],
        label_scores=[[0.2]],
        concepts=("cloud",),
        score_matrix=np.array([[0.2]], np.float32),
        dead=[False],
        truth={0: NAMES[0]},
        sentence=embedder,
    )
    assert result.values["accuracy_at_5"].value == 1.0
    assert result.values["mean_rank"].value == result.values["mrr"].value == 1.0
    assert result.values["mean_rank"].ci_low is None
    assert result.values["auroc"].reason.startswith("every label is right")
    assert result.controls["chance"]["accuracy_at_5"].value == 1.0
    assert result.controls["chance"]["distinct_labels"].value == 1.0
    assert result.values["sentence_cosine"].value == pytest.approx(1.0)


def test_a_word_that_the_set_lists_twice_takes_one_place():
    names = ["sun", "Sun", "sky", "heart", "null", "nan", "cloud"]
    truth = {0: TrueName("nan", ("nan",)), 1: TrueName("cloud", ("cloud",))}
    base = arguments(
        n=2, labels=[names] * 2, label_scores=[[1.0] * 7] * 2, concepts=names, score_matrix=None,
        truth=truth,
    )  # fmt: skip
    assert score(**base).units["accuracy_at_5"].tolist() == [1, 0]
    official = score(**base, rules=LabelRules(official=True))
    assert official.units["accuracy_at_5"].tolist() == [0, 0]


@given(st.integers(0, 50), st.sampled_from(NAMES))
@settings(max_examples=15, deadline=None)
def test_one_more_silent_unit_never_pays(seed, name):
    base = arguments(n=13, seed=seed)
    more = base | {
        "labels": [*base["labels"], []],
        "label_scores": [*base["label_scores"], []],
        "score_matrix": np.vstack([base["score_matrix"], np.full((1, 8), np.nan, np.float32)]),
        "dead": np.append(base["dead"], False),
        "truth": base["truth"] | {13: name},
    }
    one, other = score(**base).values, score(**more).values
    for metric in ("accuracy_at_1", "accuracy_at_5", "mrr", "lexical_match", "coverage"):
        if metric == "mrr" and name.name == "dragon":
            continue
        assert other[metric].value <= max(one[metric].value, 1 / 8 if metric == "mrr" else 0)
    assert other["mean_rank"].value >= one["mean_rank"].value
    assert other["auroc"].value == one["auroc"].value
    assert other["selective_accuracy_at_1"].value == one["selective_accuracy_at_1"].value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": {99: NAMES[0]}}, "unit 99"),
        ({"concepts": ("cloud",), "score_matrix": None}, "not in the concept set"),
        ({"score_matrix": np.zeros((20, 3), np.float32)}, "shape"),
        ({"dead": np.zeros(3, bool)}, "dead has shape"),
        ({"labels": [["cloud"]] * 20}, "labels but"),
        ({"concepts": (), "score_matrix": None}, "empty"),
        ({"sentence": lambda t: np.zeros((len(t), 2), np.float32)}, "norm"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        score(**arguments(**changes))


def test_the_package_imports_neither_torch_nor_the_bench():
    code = """
import sys, metrics.scoring
sys.exit(bool({"torch", "bench", "hydra", "sklearn"} & set(sys.modules)))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
