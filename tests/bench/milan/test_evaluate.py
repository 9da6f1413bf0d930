"""Scores of a decoder: sentences against descriptions of held-out units."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.model_file import save_captioner
from baselines.captioning.vocabulary import Vocabulary
from bench.milan.evaluate import DECODINGS, best_cosines, greedy_bleu, score_file
from bench.milan.fit import Schedule, fit_decoder
from bench.milan.samples import Samples
from bench.milan.train import Plan, train_models

WORDS = ("a red heart on the sea", "a blue star in the cave", "many different grey things here")


def made(count: int, seed: int = 0) -> Samples:
    """Units of three kinds, whose features say which."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    features = 0.1 * rng.normal(size=(count, 4, 6)) + 2 * np.eye(6)[kinds][:, None]
    return Samples(
        features.astype(np.float16),
        tuple((WORDS[kind], WORDS[kind]) for kind in kinds),
        tuple(f"net/layer/{unit}" for unit in range(count)),
        tuple("seen" if kind else "unseen" for kind in kinds),
    )


def hashed(texts: list[str]) -> np.ndarray:
    """Unit vectors of bags of words."""
    table = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            table[row, sum(map(ord, word)) % 64] += 1
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)


@pytest.mark.slow
def test_training_teaches_and_the_file_keeps_it(tmp_path: Path) -> None:
    schedule = Schedule(batch=4, epochs=30, patience=30, rate=1e-2)
    plan = Plan(hidden=24, language_hidden=16, decoder=schedule, language=schedule, hold_out=0.25)
    trained = train_models(made(36), plan, progress=False)
    assert trained.record["samples"] == {"train": 27, "val": 9}
    assert trained.record["val_bleu"] == pytest.approx(1.0)
    # BLEU is satisfied long before the likelihood is: beams need a decoder that is sure.
    better = itertools.count()
    fit_decoder(
        trained.decoder, made(36), trained.vocabulary, schedule, lambda _: next(better),
        progress=False,
    )  # fmt: skip
    path = tmp_path / "decoder.safetensors"
    save_captioner(path, trained.decoder, trained.language, trained.vocabulary, {})
    fresh = made(9, seed=5)
    found = score_file(path, fresh, hashed)
    for decoding in DECODINGS:
        assert found[f"bleu_{decoding}"] == pytest.approx(1.0)
        assert found[f"cosine_{decoding}"] == pytest.approx(1.0, abs=1e-5)
        assert {f"bleu_{decoding} [seen]", f"bleu_{decoding} [unseen]"} <= found.keys()
    assert found["cosine_constant"] < 0.9
    assert greedy_bleu(trained.vocabulary, fresh, trained.decoder) == pytest.approx(1.0)


def test_an_untrained_decoder_is_worth_little(tmp_path: Path) -> None:
    samples = made(9)
    vocabulary = Vocabulary.build(samples.texts())
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(len(vocabulary), 6, 8)).eval()
    language = LanguageModel(LanguageModelConfig(len(vocabulary), 8, 8)).eval()
    path = tmp_path / "decoder.safetensors"
    save_captioner(path, decoder, language, vocabulary, {})
    found = score_file(path, samples, hashed)
    assert max(found[f"bleu_{decoding}"] for decoding in DECODINGS) < 0.2


def test_the_nearest_description_counts() -> None:
    said, references = ["a star"], [("the sea", "a star", "nothing")]
    assert best_cosines(said, references, hashed).tolist() == pytest.approx([1.0])
    apart = best_cosines(["zebra"], [("the sea", "a star")], hashed)
    assert apart[0] < 0.5
