"""Train the embedded world's decoder and language model on Glyph annotations."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from baselines.captioning.model_file import save_captioner
from bench.files import sha256_file
from bench.glyphs.encoder import WEIGHTS as ENCODER_WEIGHTS
from bench.glyphs.milan import load_pyramid
from bench.glyphs.train.annotated import (
    BLOCK,
    BLOCKS,
    DRAW,
    DRAWS,
    IMAGES,
    RULE,
    annotate,
    prepare_images,
)
from bench.glyphs.train.cache import load_split
from bench.glyphs.train.regions import load_regions
from bench.glyphs.train.sources import SOURCES, source_accuracy, train_source
from bench.milan.evaluate import score_file
from bench.milan.fit import Schedule
from bench.milan.samples import concatenate
from bench.milan.train import Plan, train_models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.glyphs.train.cache import RenderedSplit
    from bench.milan.evaluate import Embedder
    from bench.milan.samples import Samples

_LOG = logging.getLogger(__name__)
CHECKED = 1_000
"""Number of images of the split ``annotate`` for measuring sources."""
PLAN = Plan(
    hidden=256,
    language_hidden=128,
    decoder=Schedule(batch=64, epochs=30, seed=16),
    language=Schedule(batch=128, epochs=30, seed=16),
    seed=16,
)


def cycles() -> list[dict[str, Any]]:
    """Return the recipes of all networks, which together with the code decide the weights."""
    sources = [source.recipe.record() for source in SOURCES]
    return [*sources, PLAN.decoder.record(), PLAN.language.record()]


def train_milan(
    data: RenderedSplit,
    out: Path,
    scratch: Path,
    load_embedder: Callable[[], Embedder],
    device: str = "cpu",
) -> dict[str, Any]:
    """Train sources, describe their units, train decoder and language model, and measure them.

    Args:
        data: The rendered split ``train``, for the sources.
        out: Folder for ``milan.safetensors``.
        scratch: Folder for the sources' weights and the rendered images.
        load_embedder: Loads the sentence encoder that scores the decoder.
        device: torch device.

    Returns:
        Record: sources, sizes, schedules, seconds (without the sources), and ``accuracy``: scores
        of the written file on the samples (``checked``) of the held-out source.
    """
    sources = [train_source(source, data, scratch, device) for source in SOURCES]
    fresh = load_split(scratch, "annotate", IMAGES)
    for source, record in zip(SOURCES, sources, strict=True):
        record["accuracy"] = source_accuracy(source, scratch, fresh, CHECKED)
    started = time.perf_counter()
    known, unseen = annotated_units(scratch, device)
    trained = train_models(known, PLAN, device=device)
    path = out / "milan.safetensors"
    info = {"trained_on": "Glyph annotations"}
    save_captioner(path, trained.decoder, trained.language, trained.vocabulary, info)
    return {
        "architecture": (
            f"attention LSTM of {PLAN.hidden}, language model of two LSTMs of "
            f"{PLAN.language_hidden}"
        ),
        "looks_through": {"file": ENCODER_WEIGHTS.name, "sha256": sha256_file(ENCODER_WEIGHTS)},
        "sources": sources,
        "exemplars": {"top_k": RULE.top_k, "quantile": RULE.quantile},
        "hidden_layers": {"blocks": BLOCKS, "images": BLOCK},
        "final_layers": {"draws": DRAWS, "images": DRAW},
        **trained.record,
        "cycles": cycles(),
        "seconds": time.perf_counter() - started,
        "checked": len(unseen),
        "accuracy": score_file(path, unseen, load_embedder()),
    }


def annotated_units(scratch: Path, device: str) -> tuple[Samples, Samples]:
    """Return the described units of the training sources, and of the held-out ones."""
    pixels = load_split(scratch, "annotate", IMAGES).images
    pyramid = load_pyramid().to(device)
    images = prepare_images(pixels, load_regions(scratch, "annotate", IMAGES), pyramid)
    parts: dict[bool, list[Samples]] = {True: [], False: []}
    for source in SOURCES:
        samples = annotate(source, scratch, images, pyramid, device)
        _LOG.info("%s: %d samples", source.name, len(samples))
        parts[source.held_out].append(samples)
    return concatenate(parts[False]), concatenate(parts[True])
