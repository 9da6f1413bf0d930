"""All files of a site, and writing them."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from leaderboards.site.addresses import board_page, layer_page
from leaderboards.site.cost_plot import cost_plots
from leaderboards.site.curves import curve_plots
from leaderboards.site.detector_tables import tabulate_detectors
from leaderboards.site.heat_maps import heat_maps
from leaderboards.site.pictures import Sheets
from leaderboards.site.ranking import metrics_of, rank_tables
from leaderboards.site.record_pages import render_record
from leaderboards.site.standings import (
    answer,
    compute_standings,
    main_costs,
    metric_titles,
)
from leaderboards.site.templating import render_page, render_script
from leaderboards.site.unit_pages import describe_layer, describe_view, find_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leaderboards.board import Board
    from leaderboards.naming import NamedCell
    from leaderboards.site.pictures import UnitPictures
    from leaderboards.site.unit_pages import Layer

    FindPictures = Callable[[NamedCell], "UnitPictures | str"]
    """Return the pictures of the layer and probe set of a cell, or why there are none."""

_STATIC = ("site.css", "tables.js", "units.js")


def write_site(board: Board, out_dir: Path, find_pictures: FindPictures) -> int:
    """Write all pages of a site into an empty folder.

    Args:
        board: The board or boards.
        out_dir: Where to write.
        find_pictures: Called for cells until one of a layer and a probe set has pictures.

    Returns:
        The number of files.
    """
    count = 0
    for name, content in render_site(board, find_pictures):
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        count += 1
    return count


def render_site(board: Board, find_pictures: FindPictures) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file; see `write_site`."""
    static = resources.files("leaderboards.site") / "static"
    for name in _STATIC:
        yield f"static/{name}", (static / name).read_bytes()
    layers = find_layers(board.cells)
    names = sorted({named.cell.record.board for named in board.cells})
    yield "index.html", _overview(board, names, layers)
    pages = {layer_page(layer.condition) for layer in layers}
    for name in names:
        yield board_page(name), _board(board, name, pages)
    for named in board.cells:
        yield render_record(named, board, has_units=layer_page(named.condition) in pages)
    yield from _units(board, layers, find_pictures)


def _overview(board: Board, names: Sequence[str], layers: Sequence[Layer]) -> bytes:
    standings = compute_standings(board)
    costs = main_costs(board.costs)
    return render_page(
        "overview.html",
        root="",
        board=board,
        names=names,
        pages={name: board_page(name) for name in names},
        paragraphs={name: answer(board, name, standings) for name in names},
        metrics=metric_titles(board),
        standings=standings,
        hardware="" if costs.empty else str(costs["hardware"].iloc[0]),
        layers=[
            (layer.title, layer.condition.board, layer_page(layer.condition)) for layer in layers
        ],
    )


def _board(board: Board, name: str, unit_pages: set[str]) -> bytes:
    tables = rank_tables(board, name)
    return render_page(
        "board.html",
        root="../",
        board=board,
        name=name,
        metrics=metrics_of(tables),
        tables=tables,
        unit_pages=unit_pages,
        judge=", ".join(sorted({table.judge for table in tables} - {""})),
        plots={table.condition.id: cost_plots(table) for table in tables},
        sweeps=heat_maps(tables),
        curves=curve_plots(board.sensitivity, name),
        detectors=tabulate_detectors(board.detectors, name),
        failures=[
            named
            for named in board.cells
            if named.cell.record.status == "failed" and named.cell.record.board == name
        ],
    )


def _units(
    board: Board, layers: Sequence[Layer], find_pictures: FindPictures
) -> Iterator[tuple[str, bytes]]:
    """Yield the pages, data and pictures of all layers' units."""
    books: dict[str, Sheets] = {}
    for layer in layers:
        keys: dict[str, str] = {}
        reasons: dict[str, str] = {}
        for number, (probe, cells) in enumerate(layer.probes.items()):
            pictures = _first_pictures(cells, find_pictures)
            if isinstance(pictures, str):
                reasons[probe] = pictures
                continue
            source = pictures.source
            name = f"pictures/{len(books)}"
            sheets = books.setdefault(source, Sheets(pictures.size, name))
            yield from sheets.add(pictures)
            keys[probe] = f"{layer.id}-pictures-{number}"
            described = sheets.describe(pictures)
            yield f"data/{keys[probe]}.js", render_script(keys[probe], described)
        for view in layer.views:
            yield f"data/{view.name}.js", render_script(view.name, describe_view(view))
        data = describe_layer(layer, keys, reasons)
        yield f"data/{layer.id}.js", render_script(layer.id, data)
        yield layer_page(layer.condition), render_page(
            "units.html", root="../", board=board, layer=layer,
            back=board_page(layer.condition.board),
        )  # fmt: skip
    for sheets in books.values():
        yield from sheets.finish()


def _first_pictures(cells: Sequence[NamedCell], find_pictures: FindPictures) -> UnitPictures | str:
    """Return the first pictures that any cell has; without, the first reason."""
    reasons = []
    for named in cells:
        found = find_pictures(named)
        if not isinstance(found, str):
            return found
        reasons.append(found)
    return reasons[0]
