"""Labels side by side: a method's sentences beside the words of the others, unit by unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboards.cells import writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leaderboards.cells import Cell
    from leaderboards.sheets import Row, Sheet


@dataclass(frozen=True)
class WordTable:
    """The labels of one layer over one probe set.

    Attributes:
        target: The network's name.
        layer: The layer's name.
        probe: The probe set's name.
        header: For each column its method, and where its words come from.
        truths: True name of each unit; "" for none.
        labels: For each column the first label of each unit; "" for none.
        right: Whether each of these labels is right by lexical match.
    """

    target: str
    layer: str
    probe: str
    header: tuple[tuple[str, str], ...]
    truths: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    right: tuple[tuple[bool, ...], ...]


def build_words(sheets: Sequence[Sheet], cells: Iterable[Cell]) -> list[WordTable]:
    """One table per layer and probe set that some method describes in sentences.

    Every method that writes has a column there; of each concept set the best method has one, as
    the sheets have it. The same labels under another scoring are not repeated.

    Args:
        sheets: All conditions, in the order of a page.
        cells: The cells behind them.
    """
    words = {(cell.record.board, cell.record.key): cell.words for cell in cells}
    places: dict[tuple[str, ...], list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        places[*sheet.condition.place, sheet.condition.probe].append(sheet)
    tables = []
    for (_, target, layer, probe), members in places.items():
        if not any(writes(row.record) for sheet in members for row in sheet.methods):
            continue
        columns: dict[str, tuple[tuple[str, str], tuple[tuple[str, str, bool], ...]]] = {}
        for sheet in members:
            for row in _shown(sheet):
                said = words.get((row.record.board, row.record.key), ())
                if said:
                    header = (row.label, sheet.condition.concepts)
                    columns.setdefault(row.record.key, (header, said))
        if not columns:
            continue
        n_units = max(len(said) for _, said in columns.values())
        padded = [
            (*said, *[("", "", False)] * (n_units - len(said))) for _, said in columns.values()
        ]
        truths = [
            next((truth for truth, _, _ in units if truth), "")
            for units in zip(*padded, strict=True)
        ]
        labels = tuple(tuple(label for _, label, _ in said) for said in padded)
        right = tuple(tuple(is_right for _, _, is_right in said) for said in padded)
        headers = tuple(header for header, _ in columns.values())
        tables.append(WordTable(target, layer, probe, headers, tuple(truths), labels, right))
    return tables


def _shown(sheet: Sheet) -> list[Row]:
    """All methods that write, and the best of the others."""
    others = [row for row in sheet.methods if not writes(row.record)]
    return [row for row in sheet.methods if writes(row.record)] + others[:1]
