"""A request in which no candidate label is a true name says so; any other says nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.config.compose import expand
from bench.run.candidates import explain_no_match
from bench.run.survey import plan

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = ("n00000001", "n00000002", "n00000003")


@pytest.fixture
def synsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two images in each of three folders that are called by WordNet's numbers."""
    draw = np.random.default_rng(0)
    for folder in NUMBERS:
        (tmp_path / "images" / folder).mkdir(parents=True)
        for name in "ab":
            pixels = draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / folder / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return ["probe=class_folder", f"probe.params.path={tmp_path / 'images'}", "scoring=none"]


def said(*overrides: str) -> str:
    [job] = plan(expand(overrides))
    return explain_no_match(job.selection, "fc")


def test_folders_called_by_numbers_cannot_score(
    synsets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ["method=netdissect", *synsets, "runtime.progress=false"]
    assert main(["plan", *request]) == 0
    assert "cannot score: no candidate label is the true name" in capsys.readouterr().out
    assert main(["run", *request]) == 0
    told = capsys.readouterr().out
    assert told.count("cannot score: no candidate label") == 1
    assert "'n00000001'" in told
    assert "probe=imagenet_val" in told
    [file] = tmp_path.rglob("record.json")
    [note] = [note for note in json.loads(file.read_text())["notes"] if "no candidate" in note]
    assert note in told
    [file] = tmp_path.rglob("scores/*.json")
    assert json.loads(file.read_text())["controls"]["oracle"]["accuracy_at_1"]["value"] == 0
    folder = file.parents[1]
    assert main(["score", str(folder), "scoring.official_labels=true"]) == 0
    assert "cannot score: no candidate label is the true name" in capsys.readouterr().out


def test_a_table_of_names_is_what_would(synsets: list[str], tmp_path: Path) -> None:
    names = ("sea", "umbrella", "desert")  # the second is an object that the network names
    lines = "".join(f"{one}\t{name}\n" for one, name in zip(NUMBERS, names, strict=True))
    (tmp_path / "names.tsv").write_text(lines)
    request = ["method=netdissect", *synsets, f"probe.params.names={tmp_path / 'names.tsv'}"]
    assert said(*request, "target=glyphs_objects") == ""
    (tmp_path / "words.tsv").write_text(lines.replace("umbrella", "no such thing"))
    request[-1] = f"probe.params.names={tmp_path / 'words.tsv'}"
    assert "choose a probe set" in said(*request, "target=glyphs_objects")


def test_one_right_word_is_enough(tmp_path: Path) -> None:
    for text, right in (("xyzzy\nplugh\nUmbrella\n", True), ("xyzzy\nplugh\n", False)):
        file = tmp_path / f"{right}.txt"
        file.write_text(text)
        own = ["probe.params.size=8", "concepts=file", f"concepts.params.path={file}"]
        assert (said(*own) == "") is right
    # Letter case counts by the official rule alone.
    own[-1] = f"concepts.params.path={tmp_path / 'True.txt'}"
    assert "official_labels=false" in said(*own, "scoring.official_labels=true")


def test_nothing_is_said_of_free_text_and_of_layers_without_names() -> None:
    assert said("probe.params.size=8", "method=milan") == ""
    [job] = plan(expand(["probe.params.size=8", "target.layers=[layer4]", "method=netdissect"]))
    assert explain_no_match(job.selection, "fc") == ""
