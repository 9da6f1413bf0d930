"""What decides the labels decides the key, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.clip_dissect import ClipDissect
from bench.config.compose import expand
from bench.errors import UserError
from bench.glyphs.vocabulary import SCENES
from bench.run.survey import plan
from bench.run.target_control import describe_control

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.run.plan import Cell

WORDS = [scene.name for scene in SCENES]


@pytest.fixture(scope="module")
def cell(small: tuple[str, ...]) -> Callable[..., Cell]:
    """The small cell as changed by overrides: planned, not run."""

    def planned(*overrides: str) -> Cell:
        [job] = plan(expand([*small, *overrides]))
        [found] = job.cells
        return found

    return planned


@pytest.fixture(scope="module")
def base(cell: Callable[..., Cell]) -> Cell:
    return cell()


@pytest.mark.parametrize(
    "override",
    [
        "method.params.similarity=wpmi",
        "method.params.top_k=99",
        "method.params.lam=0.5",
        "target=glyphs_objects",
        "target.layers=[layer4]",
        "target.pooling=max",
        "probe.params.size=47",
        "probe.params.variant=half",
        "concepts=glyphs_all",
        "seed=1",
        "runtime.tf32=true",
    ],
)
def test_what_decides_labels_changes_the_key(
    override: str, cell: Callable[..., Cell], base: Cell
) -> None:
    assert cell(override).key != base.key


def test_the_methods_version_changes_the_key(
    cell: Callable[..., Cell], base: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClipDissect, "version", ClipDissect.version + 1)
    assert cell().key != base.key


@pytest.mark.parametrize(
    "override",
    [
        "runtime.batch_size=7",
        "runtime.device=cpu",
        "runtime.workers=0",
        "runtime.threads=1",
        "runtime.tf32=false",
        "runtime.cache=elsewhere",
        "results=elsewhere",
        "board=other",
        "method.params.top_k=100",
        "method.params.top_k=null",
        "method.params.lam=1",
    ],
)
def test_how_and_where_it_runs_changes_neither_key(
    override: str, cell: Callable[..., Cell], base: Cell
) -> None:
    found = cell(override)
    assert (found.key, found.skey) == (base.key, base.skey)


@pytest.mark.parametrize(
    "override",
    [
        "target.truth.params.kind=objects",
        "scoring.official_labels=true",
        "scoring.seed=1",
        "scoring.sentence.params.model=all-mpnet-base-v2",
    ],
)
def test_truth_and_scorer_change_the_scores_key_alone(
    override: str, cell: Callable[..., Cell], base: Cell
) -> None:
    found = cell(override)
    assert found.key == base.key
    assert found.skey != base.skey


def test_words_count_and_not_the_file_they_come_from(
    cell: Callable[..., Cell], base: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def from_file(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(cell("concepts=file", f"concepts.params.path={name}").key)

    assert from_file("a.txt", "\n".join(WORDS)) == base.key
    assert from_file("b.txt", "\n \r\n".join(WORDS) + "\n") == base.key
    assert from_file("longer.txt", "\n".join([*WORDS, "attic"])) != base.key
    assert from_file("reversed.txt", "\n".join(reversed(WORDS))) != base.key


def test_a_control_of_the_target_changes_the_key(cell: Callable[..., Cell], base: Cell) -> None:
    """Kind and seed decide the labels; a seed without a control decides nothing."""
    keys = {
        cell(f"target.control={name}", f"target.control_seed={seed}").key
        for name, seed in (("random_weights", 0), ("random_weights", 1), ("rotated", 1))
    }
    assert len(keys | {base.key}) == 4
    assert cell("target.control_seed=1").key == base.key


@pytest.mark.parametrize("override", ["target.control=shuffled", "target.control_seed=-1"])
def test_an_invalid_control_is_refused(override: str, cell: Callable[..., Cell]) -> None:
    with pytest.raises(UserError) as caught:
        cell(override)
    assert caught.value.where == override.partition("=")[0]


@pytest.mark.parametrize("name", ["random_weights", "rotated"])
def test_a_control_names_the_network_that_it_belongs_to(name: str, small: tuple[str, ...]) -> None:
    """The base is the fingerprint of the network itself; the control has another one."""
    overrides = [f"target.control={name}", "target.control_seed=7"]
    own, controlled = (plan(expand([*small, *more]))[0].selection for more in ([], overrides))
    described = describe_control(controlled.target, controlled.config.target)["control"]
    assert described == {"name": name, "seed": 7, "base": own.target_fingerprint}
    assert controlled.target_fingerprint != own.target_fingerprint
    assert describe_control(own.target, own.config.target) == {}


def test_a_rotation_of_directions_is_refused(cell: Callable[..., Cell]) -> None:
    with pytest.raises(UserError, match="directions are given"):
        cell("target.control=rotated", "target.directions={rotation:1}")
