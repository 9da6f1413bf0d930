"""Labels side by side: the sentences of a method beside the words of others, unit by unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.rows import Row
    from leaderboards.tables import ConditionTable


@dataclass(frozen=True)
class LabelTable:
    """First labels of one layer over one probe set.

    Attributes:
        target: Name of the network.
        layer: Name of the layer.
        probe: Name of the probe set.
        header: For each column its method and its concept set.
        truths: True name of each unit; "" for none.
        labels: For each column the first label of each unit; "" for none.
        right: For each column whether each of these labels is right by lexical match.
    """

    target: str
    layer: str
    probe: str
    header: tuple[tuple[str, str], ...]
    truths: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    right: tuple[tuple[bool, ...], ...]


def build_label_tables(tables: Sequence[ConditionTable]) -> list[LabelTable]:
    """Return one table per layer and probe set that some method describes in sentences.

    Every method that writes sentences has a column, and so has the best method of each concept set.
    The same labels under another scoring are not repeated.

    Args:
        tables: All conditions, in the order of a page.
    """
    places: dict[tuple[str, ...], list[ConditionTable]] = defaultdict(list)
    for table in tables:
        places[*table.condition.place, table.condition.probe].append(table)
    found = []
    for (_, target, layer, probe), members in places.items():
        if not any(row.record.has_free_text for table in members for row in table.methods):
            continue
        columns: dict[str, tuple[tuple[str, str], Sequence[tuple[str, str, bool]]]] = {}
        for table in members:
            for row in _select(table):
                if row.cell is not None and row.cell.first_labels:
                    header = (row.label, table.condition.concepts)
                    columns.setdefault(row.record.key, (header, row.cell.first_labels))
        if not columns:
            continue
        headers, cells = zip(*columns.values(), strict=True)
        units = list(zip_longest(*cells, fillvalue=("", "", False)))
        truths = tuple(next((truth for truth, _, _ in unit if truth), "") for unit in units)
        padded = list(zip(*units, strict=True))
        labels = tuple(tuple(label for _, label, _ in column) for column in padded)
        right = tuple(tuple(is_right for _, _, is_right in column) for column in padded)
        found.append(LabelTable(target, layer, probe, headers, truths, labels, right))
    return found


def _select(table: ConditionTable) -> list[Row]:
    """Return all methods that write sentences, and the best of the others."""
    others = [row for row in table.methods if not row.record.has_free_text]
    return [row for row in table.methods if row.record.has_free_text] + others[:1]
