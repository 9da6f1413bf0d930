"""Bootstraps of probe images: equal to describing the listed images, and written beside labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch

from baselines.base import Evidence
from baselines.clip_dissect import SIMILARITIES, ClipDissect
from baselines.compositional import Compositional
from baselines.netdissect import NetDissect
from baselines.netdissect2020 import NetDissect2020
from baselines.spatial import ImageMasks, MaskLabel
from bench.cli.outcome import report_unmeasured
from bench.config.compose import expand
from bench.run.execute import execute_jobs
from bench.run.labels import describe_table
from bench.run.plan import State, plan_job
from bench.run.stability import draw_resamples, label_shares, measure_stability
from leaderboards.stability import read_stability

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from baselines.base import Method

UNITS, CONCEPTS = 5, ("sea", "sky", "sun", "fog")


def random_evidence(n: int = 30) -> Evidence:
    rng = torch.Generator().manual_seed(0)
    return Evidence(
        activations=torch.rand(n, UNITS, generator=rng),
        concepts=CONCEPTS,
        image_embeddings=torch.randn(n, 8, generator=rng),
        concept_embeddings=torch.randn(len(CONCEPTS), 8, generator=rng),
    )


def first_labels(method: Method, evidence: Evidence) -> list[str]:
    table = describe_table(method.describe(evidence, seed=0), 1).set_index("unit")["label"]
    return [table.get(unit, "") for unit in range(evidence.activations.shape[1])]


def labels_by_loops(evidence: Evidence, indices: Sequence[int]) -> list[str]:
    """Return the concept whose cosines with the images have the largest cosine with a unit."""
    assert evidence.image_embeddings is not None
    assert evidence.concept_embeddings is not None
    labels = []
    for unit in range(UNITS):
        scores = []
        for concept in evidence.concept_embeddings.double().numpy():
            pairs = []
            for index in indices:
                image = evidence.image_embeddings[index].double().numpy()
                cosine = image @ concept / np.linalg.norm(image) / np.linalg.norm(concept)
                pairs.append((float(evidence.activations[index, unit]), cosine))
            acts, cosines = np.array(pairs).T
            scores.append(acts @ cosines / np.linalg.norm(acts) / np.linalg.norm(cosines))
        labels.append(CONCEPTS[int(np.argmax(scores))])
    return labels


def test_shares_equal_explicit_loops() -> None:
    evidence, method = random_evidence(), ClipDissect("cos_similarity")
    resamples = list(draw_resamples(30, 8, seed=3))
    labels = labels_by_loops(evidence, range(30))
    expected = np.zeros(UNITS)
    for indices in resamples:
        again = labels_by_loops(evidence, indices.tolist())
        expected += [label == first for label, first in zip(again, labels, strict=True)]
    shares = label_shares(lambda given: first_labels(method, given), evidence, labels, resamples)
    assert shares == pytest.approx(expected / 8)
    assert 0 < shares.mean() < 1


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_all_images_once_change_no_label(similarity: str) -> None:
    evidence, method = random_evidence(), ClipDissect(similarity)
    labels = first_labels(method, evidence)
    shares = label_shares(
        lambda given: first_labels(method, given), evidence, labels, [np.arange(30)]
    )
    assert shares.tolist() == [1.0] * UNITS


class ListedMaps:
    """Maps of listed images, in batches of three."""

    def __init__(self, values: torch.Tensor) -> None:
        self.n_images, self.n_units, *size = values.shape
        self.map_size = tuple(size)
        self._values = values

    def batches(self) -> Iterator[torch.Tensor]:
        return iter(self._values.split(3))


class ListedMasks:
    """One plane of masks of each listed image."""

    labels = tuple(MaskLabel(name, "object") for name in CONCEPTS)
    categories = ("object",)
    mask_size = (6, 6)

    def __init__(self, planes: NDArray[np.int32]) -> None:
        self._planes = planes

    def __len__(self) -> int:
        return len(self._planes)

    def image(self, index: int) -> ImageMasks:
        return ImageMasks(self._planes[index : index + 1])


def spatial_evidence(indices: NDArray[np.int64]) -> Evidence:
    """Return evidence on listed images of fourteen."""
    rng = np.random.default_rng(0)
    maps = torch.from_numpy(rng.random((14, UNITS, 3, 3), dtype=np.float32))[indices]
    planes = rng.integers(-1, len(CONCEPTS), size=(14, 6, 6), dtype=np.int32)[indices]
    return Evidence(
        maps.mean(dim=(2, 3)), CONCEPTS, maps=ListedMaps(maps), masks=ListedMasks(planes)
    )


@pytest.mark.parametrize("method", [NetDissect(quantile=0.2), NetDissect2020(quantile=0.2),
                                    Compositional(quantile=0.2)])  # fmt: skip
def test_a_resample_equals_running_on_the_listed_images(method: Method) -> None:
    indices = np.sort(np.random.default_rng(1).integers(14, size=14))
    resampled = method.describe(spatial_evidence(np.arange(14)).resample(indices), seed=0)
    expected = method.describe(spatial_evidence(indices), seed=0)
    assert len(describe_table(expected))
    pd.testing.assert_frame_equal(describe_table(resampled), describe_table(expected))


def test_positions_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascending"):
        random_evidence().resample(np.array([1, 0]))


def test_resamples_are_seeded_and_of_the_same_size() -> None:
    first, again = (list(draw_resamples(50, 3, seed=1)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert [len(indices) for indices in first] == [50] * 3
    assert not np.array_equal(first[0], first[1])


def test_a_finished_cell_gains_stability_and_nothing_else(tmp_path: Path) -> None:
    request = ["method=netdissect", "method.params.quantile=0.3", "probe.params.size=8"]
    request += ["scoring=none", f"results={tmp_path}", "runtime.progress=false"]
    first, again = (
        plan_job(job) for job in expand([*request, "runtime.bootstraps=0,3"], multirun=True)
    )
    [folder] = [cell.folder for cell in first.cells]
    execute_jobs([first])
    before = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    execute_jobs([again])
    after = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert {f.name for f in after.keys() - before.keys()} == {"stability.json", "stability.csv.gz"}
    assert {f: after[f] for f in before} == before
    score = json.loads((folder / "stability.json").read_text())["scores"]["label_stability"]
    units = pd.read_csv(folder / "stability.csv.gz", keep_default_na=False)
    assert score["detail"] == {"resamples": 3, "seed": 0}
    assert (score["value"], score["n"]) == (pytest.approx(units["share"].mean()), len(units))
    assert set((units["share"] * 3).round(9)) <= {0, 1, 2, 3}
    assert not again.pending()


def test_a_method_whose_evidence_cannot_be_resampled_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [job] = expand([f"results={tmp_path}", "runtime.bootstraps=4"])
    plan = plan_job(job)
    [cell] = plan.cells
    cell.folder.mkdir(parents=True)
    monkeypatch.setattr("bench.run.plan.Cell.read_state", lambda _: State.DONE)
    monkeypatch.setattr("bench.run.stability.RESAMPLED", {"activations", "image_embeddings"})
    assert report_unmeasured([plan]) == 1
    assert f"not resampled: {cell.folder}" in capsys.readouterr().out
    measure_stability(plan, plan.cells)
    assert report_unmeasured([plan]) == 0
    score = read_stability(cell.folder)["label_stability"]
    assert score.value is None
    assert score.reason == "concept_embeddings cannot be resampled"
    assert not plan.pending()
