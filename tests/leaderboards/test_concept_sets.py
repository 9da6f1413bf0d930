from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboards.board import load_board
from leaderboards.pages.concept_sets import concept_sets_section
from leaderboards.pages.details import details_page
from leaderboards.pages.render import render_scores
from leaderboards.storage import write_record

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


def test_false_labels_are_compared_unit_by_unit(tmp_path: Path, build: Any) -> None:
    """One method labels 2 of 40 units without a concept, the other two 20 and 22 of them."""
    for name, false in (("wpmi", 2), ("cos", 20), ("soft_wpmi", 22)):
        scores = build.make_scores(0.5)
        share = build.share(false / 40, 40, higher_is_better=False)
        scores["scores"]["false_labels"] = share
        units = build.make_units().assign(without_concept=lambda t: (t["unit"] >= 14) * 1)
        units.loc[units["unit"] >= 14 + false, "label"] = ""
        units.loc[units["unit"] == 54, ["dead", "label"]] = ["True", "dead"]
        write_record(
            tmp_path,
            build.make_record(name),
            descriptions=build.make_descriptions(),
            scores=[(scores, units)],
        )
    [one] = load_board([tmp_path]).tables
    verdict = one.verdict("false_labels")
    assert verdict.best == "clip_dissect wpmi"
    assert set(verdict.below) == {"clip_dissect cos", "clip_dissect soft_wpmi"}
    assert verdict.pairs is not None
    assert verdict.pairs.comparison.n == 40
    assert verdict.pairs.separated == 2
    assert verdict.pairs.difference("clip_dissect cos", "clip_dissect wpmi")[0] == 18 / 40


def test_no_section_without_sets(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    assert concept_sets_section(load_board([tmp_path])) == []


def test_answers_that_are_sets_have_a_table_of_their_own(tmp_path: Path, build: Any) -> None:
    for name, f1, weight in (("wpmi", 0.5, 0.25), ("soft_wpmi", 0.75, None), ("cos", None, None)):
        scores = build.make_scores(0.5)
        if f1 is not None:
            values = {"exact": 0.1, "f1": f1, "first": 0.9, "weight": weight, "size": 3.5}
            scores["scores"] |= {
                f"answer_{metric}": build.share(value, width=0.2) if value is not None
                else {"value": None, "reason": "the answers have no weights"}
                for metric, value in values.items()
            }  # fmt: skip
        build.put(tmp_path, build.make_record(name), scores)
    page = details_page(load_board([tmp_path]))
    [start] = [at for at, line in enumerate(page.splitlines()) if "answer: F1" in line]
    table = page.splitlines()[start:]
    assert table[0].count("|") == 7
    assert [line.split(" | ")[0] for line in table[2:5]] == [
        "| clip_dissect soft_wpmi",
        "| clip_dissect wpmi",
        "",
    ]
    assert cells("\n".join(table[:4]), "clip_dissect soft_wpmi")[0][1:] == [
        "0.750 [0.65, 0.85]", "0.900 [0.80, 1.00]", "—", "3.5 [3.4, 3.6]",
    ]  # fmt: skip


def test_boards_without_such_answers_say_nothing_of_them(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record("wpmi"), build.make_scores(0.5))
    assert "answer:" not in details_page(load_board([tmp_path]))
