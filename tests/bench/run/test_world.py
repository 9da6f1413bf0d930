"""Parts of the embedded world are used on other images only where the request names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.config.compose import expand
from bench.errors import UserError
from bench.run.survey import plan

if TYPE_CHECKING:
    from pathlib import Path

CASES = [
    (["method=clip_dissect"], "encoder", "clip_vit_b16"),
    (["method=netdissect2020"], "segmenter", "torchvision"),
    (["method=milan"], "captioner", "hf"),
    (["method=milan_clip", "captioner=glyphs"], "encoder", "clip_vit_b16"),
]


@pytest.fixture
def photographs(tmp_path: Path) -> list[str]:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    return ["probe=folder", f"probe.params.path={tmp_path}"]


@pytest.mark.parametrize(("method", "role", "instead"), CASES)
def test_other_images_need_a_named_part(
    photographs: list[str], method: list[str], role: str, instead: str
) -> None:
    with pytest.raises(UserError, match="embedded world") as caught:
        plan(expand([*method, *photographs]))
    assert caught.value.where == role
    assert instead in caught.value.hint
    assert f"{role}=glyphs" in caught.value.hint
    assert len(plan(expand([*method, *photographs, f"{role}=glyphs"]))) == 1


@pytest.mark.parametrize(("method", "role", "instead"), CASES)
def test_its_own_images_need_none(method: list[str], role: str, instead: str) -> None:
    assert len(plan(expand([*method, "probe.params.size=8"]))) == 1
    union = ["probe=union", "probe.params.of=[glyphs_val,glyphs_half]", "probe.params.limit=8"]
    assert len(plan(expand([*method, *union]))) == 1


def test_a_union_with_other_images_is_no_part_of_it(photographs: list[str]) -> None:
    path = photographs[1].partition("=")[2]
    of = f"probe.params.of=[glyphs_val,{{name:folder,params:{{path:{path}}}}}]"
    with pytest.raises(UserError, match="embedded world"):
        plan(expand(["probe=union", of]))


def test_what_a_method_does_not_use_is_not_asked_for(photographs: list[str]) -> None:
    # Of the three parts `clip_dissect` uses the encoder alone; `milan` alone uses no encoder.
    assert len(plan(expand([*photographs, "encoder=glyphs"]))) == 1
    assert len(plan(expand([*photographs, "method=milan", "captioner=glyphs"]))) == 1
