"""Who may import whom (docs/architecture.md), what has a caller, and what stays torch-free."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from functools import cache

import pytest

import bench.api
from tests import source
from tests.source import PACKAGES, ROOT

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAY_IMPORT = {
    "baselines": {"baselines", "metrics.numeric"},
    "leaderboards": {"leaderboards", "metrics"},
    "metrics": {"metrics"},
}
CALLED_FROM_OUTSIDE = {
    "bench.cli.console": "by rich, when a write fails",
    "bench.glyphs.scenes_built": "registered by the decorator of each scene",
    "bench.glyphs.scenes_nature": "registered by the decorator of each scene",
}
"""Modules whose functions are called without being named, and how."""


@cache
def floors() -> tuple[tuple[str, ...], ...]:
    """Return the packages and modules of each floor, from the top."""
    [block] = re.findall(r"<!-- floors.*?-->\n```text\n(.*?)```", ARCHITECTURE, re.DOTALL)
    lines = [re.split(r" {2,}", line)[0] for line in block.splitlines() if not line.startswith(" ")]
    return tuple(
        tuple(name.strip().replace("/", ".") for name in line.rstrip(",").split(","))
        for line in lines
    )


def floor(module: str) -> int:
    """Return the number of a module's floor, 0 for the top; "bench" stands for itself alone."""
    found = [
        (len(name), number)
        for number, names in enumerate(floors())
        for name in names
        if module == name or (name != "bench" and module.startswith(f"{name}."))
    ]
    assert found, f"docs/architecture.md gives {module} no floor"
    return max(found)[1]


def test_no_import_runs_back_up() -> None:
    assert len(floors()) > 8
    back = [
        f"{module} imports {other}, which is above it"
        for module in source.files()
        for other in source.imports(module)
        if floor(module) > floor(other)
    ]
    assert not back


def test_no_files_import_each_other() -> None:
    """Not in a longer circle either, nor for types."""
    assert not [sorted(circle) for circle in source.circles()]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_arithmetic_imports_no_runner(package: str) -> None:
    wrong = [
        f"{module} imports {other}"
        for module in source.files()
        if module.split(".")[0] == package
        for other in source.imports(module)
        if not any(other == name or other.startswith(f"{name}.") for name in MAY_IMPORT[package])
    ]
    assert not wrong


def test_each_public_function_has_a_caller_or_stands_in_the_api() -> None:
    api = set(bench.api.__all__) | documented()
    used = source.used_names()
    unused = [
        where
        for where, name in source.definitions().items()
        if name not in used
        and name not in api
        and where.partition(":")[0] not in CALLED_FROM_OUTSIDE
    ]
    assert not unused


def documented() -> set[str]:
    """Return the names that the reference documents one by one."""
    found = set()
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for name, options in re.findall(r"^::: (\S+)(\n    options: .*)?", text, re.MULTILINE):
            members = re.search(r"members: \[(.*?)\]", options)
            found |= {name.rpartition(".")[2], *re.findall(r"\w+", members[1] if members else "")}
    return found


def test_the_walk_of_a_run_names_functions_that_exist() -> None:
    walk = ARCHITECTURE.partition("<!-- walk")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d+\. `([\w.]+)`", walk, re.MULTILINE)
    assert 10 <= len(steps) <= 15
    assert len(steps) == len(re.findall(r"^\d+\. ", walk, re.MULTILINE))
    for step in steps:
        module, _, name = step.rpartition(".")
        if module not in source.files():  # a method
            module, _, kind = module.rpartition(".")
            assert callable(getattr(getattr(importlib.import_module(module), kind), name)), step
        else:
            assert callable(getattr(importlib.import_module(module), name)), step


@pytest.mark.parametrize("package", PACKAGES)
def test_no_absolute_path_in_source(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT.parent) + "/" not in text, path
        assert "/home/" not in text, path


def test_light_commands_import_no_torch() -> None:
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "from bench.config.compose import expand\n"
        "from bench.run.survey import plan\n"
        "assert main(['list']) == 0\n"
        "plan(expand([]))\n"
        "import bench.cli.board, bench.verification.seal, leaderboards.board, dissectbench\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
