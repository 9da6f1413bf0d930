"""README and docs say what is so: commands compose, the method runs, links and anchors exist."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.__main__ import COMMANDS, main
from bench.cli.list import rows
from bench.config.compose import expand
from bench.config.schema import RunConfig
from bench.parts.catalog import METHODS
from bench.parts.choice import CONF, choices
from bench.parts.registry import Registry

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "conf" / "experiment" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
LAUNCHERS = ("launcher=joblib", "launcher=submitit", "hydra.launcher.")
"""These need packages that are extras."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def site() -> ModuleType:
    """Return docs/pages.py, which makes pages of the site from the code."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def text_of(page: Path) -> str:
    """Return the text of a page, or of one that is made when the site is built."""
    if page.is_relative_to(ROOT / "docs") and not page.exists():
        made = site().GENERATED[page.relative_to(ROOT / "docs").as_posix()]
        return str(made())
    return page.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """Return the commands of a page's bash blocks, continuation lines joined, comments dropped."""
    lines = "\n".join(blocks(text_of(page), "bash")).replace("\\\n", " ").split("\n")
    words = (shlex.split(line, comments=True) for line in lines)
    return [line for line in words if line and "..." not in line]


def requests() -> list[list[str]]:
    """Return the arguments of every `dissectbench run` and `plan` of all pages, each once."""
    found = {
        tuple(line[2:])
        for page in PAGES
        for line in commands(page)
        if line[0] == "dissectbench" and line[1] in ("run", "plan")
    }
    return [list(arguments) for arguments in sorted(found)]


def test_the_readme_is_short() -> None:
    assert len(README.encode("utf-8")) <= 10_000


@pytest.mark.parametrize("arguments", requests(), ids=lambda words: " ".join(words)[:60])
def test_requests_compose(arguments: list[str]) -> None:
    overrides = [w for w in arguments if not w.startswith(("-", *LAUNCHERS))]
    experiments = [w for w in overrides if w.startswith("experiment=")]
    for experiment in experiments:  # tests of bench/config compose them
        assert experiment.partition("=")[2] in choices("experiment", CONF)
    rest = [w for w in overrides if w not in experiments]
    assert not rest or expand(rest, multirun="-m" in arguments)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in commands(page):
        if line[0] == "dissectbench":
            assert line[1] in COMMANDS, line
        if line[0] == "make":
            targets = [word for word in line[1:] if "=" not in word]
            assert all(re.search(rf"^{word}:", makefile, re.MULTILINE) for word in targets), line


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h.lower())).strip("-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_anchors_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    for target, _, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#([^)\s]+))?\)", text):
        file = (page.parent / target).resolve() if target else page
        docs = ROOT / "docs"
        made = file.is_relative_to(docs) and file.relative_to(docs).as_posix() in site().GENERATED
        assert file.exists() or (made and page.is_relative_to(docs)), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page}: {target}#{anchor}"


def test_the_site_lists_all_pages() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = set(re.findall(r": (\S+\.md)$", nav, re.MULTILINE))
    docs = ROOT / "docs"
    written = {page.relative_to(docs).as_posix() for page in PAGES if page.is_relative_to(docs)}
    assert pages == written | site().GENERATED.keys()


def test_pages_made_from_the_code_tell_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTBENCH_CACHE", "/somewhere/of/mine")
    made = {name: page() for name, page in site().GENERATED.items()}
    for command in COMMANDS:
        assert f"\n## {command}\n" in made["reference/commands.md"]
        assert f"usage: dissectbench {command}" in made["reference/commands.md"]
    settings = made["reference/settings.md"]
    assert "/somewhere/of/mine" not in settings
    table = re.findall(r"^\| `([\w.]+)`.* \| (.*) \|$", settings, re.MULTILINE)
    names = {name for name, _ in table} | {name.removesuffix(".name") for name, _ in table}
    assert names >= set(leaves(RunConfig, ""))
    assert all(meaning for _, meaning in table), [name for name, meaning in table if not meaning]
    for choice in ("resnet50_imagenet", "soft_wpmi", "`min_prob`", "milan_clip", "paper_table1"):
        assert choice in made["reference/choices.md"]


def leaves(node: type, prefix: str) -> list[str]:
    """Return the dotted names of all settings."""
    import dataclasses
    from typing import get_type_hints

    from bench.config.schema import PartConfig

    found = []
    for name, kind in get_type_hints(node).items():
        if dataclasses.is_dataclass(kind) and kind is not PartConfig:
            found += leaves(kind, f"{prefix}{name}.")  # type: ignore[arg-type]
        else:
            found.append(f"{prefix}{name}")
    return found


def test_the_page_of_metrics_has_all_of_them() -> None:
    page = text_of(ROOT / "docs" / "reference" / "metrics.md")
    for metric, _ in rows("metrics"):
        known = metric in page or metric in ("selective_*", "*[group]") or "best_synonym" in metric
        assert known or metric.rpartition("_at_")[0] in page, metric
        assert f"`{metric}`" in site().metrics_table()


def test_the_glossary_has_some_twenty_terms() -> None:
    page = text_of(ROOT / "docs" / "glossary.md")
    terms = re.findall(r"^\| ([a-z][\w -]*) \|", page, re.MULTILINE)[1:]
    assert 20 <= len(terms) == len(set(terms)) <= 30


@pytest.mark.slow
def test_the_site_is_built_strictly_and_takes_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=\"?https?:", html), page
        assert not re.search(r"<link[^>]+rel=\"?stylesheet[^>]+href=\"?https?:", html), page


def test_readme_and_docs_have_the_same_method() -> None:
    other = text_of(ROOT / "docs" / "how-to" / "method.md")
    for language in ("python", "toml"):
        [block] = [b for b in blocks(README, language) if "mean_embedding" in b]
        assert block in blocks(other, language)


def test_the_method_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code and the entry point as printed, in a package of its own, make a record."""
    [code] = [block for block in blocks(README, "python") if "class MeanEmbedding" in block]
    [toml] = [block for block in blocks(README, "toml") if "entry-points" in block]
    assert len(code.strip().splitlines()) <= 30
    points = tomllib.loads(toml)["project"]["entry-points"]["dissectbench.methods"]
    (tmp_path / "mean_embedding.py").write_text(code, encoding="utf-8")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    listed = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[dissectbench.methods]\n{listed}")
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    # What a new process finds: the registry looks for packages once.
    found = Registry("method", "methods", METHODS._protocol, METHODS._builtins)
    monkeypatch.setitem(vars(METHODS), "_paths", found._paths)
    settings = ["probe.params.size=40", "target=glyphs_scenes", "concepts=glyphs_scenes"]
    assert main(["run", "method=mean_embedding", "board=theirs", "results=r", *settings]) == 0
    [file] = (tmp_path / "r" / "theirs").glob("mean_embedding/*/record.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["status"] == "ok"
    assert record["method"]["params"] == {"top_k": 20}


def test_the_lines_for_a_notebook_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's block, with fewer images and arrays of two concepts."""
    [code] = [block for block in blocks(README, "python") if "import dissectbench" in block]
    assert len(code.strip().splitlines()) == 8
    small = code.replace("size=1000", "size=40").replace("wordfreq_20k", "glyphs_objects")
    assert small != code
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=(50, 2))
    names: dict[str, Any] = {"A": numbers, "I": numbers, "T": np.eye(2), "words": ["dog", "cat"]}
    exec(small, names)
    assert len(names["cells"]) == 1
    assert len(names["board"].summary)
    assert len(names["labels"]) == 4
