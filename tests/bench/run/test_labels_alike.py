"""Candidate labels that the encoder cannot tell apart stand in the record and on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboards.storage import find_records

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.usefixtures("here")
def test_the_record_names_them_from_the_cache_too(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("words.txt").write_text("sea\nforest\nSea\n" + "very " * 70 + "dark\n")
    asked = ["concepts=file", "concepts.params.path=words.txt"]
    notes = []
    for board in ("a", "b"):
        assert run(*asked, f"board={board}") == 0
        told = capsys.readouterr().err
        [(_, record)] = find_records(Path("results", board)).records
        notes.append([note for note in record.notes if "candidate label" in note])
        assert all(note in told for note in notes[-1])
    assert notes[0] == notes[1]
    cut, equal = notes[0]
    assert cut.startswith("1 candidate label is cut at the 64 tokens")
    assert equal == (
        "2 candidate labels embed equally, so that the first in the file wins: 'sea' = 'Sea'"
    )
