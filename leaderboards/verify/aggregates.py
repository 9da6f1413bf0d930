"""Compare the scores of a scores file, and its controls, with recomputed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.verify.compare import TOLERANCE, is_close
from leaderboards.verify.units import COSINE_TOLERANCE, JUDGED, RANKED
from metrics.aggregate import SELECTIVE
from metrics.catalog import AVERAGES, split_group

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

    from leaderboards.scores import ScoreSet
    from leaderboards.verify.findings import Findings
    from metrics.scores import Score

FIELDS = ("value", "ci_low", "ci_high", "n", "n_unlabelled", "higher_is_better")


def column_of(name: str) -> str:
    """Return the column that a score averages; empty for other scores."""
    metric = AVERAGES.get(split_group(name.removeprefix(SELECTIVE))[0])
    return "" if metric is None else metric.column


def compare_scores(
    stored: ScoreSet, wanted: Mapping[str, Score], units: pd.DataFrame, findings: Findings
) -> None:
    """Compare values, intervals and counts.

    Args:
        stored: A scores file.
        wanted: Scores by name, recomputed from the table of units.
        units: The table of units on disk; a metric whose column it lacks is newer than the file.
        findings: Gets what differs.
    """
    where = f"scores/{stored.skey}.json: scores"
    for name, score in wanted.items():
        if name in stored.scores:
            _compare(stored.scores[name], score, f"{where}.{name}", findings)
        elif score.value is not None and column_of(name) in units:
            findings.differ(f"{where}.{name}", f"is missing, the units give {score.value!r}")
        own = stored.scores.get(name)
        pair = (own and own.p_shuffled, score.p_shuffled)
        if None not in pair and not is_close(*pair):
            findings.differ(f"{where}.{name}.p_shuffled", f"{pair[0]!r} instead of {pair[1]!r}")
    for name in stored.scores.keys() - wanted.keys():
        findings.trust(split_group(name)[0], "not computed from the table of units")
    for name, score in stored.scores.items():
        _check_bounds(name, score, stored, f"{where}.{name}", findings)


def _check_bounds(
    name: str, score: Score, stored: ScoreSet, where: str, findings: Findings
) -> None:
    """Compare chance and ceiling with the controls in the same file."""
    for bound, control in (("chance", "chance"), ("ceiling", "oracle")):
        value, own = getattr(score, bound), stored.controls.get(control, {}).get(name)
        wanted = 1.0 if (name, bound) == ("auroc", "ceiling") else own and own.value
        if column_of(name) and value is not None and not is_close(value, wanted):
            findings.differ(f"{where}.{bound}", f"{value!r}, the control {control} has {wanted!r}")


def compare_controls(
    stored: ScoreSet,
    wanted: Mapping[str, Mapping[str, Score]],
    findings: Findings,
    columns: Collection[str] | None = None,
) -> None:
    """Compare controls that were recomputed.

    Args:
        stored: A scores file.
        wanted: Recomputed scores by control and name.
        findings: Gets what differs, and which controls are taken on trust.
        columns: Only controls of scores that average these; None for all that need no model.
    """
    where = f"scores/{stored.skey}.json: controls"
    for control, scores in stored.controls.items():
        for name, score in scores.items():
            own, column = wanted.get(control, {}).get(name), column_of(name)
            if own is None or (column in JUDGED if columns is None else column not in columns):
                continue
            if control == "shuffled" and column in RANKED:
                if score.value is not None:
                    findings.trust("shuffled control of ranks", "needs the scores of all concepts")
                continue
            tolerance = COSINE_TOLERANCE if column in JUDGED else TOLERANCE
            place = f"{where}.{control}.{name}"
            _compare(score, own, place, findings, tolerance)
            first, second = dict(score.detail), dict(own.detail)
            if own.value is not None and not is_close(first, second, tolerance):
                findings.differ(f"{place}.detail", f"{first} instead of {second}")


def _compare(
    stored: Score, wanted: Score, where: str, findings: Findings, tolerance: float = TOLERANCE
) -> None:
    for name in FIELDS:
        value, own = getattr(stored, name), getattr(wanted, name)
        if not is_close(value, own, tolerance):
            by = ""
            if isinstance(value, float) and isinstance(own, float):
                by = f", {value - own:+.3g}"
            findings.differ(f"{where}.{name}", f"{value!r} instead of {own!r}{by}")
