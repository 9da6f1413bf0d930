"""Labels that copy the comma-joined form of true names ("tench, Tinca tinca").

The cosine with the whole published name rewards a label that is such a list, right or wrong,
against a label that is a single name. The cosine with the nearest synonym does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WHOLE, NEAREST = "sentence_cosine", "sentence_cosine_best_synonym"


def comma_joined_share(units: pd.DataFrame) -> float:
    """Return the share of labels that are comma-joined true names, of units with a true name.

    Args:
        units: Columns truth and label, "" for none.
    """
    names = {name for name in units["truth"].unique() if "," in name}
    labels = units["label"][(units["truth"] != "") & (units["label"] != "")]
    return float(labels.isin(names).mean()) if names and len(labels) else 0.0
