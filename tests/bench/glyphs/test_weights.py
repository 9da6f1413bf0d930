"""Quantisation, the shipped files and the card."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.glyphs.vocabulary import OBJECTS, SCENES
from bench.glyphs.weights import (
    FOLDER,
    TARGETS,
    card,
    dequantise,
    pack_target,
    quantise,
    read_shipped,
    target_path,
    target_state,
    unpack_target,
)
from bench.glyphs.world import SPLITS, fingerprint, render

CHECKED = 300
"""Fresh images on which accuracies are measured again."""
FIRST = 100_000
"""Index of the first of them, far beyond the images that the card was measured on."""


def _slack(accuracy: float) -> float:
    """Five standard deviations of an accuracy measured on CHECKED images."""
    return 5 * math.sqrt(max(accuracy * (1 - accuracy), 0.01) / CHECKED)


def test_quantisation_errs_by_at_most_half_a_step() -> None:
    """The round trip keeps each channel within half its own step."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(17, 5, 3, 3)).astype(np.float32)
    weight *= np.geomspace(1e-4, 10, 17)[:, None, None, None].astype(np.float32)
    weight[3] = 0
    stored, scale = quantise(weight)
    assert stored.dtype == np.int8
    assert scale.shape == (17,)
    error = np.abs(dequantise(stored, scale) - weight).reshape(17, -1).max(axis=1)
    assert (error <= scale * 0.5001).all()
    assert (dequantise(stored, scale)[3] == 0).all()


def test_packing_keeps_vectors_and_names() -> None:
    """Vectors stay float32, matrices come back quantised, batch counters go."""
    state = {
        "fc.weight": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
        "fc.bias": np.asarray([0.1, 0.2, 0.3], dtype=np.float32),
        "bn.num_batches_tracked": np.asarray(5),
    }
    back = unpack_target(pack_target(state))
    assert sorted(back) == ["fc.bias", "fc.weight"]
    assert (back["fc.bias"] == state["fc.bias"]).all()
    assert np.abs(back["fc.weight"] - state["fc.weight"]).max() <= 0.5 / 127 + 1e-7


def test_unknown_target_is_named() -> None:
    """An unknown target's error lists those there are."""
    with pytest.raises(ValueError, match="objects, scenes"):
        target_path("faces")


def test_shipped_files_match_the_card() -> None:
    """Hashes, sizes and the world's fingerprint agree with card.json."""
    written = card()
    assert written["world"]["fingerprint"] == fingerprint()
    assert written["world"]["seeds"] == SPLITS
    total = 0
    for part in ("objects", "scenes", "encoder", "segmenter", "milan"):
        record = written["parts"][part]
        path = FOLDER / record["file"]
        content = path.read_bytes() if part == "encoder" else read_shipped(Path(f"{path}.gz"))
        assert hashlib.sha256(content).hexdigest() == record["sha256"]
        assert len(content) == record["bytes"]
        total += record["bytes"]
    assert written["parts"]["segmenter"]["bytes"] <= 6e6
    assert written["parts"]["milan"]["bytes"] <= 8e6
    assert total <= 50e6


def test_the_card_meets_the_requirements() -> None:
    """The accuracies that the benchmark builds on."""
    parts = card()["parts"]
    assert parts["objects"]["accuracy"]["top1"] >= 0.95
    assert parts["scenes"]["accuracy"]["top1"] >= 0.95
    assert parts["encoder"]["accuracy"]["objects_named"] >= 0.88
    assert parts["encoder"]["accuracy"]["scenes"] >= 0.95
    milan = parts["milan"]["accuracy"]
    assert milan["cosine_pmi"] >= milan["cosine_constant"] + 0.2


def test_the_readable_card_is_up_to_date() -> None:
    """MODEL_CARD.md is what the code writes from card.json."""
    from bench.glyphs.train.card import render_card

    assert (FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8") == render_card(card())


def test_states_fit_the_architectures() -> None:
    """Final layers have one unit a name."""
    assert target_state("objects")["fc.weight"].shape == (len(OBJECTS), 512)
    assert target_state("scenes")["fc.weight"].shape == (len(SCENES), 512)
    assert all(names for _, names in TARGETS.values())


def test_each_load_gives_a_network_of_its_own() -> None:
    """What is done to one network does not show in the next."""
    from bench.glyphs.weights import load_target

    bias = target_state("scenes")["fc.bias"]
    for _ in range(2):
        network = load_target("scenes")
        assert (network.fc.bias.detach().numpy() == bias).all()
        assert not network.training
        network.train().fc.bias.data.zero_()


def test_importing_loads_no_torch() -> None:
    """The world, its vocabulary and the weights module leave torch alone."""
    code = (
        "import sys, bench.glyphs.world, bench.glyphs.weights, bench.glyphs.encoder, "
        "bench.glyphs.segmenter; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_accuracies_hold_on_fresh_images() -> None:
    """Accuracies measured again on other images lie within the binomial bound of the card's."""
    import torch

    from bench.glyphs.train.targets import logits
    from bench.glyphs.weights import load_target

    samples = [render(FIRST + i, "val", "val") for i in range(CHECKED)]
    images = np.stack([sample.image for sample in samples])
    truths = {
        "objects": [sample.instances[0].object_id for sample in samples],
        "scenes": [sample.scene_id for sample in samples],
    }
    for part, truth in truths.items():
        model = load_target(part)
        assert not model.training
        assert all(p.dtype == torch.float32 for p in model.parameters())
        found = float((logits(model, images).argmax(dim=1).numpy() == np.asarray(truth)).mean())
        stated = card()["parts"][part]["accuracy"]["top1"]
        assert abs(found - stated) <= _slack(stated)
