"""Tables of descriptions, and score matrices in the evidence cache."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.evidence.store import CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.base import Labelling
    from bench.evidence import Store

KEPT = 10
"""Number of labels per unit in descriptions.csv.gz."""

WRITTEN = "written"
"""Its column of imported mask labels as in their file ("street-s" for the label "street")."""


def describe_table(labelling: Labelling, n_labels: int = KEPT) -> pd.DataFrame:
    """Return the best labels of each unit: unit, rank (1 = best), label, score.

    A unit without a finite score, or without a text, has no row.
    """
    if labelling.texts is not None:
        rows = [
            (unit, rank, text, score)
            for unit, said in enumerate(labelling.texts)
            for rank, (text, score) in enumerate(said[:n_labels], 1)
        ]
        table = pd.DataFrame(rows, columns=["unit", "rank", "label", "score"])
        return table.astype({"unit": "int64", "rank": "int64", "score": "float64"})
    from baselines.similarity import top_concepts

    assert labelling.scores is not None
    best = top_concepts(labelling.scores, n_labels).cpu().numpy()
    scores = labelling.scores.cpu().numpy()
    unit, rank = np.nonzero(best >= 0)
    column = best[unit, rank]
    return pd.DataFrame(
        {
            "unit": unit.astype(np.int64),
            "rank": rank.astype(np.int64) + 1,
            "label": [labelling.concepts[c] for c in column],
            "score": scores[unit, column].astype(np.float64),
        }
    )


def store_scores(store: Store, key: str, labelling: Labelling) -> None:
    """Store the full score matrix, where there is one, in the cache under the record's key."""
    if labelling.scores is None:
        return
    matrix = labelling.scores.cpu().numpy().astype(np.float32)
    with store.hold(_parts(key, matrix.shape[0], labelling.concepts)) as [entry]:
        if entry.complete:
            return
        for number in entry.missing:
            entry.put(number, matrix[number * CHUNK : (number + 1) * CHUNK])
        entry.finish({}, {})


def labelled_units(labelling: Labelling) -> NDArray[np.bool_]:
    """Return whether the method gave each unit a label, bool [U]."""
    if labelling.texts is not None:
        return np.array([bool(said) for said in labelling.texts], dtype=bool)
    assert labelling.scores is not None
    found: NDArray[np.bool_] = labelling.scores.isfinite().any(dim=1).cpu().numpy()
    return found


def load_scores(
    store: Store, key: str, units: int, concepts: tuple[str, ...]
) -> NDArray[np.float32] | None:
    """Return the full score matrix [U, C] of a record; None where the cache does not hold it."""
    with store.hold(_parts(key, units, concepts)) as [entry]:
        return entry.read() if entry.complete else None


def lists_by_unit(table: pd.DataFrame, units: int) -> tuple[list[list[str]], list[list[float]]]:
    """Return labels and scores of each of the layer's units, best first; empty lists for none."""
    ordered = table.sort_values(["unit", "rank"], kind="stable")
    starts = np.searchsorted(ordered["unit"], np.arange(units + 1)).tolist()
    places = [slice(*pair) for pair in itertools.pairwise(starts)]
    labels, scores = ordered["label"].tolist(), ordered["score"].tolist()
    return [labels[place] for place in places], [scores[place] for place in places]


def _parts(key: str, units: int, concepts: tuple[str, ...]) -> dict[str, Any]:
    return {"kind": "scores", "record": key, "n": units, "concepts": len(concepts)}
