"""The README says what is so: its commands compose, its method runs, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.config.compose import expand

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run_commands() -> list[list[str]]:
    """Every `dissectbench run` of the README, continuation lines joined, comments dropped."""
    lines = "\n".join(blocks("bash")).replace("\\\n", " ").split("\n")
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[2:] for line in words if line[:2] == ["dissectbench", "run"]]


@pytest.mark.parametrize("arguments", run_commands(), ids=lambda words: " ".join(words)[:40])
def test_commands_compose(arguments: list[str]) -> None:
    overrides = [w for w in arguments if not w.startswith("-") and w != "launcher=joblib"]
    assert expand(overrides, multirun="-m" in arguments)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_anchors_exist() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_the_method_of_the_readme_runs(tmp_path: Path) -> None:
    """The code and the entry point as printed, in a package of its own, make a record."""
    [code] = [block for block in blocks("python") if "class MeanEmbedding" in block]
    [toml] = [block for block in blocks("toml") if "entry-points" in block]
    assert len(code.strip().splitlines()) <= 30
    points = tomllib.loads(toml)["project"]["entry-points"]["dissectbench.methods"]
    (tmp_path / "mean_embedding.py").write_text(code, encoding="utf-8")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    listed = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[dissectbench.methods]\n{listed}")
    command = [sys.executable, "-m", "bench", "run", "method=mean_embedding", "board=theirs"]
    settings = ["probe.params.size=40", "concepts=glyphs_objects", f"results={tmp_path / 'r'}"]
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    subprocess.run(
        [*command, *settings],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    [file] = (tmp_path / "r" / "theirs").glob("mean_embedding/*/record.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["status"] == "ok"
    assert record["method"]["params"] == {"top_k": 20}
