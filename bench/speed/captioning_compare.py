"""The search for sentences against its plain loop, on random weights and features."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from baselines.captioning import search
from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.ranking import pmi_order
from baselines.captioning.vocabulary import special_ids
from bench.speed import plain_captioning as plain
from bench.speed.dissection_compare import Run, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

TOLERANCE = 1e-3
PMI_WEIGHT = 0.2


@dataclass(frozen=True)
class Sizes:
    """Sizes of a comparison.

    Attributes:
        units: U.
        exemplars: K.
        features: F.
        hidden: Of the decoder's LSTM, and of both of the language model's.
        beam: Sentences kept.
        vocabulary: V, the special tokens included.
        max_length: Most tokens of a sentence.
        ending: How much likelier than a word the end of a sentence is, in logits.
    """

    units: int = 64
    exemplars: int = 15
    features: int = 1024
    hidden: int = 256
    beam: int = 50
    vocabulary: int = 300
    max_length: int = 15
    ending: float = 3.0


@dataclass(frozen=True)
class Row:
    """One part's cost; medians of wall seconds and of all threads' seconds, and peak memory.

    Attributes:
        part: "beam", "log p(s)" or "rerank", which is both.
        ours_s: Wall seconds of ours.
        ours_cpu_s: Seconds that all its threads worked.
        ours_bytes: Its peak memory above that of the inputs.
        plain_s: The same of the plain loop.
        plain_cpu_s: Likewise.
        plain_bytes: Likewise.
    """

    part: str
    ours_s: float
    ours_cpu_s: float
    ours_bytes: int
    plain_s: float
    plain_cpu_s: float
    plain_bytes: int

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Inputs:
    """Models and features of the units' exemplars, [U, K, F]."""

    sizes: Sizes
    decoder: Decoder
    language_model: LanguageModel
    features: Tensor
    device: str


def make_inputs(sizes: Sizes, device: str, seed: int = 0) -> Inputs:
    """Random ones, with outputs as sharp as those of trained models are."""
    torch.manual_seed(seed)
    decoder = Decoder(DecoderConfig(sizes.vocabulary, sizes.features, sizes.hidden)).eval()
    model = LanguageModel(LanguageModelConfig(sizes.vocabulary, hidden_size=sizes.hidden)).eval()
    with torch.no_grad():
        for part in (decoder, model):
            part.output.weight.mul_(20)
            part.output.bias[special_ids(sizes.vocabulary).stop] += sizes.ending
    features = torch.randn(sizes.units, sizes.exemplars, sizes.features)
    return Inputs(sizes, decoder.to(device), model.to(device), features.to(device), device)


def compare(inputs: Inputs, repeats: int) -> tuple[list[Row], dict[str, float]]:
    """Both sides in turns.

    Args:
        inputs: The models and features.
        repeats: Runs of each; the median counts.

    Returns:
        The rows, and what was found: the sentences' "mean_length" (without stop), the share of
        units whose "same_best" sentence both sides agree on, and the "max_difference" of the
        scores at each rank.

    Raises:
        ValueError: Scores differ by more than `TOLERANCE`.
    """
    sizes = inputs.sizes
    few = make_inputs(Sizes(**{**asdict(sizes), "units": 1}), inputs.device)
    _ours(few)
    list(_plain_units(few))
    searches = _in_turns(
        partial(_ours, inputs), lambda: list(_plain_units(inputs)), inputs, repeats
    )
    found, loop = (run.result for run in searches)
    priors = _in_turns(
        lambda: search.log_priors(found, inputs.language_model),
        lambda: [plain.log_priors(inputs.language_model, tokens).cpu() for tokens, _ in loop],
        inputs,
        repeats,
    )
    rows = [_row("beam", *searches), _row("log p(s)", *priors)]
    rows.append(
        Row(
            "rerank",
            *(_both(rows, f"ours_{name}") for name in ("s", "cpu_s", "bytes")),
            *(_both(rows, f"plain_{name}") for name in ("s", "cpu_s", "bytes")),
        )
    )
    ours_scores, ours_order = pmi_order(found.log_p, priors[0].result, PMI_WEIGHT)
    log_p = torch.stack([scores.cpu() for _, scores in loop])
    plain_scores, plain_order = pmi_order(log_p, torch.stack(priors[1].result), PMI_WEIGHT)
    difference = max(
        float((found.log_p - log_p).abs().max()), float((ours_scores - plain_scores).abs().max())
    )
    if not difference <= TOLERANCE:
        raise ValueError(f"the two sides' scores differ by {difference}")
    stop = special_ids(sizes.vocabulary).stop
    same = 0
    for unit, (tokens, _) in enumerate(loop):
        best = found.tokens[unit, ours_order[unit, 0], : tokens.shape[1]]
        same += int(torch.equal(best, tokens[plain_order[unit, 0]].cpu()))
    return rows, {
        "mean_length": float((found.tokens != stop).sum(dim=2).double().mean()),
        "same_best": same / sizes.units,
        "max_difference": difference,
    }


def _ours(inputs: Inputs) -> search.Sentences:
    sizes = inputs.sizes
    return search.beam(
        inputs.decoder, inputs.features, width=sizes.beam, max_length=sizes.max_length
    )


def _plain_units(inputs: Inputs) -> Iterator[tuple[Tensor, Tensor]]:
    for features in inputs.features:
        yield plain.beam(inputs.decoder, features, inputs.sizes.beam, inputs.sizes.max_length)


def _in_turns(
    ours: Callable[[], Any], other: Callable[[], Any], inputs: Inputs, repeats: int
) -> tuple[Run, Run]:
    """Both sides alternate, as other work on the machine comes and goes."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(repeats):
        for side, work in zip(runs, (ours, other), strict=True):
            side.append(measured(work, inputs.device))
    return _median(runs[0]), _median(runs[1])


def _median(runs: list[Run]) -> Run:
    wall, worked, size = zip(*(run.costs for run in runs), strict=True)
    costs = statistics.median(wall), statistics.median(worked), max(size)
    return Run(costs, runs[-1].result)


def _row(part: str, ours: Run, other: Run) -> Row:
    return Row(part, *ours.costs, *other.costs)


def _both(rows: list[Row], name: str) -> Any:
    values = [getattr(row, name) for row in rows]
    return max(values) if name.endswith("bytes") else sum(values)
