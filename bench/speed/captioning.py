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
from bench.speed import page
from bench.speed.benchmarks import run
from bench.speed.harness import alternate
from bench.speed.plain import captioning as plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from torch import Tensor

TOLERANCE = 1e-3
"""Largest difference of scores between the two sides."""

PMI_WEIGHT = 0.2

PAGE = """\
# Sentences for units on {where}

{sizes[units]:,} units with {sizes[exemplars]} exemplars of {sizes[features]:,} numbers, an LSTM of
{sizes[hidden]}, {sizes[vocabulary]:,} words, a beam of {sizes[beam]}, at most {sizes[max_length]}
tokens; random weights and features. The sentences have {found[mean_length]:.1f} words on average.
The plain loop goes unit by unit, copies the features for each sentence of the beam and projects
them to keys at every step, and its language model reads each sentence from its start; sentences of
a beam are batched. Ours processes the units together, computes the keys once, shares the work of
sentences with a common beginning, and skips finished sentences. The best sentence is the same for
{found[same_best]:.0%} of the units; scores differ by at most {found[max_difference]:.0e}. Medians
of {repeats} run(s), both sides in turns; CPU seconds are those of all threads; other load on the
machine changes them less than wall seconds. Memory is the peak above the inputs. Made on {made} by
`python -m bench.speed.captioning`.

{rows_table}
"""


class Sizes(NamedTuple):
    """Sizes of the models and of the search.

    Attributes:
        units: Number of units.
        exemplars: Exemplars of each unit.
        features: Numbers of an exemplar.
        hidden: Width of the LSTMs of the decoder and of the language model.
        beam: Number of sentences in the beam.
        vocabulary: Number of tokens, the special ones included.
        max_length: Largest number of tokens of a sentence.
        ending: Bias of the logit that ends a sentence; more makes shorter sentences.
    """

    units: int = 64
    exemplars: int = 15
    features: int = 1024
    hidden: int = 256
    beam: int = 50
    vocabulary: int = 300
    max_length: int = 15
    ending: float = 3.0


class Inputs(NamedTuple):
    """Models, and features [U, K, F] of the units' exemplars."""

    sizes: Sizes
    decoder: Decoder
    language_model: LanguageModel
    features: Tensor


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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed.captioning`."""
    for name, default in Sizes()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")


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
    return {"sizes": sizes._asdict(), "repeats": options.repeats, "found": found, "rows": rows}


def compare(inputs: Inputs, repeats: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Measure both sides in turns.

    Returns:
        The rows; and the sentences' "mean_length" (without stop), the share of units with the
        "same_best" sentence on both sides, and the "max_difference" of scores at each rank.

    Raises:
        ValueError: Scores differ by more than `TOLERANCE`.
    """
    device = str(inputs.features.device)
    few = inputs._replace(features=inputs.features[:1])
    _search(few)
    _search_plainly(few)
    beams = alternate(
        {"ours": partial(_search, inputs), "plain": partial(_search_plainly, inputs)},
        device, repeats,
    )  # fmt: skip
    found, loop = beams["ours"].result, beams["plain"].result
    model = inputs.language_model
    priors = alternate(
        {
            "ours": lambda: search.log_priors(found, model),
            "plain": lambda: [plain.log_priors(model, tokens).cpu() for tokens, _ in loop],
        },
        device, repeats,
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"part": part, **runs["ours"].costs("ours"), **runs["plain"].costs("plain")}
        for part, runs in (("beam", beams), ("log p(s)", priors))
    ]
    both: dict[str, Any] = {"part": "rerank"}
    for name in ("ours_s", "ours_cpu_s", "plain_s", "plain_cpu_s"):
        both[name] = sum(row[name] for row in rows)
    for name in ("ours_bytes", "plain_bytes"):
        both[name] = max(row[name] for row in rows)
    rows.append(both)
    scores, order = pmi_order(found.log_p, priors["ours"].result, PMI_WEIGHT)
    log_p = torch.stack([log_p.cpu() for _, log_p in loop])
    plain_scores, plain_order = pmi_order(log_p, torch.stack(priors["plain"].result), PMI_WEIGHT)
    difference = max(
        float((found.log_p - log_p).abs().max()), float((scores - plain_scores).abs().max())
    )
    if not difference <= TOLERANCE:
        raise ValueError(f"scores differ by {difference} between the two sides")
    same = sum(
        torch.equal(found.tokens[unit, first, : tokens.shape[1]], tokens[plain_first].cpu())
        for unit, ((tokens, _), first, plain_first) in enumerate(
            zip(loop, order[:, 0], plain_order[:, 0], strict=True)
        )
    )
    stop = special_ids(inputs.sizes.vocabulary).stop
    return rows, {
        "mean_length": float((found.tokens != stop).sum(dim=2).double().mean()),
        "same_best": same / len(loop),
        "max_difference": difference,
    }


def _search(inputs: Inputs) -> search.Sentences:
    sizes = inputs.sizes
    return search.beam(
        inputs.decoder, inputs.features, width=sizes.beam, max_length=sizes.max_length
    )


def _search_plainly(inputs: Inputs) -> list[tuple[Tensor, Tensor]]:
    sizes = inputs.sizes
    return [
        plain.beam(inputs.decoder, features, sizes.beam, sizes.max_length)
        for features in inputs.features
    ]


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    rows = ((row["part"], *page.cost_cells(row)) for row in record["rows"])
    rows_table = page.table(("part", *page.COST_COLUMNS), rows)
    return page.fill(PAGE, record, rows_table=rows_table)


if __name__ == "__main__":
    raise SystemExit(run("captioning"))
