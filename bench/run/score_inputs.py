"""What `metrics.scoring.score` needs besides models: labels, true names, rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError
from bench.run.labels import WRITTEN, lists_by_unit
from metrics.answers import read_answers
from metrics.labels import LabelRules
from metrics.scores import Score
from metrics.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from bench.parts.truths.official import OfficialTexts
    from bench.run.judges import Judges
    from leaderboards.record import Record
    from metrics.scores import ScoringResult
    from metrics.truth import TrueName


def score_inputs(
    record: Record,
    descriptions: pd.DataFrame,
    judges: Judges,
    set_sizes: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Return the arguments of `metrics.scoring.score` that need no model.

    Args:
        record: The record: layer, number of units, units that are left out.
        descriptions: The labels: unit, rank, label, score.
        judges: Truth and rules.
        set_sizes: Number of words in each unit's set, of a method that answers in sets.

    Raises:
        UserError: A part is not on this machine, or the labels do not fit the rules.
    """
    layer, units = record.target["layer"], record.target["units"]
    concepts = judges.words if judges.closed else None
    reader, truth = judges.reader(layer), judges.true_names(layer)
    official = judges.official_texts(layer)
    if official is not None:
        descriptions = _as_published(descriptions, judges, official)
        concepts = concepts and tuple(map(official.label, judges.raw_mask_labels))
        reader, truth = official.reader, official.names
    labels, label_scores = lists_by_unit(descriptions, units)
    answers = None
    if truth and official is None:
        answers = read_answers(labels, label_scores, reader, set_sizes)
    dead = np.zeros(units, dtype=bool)
    dead[list(record.target["dead_units"])] = True
    dead[list(record.target.get("left_out", ()))] = True
    return {
        "labels": labels,
        "label_scores": label_scores,
        "concepts": concepts,
        "dead": dead,
        "truth": truth,
        "rules": LabelRules(official=judges.config.scoring.official_labels),
        "reader": reader,
        "withheld": judges.withheld,
        "answers": answers,
        "without_concept": judges.without_concept(layer),
        "seed": judges.config.scoring.seed,
    }


def _as_published(
    descriptions: pd.DataFrame, judges: Judges, official: OfficialTexts
) -> pd.DataFrame:
    """Return the labels as the published notebooks embed them, made from those of the masks' files.

    Raises:
        UserError: An imported record of an older release, which has plain labels only.
    """
    if WRITTEN in descriptions:
        written = descriptions[WRITTEN]
    elif judges.closed:
        pairs = zip(reversed(judges.words), reversed(judges.raw_mask_labels), strict=True)
        written = descriptions["label"].map(dict(pairs))  # the first of equal words
    else:
        raise UserError(
            "the record holds plain mask labels only, and the official rules embed the labels of "
            "the authors' file",
            where="scoring.official_labels",
            hint="import that file again into another folder: dissectbench import FILE "
            "--results DIR",
        )
    return descriptions.assign(label=written.map(official.label))


def layer_coverage(
    scored: ScoringResult, truth: Mapping[int, TrueName], left_out: Sequence[int]
) -> dict[str, Score]:
    """Return the coverage of an imported part of a layer, over all units with a true name.

    Args:
        scored: The scores of the imported units.
        truth: True names of the layer.
        left_out: Units that were not imported; {} is returned where there are none.
    """
    own = scored.values["coverage"]
    if own.value is None or not left_out:
        return {}
    n = own.n + len(truth.keys() & set(left_out))
    labelled = own.n - own.n_unlabelled
    low, high = wilson(float(labelled), n)
    detail = {"scored": own.n, "units": n}
    return {"coverage": Score(labelled / n, low, high, n, n - labelled, detail=detail)}
