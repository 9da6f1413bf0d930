"""The shipped captioner: what stands in its key, and that it says what it is shown."""

import gzip

import numpy as np
import pytest
from PIL import Image

from baselines.captions import Search
from bench.errors import UserError
from bench.glyphs import milan
from bench.glyphs.vocabulary import OBJECTS, SCENES
from bench.glyphs.weights import read_shipped
from bench.glyphs.world import render
from bench.milan import AnnotatedUnits
from bench.parts.captioners import GlyphsCaptioner

SIDE = milan.IMAGE_SIZE


@pytest.fixture(scope="module")
def captioner():
    return GlyphsCaptioner().load("cpu")


@pytest.fixture(scope="module")
def scenes():
    """For some scenes the first five images of the split `val` that show them, as wholes."""
    found: dict[int, list[np.ndarray]] = {0: [], 4: [], 12: [], 22: []}
    for index in range(400):
        sample = render(index, "val", "val")
        if sample.scene_id in found and len(found[sample.scene_id]) < 5:
            image = Image.fromarray(sample.image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            found[sample.scene_id].append(np.asarray(image))
    images = np.stack([image for shown in found.values() for image in shown])
    count = len(found)
    return list(found), AnnotatedUnits.of(
        np.arange(5 * count).reshape(count, 5),
        np.ones((count, 5, SIDE, SIDE), dtype=bool),
        lambda ids: images[list(ids)],
        size=SIDE,
        names=["net"] * count,
        units=list(range(count)),
        descriptions=[("-",)] * count,
    ).exemplars


def test_scenes_are_named(captioner, scenes):
    ids, exemplars = scenes
    said = captioner.describe(exemplars, range(len(ids)), Search(), seed=0)
    right = 0
    for scene, candidates in zip(ids, said, strict=True):
        text = candidates[0].text.lower()
        right += any(name in text for name in (SCENES[scene].name, *SCENES[scene].synonyms))
    assert right >= 3


def test_candidates_are_different_and_in_order(captioner, scenes):
    ids, exemplars = scenes
    for candidates in captioner.describe(exemplars, range(len(ids)), Search(beam=8), seed=0):
        scores = [one.score for one in candidates]
        assert scores == sorted(scores, reverse=True)
        assert len({one.text for one in candidates}) == len(candidates) <= 8
        for one in candidates:
            assert one.score == pytest.approx(one.log_p - 0.2 * one.log_prior, abs=1e-4)


def test_no_unnamed_object_is_in_the_vocabulary():
    from baselines.captioning.model_file import parse_captioner

    words = set(parse_captioner(read_shipped(milan.WEIGHTS), "milan").vocabulary.words)
    unnamed = [entry for entry in OBJECTS if not entry.named_in_captions]
    assert len(unnamed) == 9
    for entry in unnamed:
        assert not set(entry.name.split()) <= words, entry.name


def test_the_fingerprint_knows_both_files(monkeypatch, tmp_path):
    own = GlyphsCaptioner().fingerprint()
    assert own["decoder"] != own["looks_through"]
    assert GlyphsCaptioner().image_size == SIDE
    other = tmp_path / "milan.safetensors.gz"
    other.write_bytes(gzip.compress(read_shipped(milan.WEIGHTS) + b" ", 1))
    monkeypatch.setattr(milan, "WEIGHTS", other)
    assert GlyphsCaptioner().fingerprint() != own


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(milan, "WEIGHTS", tmp_path / "milan.safetensors")
    with pytest.raises(UserError, match=r"milan\.safetensors"):
        GlyphsCaptioner().fingerprint()
