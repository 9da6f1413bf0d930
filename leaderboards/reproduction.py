"""Compare the scores of an experiment with the published figures, cell by cell."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leaderboards.costs import best_costs
from leaderboards.published import CLIP, Figure, is_vit_b_16, load_figures, mismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboards.cells import Cell
    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet

_DECIDING = {
    "method": re.compile(r"^\+*method\.params\.(?!similarity=)"),
    "target": re.compile(
        r"^\+*target\.(pooling=|axes=|prefix_tokens=|control=(?!none$)|precision=(?!float32$)|params\.(arch|weights|num_classes|model|mean|std)="
        # Whole images of Broden's own size are what the blocks with masks ask for.
        r"|params\.(input_size|resize)=(?!224$))"
    ),
    "probe": re.compile(r"^\+*probe\.params\.(?!path=)"),
    "concepts": re.compile(r"^\+*concepts\.params\.(?!path=)"),
}
"""Overrides that change what the name of a choice stands for; paths do not."""


@dataclass(frozen=True)
class Comparison:
    """One published figure with our score.

    Attributes:
        figure: What was published.
        value: Ours, on our own scale; None where the cell was not run or has no such score.
        interval: Its 95 % interval; None where it has none.
        difference: Ours minus the published one; None if they are not comparable.
        reason: Why there is no value or no difference; may be empty.
    """

    figure: Figure
    value: float | None = None
    interval: tuple[float, float] | None = None
    difference: float | None = None
    reason: str = ""


def experiments_of(cells: Iterable[Cell]) -> list[str]:
    """Return the experiments of some records that have published figures, in order."""
    known = {figure.experiment for figure in load_figures()} - {""}
    asked = (choices_of(cell.record).get("experiment", "") for cell in cells)
    return [name for name in dict.fromkeys(asked) if name in known]


def compare_published(cells: Sequence[Cell], experiment: str) -> list[Comparison]:
    """Compare each published figure of an experiment, in the order of the file."""
    return [
        _compare(figure, [cell for cell in cells if same_cell(figure, cell.record)])
        for figure in load_figures()
        if figure.experiment == experiment
    ]


def same_cell(figure: Figure, record: Record) -> bool:
    """Return whether a record was measured on the cell that a figure is about.

    Parts are compared by the names of their choices. An override that changes what a choice stands
    for (another architecture, fewer images) makes it another cell.
    """
    if record.is_imported or record.status != "ok" or record.method.get("name") != figure.method:
        return False
    choices = choices_of(record)
    params = record.method.get("params")
    variant = params.get("similarity", "") if isinstance(params, dict) else ""
    wanted = [(figure.target, "target"), (figure.probe_set, "probe")]
    wanted += [(figure.concept_set, "concepts")] if figure.concept_set else []
    if any(name and choices.get(group) != name for name, group in wanted):
        return False
    overrides = record.run.get("overrides")
    texts = [str(text) for text in overrides] if isinstance(overrides, list) else []
    groups = ["method", *(group for name, group in wanted if name)]
    changed = (_DECIDING[group].match(text) for group in groups for text in texts)
    return (
        record.target.get("layer") in figure.layer.split()
        and (not figure.variant or variant == figure.variant)
        and not any(changed)
    )


def choices_of(record: Record) -> Mapping[str, Any]:
    """Return the choice in each config group; empty for records of older releases."""
    choices = record.run.get("choices")
    return choices if isinstance(choices, dict) else {}


def _compare(figure: Figure, cells: Sequence[Cell]) -> Comparison:
    if not cells:
        return Comparison(figure, reason="not run")
    if figure.judge == "clock":
        return _clock(figure, cells)
    found = [
        (_other_network(cell.record) or mismatch(figure, scores), scores)
        for cell in cells
        for scores in cell.scores
        if figure.metric in scores.scores
    ]
    if not found:
        return Comparison(figure, reason="not scored")
    # Of several scorings prefer one that is comparable.
    stops, best = min(found, key=lambda pair: bool(pair[0]))
    return _scored(figure, best, stops)


def _other_network(record: Record) -> str:
    """Return the networks behind the published labels, if ours come from others."""
    params, known = (record.target.get(name) for name in ("params", "fingerprint"))
    asked = isinstance(params, dict) and params.get("weights")
    weights = known.get("weights") if isinstance(known, dict) else None
    # A weights file whose content differs from the published one is identified by its hash.
    if asked and isinstance(weights, dict) and "sha256" in weights:
        return "with the published weights, from which our file differs"
    if not record.encoder:  # of a method that needs none
        return ""
    own = record.encoder.get("fingerprint")
    return "" if isinstance(own, dict) and is_vit_b_16(own) else f"labelled with {CLIP} of OpenAI"


def _scored(figure: Figure, scores: ScoreSet, stops: str) -> Comparison:
    own = scores.scores[figure.metric]
    if own.value is None:
        return Comparison(figure, reason=own.reason or "no value")
    bounds = (own.ci_low, own.ci_high)
    interval = None if bounds[0] is None or bounds[1] is None else (bounds[0], bounds[1])
    if stops or figure.number is None:
        reason = f"published {stops}" if stops else ""
        return Comparison(figure, own.value, interval, reason=reason)
    return Comparison(figure, own.value, interval, own.value - figure.number)


def _clock(figure: Figure, cells: Sequence[Cell]) -> Comparison:
    """Return the minutes of one run over all layers: shared phases once, matching per layer."""
    layers = {str(cell.record.target.get("layer")): cell for cell in cells}
    missing = [layer for layer in figure.layer.split() if layer not in layers]
    if missing:
        return Comparison(figure, reason=f"not run on {', '.join(missing)}")
    machines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for cell in layers.values():
        for cost in best_costs(cell.timings):
            machines[cost["hardware"], cost["device"]].append(cost)
    minutes = []
    for (hardware, _), costs in machines.items():
        if len(costs) == len(layers) and all(cost["cold_total_s"] is not None for cost in costs):
            own = [(cost["match_s"] or 0.0) + (cost["score_s"] or 0.0) for cost in costs]
            shared = max(cost["cold_total_s"] - s for cost, s in zip(costs, own, strict=True))
            minutes.append(((shared + sum(own)) / 60, hardware))
    if not minutes:
        return Comparison(figure, reason="not timed from an empty cache: runtime.retime=true")
    fastest, hardware = min(minutes)
    return Comparison(figure, fastest, reason=f"other hardware: ours {hardware}")
