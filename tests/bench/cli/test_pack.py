"""Archives of records on the command line: made, unpacked, and read in place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
ARCHIVE = ROOT / "leaderboards" / "imagenet" / "records.tar.xz"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an archive and the folder of the same records."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ARCHIVE, "a.tar.xz")
    assert main(["unpack", "a.tar.xz", "--out", "results/imagenet"]) == 0
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "hint: " in said.err
    return said.err


def test_a_board_is_the_same_from_folder_and_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "leaderboards" / "places365" / "records.tar.xz", "a.tar.xz")
    assert main(["unpack", "a.tar.xz", "--out", "results/places365"]) == 0
    for source, out in (("results/places365", "folder"), ("a.tar.xz", "archive")):
        assert main(["board", source, "--out", out]) == 0
    pages = sorted(path.name for path in Path("folder").iterdir())
    assert "README.md" in pages
    assert pages == sorted(path.name for path in Path("archive").iterdir())
    page = Path("folder/README.md").read_text()
    assert "`dissectbench board results/places365 --out folder`" in page
    page = page.replace("board results/places365 --out folder", "board a.tar.xz --out archive")
    assert page == Path("archive/README.md").read_text()
    for out in ("folder", "archive"):
        assert main(["board", "a.tar.xz", "--out", out, "--check"]) == 0


@pytest.mark.usefixtures("here")
def test_nothing_is_run_into_an_archive(capsys: pytest.CaptureFixture[str]) -> None:
    request = ("method=netdissect", "scoring=none", "results=a.tar.xz")
    hint = "hint: `dissectbench unpack a.tar.xz --out DIR`, then give DIR"
    assert hint in refused(capsys, "run", *request)
    assert main(["plan", *request]) == 0
    assert hint in capsys.readouterr().out
    Path("labels.csv").write_text("unit,label\n0,dog\n")
    to = ("--method", "x", "--target", "resnet18_imagenet", "--layer", "fc", "--results")
    assert hint in refused(capsys, "import", "labels.csv", *to, "a.tar.xz")
    Path("b").touch()
    assert "b is a file" in refused(capsys, "run", "scoring=none", "results=b")


@pytest.mark.usefixtures("here")
def test_damage_in_an_archive_is_told_as_in_a_folder() -> None:
    file = next(Path("results/imagenet").rglob("scores/*.json"))
    file.write_text("{")
    assert main(["pack", "results/imagenet", "--out", "b.tar.xz"]) == 0
    for source in ("results/imagenet", "b.tar.xz"):
        assert main(["board", source, "--out", "out"]) == 0
        page = Path("out/README.md").read_text()
        assert f"scores/{file.name}" in page
        Path("out/README.md").rename(f"{Path(source).name}.md")
    said = [Path(f"{name}.md").read_text().splitlines() for name in ("imagenet", "b.tar.xz")]
    differ = [pair for pair in zip(*said, strict=True) if pair[0] != pair[1]]
    assert len(differ) == 1  # the line with the command


@pytest.mark.usefixtures("here")
def test_a_file_is_replaced_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("a.tar.xz").read_bytes()
    pack = ("pack", "results/imagenet", "--out", "a.tar.xz")
    next(Path("results/imagenet").rglob("config.yaml")).unlink()
    assert "a.tar.xz: this file exists" in refused(capsys, *pack)
    assert Path("a.tar.xz").read_bytes() == before
    assert main([*pack, "--replace"]) == 0
    assert "wrote a.tar.xz: 2 records" in capsys.readouterr().out
    assert Path("a.tar.xz").read_bytes() != before
    Path("folder.tar.xz").mkdir()
    assert "is a folder" in refused(capsys, *pack[:-1], "folder.tar.xz", "--replace")


@pytest.mark.usefixtures("here")
def test_nothing_is_unpacked_over(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "unpack", "a.tar.xz", "--out", "results/imagenet")
    assert "this path exists" in said
    Path("empty").mkdir()
    assert main(["unpack", "a.tar.xz", "--out", "empty"]) == 0
    assert len(list(Path("empty").rglob("record.json"))) == 2


@pytest.mark.usefixtures("here")
def test_what_cannot_be_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cut.tar.xz").write_bytes(Path("a.tar.xz").read_bytes()[:-100])
    Path("text").write_text("text")
    for command in ("unpack", "board"):
        said = refused(capsys, command, "cut.tar.xz", "--out", "new")
        assert "cut.tar.xz: the archive is damaged" in said
        assert "text: not an archive" in refused(capsys, command, "text", "--out", "new")
    assert "no such file" in refused(capsys, "unpack", "none", "--out", "new")
    assert "no such folder" in refused(capsys, "pack", "none", "--out", "new")
    Path("bare").mkdir()
    assert "no record here" in refused(capsys, "pack", "bare", "--out", "new")
    assert not Path("new").exists()


@pytest.mark.usefixtures("here")
def test_scores_go_into_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("a.tar.xz").read_bytes()
    said = refused(capsys, "score", "a.tar.xz", "scoring.official_labels=true")
    assert "a.tar.xz: this command takes folders of records, not an archive" in said
    assert "`dissectbench unpack a.tar.xz --out DIR`" in said
    assert Path("a.tar.xz").read_bytes() == before


@pytest.mark.usefixtures("here")
def test_a_board_names_the_archive_that_lies_in_its_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine").mkdir()
    Path("a.tar.xz").rename("mine/records.tar.xz")
    assert "hint: give the archive: mine/records.tar.xz" in refused(
        capsys, "board", "mine", "--out", "new"
    )
