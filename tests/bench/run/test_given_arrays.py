"""Runs on arrays: there and back, and what is refused before anything runs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.evidence.inventory import list_entries
from bench.run.provenance import cell_key
from bench.run.selection import build_selection

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "arrays.md"
SIMILARITIES = "soft_wpmi,wpmi,rank_reorder,cos_similarity,cos_similarity_cubed"


def export(small: tuple[str, ...], capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    """Export the evidence of the small cell to "out"; return the command that reads it."""
    capsys.readouterr()
    assert main(["export-evidence", "--out", "out", *small, *more]) == 0
    [command] = re.findall(r"to run the method on them: (.*)", capsys.readouterr().out)
    program, *words = shlex.split(command)
    assert program == "dissectbench"
    return words


def labels(board: str) -> list[pd.DataFrame]:
    """Return the labels of a board's cells, by the parameters of the method."""
    tables = {}
    for file in Path("results", board).glob("*/*/record.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        tables[json.dumps(record["method"]["params"])] = pd.read_csv(
            file.with_name("descriptions.csv.gz")
        )
    return [tables[key] for key in sorted(tables)]


def record_of(board: str) -> dict[str, Any]:
    [file] = Path("results", board).glob("*/*/record.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))


def test_there_and_back(
    here: Path, small: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    words = export(small, capsys)
    before = {info.key for info in list_entries(Path("results/.cache"))}
    assert main([*words, "board=back"]) == 0
    [there], [back] = labels("local"), labels("back")
    pd.testing.assert_frame_equal(there, back, check_exact=True)
    new = [i for i in list_entries(Path("results/.cache")) if i.key not in before]
    assert {info.kind for info in new} <= {"scores", "text_embeddings"}
    record = record_of("back")
    assert record["target"]["fingerprint"]["arrays"]["fc"]["dtype"] == "float32"
    [timing] = Path("results/back").glob("*/*/timings.jsonl")
    [gather] = [p for p in json.loads(timing.read_text())["phases"] if p["name"] == "gather"]
    assert gather["note"] == "activations and image embeddings given as arrays"
    [scores] = Path("results/back").glob("*/*/scores/*.json")
    scored = json.loads(scores.read_text(encoding="utf-8"))
    assert scored["circular"], "the text tower of the exported embeddings is the judge's"
    again = next(Path("results/local").glob("*/*/scores/*.json")).read_text(encoding="utf-8")
    assert scored["scores"]["lexical_match"] == json.loads(again)["scores"]["lexical_match"]


@pytest.mark.slow
def test_every_similarity_and_masks_there_and_back(
    here: Path,
    small: tuple[str, ...],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = export(small, capsys)
    sweep = f"method.params.similarity={SIMILARITIES}"
    assert main([*words, "-m", sweep, "board=back"]) == 0
    assert run("-m", sweep, "board=there") == 0
    masked = ("method=netdissect", "target.layers=[layer4]", "target.truth_layer=fc")
    maps = export(small, capsys, "--maps", "--out=maps", *masked)
    assert main([*maps, "board=back"]) == 0
    assert run(*masked, "board=there") == 0
    pairs = list(zip(labels("there"), labels("back"), strict=True))
    assert len(pairs) == 6
    for there, back in pairs:
        pd.testing.assert_frame_equal(there, back, check_exact=True)
    assert main([*maps, "method=compositional", "board=formulas"]) == 0


def test_directions_are_part_of_the_key(
    small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [job] = expand(small)
    keys = set()
    for number in range(2):
        np.save("d.npy", np.full((2, 25), number))
        for directions in ("", "d.npy", {"file": "d.npy"}, {"rotation": 1}, {"rotation": 2}):
            job.config.target.directions = directions
            keys.add(cell_key(build_selection(job.config), "fc"))
    assert len(keys) == 5  # the units, two contents of one file, two seeds


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrays")
    draw = np.random.default_rng(0)
    np.save(folder / "activations.npy", draw.normal(size=(40, 6)).astype(np.float32))
    np.save(folder / "decoder.npy", draw.normal(size=(9, 6)).astype(np.float32))
    np.save(folder / "images.npy", draw.normal(size=(40, 8)))
    np.save(folder / "texts.npy", draw.normal(size=(3, 8)))
    (folder / "words.txt").write_text("dog\ncat\ncar\n")
    (folder / "other.txt").write_text("cat\nDog\n")
    (folder / "names.txt").write_text("".join(f"{i}.png\n" for i in range(40)))
    return folder


def page_command() -> list[str]:
    """Return the words of the page's command that needs no model at all."""
    text = re.sub(r" *\\\n *", " ", PAGE.read_text(encoding="utf-8"))
    [line] = re.findall("dissectbench (run target=precomputed .*encoder=precomputed .*)", text)
    return shlex.split(line)


def test_the_command_of_the_page(
    arrays: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(arrays)
    places = [f"results={tmp_path}", f"runtime.cache={tmp_path / 'cache'}"]
    directions = "target.directions='',decoder.npy,{rotation: 0}"
    assert main([*page_command(), "-m", *places, "runtime.progress=false", directions]) == 0
    files = tmp_path.glob("local/*/*/record.json")
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    units = {r["target"]["params"].get("directions"): r["target"]["units"] for r in records}
    assert units == {None: 6, "decoder.npy": 9, "rotation 0": 6}
    entries = list_entries(tmp_path / "cache")
    assert {info.kind for info in entries} == {"scores", "text_embeddings"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["target.layers=[fc]"], "no activations of the layer 'fc'"),
        (["target.pooling=cls"], "the target gives arrays"),
        (["target.control=random_weights"], "random weights need a network, and the target gives"),
        (["concepts.params.path=other.txt"], "1 of 2 texts have no embedding: 'Dog'"),
        (["target.directions=texts.npy"], "directions of 8 values, and the layer has 6 units"),
        (["encoder.params.images=texts.npy"], "3 rows, and the probe set has 40 images"),
        (["scoring.decisions.classifier=fc"], "of decisions need the network itself"),
        (["method=netdissect"], "the probe set precomputed has none"),
        (
            [
                "method=netdissect",
                "probe=glyphs_val",
                "probe.params.size=40",
                "target.params.visible_share=1",
            ],
            "activations has one number per image",
        ),
        (["method=milan", "captioner=glyphs"], "the captioner looks at the images"),
        (["method=milan_clip", "captioner=glyphs"], "embeds images and texts of its own"),
        (["method=semantic_lens"], "method.params.subtract=mean"),
        (["method=csp", "method.params.subtract=template"], "method.params.subtract=none"),
        (["method=www"], "method.params.adaptive=false"),
        (["encoder=glyphs"], "the encoder looks at the images, and the probe set has only"),
        (["target=glyphs_scenes"], "the target looks at the images, and the probe set has only"),
    ],
)
def test_what_does_not_fit_is_found_before_the_run(
    arrays: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], overrides: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(arrays)
    replaced = {text.partition("=")[0] for text in overrides}
    words = [w for w in page_command()[1:] if w.partition("=")[0].partition(".")[0] not in replaced]
    main(["plan", *words, f"results={tmp_path}", f"runtime.cache={tmp_path}", *overrides])
    assert message in "".join(capsys.readouterr())
