from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboards.board import load_board
from leaderboards.pages.concept_sets import concept_sets_section
from leaderboards.pages.render import render_scores

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, build: Any, name: str, layer: str, exact: float, **more: float) -> None:
    scores = build.make_scores(exact)
    kinds = {"": exact, "[single]": exact + 0.1, "[union]": exact - 0.1}
    for metric, shift in (("exact_concepts", 0.0), ("concept_iou", 0.25)):
        scores["scores"] |= {f"{metric}{k}": build.share(v + shift) for k, v in kinds.items()}
    scores["scores"] |= {
        metric: build.share(value, higher_is_better=False) for metric, value in more.items()
    }
    build.put(root, build.make_record(name, layer=layer), scores)


def cells(page: str, start: str) -> list[list[str]]:
    """Return the cells of all rows that begin with a text."""
    rows = (line.strip("|").split("|") for line in page.splitlines() if "|" in line)
    return [[cell.strip() for cell in row[1:]] for row in rows if row[0].strip() == start]


def test_methods_by_kind_and_layer(tmp_path: Path, build: Any) -> None:
    put(tmp_path, build, "wpmi", "weak", 0.3, false_labels=0.9, concept_auroc=0.7)
    put(tmp_path, build, "wpmi", "strong", 0.5, false_labels=1.0)
    put(tmp_path, build, "cos", "strong", 0.2, false_labels=0.0)
    board = load_board([tmp_path])
    page = "\n\n".join(concept_sets_section(board))
    header = ["exact, strong", "exact, weak", "IoU, strong", "IoU, weak"]
    for kind in ("all units", "single", "union"):
        assert cells(page, kind) == [header]
    assert len(cells(page, "no concept")) == 1
    assert cells(page, "clip_dissect wpmi") == [
        ["0.500", "0.300", "0.750", "0.550"],
        ["0.600", "0.400", "0.850", "0.650"],
        ["0.400", "0.200", "0.650", "0.450"],
        ["1.000", "0.900", "—", "0.700"],
    ]
    assert cells(page, "clip_dissect cos") == [
        ["0.200", "—", "0.450", "—"],
        ["0.300", "—", "0.550", "—"],
        ["0.100", "—", "0.350", "—"],
        ["0.000", "—", "—", "—"],
    ]
    first = [line for line in page.splitlines() if line.startswith("| clip_dissect")]
    assert [line.split()[2] for line in first[:2]] == ["wpmi", "cos"]
    assert [line.split()[2] for line in first[-2:]] == ["cos", "wpmi"]  # fewest false labels first
    files = render_scores(board)
    assert page in files["README.md"].decode()
    assert "exact concepts, union names" in files["board.md"].decode()
    assert "false labels" in files["board.md"].decode()


def test_no_section_without_sets(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    assert concept_sets_section(load_board([tmp_path])) == []
