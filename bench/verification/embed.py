"""Recompute cosines and their controls with the models that a scores file names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.evidence import Store
from bench.run.device import resolve_device
from bench.run.identity import fingerprint
from bench.run.scoring import ClipText, sentence_embedder
from leaderboards.verify.aggregates import compare_controls
from leaderboards.verify.units import JUDGED, compare_units
from metrics.scoring import score

if TYPE_CHECKING:
    import pandas as pd

    from bench.run.judges import Judges
    from leaderboards.record import Record
    from leaderboards.scores import ScoreSet
    from leaderboards.verify.findings import Findings


def check_cosines_again(
    record: Record,
    judges: Judges,
    given: dict[str, Any],
    scores: ScoreSet,
    stored: pd.DataFrame,
    findings: Findings,
) -> None:
    """Compare cosines, nearest names and controls with those of the configured models.

    Models that differ from those of the scores file are left out: their columns are on trust.

    Args:
        record: The record.
        judges: Its configured judges, with models.
        given: Arguments of `metrics.scoring.score`.
        scores: The scores file.
        stored: Its table of units, normalised.
        findings: Gets what differs.
    """
    store, device = Store(None), resolve_device(judges.config)
    models: dict[str, Any] = dict.fromkeys(("sentence", "clip_text"))
    columns = {"sentence": "sentence_cosine", "clip_text": "clip_cosine"}
    for name, model in (("sentence", judges.sentence), ("clip_text", judges.clip_text)):
        wanted = scores.scoring.get(name)
        if not wanted or stored[columns[name]].isna().all():
            continue
        what = f"{columns[name]} and controls"
        try:
            if model is None or dict(fingerprint(model)) != wanted:
                findings.trust(what, "the configured model is another one")
            elif name == "sentence":
                models[name] = sentence_embedder(judges.sentence, store, device)
            elif judges.clip_text is not None:
                models[name] = ClipText(judges.clip_text, store, device)
        except UserError as error:
            findings.trust(what, error.what)
    scored = score(**given, score_matrix=None, circular=scores.circular, **models)
    embedded = tuple(name for name in JUDGED if scored.units[name].notna().any())
    where = f"scores/{scores.skey}.units.csv.gz"
    compare_units(stored, scored.units, where, findings, columns=embedded)
    if given["concepts"] is not None or record.method.get("vocabulary") == "free text":
        compare_controls(scores, scored.controls, findings, columns=embedded)
