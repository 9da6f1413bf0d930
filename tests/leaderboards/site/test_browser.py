"""The site in a headless Chromium, from disk: it sorts, filters, finds and opens units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.leaderboards.site import browser
from tests.leaderboards.site.made import DEAD, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.leaderboards.site.browser import Browser

PROGRAM = browser.find()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium here: install one, or name it in $CHROMIUM"
)

CARDS = "Array.from(document.querySelectorAll('#units article h2 a'), (a) => a.textContent)"
SHOWN_ROWS = (
    "Array.from(document.querySelectorAll('#rows tbody tr')).filter((row) => !row.hidden).length"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM
    with browser.start(PROGRAM, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, site: Path) -> Iterator[Browser]:
    """The browser; afterwards nothing is wrong, and only files of the site were asked for."""
    chromium.faults.clear()
    chromium.requests.clear()
    yield chromium
    assert not chromium.faults
    assert chromium.run("window.hacked") is None
    asked = {address for address in chromium.requests if not address.startswith("data:")}
    assert asked
    assert {address for address in asked if not address.startswith(f"file://{site}/")} <= {
        "about:blank"
    }


def choose(page: Browser, field: str, value: str) -> None:
    """Set a field as a user does."""
    page.run(
        f"(() => {{ const field = document.querySelector('{field}');"
        f"field.value = {value!r};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_a_table_sorts_by_a_button(page: Browser, site: Path) -> None:
    page.open(f"file://{site}/index.html")
    column = "Array.from(document.querySelectorAll('tbody tr'), (row) => row.cells[4].textContent)"
    click = "document.querySelectorAll('thead button')[4].click()"
    page.run(click)
    down = page.run(column)
    assert down == sorted(down, reverse=True)
    assert page.run("document.querySelectorAll('th')[4].ariaSort") == "descending"
    page.run(click)
    assert page.run(column) == sorted(down)
    assert page.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_a_board_is_filtered_by_words_and_choices(page: Browser, site: Path) -> None:
    page.open(f"file://{site}/boards/glyphs.html")
    assert page.run(SHOWN_ROWS) == 20
    choose(page, "[data-key=text]", "rank_reorder")
    assert page.run(SHOWN_ROWS) == 4
    choose(page, "[data-key=probe]", "glyphs_val")
    assert page.run(SHOWN_ROWS) == 2
    choose(page, "[data-key=text]", "no such method")
    assert page.run("document.querySelector('.nothing').hidden") is False
    choose(page, "[data-key=text]", "")
    page.run("document.querySelector('[data-key=controls]').click()")
    assert page.run(SHOWN_ROWS) > 10


def test_units_are_found_filtered_and_opened(page: Browser, site: Path) -> None:
    [path] = (site / "units").iterdir()
    page.open(f"file://{site}/units/{path.name}")
    page.wait("document.querySelectorAll('#units canvas').length > 0")
    assert page.run("document.getElementById('count').value") == f"{UNITS} of {UNITS} units"
    choose(page, "#search", "umbrella")
    assert page.run(CARDS) == ["unit 0"]
    choose(page, "#search", "12")
    assert page.run(CARDS) == ["unit 12"]
    choose(page, "#search", "")
    choose(page, "#filter", "dead")
    assert page.run(CARDS) == [f"unit {DEAD}"]
    choose(page, "#filter", "right")
    right = page.run(CARDS)
    assert right[:2] == ["unit 0", "unit 1"]
    choose(page, "#filter", "wrong")
    assert not set(right) & set(page.run(CARDS))
    choose(page, "#filter", "")
    page.run("document.querySelector('#units article h2 a').click()")
    page.wait("document.getElementById('unit').open")
    page.wait("document.querySelector('dialog canvas').width === 96")
    assert page.run("document.querySelector('dialog h2').textContent").startswith("unit 0 umbrella")
    verdicts = "Array.from(document.querySelectorAll('dialog .verdict'), (one) => one.ariaLabel)"
    assert set(page.run(verdicts)) == {"right"}
    assert "umbrella" in page.run("document.querySelector('dialog table').textContent")
    page.press("ArrowRight")
    page.wait("location.hash === '#1'")
    page.press("Escape")
    page.wait("!document.getElementById('unit').open && location.hash === ''")


@pytest.mark.parametrize("width", [400, 900, 1400])
def test_no_page_is_wider_than_the_window(page: Browser, site: Path, width: int) -> None:
    for name in ("index.html", "boards/glyphs.html"):
        page.open(f"file://{site}/{name}", width, scheme="dark")
        assert page.run("document.documentElement.scrollWidth") <= width
        background = page.run("getComputedStyle(document.body).backgroundColor")
        assert background == "rgb(20, 23, 27)"
