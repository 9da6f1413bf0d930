"""What a user may get wrong: exit code 2, the place, the hint, and no traceback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command that must be refused with 2; returns what standard error said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path.with_name(f"{tmp_path.name}-home")))

    def attempt(*arguments: str) -> str:
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("dissectbench: ")
        assert "Traceback" not in said.err
        assert not Path("results").exists()
        return said.err

    return attempt


def test_a_misspelt_method(refused: Callable[..., str]) -> None:
    error = refused("run", "method=clip_disect")
    assert "nearest: clip_dissect" in error
    assert "`dissectbench list methods` lists all" in error


def test_an_unknown_layer_lists_the_targets_own(refused: Callable[..., str]) -> None:
    error = refused("run", "target.layers=[layer5]")
    assert "target.layers: the target has no layer 'layer5'" in error
    for layer in ("layer1", "layer4", "avgpool", "fc"):
        assert f"\n    {layer}" in error


def test_an_unknown_layer_of_several_targets_names_the_target(refused: Callable[..., str]) -> None:
    error = refused("run", "-m", "target=glyphs_scenes,glyphs_objects", "target.layers=[layer5]")
    assert "glyphs scenes: the target has no layer 'layer5'" in error


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", 1, "contains no label"),
        (b"\xef\xbb\xbf \r\n\r\n\t\n", 1, "contains no label"),
        (b"sea\nforest\ncaf\xe9\n", 3, "0xe9"),
        (b"sea\r\ncaf\xe9\r\n", 2, "0xe9"),
        (b"sea\nfor\0est\n", 2, "zero byte"),
    ],
)
def test_a_concept_file_without_words(
    content: bytes, line: int, says: str, refused: Callable[..., str]
) -> None:
    Path("words.txt").write_bytes(content)
    error = refused("run", "concepts=file", "concepts.params.path=words.txt")
    assert error.startswith(f"dissectbench: words.txt:{line}: ")
    assert says in error
    assert "hint: " in error


def test_a_concept_file_that_is_not_there(refused: Callable[..., str]) -> None:
    Path("words.txt").write_text("sea\n")
    error = refused("run", "concepts=file", "concepts.params.path=word.txt")
    assert "concepts.params.path: not found: the concept file word.txt" in error
    assert "nearest: words.txt" in error


def test_a_path_that_was_not_given(refused: Callable[..., str]) -> None:
    assert "add probe.params.path=..." in refused("run", "probe=folder")


def test_a_folder_without_images(refused: Callable[..., str]) -> None:
    Path("images/inside").mkdir(parents=True)
    Path("images/inside/notes.txt").write_text("no image")
    error = refused("run", "probe=folder", "probe.params.path=images", "encoder=glyphs")
    assert "probe.params.path: no images in images" in error
    assert ".png" in error


def test_a_weights_file_that_is_none(refused: Callable[..., str]) -> None:
    Path("net.pth").write_bytes(b"not a state dict")
    target = ["target=torchvision", "target.params.arch=resnet18", "target.layers=[fc]"]
    error = refused("run", *target, "target.params.file=net.pth")
    assert "target.params.file" in error
    assert "net.pth" in error


def test_a_table_of_names_with_a_fault(refused: Callable[..., str]) -> None:
    Path("net.pth").write_bytes(b"")
    Path("truth.csv").write_text("unit,name\n0,sea\nx,forest\n")
    target = ["target=torchvision", "target.params.arch=resnet18", "target.layers=[fc]"]
    truth = ["target.truth.name=file", "target.truth.params.path=truth.csv"]
    error = refused("run", *target, "target.params.file=net.pth", *truth)
    assert error.startswith("dissectbench: truth.csv:3: ")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("method.params.top=3", ["method.params.top", "top_k"]),
        ("method.params.top_k=0", ["top_k must be an integer of at least 1", "leave top_k out"]),
        ("method.params.similarity=soft_wpm", ["soft_wpmi"]),
        ("method.params.top_k=many", ["method.params.top_k", "a whole number"]),
        ("probe.params.size=0", ["probe.params.size"]),
        ("concepts.params.kind=object", ["concepts.params.kind", "'objects'"]),
        ("scoring.clip_text.name=clip", ["unknown encoder 'clip'", "dissectbench list encoders"]),
    ],
)
def test_a_parameter_that_a_part_refuses(
    override: str, says: list[str], refused: Callable[..., str]
) -> None:
    error = refused("run", override)
    for part in says:
        assert part in error


def test_a_truth_that_could_be_of_either_layer(refused: Callable[..., str]) -> None:
    error = refused("run", "target.layers=[layer4,fc]", "target.truth_layer=''")
    assert "target.truth_layer" in error
    assert "add target.truth_layer=fc" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["score", "nowhere"], ["nowhere", "no", "record"]),
        (["score"], ["RECORD"]),
        (["score", "scoring.seed=1"], ["no record is named"]),
        (["board", "nowhere", "--out", "made"], ["nowhere: no such folder", "dissectbench run"]),
        (["board", "--out", "made"], ["results: no such folder"]),
        (["board", "nowhere"], ["--out"]),
        (["run", "probe.params.size=48,49"], ["add -m"]),
        (
            ["run", "method=linear", "probe.params.size=19"],
            ["probe: 19 images are too few", "hint: choose a probe set of at least 20"],
        ),
        (
            ["run", "method=linear", "method.params.penalty=-1"],
            ["penalty must be a number above 0", "leave penalty out for its default, 0.05"],
        ),
        (["demo", "bord=x"], ["board"]),
    ],
)
def test_other_commands(arguments: list[str], says: list[str], refused: Callable[..., str]) -> None:
    error = refused(*arguments)
    for part in says:
        assert part in error
    assert not Path("made").exists()
