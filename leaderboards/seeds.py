"""Spread of scores over networks that were trained from several seeds.

Such networks differ in the parameter `seed` of their target, and in the file of their weights.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.hashing import page_hash
from leaderboards.unique_names import title
from metrics.catalog import HEADLINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.tables import ConditionTable

SEED_PLACE = ("board", "target", "layer", "probe", "concepts", "scoring", "judge")
SEED_COLUMNS = (*SEED_PLACE, "metric", "method", "seeds", "mean", "sd", "low", "high")

_OF_ONE_SEED = ("seed", "file")
"""Parameters in which the networks of several seeds differ."""


def seeds_frame(tables: Sequence[ConditionTable]) -> pd.DataFrame:
    """Return one row per method and headline score, where several seeds have a value.

    Returns:
        Columns `SEED_COLUMNS`: number of seeds, mean, sample standard deviation, and the lowest and
        highest value.
    """
    values: dict[tuple[str, ...], dict[int, float]] = defaultdict(dict)
    names: dict[str, str] = {}
    for table in tables:
        condition = table.condition
        for row in table.methods:
            own = row.record.target
            params = own.get("params")
            seed = params.get("seed") if isinstance(params, dict) else None
            if not isinstance(params, dict) or type(seed) is not int:
                continue
            rest = {key: params[key] for key in params if key not in _OF_ONE_SEED}
            network = page_hash([own.get("name"), rest])
            names[network] = title(str(own.get("name")), rest)
            measured = (condition.layer, condition.probe, condition.concepts)
            judged_by = (condition.scoring, condition.judge)
            for metric in HEADLINES:
                if (value := row.value(metric)) is not None:
                    place = (condition.board, network, *measured, *judged_by)
                    values[*place, metric, row.label][seed] = value
    rows = [
        _spread((place[0], names[place[1]], *place[2:]), pd.Series(by_seed))
        for place, by_seed in values.items()
        if len(by_seed) > 1
    ]
    return pd.DataFrame(rows, columns=pd.Index(SEED_COLUMNS))


def _spread(place: tuple[str, ...], values: pd.Series) -> dict[str, Any]:
    numbers = (len(values), values.mean(), values.std(), values.min(), values.max())
    return dict(zip(SEED_COLUMNS, (*place, *numbers), strict=True))
