"""Results that cannot be written: exit code 2, the path, a reason and a hint, and nothing left."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.__main__ import main
from leaderboards import storage
from tests.bench.run.conftest import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
ARCHIVE = ROOT / "leaderboards" / "imagenet_squeezenet" / "records.tar.xz"
LABELS = (
    "import", "labels.csv", "--method", "mine", "--target", "small", "--layer", "fc",
    "--units", "2", "target.truth.name=class_list", "target.truth.params.path=classes.txt",
)  # fmt: skip
EXEMPLARS = (
    "export-exemplars", "target=glyphs_scenes", "probe.params.size=48", "runtime.progress=false",
    "--size", "8", "--top-k", "1",
)  # fmt: skip
COMMANDS = {
    "run": ("run", *SMALL, "results={path}"),
    "board": ("board", "board", "--out", "{path}"),
    "pack": ("pack", "board", "--out", "{path}"),
    "unpack": ("unpack", "packed.tar.xz", "--out", "{path}"),
    "export-broden": ("export-broden", "--size", "2", "--out", "{path}"),
    "export-exemplars": (*EXEMPLARS, "--out", "{path}"),
    "sheet": (*EXEMPLARS, "--sheet", "0", "--out", "{path}"),
    "import": (*LABELS, "--results", "{path}"),
    "train": ("train", "glyphs", "--parts", "objects", "--out", "{path}"),
}


@pytest.fixture(scope="module")
def made(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished cell, records of a board, an archive of them, labels to import."""
    folder = tmp_path_factory.mktemp("made") / "here"
    shutil.copytree(finished, folder)
    shutil.copy(ARCHIVE, folder / "packed.tar.xz")
    assert main(["unpack", str(ARCHIVE), "--out", str(folder / "board")]) == 0
    (folder / "labels.csv").write_text("unit,label\n0,sea\n1,forest\n")
    (folder / "classes.txt").write_text("sea\nforest\n")
    (folder / "file").write_text("mine")
    return folder


@pytest.fixture(autouse=True)
def _there(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(made / "results" / ".cache"))


@pytest.fixture
def refused(made: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with 2 and a hint, and leave no new file."""

    def attempt(*arguments: str) -> str:
        before = results_of(made)
        capsys.readouterr()
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "\n  hint: " in said
        assert results_of(made) == before
        return said

    return attempt


def results_of(folder: Path) -> set[Path]:
    """Return all files outside the cache."""
    inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in inside if ".cache" not in path.parts}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_place_of_a_folder(command: str, refused: Callable[..., str]) -> None:
    said = refused(*(part.format(path="file/below") for part in COMMANDS[command]))
    assert "file/below" in said
    assert "cannot be written: a part of this path is a file" in said
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_refuses(
    command: str, number: int, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All folders below `disk` refuse; before a long computation, a first file shows it."""
    real = os.mkdir

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        if "disk" in Path(path).parts:
            raise OSError(number, os.strerror(number), str(path))
        real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", mkdir)
    said = refused(*(part.format(path="disk/out") for part in COMMANDS[command]))
    assert f"cannot be written: {os.strerror(number)}" in said
    wanted = {errno.ENOSPC: "free some space", errno.EROFS: "that you may write to"}
    assert wanted[number] in said


WRITES = ("write_record", "add_scores", "append_timing")


@pytest.mark.parametrize("write", WRITES)
def test_a_disk_that_fills_up_during_a_run(
    write: str, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record of a failure remains, so the same request completes once there is space."""
    arguments = ("run", *SMALL, f"results=disk-{write}")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    name = {"write_record": "write_bytes", "add_scores": "replace_file"}.get(write)
    with monkeypatch.context() as patch:
        if name:
            patch.setattr(storage, name, full)
        else:
            patch.setattr("leaderboards.timings.json_line", full)
        assert main(arguments) == 2
    assert not [path for path in Path(f"disk-{write}").rglob("*") if ".tmp" in path.name]
    assert main(arguments) == 0
    shutil.rmtree(f"disk-{write}")


def test_scores_of_a_record_on_a_full_disk(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(storage, "replace_file", full)
        assert "No space left on device" in refused("score", "results/local", "scoring.seed=7")
    assert main(["score", "results/local", "scoring.seed=7"]) == 0


def test_a_folder_that_is_deleted_midway(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = storage.write_record

    def write_and_lose(root: Path, *args: Any, **kwargs: Any) -> Path:
        folder = real(root, *args, **kwargs)
        shutil.rmtree(root)
        return folder

    monkeypatch.setattr("bench.run.execute.write_record", write_and_lose)
    assert main(["run", *SMALL, "results=lost"]) == 2
    said = capsys.readouterr().err
    assert "was deleted while it was in use" in said
    assert "hint: run again, and keep the folder" in said
