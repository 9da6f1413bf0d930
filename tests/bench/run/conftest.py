"""A finished run on the embedded world, made once; each test works on a copy of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from baselines.clip_dissect import ClipDissect
from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = (
    "target=glyphs_scenes",
    "concepts=glyphs_scenes",
    "probe.params.size=48",
    "runtime.progress=false",
)
"""The cell of these tests: 25 units, 25 concepts, 48 images."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where hashes of files are remembered: not in the user's own cache folder."""
    return tmp_path_factory.mktemp("home")


def settle(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Keep the user's own settings out, and what a launch sets in the environment from staying."""
    patch.setenv("DISSECTBENCH_HOME", str(home))
    patch.delenv("DISSECTBENCH_CACHE", raising=False)
    for name in ("HYDRA_FULL_ERROR", "PYTHONSAFEPATH"):
        patch.setenv(name, "1")


@pytest.fixture(autouse=True)
def settled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, home)


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """The overrides of the small cell."""
    return SMALL


@pytest.fixture(scope="session")
def run() -> Callable[..., int]:
    """`dissectbench run` of the small cell, changed by the given overrides."""

    def small_run(*arguments: str) -> int:
        return main(["run", *SMALL, *arguments])

    return small_run


@pytest.fixture(scope="session")
def fresh_run(
    tmp_path_factory: pytest.TempPathFactory, home: Path, run: Callable[..., int]
) -> Callable[..., Path]:
    """As `run`, in a new working directory, which it returns: no results and no cache in it."""

    def run_afresh(*arguments: str) -> Path:
        folder = tmp_path_factory.mktemp("fresh")
        with pytest.MonkeyPatch.context() as patch:
            settle(patch, home)
            patch.chdir(folder)
            assert run(*arguments) == 0
        return folder

    return run_afresh


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evidence cache for cells that need evidence and are not about the cache."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def finished(fresh_run: Callable[..., Path]) -> Path:
    """A working directory in which the small cell was run; not to be changed."""
    return fresh_run()


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `finished`, evidence cache and all, as the working directory."""
    folder = tmp_path / "here"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The similarity function of every call of the method."""
    seen: list[str] = []
    describe = ClipDissect.describe

    def wrapper(method: ClipDissect, *arguments: Any, **named: Any) -> Any:
        seen.append(method.similarity)
        return describe(method, *arguments, **named)

    monkeypatch.setattr(ClipDissect, "describe", wrapper)
    return seen
