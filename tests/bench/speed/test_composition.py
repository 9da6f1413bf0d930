"""The benchmark of the formula search at a small size, and its plain loop."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.speed.benchmarks import render, run
from bench.speed.maps_and_masks import random_masks, responding_maps
from bench.speed.plain import composition as plain


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=30), st.integers(0, 2**32 - 1))
def test_merges_are_those_of_masks(a, seed):
    a = np.array(a, bool)
    b = np.random.default_rng(seed).random(len(a)) < 0.5
    runs = plain.encode_mask
    for operator, expected in enumerate((a | b, a & b, a & ~b)):
        found = plain.merge(runs(a), runs(b), operator)
        assert found.tolist() == runs(expected).tolist()
    union = (a | b).sum() + 1e-10
    assert plain.iou(runs(a), runs(b)) == (a & b).sum() / union


def test_runs_are_those_of_the_made_up_masks():
    masks = random_masks(60, images=3, side=112)
    runs = plain.encode(masks)
    for label, found in enumerate(runs):
        dense = np.concatenate(
            [
                ((image.planes == label).any(axis=0) | (label in image.scalars)).ravel()
                for image in map(masks.image, range(3))
            ]
        )
        assert found.tolist() == plain.encode_mask(dense).tolist()
    assert len(masks.labels) == 60
    assert len({label.name for label in masks.labels}) == 60
    maps = responding_maps(masks, units=1, side=14)
    assert sum(len(batch) for batch in maps.batches()) == maps.n_images == 3


def test_both_sides_agree_and_a_page_is_written(tmp_path):
    sizes = "--concepts 60 --images 12 --units 2 --plain-units 2 --repeats 1"
    few = "--invert-labels 40 --exact-labels 14"
    assert run("composition", [*sizes.split(), *few.split(), "--out", str(tmp_path)]) == 0
    [file] = tmp_path.glob("composition-*.json")
    content = json.loads(file.read_text())
    assert content["plain"]["units"] == 2
    assert content["ours"]["same_search_s_per_unit"] > 0
    assert [row["what"].split(":")[0] for row in content["formulas"]] == ["INVERT", "exact"]
    assert all(row["plain_s"] > 0 and row["ours_cpu_s"] > 0 for row in content["formulas"])
    assert file.with_suffix(".md").read_text() == render("composition", content)


def test_no_more_plain_units_than_units(tmp_path, capsys):
    sizes = ["--units", "1", "--plain-units", "2"]
    assert run("composition", [*sizes, "--out", str(tmp_path)]) == 2
    assert "--plain-units: 2 exceeds --units 1" in capsys.readouterr().err
