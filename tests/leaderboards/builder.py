"""Synthetic records: as a run would leave them, with scores that are made up but consistent."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leaderboards.record import Record
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from pathlib import Path

METHODS = {"soft_wpmi": 0.86, "wpmi": 0.80, "rank_reorder": 0.55, "cos_similarity": 0.30}


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def make_record(
    similarity: str = "soft_wpmi",
    *,
    method: str = "clip_dissect",
    board: str = "glyphs",
    target: str = "glyphs_objects",
    layer: str = "fc",
    probe: str = "glyphs_val",
    probe_print: str = "p1",
    n_images: int = 1000,
    concepts: str = "own",
    n_concepts: int = 56,
    **changes: Any,
) -> Record:
    fields: dict[str, Any] = {
        "key": short(f"{method}{similarity}{target}{layer}{probe}{probe_print}{concepts}"),
        "board": board,
        "status": "ok",
        "origin": "measured",
        "method": {
            "name": method,
            "version": 1,
            "params": {"similarity": similarity},
            "source": "paper",
            "given": "none",
            "vocabulary": "concept set",
        },
        "target": {
            "name": target,
            "params": {},
            "fingerprint": {"weights": short(target)},
            "layer": layer,
            "pooling": "avg",
            "units": 56,
        },
        "probe": {"name": probe, "params": {}, "fingerprint": probe_print, "n": n_images},
        "concepts": {"name": concepts, "params": {}, "sha256": short(concepts), "n": n_concepts},
        "encoder": {"name": "glyphs_clip", "params": {}, "fingerprint": "e1"},
        "seed": 0,
        "counts": {"units": 56, "dead": 1, "unlabelled": 0},
    }
    return Record(**(fields | changes))


def share(value: float, n: int = 55, width: float | None = None, **more: Any) -> dict[str, Any]:
    """A score with a Wilson interval, or one of the width asked for."""
    if width is None:
        z = 1.96
        centre = (value + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    else:
        centre, half = value, width / 2
    low, high = min(value, centre - half), max(value, centre + half)
    return {
        "value": value, "ci_low": low, "ci_high": high, "n": n, "n_unlabelled": 0,
        "chance": 0.01, "ceiling": 1.0, "higher_is_better": True,
    } | more  # fmt: skip


def make_scores(value: float, n_concepts: int = 56, **changes: Any) -> dict[str, Any]:
    """A scores file whose headline is `value`."""
    chance = 1 / n_concepts
    cosine = 0.3 + 0.6 * value

    def exact(number: float) -> dict[str, Any]:
        return share(number, width=0.0)

    def both(lexical: dict[str, Any], cos: dict[str, Any]) -> dict[str, Any]:
        return {
            "lexical_match": lexical,
            "lexical_match[seen]": lexical | {"n": 47},
            "lexical_match[unseen]": lexical | {"n": 8},
            "accuracy_at_1": lexical,
            "sentence_cosine": cos | {"circular": True},
        }

    return {
        "schema": 1,
        "skey": "5c0e",
        "scoring": {"truth": {"name": "objects"}, "sentence": {"name": "minilm"}, "rules": {}},
        "circular": True,
        "scores": both(share(value), share(cosine, width=0.1))
        | {
            "accuracy_at_5": share(min(1.0, value + 0.1)),
            "mean_rank": share(0.5, width=0.0)
            | {"value": 1 + (1 - value) * n_concepts / 9, "ci_low": 1.0,
               "ci_high": 2 + (1 - value) * n_concepts / 6, "higher_is_better": False},
            "mrr": share(value),
            "auroc": share(0.7),
            "distinct_labels": share(0, width=0) | {"value": round(50 * value)},
            "clip_cosine": {"value": None, "reason": "shares the text tower | with the labeller"},
            "coverage": share(1.0),
        },
        "controls": {
            "chance": both(exact(chance), exact(0.2)),
            "constant": both(
                share(1 / 55, detail={"concept": "umbrella"}),
                share(0.32, width=0.06, detail={"concept": "umbrella"}),
            ),
            "shuffled": both(exact(value / 55), exact(0.22)),
            "oracle": both(share(1.0), share(0.95, width=0.04)),
        },
    } | changes  # fmt: skip


def make_units(value: float = 0.5, n: int = 55) -> pd.DataFrame:
    """Units of which `value` are right, the first ones; three have difficult names or labels."""
    right = (np.arange(n) < round(value * n)).astype(float)
    rest = [f"name {unit}" for unit in range(3, n)]
    return pd.DataFrame(
        {
            "unit": range(n),
            "truth": ["umbrella", "null", "chess, knight", *rest],
            "label": ["umbrella", "", "nan", *rest],
            "score": [0.5, float("nan"), *[0.1] * (n - 2)],
            "truth_rank": [1.0, 56.0, *[2.0] * (n - 2)],
            "truth_score": [0.5, -1.0, *[1 / 3] * (n - 2)],
            "group": np.where(np.arange(n) < 8, "unseen", "seen"),
            "dead": "False",
            "lexical_match": right,
            "accuracy_at_1": right,
            "sentence_cosine": 0.3 + 0.6 * right + np.arange(n) / 1000,
        }
    )


def make_descriptions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": [0, 0, 1],
            "rank": [1, 2, 1],
            "label": ["umbrella", "null", 'a "quoted", label'],
            "score": [0.1 + 0.2, 1 / 3, float("nan")],
        }
    )


def make_timing(match: float = 2.0, hardware: str = "2 cores", **changes: Any) -> dict[str, Any]:
    def phase(name: str, wall: float, cached: bool = False) -> dict[str, Any]:
        return {"name": name, "wall_s": wall, "device_s": None, "peak_device_bytes": None,
                "peak_host_bytes": 2**30, "items": 1000, "cached": cached}  # fmt: skip

    gather = phase("gather", 30.0)
    return {
        "hardware": hardware, "device": "cpu", "repeats": 1, "units": 56,
        "phases": [phase("gather", 0.25, True), phase("decode", 9.0), phase("text", 1.0),
                   phase("match", match), phase("score", 0.5)],
        "evidence_cost": [{"entry": "activations", "hardware": hardware, "phases": [gather]}],
    } | changes  # fmt: skip


def put(root: Path, record: Record, scores: dict[str, Any], **more: Any) -> Path:
    return write_record(
        root,
        record,
        descriptions=make_descriptions(),
        scores=[(scores, make_units(scores["scores"]["lexical_match"]["value"] or 0.0))],
        timing=make_timing(),
        **more,
    )


def put_many(root: Path) -> None:
    """Some sixty records: two targets, two probe sets, three concept sets, five similarities."""
    levels = METHODS | {"cos_similarity_cubed": 0.62}
    for target in ("glyphs_objects", "glyphs_scenes"):
        for probe, loss in (("glyphs_val", 1.0), ("glyphs_half", 0.6)):
            for concepts, n, drop in (("own_classes", 56, 1.3), ("glyphs_all", 110, 1.0),
                                      ("english_20k", 20000, 0.8)):  # fmt: skip
                for similarity, level in levels.items():
                    value = round(55 * min(1.0, level * loss * drop)) / 55
                    part = {"target": target, "probe": probe, "probe_print": probe}
                    record = make_record(similarity, concepts=concepts, n_concepts=n, **part)
                    put(root, record, make_scores(value, n))
