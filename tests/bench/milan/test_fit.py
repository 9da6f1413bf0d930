"""Losses against closed forms; early stopping that restores; splits by unit."""

import math

import numpy as np
import pytest
import torch

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.vocabulary import Vocabulary
from bench.milan.annotated import split_by_unit
from bench.milan.fit import (
    Schedule,
    attention_loss,
    encode_all,
    fit_decoder,
    fit_language_model,
    sequence_loss,
)
from bench.milan.samples import Samples, concatenate

TEXTS = (("a red heart",), ("the sea",), ("blue stars", "a blue star"))


def made(count: int = 3, seed: int = 0) -> Samples:
    features = np.random.default_rng(seed).normal(size=(count, 4, 6)).astype(np.float16)
    texts = tuple(TEXTS[i % 3] for i in range(count))
    return Samples(features, texts, tuple(f"net/layer/{i}" for i in range(count)))


def small(samples: Samples) -> tuple[Decoder, Vocabulary]:
    vocabulary = Vocabulary.build(samples.texts())
    torch.manual_seed(0)
    return Decoder(DecoderConfig(len(vocabulary), 6, 16, 8)), vocabulary


def test_every_description_is_an_example_of_its_own() -> None:
    samples = made()
    _, vocabulary = small(samples)
    tokens, owner = encode_all(samples.descriptions, vocabulary, 5)
    assert tokens.shape == (4, 6)
    assert owner.tolist() == [0, 1, 2, 2]
    assert (tokens[:, 0] == vocabulary.start).all()
    assert tokens[1, 3] == vocabulary.stop
    assert (tokens[1, 4:] == vocabulary.pad).all()


def test_the_loss_of_a_uniform_guess_is_the_log_of_the_vocabulary() -> None:
    tokens = torch.tensor([[5, 1, 2, 6, 7, 7], [5, 3, 6, 7, 7, 7]])
    log_p = torch.full((2, 5, 9), -math.log(9.0))
    assert float(sequence_loss(log_p, tokens, pad=7)) == pytest.approx(math.log(9.0))
    worse = log_p.clone()
    worse[:, 3:] = -100.0  # behind the stop of the first and in the second's padding
    assert float(sequence_loss(worse, tokens, pad=7)) == pytest.approx(math.log(9.0))


def test_attention_is_to_add_up_to_one_for_every_exemplar() -> None:
    even = torch.full((1, 4, 4), 0.25)
    assert float(attention_loss(even)) == pytest.approx(0.0)
    one = torch.zeros(1, 4, 4)
    one[:, :, 0] = 1.0  # sums 4, 0, 0, 0
    assert float(attention_loss(one)) == pytest.approx((9 + 3) / 4)


def test_a_decoder_learns_what_it_is_shown() -> None:
    samples = made(12)
    decoder, vocabulary = small(samples)
    first: list[float] = []

    def score(model: Decoder) -> float:
        tokens, owner = encode_all(samples.descriptions, vocabulary, 6)
        with torch.no_grad():
            features = torch.from_numpy(samples.features[owner]).float()
            log_p, _ = model(features, torch.from_numpy(tokens))
            first.append(-float(sequence_loss(log_p, torch.from_numpy(tokens), vocabulary.pad)))
        return first[-1]

    schedule = Schedule(batch=4, epochs=40, rate=1e-2)
    found = fit_decoder(decoder, samples, vocabulary, schedule, score, length=6, progress=False)
    assert found.best == max(first)
    assert score(decoder) == pytest.approx(found.best)
    assert found.best > first[0] + 1.0


def test_training_ends_with_the_best_weights_and_stops_in_time() -> None:
    samples = made(6)
    decoder, vocabulary = small(samples)
    scores = iter([1.0, 3.0, 2.0, 2.5, 2.9, 2.0, 2.0, 9.0])
    seen: list[dict[str, torch.Tensor]] = []

    def score(model: Decoder) -> float:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scores)

    schedule = Schedule(batch=2, epochs=20, patience=4)
    found = fit_decoder(decoder, samples, vocabulary, schedule, score, length=6, progress=False)
    assert (found.best, found.best_epoch, found.epochs) == (3.0, 2, 7)
    for name, value in decoder.state_dict().items():
        assert torch.equal(value, seen[1][name])
    assert not decoder.training


def test_a_language_model_learns_frequencies() -> None:
    texts = ["a heart"] * 9 + ["a star"] * 3
    vocabulary = Vocabulary.build(texts)
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(len(vocabulary), 8, 16))
    schedule = Schedule(batch=4, epochs=60, rate=1e-2, patience=60)
    found = fit_language_model(model, texts, texts, vocabulary, schedule, length=4, progress=False)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / 3  # of three tokens a sentence
    assert -found.best == pytest.approx(entropy, abs=0.03)


def test_equal_seeds_train_equal_weights() -> None:
    samples = made(6)
    ends = []
    for _ in range(2):
        decoder, vocabulary = small(samples)
        schedule = Schedule(batch=2, epochs=2)
        torch.manual_seed(3)
        fit_decoder(decoder, samples, vocabulary, schedule, lambda _: 0.0, length=6, progress=False)
        ends.append(decoder.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_no_unit_is_on_both_sides() -> None:
    once, again = made(20), made(20, seed=1)
    both = concatenate([once, again])
    train, val = split_by_unit(both.units, 0.25, 5)
    names = np.array(both.units)
    assert not set(names[train]) & set(names[val])
    assert len(set(names[val])) == 5
    assert len(train) + len(val) == 40


def test_what_does_not_belong_together_is_refused() -> None:
    good = made()
    with pytest.raises(ValueError, match="do not match"):
        Samples(good.features, good.descriptions[:2], good.units)
    with pytest.raises(ValueError, match="net/layer/1 has no description"):
        Samples(good.features, (("a",), (), ("b",)), good.units)
    with pytest.raises(ValueError, match="must match exactly"):
        concatenate([good, Samples(good.features[:, :2], good.descriptions, good.units)])
