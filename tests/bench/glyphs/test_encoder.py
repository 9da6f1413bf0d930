"""The image-text encoder: its locked text tower and its accuracies."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from bench.files import sha256_file
from bench.glyphs import encoder as glyph_encoder
from bench.glyphs.encoder import TEXT_SHA256, encoder_config, load_encoder, text_folder
from bench.glyphs.vocabulary import OBJECTS, SCENES, all_concepts
from bench.glyphs.weights import card
from bench.glyphs.world import render

CHECKED = 300
FIRST = 200_000


def test_the_text_tower_is_the_official_file() -> None:
    """Its hash is the one that the image tower was trained for."""
    assert sha256_file(text_folder() / "model.safetensors") == TEXT_SHA256
    assert encoder_config()["text_cfg"]["hf_model_name"] == str(text_folder())


def test_another_text_tower_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text tower with another hash raises, naming both hashes."""
    monkeypatch.setattr(glyph_encoder, "TEXT_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="0000"):
        load_encoder()


def test_text_features_are_those_of_sentence_transformers() -> None:
    """open_clip's text features equal sentence-transformers' own to 1e-5."""
    texts = [*all_concepts()[:40], "a red striped heart on the sea", "what a pilot flies"]
    model, _, tokenizer = load_encoder()
    with torch.no_grad():
        ours = model.encode_text(tokenizer(texts), normalize=True).numpy()
    reference = SentenceTransformer(str(text_folder()), device="cpu")
    theirs = reference.encode(texts, normalize_embeddings=True)
    assert np.abs(ours - theirs).max() <= 1e-5


@pytest.mark.slow
def test_accuracies_hold_on_fresh_images() -> None:
    """Text classification on other images lies within the binomial bound of the card's."""
    from bench.glyphs.train.encoder import embed_images, embed_texts

    samples = [render(FIRST + i, "val", "val") for i in range(CHECKED)]
    model, preprocess, tokenizer = load_encoder()
    image = embed_images(model, preprocess, np.stack([sample.image for sample in samples]))
    truth = np.asarray([sample.instances[0].object_id for sample in samples])
    scene = np.asarray([sample.scene_id for sample in samples])
    stated = card()["parts"]["encoder"]["accuracy"]
    for key, names, true in (
        ("objects", [entry.name for entry in OBJECTS], truth),
        ("scenes", [entry.name for entry in SCENES], scene),
    ):
        text = embed_texts(model, tokenizer, names)
        found = float(((image @ text.T).argmax(dim=1).numpy() == true).mean())
        slack = 5 * math.sqrt(max(stated[key] * (1 - stated[key]), 0.01) / CHECKED)
        assert abs(found - stated[key]) <= slack
