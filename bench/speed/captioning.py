"""Compare the search for sentences with its plain loop, on random weights and features."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from baselines.captioning import search
from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.ranking import pmi_order
from baselines.captioning.vocabulary import special_ids
from bench.errors import UserError
from bench.speed.benchmarks import run
from bench.speed.harness import alternate, costs
from bench.speed.plain import captioning as plain

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

TOLERANCE = 1e-3
"""Largest difference of scores between the two sides."""

PMI_WEIGHT = 0.2


class Sizes(NamedTuple):
    """Sizes of the models and of the search."""

    units: int = 64
    exemplars: int = 15  # of each unit
    features: int = 1024  # numbers of an exemplar
    hidden: int = 256  # width of both LSTMs
    beam: int = 50
    vocabulary: int = 300  # the special tokens included
    max_length: int = 15  # tokens of a sentence
    ending: float = 3.0  # bias of the logit that ends a sentence; more makes shorter sentences


class Inputs(NamedTuple):
    """Models, and features [U, K, F] of the units' exemplars."""

    sizes: Sizes
    decoder: Decoder
    language_model: LanguageModel
    features: Tensor

    def search(self) -> search.Sentences:
        """Search the sentences of all units together."""
        width, length = self.sizes.beam, self.sizes.max_length
        return search.beam(self.decoder, self.features, width=width, max_length=length)

    def search_plainly(self) -> list[tuple[Tensor, Tensor]]:
        """Search the sentences unit by unit: tokens and log p of each."""
        width, length = self.sizes.beam, self.sizes.max_length
        return [plain.beam(self.decoder, each, width, length) for each in self.features]


OPTIONS = {**Sizes()._asdict(), "device": "cpu"}


def make_inputs(sizes: Sizes, device: str, seed: int = 0) -> Inputs:
    """Draw random models, whose outputs are as sharp as those of trained ones, and features."""
    torch.manual_seed(seed)
    decoder = Decoder(DecoderConfig(sizes.vocabulary, sizes.features, sizes.hidden)).eval()
    model = LanguageModel(LanguageModelConfig(sizes.vocabulary, hidden_size=sizes.hidden)).eval()
    with torch.no_grad():
        for network in (decoder, model):
            network.output.weight.mul_(20)
            network.output.bias[special_ids(sizes.vocabulary).stop] += sizes.ending
    features = torch.randn(sizes.units, sizes.exemplars, sizes.features)
    return Inputs(sizes, decoder.to(device), model.to(device), features.to(device))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the beam search, the language model, and both."""
    sizes = Sizes(*(getattr(options, name) for name in Sizes._fields))
    if sizes.beam > sizes.vocabulary - 3:
        raise UserError(
            f"{sizes.beam} exceeds the number of words, {sizes.vocabulary - 3}",
            where="--beam",
            hint="--vocabulary includes three special tokens",
        )
    rows, found = compare(make_inputs(sizes, options.device), options.repeats)
    return {"sizes": sizes._asdict(), "found": found, "rows": rows}


def compare(inputs: Inputs, repeats: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Measure both sides in turns.

    Returns:
        The rows; and the sentences' "mean_length" (without stop), the share of units with the
        "same_best" sentence on both sides, and the "max_difference" of scores at each rank.

    Raises:
        ValueError: Scores differ by more than `TOLERANCE`.
    """
    measure_sides = partial(alternate, device=str(inputs.features.device), repeats=repeats)
    few, model = inputs._replace(features=inputs.features[:1]), inputs.language_model
    few.search()
    few.search_plainly()
    beams = measure_sides({"ours": inputs.search, "plain": inputs.search_plainly})
    found, loop = beams["ours"].result, beams["plain"].result
    priors = measure_sides(
        {
            "ours": partial(search.log_priors, found, model),
            "plain": lambda: [plain.log_priors(model, tokens).cpu() for tokens, _ in loop],
        }
    )
    one, other = costs(beams), costs(priors)
    both = {
        name: (max if name.endswith("_bytes") else sum)((one[name], other[name])) for name in one
    }
    scores, order = pmi_order(found.log_p, priors["ours"].result, PMI_WEIGHT)
    log_p = torch.stack([log_p.cpu() for _, log_p in loop])
    plain_scores, plain_order = pmi_order(log_p, torch.stack(priors["plain"].result), PMI_WEIGHT)
    gaps = ((found.log_p - log_p).abs().max(), (scores - plain_scores).abs().max())
    difference = max(map(float, gaps))
    if not difference <= TOLERANCE:
        raise ValueError(f"scores differ by {difference} between the two sides")
    firsts = zip(found.tokens, order[:, 0], loop, plain_order[:, 0], strict=True)
    same = [
        torch.equal(ours[first, : tokens.shape[1]], tokens[plain_first].cpu())
        for ours, first, (tokens, _), plain_first in firsts
    ]
    stop = special_ids(inputs.sizes.vocabulary).stop
    rows: list[dict[str, Any]] = [
        {"part": "beam", **one},
        {"part": "log p(s)", **other},
        {"part": "rerank", **both},
    ]
    return rows, {
        "mean_length": float((found.tokens != stop).sum(dim=2).double().mean()),
        "same_best": sum(same) / len(loop),
        "max_difference": difference,
    }


if __name__ == "__main__":
    raise SystemExit(run("captioning"))
