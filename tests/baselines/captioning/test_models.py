"""Decoder and language model against the formulas in plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.captioning.decoder import Decoder, DecoderConfig, State
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from tests.baselines.captioning import reference
from tests.baselines.captioning.tiny import make_decoder, make_features, make_language_model


@pytest.mark.parametrize("seed", range(3))
def test_decoder_follows_the_formulas(seed: int) -> None:
    decoder, features = make_decoder(seed), make_features(seed)
    tokens = torch.randint(0, 9, (3, 6))
    tokens[:, 0] = 9
    with torch.no_grad():
        log_p, alphas = decoder(features, tokens)
    assert log_p.shape == (3, 5, 13)
    assert alphas.shape == (3, 5, 4)
    for unit in range(3):
        steps, alpha = reference.decoder_steps(
            reference.arrays(decoder), features[unit].numpy(), tokens[unit, 1:-1].tolist()
        )
        np.testing.assert_allclose(log_p[unit].numpy(), np.stack(steps), atol=1e-12)
        np.testing.assert_allclose(alphas[unit].numpy(), np.stack(alpha), atol=1e-12)


def test_steps_equal_the_whole_and_sentences_share_their_unit() -> None:
    decoder, features = make_decoder(0), make_features(0)
    tokens = torch.randint(0, 13, (3, 5))
    with torch.no_grad():
        log_p, alphas = decoder(features, tokens)
        prepared = decoder.prepare(features)
        state = decoder.initial(prepared)
        twice = State(*(part.unsqueeze(1).repeat(1, 2, 1) for part in state))
        for t in range(4):
            one, state, alpha = decoder.step(prepared, state, tokens[:, t])
            torch.testing.assert_close(one, log_p[:, t])
            torch.testing.assert_close(alpha, alphas[:, t])
            pair = torch.stack([tokens[:, t], tokens[:, t].flip(0)], dim=1)
            two, twice, alpha_two = decoder.step(prepared, twice, pair)
            assert two.shape == (3, 2, 13)
            torch.testing.assert_close(two[:, 0], one)
            torch.testing.assert_close(alpha_two[:, 0], alpha)
    torch.testing.assert_close(prepared.keys, decoder.key(features))


def test_every_weight_of_the_decoder_learns() -> None:
    decoder = Decoder(DecoderConfig(9, 6, 5, 4)).train()
    log_p, alphas = decoder(torch.randn(2, 3, 6), torch.tensor([[5, 0, 1], [5, 2, 6]]))
    (log_p[..., 0].sum() + ((1 - alphas.sum(1)) ** 2).mean()).backward()
    for name, weight in decoder.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_dropout_only_in_training_and_only_before_the_output() -> None:
    decoder = make_decoder(0)
    h = torch.randn(1, 6, dtype=torch.float64)
    assert torch.equal(decoder.readout(h), decoder.readout(h))
    decoder.train()
    assert not torch.equal(decoder.readout(h), decoder.readout(h))


def test_the_attention_is_no_wider_than_the_features() -> None:
    assert DecoderConfig(9, 3904).attended_size == 512
    assert DecoderConfig(9, 64).attended_size == 64
    assert DecoderConfig(9, 64, attention_size=128).attended_size == 128
    with pytest.raises(ValueError, match="positive integers"):
        DecoderConfig(9, 0)


@pytest.mark.parametrize("seed", range(3))
def test_language_model_follows_the_formulas(seed: int) -> None:
    model = make_language_model(seed)
    tokens = torch.randint(0, 9, (4, 7))
    tokens[:, 0] = 9
    with torch.no_grad():
        log_p = model(tokens)
        memory = model.initial(4)
        for t in range(6):
            step, memory = model.step(memory, tokens[:, t])
            torch.testing.assert_close(step, log_p[:, t])
    for row in range(4):
        steps = reference.prior_steps(reference.arrays(model), tokens[row, 1:-1].tolist())
        np.testing.assert_allclose(log_p[row].numpy(), np.stack(steps), atol=1e-12)


def test_log_p_of_sentences_ends_with_the_first_stop() -> None:
    """Against sums over the plain steps; sentences share beginnings, repeat, and run over."""
    model, stop = make_language_model(0), 10
    tokens = torch.randint(0, 3, (40, 5))
    tokens[5, 0] = tokens[6, 1] = tokens[7, 4] = tokens[8, 2] = stop
    tokens[6, 2:] = 11
    tokens[20:40] = tokens[:20].clone()
    found = model.sequence_log_p(tokens)
    official = model.sequence_log_p(tokens, official=True)
    weights = reference.arrays(model)
    for row, said in enumerate(tokens.tolist()):
        end = said.index(stop) + 1 if stop in said else 5
        steps = reference.prior_steps(weights, said)
        assert float(found[row]) == pytest.approx(reference.sum_log_p(steps, said[:end]))
        longer = reference.sum_log_p(steps, said[: end + 1])
        assert float(official[row]) == pytest.approx(longer)


def test_the_official_score_counts_one_token_too_many() -> None:
    """A model without memory, p = 1/2, 1/4, ... of its tokens: the sums follow by hand.

    Words 0..1, then start 2, stop 3, pad 4, unk 5. Of [0, stop, stop] the right sum is that of
    0 and stop; the official one counts the second stop too, or the pad behind the first.
    """
    model = LanguageModel(LanguageModelConfig(6, 2, 2, 1)).double().eval()
    p = torch.tensor([0.5, 0.25, 0.0625, 0.125, 0.03125, 0.03125], dtype=torch.float64)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.output.bias.copy_(p.log())
    tokens = torch.tensor([[0, 3, 3], [0, 3, 4], [0, 1, 3], [0, 1, 0]])
    right = torch.tensor([1 / 16, 1 / 16, 1 / 64, 1 / 16], dtype=torch.float64).log()
    wrong = torch.tensor([1 / 128, 1 / 512, 1 / 64, 1 / 16], dtype=torch.float64).log()
    torch.testing.assert_close(model.sequence_log_p(tokens), right)
    torch.testing.assert_close(model.sequence_log_p(tokens, official=True), wrong)
    assert model.sequence_log_p(tokens[:0]).shape == (0,)


def test_sentences_in_small_batches_score_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_language_model(1)
    tokens = torch.randint(0, 11, (50, 6))
    whole = model.sequence_log_p(tokens)
    monkeypatch.setattr("baselines.captioning.language_model._AT_ONCE", 150)
    torch.testing.assert_close(model.sequence_log_p(tokens), whole)
    order = torch.randperm(50)
    torch.testing.assert_close(model.sequence_log_p(tokens[order]), whole[order])
