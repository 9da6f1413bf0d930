"""Train a decoder and a language model on annotated units (`dissectbench train milan`)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.vocabulary import Vocabulary
from bench.milan.annotated import split_by_unit
from bench.milan.evaluate import greedy_bleu
from bench.milan.fit import Schedule, fit_decoder, fit_language_model
from bench.milan.samples import Samples

if TYPE_CHECKING:
    from baselines.captioning.pyramid import Pyramid
    from bench.milan.annotated import AnnotatedUnits

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Training settings; the defaults are those of MILAN's code.

    Attributes:
        hidden: Width of the decoder's LSTM.
        language_hidden: Width of the language model's two LSTMs.
        decoder: Schedule of the decoder.
        language: Schedule of the language model.
        hold_out: Share of the units for early stopping.
        length: Tokens of a description, including stop.
        min_count: Less frequent words of the descriptions are unknown words.
        seed: Seed of weights and splits.
    """

    hidden: int = 512
    language_hidden: int = 512
    decoder: Schedule = field(default_factory=lambda: Schedule(batch=64))
    language: Schedule = field(default_factory=lambda: Schedule(batch=128))
    hold_out: float = 0.1
    length: int = 15
    min_count: int = 1
    seed: int = 0


@dataclass(frozen=True)
class TrainedModels:
    """Result of a training.

    Attributes:
        decoder: Decoder with its best weights.
        language: Language model with its best weights.
        vocabulary: Words of the training units.
        record: Sizes, schedules, best epochs and scores, ready for JSON.
    """

    decoder: Decoder
    language: LanguageModel
    vocabulary: Vocabulary
    record: dict[str, Any]


def samples_of(units: AnnotatedUnits, pyramid: Pyramid, *, progress: bool = True) -> Samples:
    """Compute features of annotated units' exemplars under their masks."""
    rows = range(len(units.names))  # exemplars are of exactly these units, in order
    features = pyramid.masked_features(units.exemplars, rows, progress=progress)
    names = [f"{name}/{unit}" for name, unit in zip(units.names, units.units, strict=True)]
    return Samples(features.half().cpu().numpy(), tuple(units.descriptions), tuple(names))


def train_models(
    samples: Samples, plan: Plan, *, device: str = "cpu", progress: bool = True
) -> TrainedModels:
    """Train both networks on described units.

    The vocabulary is that of the training units (the official one includes held-out units), and no
    unit is on both sides of the split.

    Args:
        samples: All samples; a share of the units is held out.
        plan: Training settings.
        device: torch device.
        progress: Show progress bars on a terminal.
    """
    train, val = (
        samples.take(part) for part in split_by_unit(samples.units, plan.hold_out, plan.seed)
    )
    vocabulary = Vocabulary.build(train.texts(), plan.min_count)
    torch.manual_seed(plan.seed)
    decoder = Decoder(DecoderConfig(len(vocabulary), samples.features.shape[2], plan.hidden))
    language = LanguageModel(LanguageModelConfig(len(vocabulary), hidden_size=plan.language_hidden))
    common: dict[str, Any] = {"length": plan.length, "device": device, "progress": progress}
    fitted = fit_decoder(
        decoder, train, vocabulary, plan.decoder, partial(greedy_bleu, vocabulary, val), **common
    )
    _LOG.info("decoder: BLEU %.4f after epoch %d", fitted.best, fitted.best_epoch)
    spoken = fit_language_model(
        language, train.texts(), val.texts(), vocabulary, plan.language, **common
    )
    record = {
        "hidden": plan.hidden,
        "language_hidden": plan.language_hidden,
        "vocabulary": len(vocabulary),
        "samples": {"train": len(train), "val": len(val)},
        "schedules": {"decoder": plan.decoder.record(), "language": plan.language.record()},
        "best_epoch": {"decoder": fitted.best_epoch, "language": spoken.best_epoch},
        "val_bleu": fitted.best,
        "val_loss_language": -spoken.best,
    }
    return TrainedModels(decoder.cpu().eval(), language.cpu().eval(), vocabulary, record)
