"""The site of a board: its pages agree with the board, and no text of a record is code."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leaderboards.board import load_board
from leaderboards.site.axes import linear_axis, log_axis
from leaderboards.site.cost_plot import cost_plots, pareto_front
from leaderboards.site.curves import curve_plots
from leaderboards.site.detector_tables import tabulate_detectors
from leaderboards.site.heat_maps import heat_maps
from leaderboards.site.pictures import COLUMNS, MASK, Sheets
from leaderboards.site.ranking import rank_tables
from leaderboards.site.render import write_site
from leaderboards.site.standings import answer, compute_standings, first_summaries
from leaderboards.site.templating import code_spans, render_script
from tests.leaderboards.site.made import DEAD, HOSTILE, UNITS, MadePictures

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboards.board import Board


class Page(HTMLParser):
    """The tags of a page, and its text by row of each table."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows if row]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def data(site: Path, name: str) -> Any:
    """Return the content of a script of data."""
    text = (site / "data" / f"{name}.js").read_text(encoding="utf-8")
    found = re.fullmatch(r'\(window\.siteData \?\?= \{\}\)\["([\w-]+)"\]=(.*);\n', text)
    assert found
    assert found[1] == name
    return json.loads(found[2])


def test_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 1 + 21 + 1
    for page in pages:
        for tag, attributes in Page(page).tags:
            for name in ("href", "src"):
                link = (attributes.get(name) or "").partition("#")[0]
                if link and link != "data:,":
                    assert (page.parent / link).is_file(), (page, tag, link)


def test_no_text_of_a_record_becomes_code(site: Path) -> None:
    for page in site.rglob("*.html"):
        for tag, attributes in Page(page).tags:
            assert tag != "img", page
            assert not [name for name in attributes if name.startswith("on")], page
            assert tag != "script" or set(attributes) == {"src"}, page
    everything = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    assert "\u202e" not in everything  # a text cannot turn what follows around
    assert "{{ 7*7 }}" in everything
    for script in (site / "data").iterdir():
        assert not re.search("[<>\u2028]", script.read_text(encoding="utf-8"))


def test_data_keep_hostile_texts_as_texts() -> None:
    script = render_script("a", {"x": HOSTILE, "n": [float("nan"), 0.5]}).decode()
    value = json.loads(script.partition("=")[2].partition("=")[2].rstrip(";\n"))
    assert value == {"x": HOSTILE, "n": [None, 0.5]}
    assert "<" not in script
    assert code_spans("a `b<` c <d>") == "a <code>b&lt;</code> c &lt;d&gt;"


def test_the_overview_counts_what_the_summaries_say(board: Board, site: Path) -> None:
    [summary] = first_summaries(board)
    standings = {one.method: one for one in compute_standings(board)}
    best = next(iter(standings.values()))
    for label in summary.methods:
        verdicts = [column.verdict for column in summary.columns]
        assert standings[label].best == sum(verdict.best == label for verdict in verdicts)
        assert standings[label].tied == sum(label in verdict.tied for verdict in verdicts)
        assert standings[label].ranked == 4
    paragraph = answer(board, "glyphs", standings.values())
    assert f"`{best.method}` is most often among the best" in paragraph
    assert f"in {best.among_best} of the 4 conditions" in paragraph
    pairs = [column.verdict.pairs for column in summary.columns]
    separated = sum(one.separated for one in pairs if one)
    assert f"{separated} of 40 pairs of methods differ" in paragraph
    page = Page(site / "index.html")
    assert page.rows[1][0] == best.method
    assert f"{best.among_best} of 4" in page.rows[1][2]


def test_methods_are_compared_once(board: Board) -> None:
    """Of a hundred methods a comparison takes seconds."""
    columns = [(one, column) for one in board.summaries for column in one.columns]
    assert columns
    for summary, column in columns:
        assert column.table.verdict(summary.metric) is column.verdict


def test_a_single_method_is_compared_with_nothing(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path / "r", build.make_record("soft_wpmi"), build.make_scores(0.5))
    board = load_board([tmp_path / "r"])
    [only] = compute_standings(board)
    assert (only.among_best, only.ranked) == (0, 0)
    paragraph = answer(board, only.board, [only])
    assert paragraph.startswith("No condition ranks any method.")
    assert "1 condition has a single method: there is nothing to compare." in paragraph
    assert "reach the limit" not in paragraph
    write_site(board, tmp_path / "site", lambda _: "none")
    overview = Page(tmp_path / "site" / "index.html")
    assert "nothing to compare" in overview.rows[1]
    [table] = rank_tables(board, only.board)
    assert {e.standing for row in table.rows for e in row.entries.values() if e} <= {"single", ""}
    assert "there is nothing to compare" in table.conclusion


def test_the_table_of_a_board_has_a_row_for_each_method_and_condition(
    board: Board, site: Path
) -> None:
    rows = [row for row in Page(site / "boards" / "glyphs.html").rows if len(row) > 7]
    tables = rank_tables(board, "glyphs")
    assert len(rows) == 1 + sum(len(table.rows) for table in tables)
    summary = first_summaries(board)[0]
    [first, *_] = tables
    column = next(one for one in summary.columns if one.condition.id == first.condition.id)
    for row in first.rows:
        entry = row.entries["lexical_match"]
        assert entry
        assert entry.estimate == column.estimates[row.label]
        if row.kind == "method":
            assert column.verdict.pairs
            assert entry.letters == column.verdict.pairs.letters[row.label]
            expected = "best" if row.label == column.verdict.best else ""
            expected = "tied" if row.label in column.verdict.tied else expected
            expected = "below" if row.label in column.verdict.below else expected
            assert entry.standing == expected
    best = next(row for row in rows if "best" in row[4])
    assert re.match(r"0\.\d{3} best \[0\.\d\d, \d\.\d\d\] a", best[4])


def test_a_record_page_shows_what_repeats_it(board: Board, site: Path) -> None:
    named = next(one for one in board.cells if one.row == "clip_dissect soft_wpmi")
    record = named.cell.record
    page = Page(site / "records" / f"glyphs-{record.key}.html")
    assert record.key in page.text
    assert board.score_hash[:16] in page.text
    assert "dissectbench run 'method=" in page.text
    assert ["gather", "250.0 ms", "1000", "1024 MiB", "yes"] in page.rows
    value = named.cell.scores[0].scores["lexical_match"]
    shown = next(row for row in page.rows if row[0] == "lexical match")
    assert shown[1] == f"{value.value:.3f}"
    assert ["CLIP cosine", "—"] in [row[:2] for row in page.rows]
    [failed] = [one for one in board.cells if one.cell.record.status == "failed"]
    assert "Error: </script>" in Page(site / f"records/glyphs-{failed.cell.record.key}.html").text


def test_the_explorer_tells_right_close_and_wrong_labels(board: Board, site: Path) -> None:
    [page] = (site / "units").iterdir()
    layer = data(site, page.stem)
    assert layer["dead"] == [DEAD]
    assert len(layer["truths"]) == UNITS
    assert layer["truths"][0] == "umbrella"
    assert list(layer["pictures"]) == ["glyphs_val"]
    [reason] = layer["reasons"].values()
    assert reason.startswith("none </script>")
    view = next(one for one in layer["views"] if one["probe"] == "glyphs_val")
    labels = data(site, view["name"])
    methods = {method["name"]: method for method in labels["methods"]}
    assert next(iter(methods)) == "clip_dissect soft_wpmi"  # most right ones first
    own = methods["clip_dissect wpmi"]
    right = round(0.8 * UNITS)
    verdicts = "3" * right + "1" * (UNITS - right - 1) + "2"
    assert own["verdicts"] == verdicts
    shown = own["labels"][: labels["shown"]]
    assert [labels["texts"][place] for place in shown[:3]] == ["umbrella", "wpmi 2", "wpmi 3"]
    assert shown[3:] == [-1, -1]
    assert own["scores"][0] == 0.5
    dead = slice(DEAD * labels["shown"], (DEAD + 1) * labels["shown"])
    assert set(own["labels"][dead]) == {-1}
    assert (site / own["page"]).is_file()


def test_images_are_stored_once_and_masks_as_bits() -> None:
    first, second = MadePictures(), MadePictures()
    sheets = Sheets(first.size, "pictures/0")
    files = dict(sheets.add(first))
    files |= dict(sheets.add(second))
    files |= dict(sheets.finish())
    different = len(set(first.ids.ravel().tolist()) - {-1})
    assert len(first.asked) == different
    assert not second.asked
    assert list(files) == ["pictures/0-0.webp"]
    described = sheets.describe(first)
    assert described["tiles"][DEAD] == []
    sheet = np.asarray(Image.open(io.BytesIO(files["pictures/0-0.webp"])).convert("RGB"))
    assert sheet.shape == (-(-different // COLUMNS) * 48, COLUMNS * 48, 3)
    for unit, place in ((0, 0), (30, 7), (UNITS - 1, 3)):
        row, column = divmod(described["tiles"][unit][place], COLUMNS)
        tile = sheet[row * 48 + 12 : row * 48 + 36, column * 48 + 12 : column * 48 + 36]
        assert abs(float(tile.mean()) - 3 * first.ids[unit, place]) < 6
    bits = np.unpackbits(np.frombuffer(base64.b64decode(described["masks"][0]), np.uint8))
    masks = bits.reshape(8, MASK, MASK)
    assert masks[:, :, : MASK // 2].all()
    assert not masks[:, :, MASK // 2 :].any()


@pytest.mark.parametrize(
    ("pairs", "front"),
    [
        ([(1, 0.5), (2, 0.7), (3, 0.6)], {0, 1}),
        ([(1, 0.5), (1, 0.6)], {1}),
        ([(2, 0.5), (1, 0.5)], {1}),
        ([(1, 0.5), (1, 0.5)], {0, 1}),
    ],
)
def test_a_dominated_method_is_not_on_the_front(
    pairs: list[tuple[float, float]], front: set[int]
) -> None:
    assert pareto_front(pairs) == front


def test_points_of_a_cost_plot_are_measured_scores(board: Board) -> None:
    table = rank_tables(board, "glyphs")[0]
    cold, shared = cost_plots(table)
    assert [len(plot.points) for plot in (cold, shared)] == [5, 5]
    methods = [row for row in table.rows if row.kind == "method"]
    for point in shared.points:
        row = methods[point.number - 1]
        entry = row.entries["lexical_match"]
        assert entry
        assert entry.estimate.value is not None
        assert point.x == shared.x.place(row.per_unit_s)
        assert point.y == shared.y.place(entry.estimate.value)
        assert point.text.startswith(f"{row.label}: ")


def test_axes_end_at_round_numbers() -> None:
    axis = linear_axis([0.31, 0.88], 200, 10)
    assert (axis.low, axis.high) == (0.2, 1.0)
    assert (axis.place(0.2), axis.place(1.0), axis.place(0.6)) == (200, 10, 105)
    assert linear_axis([0.5, 0.5], 0, 1).ticks[0] < linear_axis([0.5, 0.5], 0, 1).ticks[-1]
    wide = log_axis([0.001, 50], 0, 100)
    assert wide.ticks == (0.001, 0.01, 0.1, 1.0, 10.0)
    assert log_axis([8, 30], 0, 100).ticks == (10.0, 20.0)


def test_heat_maps_show_each_method_by_probe_set_and_concept_set(board: Board) -> None:
    tables = rank_tables(board, "glyphs")
    [sweep] = heat_maps(tables)
    assert (len(sweep.probes), len(sweep.concepts), len(sweep.maps)) == (2, 2, 5)
    for one in sweep.maps:
        for probe, fields in zip(sweep.probes, one.fields, strict=True):
            for words, field in zip(sweep.concepts, fields, strict=True):
                [table] = [
                    t for t in tables if (t.condition.probe, t.condition.concepts) == (probe, words)
                ]
                [row] = [row for row in table.rows if row.label == one.method]
                entry = row.entries["lexical_match"]
                assert entry
                assert field.text == f"{entry.estimate.value:.2f}"
    shades = [field.percent for one in sweep.maps for fields in one.fields for field in fields]
    assert (min(shades), max(shades)) == (0, 100)
    assert not heat_maps(tables[:2])


def test_detectors_are_counted_by_category() -> None:
    counts = {"color": 2, "object": 7, "all": 9}
    rows = [
        {"board": "glyphs", "target": "net", "layer": "fc", "probe": "val", "units": 56,
         "method": method, "category": category, "unique_detectors": count * times}
        for method, times in (("netdissect", 1), ("compositional", 2))
        for category, count in counts.items()
        if (method, category) != ("compositional", "color")
    ]  # fmt: skip
    [table] = tabulate_detectors(pd.DataFrame(rows), "glyphs")
    assert table.categories == ("color", "object", "all")
    assert table.rows == {"netdissect": (56, (2, 7, 9)), "compositional": (56, (0, 14, 18))}
    assert table.most == 18
    assert not tabulate_detectors(pd.DataFrame(rows), "another")


def test_curves_pass_through_the_means_of_each_size() -> None:
    shared = {
        "board": "glyphs", "target": "net", "layer": "fc", "axis": "images", "probe": "val",
        "concepts": "own", "scoring": "", "judge": "", "metric": "lexical_match",
    }  # fmt: skip
    rows = [
        {**shared, "method": method, "size": size, "mean": mean, "low": mean - 0.1,
         "high": mean + 0.1}
        for method, means in (("a", (0.3, 0.5, 0.6)), ("b", (0.2, 0.2, 0.7)))
        for size, mean in zip((100, 1000, 10_000), means, strict=True)
    ]  # fmt: skip
    [plot] = curve_plots(pd.DataFrame(rows), "glyphs")
    assert plot.x.ticks == (100, 1000, 10_000)
    assert [curve.method for curve in plot.curves] == ["a", "b"]
    points = [tuple(map(float, pair.split(","))) for pair in plot.curves[0].line.split()]
    assert points == [
        (plot.x.place(size), plot.y.place(mean))
        for size, mean in zip((100, 1000, 10_000), (0.3, 0.5, 0.6), strict=True)
    ]
    assert len(plot.curves[0].band.split()) == 6
    assert not curve_plots(pd.DataFrame(rows), "another")
