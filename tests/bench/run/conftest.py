"""A finished run on the embedded world, made once; each test works on a copy of its own."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from baselines.clip_dissect import ClipDissect
from bench.__main__ import main
from bench.evidence import model_cache
from bench.parts.encoders import GlyphsEncoder
from bench.parts.sentences import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

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


@pytest.fixture(scope="session", autouse=True)
def text_memo() -> Iterator[dict[Any, Any]]:
    """Embed each list of texts once: many cells have the same labels, and text models are slow."""
    memo: dict[Any, Any] = {}

    def remember(model: object, embed: Callable[[Sequence[str]], Any]) -> Callable[..., Any]:
        def embed_once(texts: Sequence[str]) -> Any:
            key = (model, tuple(texts))
            if key not in memo:
                memo[key] = embed(texts)
            return memo[key]

        return embed_once

    load_encoder, load_sentences = GlyphsEncoder.load, SentenceTransformer.load

    def load_one(encoder: GlyphsEncoder, device: str) -> Any:
        loaded = load_encoder(encoder, device)
        return replace(loaded, encode_texts=remember(encoder, loaded.encode_texts))

    def load_other(encoder: SentenceTransformer, device: str) -> Any:
        return remember(encoder, load_sentences(encoder, device))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GlyphsEncoder, "load", load_one)
        patch.setattr(SentenceTransformer, "load", load_other)
        yield memo


@pytest.fixture(scope="module")
def made_up_texts() -> Iterator[None]:
    """Vectors that depend on nothing but the texts in place of both text models: for long lists."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(list(text.encode())).normal(size=384) for text in texts]
        table = np.array(rows, dtype=np.float32)
        return table / np.linalg.norm(table, axis=1, keepdims=True)

    load_encoder = GlyphsEncoder.load

    def load_images(encoder: GlyphsEncoder, device: str) -> Any:
        loaded = load_encoder(encoder, device)
        return replace(loaded, encode_texts=lambda texts: torch.from_numpy(embed(texts)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_cache, "_models", OrderedDict())
        patch.setattr(GlyphsEncoder, "load", load_images)
        patch.setattr(SentenceTransformer, "load", lambda *_: embed)
        yield


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
