"""The benchmark of similarity functions: both sides agree, and the page names the sizes."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baselines import similarity
from baselines.clip_dissect import SIMILARITIES
from bench.broden import BrodenMasks, open_broden
from bench.speed import jobs
from bench.speed.benchmarks import hardware_slug, render, run
from bench.speed.jobs import make_broden, make_images
from bench.speed.plain import similarity as plain
from bench.speed.similarity import Shape, compare, make_inputs

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(images=300, units=7, concepts=40, width=16)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_plain_loops_and_ours_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """5e-4 of the plain float32 loop, and the same labels."""
    if name == "rank_reorder":  # draws at random: more draws come nearer to the expectation
        monkeypatch.setattr(plain, "DRAWS", 3000)
        torch.manual_seed(0)
    images, concepts, activations = make_inputs(SHAPE, "cpu", seed=1)
    normal = torch.nn.functional.normalize
    scores = normal(images) @ normal(concepts).T
    ours = getattr(similarity, name)(scores, activations)
    theirs = getattr(plain, name)(scores, activations)
    if name == "rank_reorder":
        defined = torch.isfinite(ours)  # where a mean score is not above 0 the loop gives NaN
        assert defined.float().mean() > 0.8
        theirs = torch.where(defined, theirs, -torch.inf)
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0)
    else:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=5e-4)
    assert torch.equal(ours.argmax(dim=1), theirs.argmax(dim=1))


@pytest.mark.parametrize("name", [name for name in SIMILARITIES if name != "rank_reorder"])
@given(
    n=st.integers(3, 140), c=st.integers(1, 9), u=st.integers(1, 6), sick=st.integers(0, 3),
    seed=st.integers(0, 2**31),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_plain_loops_and_ours_agree_in_any_shape(
    name: str, n: int, c: int, u: int, sick: int, seed: int
) -> None:
    """Fewer images than top_k, one concept, one unit, constant units, NaN: 5e-4, same labels."""
    images, concepts, live = make_inputs(Shape(n, u, c, 8), "cpu", seed=seed)
    normal = torch.nn.functional.normalize
    scores = normal(images) @ normal(concepts).T
    dead = torch.zeros(n, sick)
    if sick:
        dead[:, -1] = 3.5
        dead[n // 2, 0] = torch.nan
    ours = getattr(similarity, name)(scores, torch.cat([live, dead], dim=1))
    theirs = getattr(plain, name)(scores, live)
    torch.testing.assert_close(ours[:u], theirs, rtol=0, atol=5e-4)
    assert ours[u:].isnan().all()
    if c > 1:
        best = theirs.topk(2, dim=1).values
        clear = best[:, 0] - best[:, 1] > 1e-3
        assert torch.equal(ours[:u].argmax(dim=1)[clear], theirs.argmax(dim=1)[clear])


def test_functions_are_compared_both_ways() -> None:
    functions = ("wpmi", "rank_reorder")
    options = Namespace(device="cpu", functions=functions, loop_units=2, repeats=1)
    rows = list(compare(SHAPE, options))
    assert [(row["function"], row["given"]) for row in rows] == [
        (name, given) for given in ("embeddings", "matrix") for name in functions
    ]
    for row in rows:
        few = row["function"] == "rank_reorder"
        assert row["plain_units"] == (2 if few else 7)
        assert row["units"] == (2 if few and row["given"] == "embeddings" else 7)
        per_unit = (row["plain_s"] / row["plain_units"], row["ours_s"] / row["units"])
        assert row["ratio"] == pytest.approx(per_unit[0] / per_unit[1])


def test_the_page_names_the_hardware_and_the_limits() -> None:
    options = Namespace(device="cpu", functions=["wpmi"], loop_units=2, repeats=1)
    content = {
        "hardware": {"cpu": "Some CPU", "threads": 2, "gpu": None},
        "shape": SHAPE._asdict(),
        "rates": {
            "copy_gb_per_s": 10.0,
            "matmul_gflop_per_s": 100.0,
            "exp_float64_g_per_s": 1.0,
            "log_float32_g_per_s": 1.0,
        },
        "repeats": 1,
        "made": "2026-01-01",
        "rows": list(compare(SHAPE, options)),
    }
    page = render("similarity", content)
    assert page.startswith("# Similarity functions on Some CPU, 2 threads\n")
    assert page.count("| wpmi |") == 4  # from the matrix and from embeddings, in two tables
    assert "100 GFLOP/s" in page


@pytest.mark.slow
def test_rows_of_an_earlier_run_of_equal_sizes_are_kept(tmp_path: Path) -> None:
    def run_function(name: str, images: str = "40") -> list[str]:
        sizes = f"--images {images} --units 3 --concepts 5 --width 4 --repeats 1"
        assert run("similarity", [*sizes.split(), "--functions", name, "--out", str(tmp_path)]) == 0
        [file] = tmp_path.glob("*.json")
        assert file.with_suffix(".md").is_file()
        return [row["function"] for row in json.loads(file.read_text())["rows"]]

    assert run_function("wpmi") == ["wpmi"] * 2
    assert run_function("soft_wpmi") == ["soft_wpmi", "wpmi"] * 2
    assert run_function("wpmi", images="41") == ["wpmi"] * 2


@pytest.mark.parametrize(
    ("hardware", "name"),
    [
        ({"cpu": "AMD EPYC", "threads": 2, "gpu": None}, "amd-epyc-2-threads"),
        ({"cpu": "x", "threads": 2, "gpu": {"name": "NVIDIA H200"}}, "nvidia-h200"),
        ({"cpu": "../..", "threads": 1, "gpu": None}, "1-threads"),
    ],
)
def test_hardware_makes_a_safe_file_name(hardware: dict[str, object], name: str) -> None:
    assert hardware_slug(hardware) == name


def test_images_are_jpegs_of_the_papers_size(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    make_images(folder, 3)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["000000.jpg", "000001.jpg", "000002.jpg"]
    with Image.open(files[0]) as image:
        assert (image.format, image.size) == ("JPEG", (224, 224))


def test_the_index_repeats_files(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(jobs, "_DISTINCT_MASKS", 2)
    make_broden(tmp_path / "tree", 5)
    masks = BrodenMasks(open_broden(tmp_path / "tree"))
    assert (len(masks), masks.mask_size) == (5, (112, 112))
    for index in (0, 1):
        first, again = masks.image(index), masks.image(index + 2)
        assert (first.planes == again.planes).all()
        assert first.scalars == again.scalars
    assert (
        masks.image(0).planes.shape != masks.image(1).planes.shape
        or (masks.image(0).planes != masks.image(1).planes).any()
    )
