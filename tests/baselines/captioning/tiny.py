"""Decoders, language models and features with random weights, in float64."""

from __future__ import annotations

import torch

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig


def make_decoder(seed, words=9, features=7, attended=5, sharp=6.0, stop=1.0):
    """A decoder with random weights whose sentences differ in length."""
    torch.manual_seed(seed)
    config = DecoderConfig(words + 4, features, 6, 4, attended)
    decoder = Decoder(config).double().eval()
    with torch.no_grad():
        for name, weight in decoder.named_parameters():
            weight.mul_(3.0 if name != "output.weight" else sharp)
        decoder.output.bias[words + 1] += stop
    return decoder


def make_language_model(seed, words=9):
    torch.manual_seed(1000 + seed)
    model = LanguageModel(LanguageModelConfig(words + 4, 4, 5, 2)).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3.0)
    return model


def make_features(seed, units=3, k=4, features=7):
    torch.manual_seed(2000 + seed)
    return torch.randn(units, k, features, dtype=torch.float64)
