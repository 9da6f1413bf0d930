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
    models: dict[str, Any] = {}
    for name, model in (("sentence", judges.sentence), ("clip_text", judges.clip_text)):
        models[name] = None
        wanted = scores.scoring.get(name)
        if not wanted:
            continue
        try:
            if model is None or dict(fingerprint(model)) != wanted:
                findings.trust(f"cosines by {name}", "the configured model is another one")
            elif name == "sentence":
                models[name] = sentence_embedder(judges.sentence, store, device)
            elif judges.clip_text is not None:
                models[name] = ClipText(judges.clip_text, store, device)
        except UserError as error:
            findings.trust(f"cosines by {name}", error.what)
    if stored["clip_cosine"].isna().all():
        models["clip_text"] = None
    wanted_result = score(**given, score_matrix=None, circular=scores.circular, **models)
    units = wanted_result.units
    embedded = tuple(name for name in JUDGED if units[name].notna().any())
    where = f"scores/{scores.skey}.units.csv.gz"
    compare_units(stored, units, where, findings, columns=embedded)
    if given["concepts"] is not None or record.method.get("vocabulary") == "free text":
        compare_controls(scores, wanted_result.controls, findings, columns=embedded)
