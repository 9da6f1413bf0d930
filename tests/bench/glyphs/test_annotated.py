"""Units of a source network, described on rendered images; the network is untrained."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from bench.glyphs.milan import load_pyramid
from bench.glyphs.train import annotated, sources
from bench.glyphs.train.cache import load_split
from bench.glyphs.train.loop import Recipe, Stage
from bench.glyphs.train.regions import load_regions
from bench.glyphs.train.sources import CLASSES, SOURCES, Source, task_labels
from bench.glyphs.vocabulary import COLOURS, OBJECTS, TEXTURES
from bench.glyphs.world import plan

COUNT = 60


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> annotated.AnnotationImages:
    scratch = tmp_path_factory.mktemp("scratch")
    pixels = load_split(scratch, "annotate", COUNT, workers=1).images
    truth = load_regions(scratch, "annotate", COUNT, workers=1)
    return annotated.prepare_images(pixels, truth, load_pyramid())


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    recipe = Recipe((Stage(48, 0),), 4, 1e-3, 0.0, True, 77)
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_1(num_classes=9).eval()
    monkeypatch.setattr(annotated, "load_source", lambda *_: network)
    monkeypatch.setattr(annotated, "BLOCK", 40)
    monkeypatch.setattr(annotated, "DRAW", 30)
    monkeypatch.setattr(annotated, "DRAWS", 3)
    return Source("squeezenet1_1", "objects", ("features.3", "classifier"), recipe)


def test_units_are_described_once_a_block_or_draw(images, source, tmp_path: Path) -> None:
    pyramid = load_pyramid()
    samples = annotated.annotate(source, tmp_path, images, pyramid)
    assert samples.features.shape[1:] == (15, pyramid.feature_size)
    assert np.isfinite(samples.features.astype(np.float32)).all()
    counts = {unit: samples.units.count(unit) for unit in samples.units}
    assert max(n for unit, n in counts.items() if "/features.3/" in unit) <= 2
    assert max(n for unit, n in counts.items() if "/classifier/" in unit) <= 3
    kinds = {group.split()[0] for group in samples.groups}
    assert kinds <= {"hidden", "final"}
    for group, unit in zip(samples.groups, samples.units, strict=True):
        assert group.startswith("final") == ("/classifier/" in unit)
    unnamed = [entry.name for entry in OBJECTS if not entry.named_in_captions]
    assert not any(f" {name} " in f" {text} " for text in samples.texts() for name in unnamed)
    again = annotated.annotate(source, tmp_path, images, pyramid)
    assert again.descriptions == samples.descriptions


def test_a_final_layer_s_features_are_those_of_whole_images(images, source) -> None:
    pyramid = load_pyramid()
    small = annotated._small(images.pixels, [3, 7])
    maps = pyramid.features(small)
    by_hand = torch.cat([one.mean(dim=(2, 3)) for one in maps], dim=1).numpy()
    assert images.whole[[3, 7]].astype(np.float32) == pytest.approx(by_hand, rel=2e-3, abs=1e-3)


def test_sources_differ_from_the_targets_and_from_the_one_held_out() -> None:
    assert len({source.recipe.seed for source in SOURCES}) == len(SOURCES)
    assert not {11, 12, 13, 21, 23} & {source.recipe.seed for source in SOURCES}
    [held] = [source for source in SOURCES if source.held_out]
    assert held.architecture not in {s.architecture for s in SOURCES if not s.held_out}


def test_a_paint_is_a_colour_with_a_texture() -> None:
    class RenderedSplit:
        images = np.zeros((5, 1))

    labels = task_labels(RenderedSplit(), "paints")  # type: ignore[arg-type]
    assert labels.max() < CLASSES["paints"] == len(COLOURS) * len(TEXTURES)
    things = [plan(index, "val", "train").things[0] for index in range(5)]
    assert [label // len(TEXTURES) for label in labels] == [t.colour_id for t in things]
    assert [label % len(TEXTURES) for label in labels] == [t.texture_id for t in things]


def test_a_source_that_always_says_one_class_is_right_as_often_as_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Always(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.one_hot(torch.full((len(images),), 3), 25).float()

    data = load_split(tmp_path, "annotate", 50, workers=1)
    monkeypatch.setattr(sources, "load_source", lambda *_: Always())
    [scenes] = [source for source in SOURCES if source.task == "scenes"]
    found = sources.source_accuracy(scenes, tmp_path, data, 40)
    assert found == pytest.approx(np.mean(data.scenes[:40] == 3))
