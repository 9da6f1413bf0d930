"""`dissectbench export-broden`: a tree that the probe `broden` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.parts.probes import BrodenProbe, GlyphsProbe

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_exported_is_a_probe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tree"
    assert main(["export-broden", "--variant", "half", "--size", "3", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    probe = BrodenProbe(str(out))
    assert len(probe) == len(probe.masks(tmp_path)) == 3
    for index in range(3):
        assert probe.image(index).tobytes() == GlyphsProbe("half", 3).image(index).tobytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--size", "3"], "--out"),
        (["--size", "0", "--out", "{out}"], "invalid number of images 0"),
        (["--size", "1", "--out", "{parent}"], "already exists"),
        (["--variant", "vall", "--out", "{out}"], "vall"),
    ],
)
def test_wrong_requests(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    places = {"out": tmp_path / "tree", "parent": tmp_path}
    assert main(["export-broden", *(one.format(**places) for one in arguments)]) == 2
    assert says in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
