"""Sanity checks of metrics on the units and labels of a record, on held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UserError
from bench.offline import offline
from bench.rescore import record_config
from bench.run.faithfulness import observe_labels
from bench.run.plan import explain_fault
from leaderboards.reading import newest, plain_labels
from leaderboards.record import Record, RecordError
from leaderboards.record_tables import read_descriptions, read_units
from leaderboards.scores import read_scores
from metrics.faithfulness_scores import NO_LABEL
from metrics.sanity_of_units import check_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

_CORRECT = "accuracy_at_1"


def check_record(
    folder: Path,
    overrides: Sequence[str],
    names: Sequence[str],
    *,
    chosen: bool,
    correct: bool = False,
    alpha: float | None = None,
    draws: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    """Test metrics on the units of a record, whose labels stand for their concepts.

    Args:
        folder: The record's folder.
        overrides: Of `probe.*` and `runtime.*`.
        names: Of `metrics.faithfulness.AGREEMENTS`.
        chosen: Whether the overrides say where the held-out images start.
        correct: Test only units whose best label is right.
        alpha: As of `metrics.sanity_of_units.check_units`.
        draws: As there.
        seed: As there.

    Returns:
        The table of `check_units`.

    Raises:
        UserError: The record has no labels, or too few can be tested.
    """
    try:
        record = Record.read(folder)
        if record.status != "ok" or record.is_imported:
            raise UserError(
                "its labels are imported" if record.is_imported else "its run failed",
                where=str(folder),
                hint="give a record of `dissectbench run`",
            )
        config = record_config(folder, overrides)
        own_probe = record_config(folder, ()).probe
        with offline(config.runtime.offline):
            activations, presence, labels = observe_labels(
                record, read_descriptions(folder), config, own_probe, chosen=chosen
            )
        if correct:
            labels = np.where(np.isin(np.arange(len(labels)), _right(folder)), labels, NO_LABEL)
    except RecordError as error:
        raise explain_fault(error) from error
    try:
        return check_units(
            activations, presence, labels, names, alpha=alpha, draws=draws, seed=seed
        )
    except ValueError as error:
        raise UserError(
            str(error),
            where=str(folder),
            hint="a unit's concept must be on at least one of the held-out images and on fewer "
            f"than half of them{', and its label right (--correct)' if correct else ''}: choose "
            "more images (probe.params.size=...), or images with masks or classes that the labels "
            "name",
        ) from error


def _right(folder: Path) -> list[int]:
    """Return the units whose best label is right."""
    scores = [read_scores(path) for path in sorted((folder / "scores").glob("[!.]*.json"))]
    table = read_units(folder, plain_labels(newest(scores)).skey) if scores else None
    if table is None or _CORRECT not in table:
        raise UserError(
            "the true names of these units are unknown",
            where="--correct",
            hint="leave it out, or score the record under a truth: `dissectbench score`",
        )
    return [int(unit) for unit in table.loc[table[_CORRECT] == 1, "unit"]]
