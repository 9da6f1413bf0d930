"""Networks of other seeds, and the target that loads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from bench.__main__ import main
from bench.errors import UserError
from bench.glyphs.train import seeds
from bench.glyphs.train.loop import Recipe, Stage
from bench.glyphs.weights import read_shipped, target_path
from bench.parts.targets.glyphs import GlyphsTarget

if TYPE_CHECKING:
    from pathlib import Path

TINY = Recipe((Stage(32, 32),), batch=16, rate=1e-3)


def test_trains_a_network_that_the_target_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seed gives its own weights, a record of them, and parameters that name the seed."""
    monkeypatch.setattr(seeds, "TRAIN_IMAGES", 32)
    monkeypatch.setattr(seeds, "VALIDATION_IMAGES", 8)
    monkeypatch.setitem(seeds.SHORT, "scenes", TINY)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    [record] = seeds.train_seeds([3], out, scratch, "cpu", ["scenes"]).values()
    assert record["cycles"][0]["seed"] == 3
    assert 0 <= record["accuracy"]["top1"] <= 1
    trained = GlyphsTarget("scenes", file=str(out / "scenes-seed3.safetensors"))
    assert trained.parameters == {"net": "scenes", "file": "scenes-seed3.safetensors", "seed": 3}
    assert trained.fingerprint()["weights"] != GlyphsTarget("scenes").fingerprint()["weights"]
    weights = [target.load("cpu").module.fc.weight for target in (trained, GlyphsTarget("scenes"))]
    assert not torch.equal(*weights)
    assert not list(scratch.glob("*.ckpt"))

    def train(*_: object, cycles: tuple[Recipe, ...], **__: object) -> dict[str, object]:
        return {"cycles": [recipe.record() for recipe in cycles], "again": True}

    monkeypatch.setattr(seeds, "train_target", train)
    [record] = seeds.train_seeds([3], out, scratch, "cpu", ["scenes"]).values()
    assert "again" not in record
    monkeypatch.setitem(seeds.SHORT, "scenes", replace(TINY, rate=2e-3))
    [record] = seeds.train_seeds([3], out, scratch, "cpu", ["scenes"]).values()
    assert record["again"]


def _copy_shipped(name: str, folder: Path) -> str:
    """Write the shipped weights of a target as a file of safetensors; return its path."""
    file = folder / f"{name}.safetensors"
    file.write_bytes(read_shipped(target_path(name)))
    return str(file)


def test_the_shipped_file_has_no_seed_and_equals_the_default(tmp_path: Path) -> None:
    """A copy of the shipped weights has the fingerprint of the default target."""
    given = GlyphsTarget(file=_copy_shipped("objects", tmp_path))
    assert given.fingerprint() == GlyphsTarget().fingerprint()
    assert given.parameters == {"net": "objects", "file": "objects.safetensors"}
    assert GlyphsTarget().parameters == {"net": "objects"}


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file and the setting."""
    file = tmp_path / "bad.safetensors"
    file.write_bytes(content)
    target = GlyphsTarget(file=str(file))
    with pytest.raises(UserError, match=r"bad\.safetensors") as caught:
        target.load("cpu")
    assert caught.value.where == "target.params.file"
    with pytest.raises(UserError, match=r"bad\.safetensors"):
        _ = target.parameters


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The weights of scenes do not fit the network of objects."""
    with pytest.raises(UserError, match="size mismatch"):
        GlyphsTarget(file=_copy_shipped("scenes", tmp_path)).load("cpu")


def test_a_missing_file_is_a_requirement() -> None:
    """A plan says that the file is missing before anything runs."""
    target = GlyphsTarget(file="nowhere/objects-seed1.safetensors")
    (requirement,) = target.unmet_requirements()
    assert "objects-seed1" in str(requirement)


def test_a_part_without_a_short_recipe_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the parts that have one."""
    assert main(["train", "glyphs", "--parts", "encoder", "--seeds", "1"]) == 2
    assert "--parts objects scenes" in capsys.readouterr().err
