"""Masks lie over what the network sees, on images that are not square too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.__main__ import main
from bench.broden import BrodenLabel, MaskedImage, write_broden
from bench.config.compose import expand
from bench.errors import UserError
from bench.run.mask_crops import check_mask_crops
from bench.run.survey import plan

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = '''
import torch
from torch import nn

def red():
    """Unit 0 fires on red, unit 1 on all else."""
    module = nn.Conv2d(3, 2, 4, stride=4, bias=False)
    with torch.no_grad():
        module.weight.zero_()
        module.weight[:, 0] = torch.tensor([1.0, -1.0])[:, None, None]
    return nn.Sequential(module)
'''
HEIGHT, WIDTH = 32, 96


def picture(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A wide picture, a third of which is red, and its mask of half the size."""
    draw = np.random.default_rng(number)
    pixels = draw.integers(0, 60, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    third = slice(number % 3 * 32, number % 3 * 32 + 32)
    pixels[:, third, 0] = draw.integers(200, 256, (HEIGHT, 32))
    plane = np.full((HEIGHT, WIDTH), 2)
    plane[:, third] = 1
    return pixels, plane[::2, ::2]


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The request about a tree of wide pictures, without what the network sees."""
    images = []
    for number in range(12):
        pixels, plane = picture(number)
        images.append(MaskedImage(f"{number}", {"color": [plane]}, pixels))
    labels = [BrodenLabel(1, "red-c", "color"), BrodenLabel(2, "dark-c", "color")]
    write_broden(tmp_path / "tree", images, labels, ["color"], mask_size=(16, 48))
    (tmp_path / "wide_network.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return [
        "target=callable", "target.params.path=wide_network:red", "target.layers=['0']",
        "method=netdissect", "method.params.quantile=0.2", "scoring=none", "probe=broden",
        f"probe.params.path={tmp_path / 'tree'}",
    ]  # fmt: skip


def refusal(request: list[str]) -> UserError:
    with pytest.raises(UserError) as caught:
        plan(expand(request))
    return caught.value


def test_the_hint_that_is_printed_gives_the_right_labels(wide: list[str], tmp_path: Path) -> None:
    # The central square, and a transform that nothing is known of.
    seen = ["target.params.input_size=96", "target.params.resize=96"]
    assert "central square" in refusal([*wide, *seen]).what
    error = refusal(wide)
    assert "maps and masks would not match" in error.what
    hint = re.findall(r"target\.params\.\w+=\d+", error.hint)
    assert len(hint) == 2
    hint = re.findall(r"target\.params\.\w+=\d+", refusal([*wide, *seen]).hint)
    assert main(["run", *wide, *hint, "runtime.progress=false"]) == 0
    [file] = tmp_path.rglob("descriptions.csv.gz")
    found = pd.read_csv(file)
    first = found[found["rank"] == 1].set_index("unit")["label"].to_dict()
    assert first == {0: "red", 1: "dark"}
    # Units and masks overlap nearly whole where both fire: nothing is shifted.
    assert found[(found["unit"] == 0) & (found["rank"] == 1)]["score"].item() > 0.5


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("32,96,16,48", "96,96,48,48", "0.png has 32 x 96 pixels, but ih, iw are 96 x 96"),
        ("32,96,16,48", "32,96,48,48", "its masks 48 x 48 (sh, sw)"),
        ("32,96,16,48", "96,32,48,16", "0.png has 32 x 96 pixels, but ih, iw are 96 x 32"),
    ],
)
def test_an_index_that_tells_another_shape_is_refused(
    wide: list[str], tmp_path: Path, old: str, new: str, says: str
) -> None:
    index = tmp_path / "tree" / "index.csv"
    index.write_text(index.read_text().replace(old, new))
    error = refusal([*wide, "target.params.input_size=96", "target.params.resize=0"])
    assert says in error.what
    assert error.where.endswith("index.csv:2")


def test_labels_of_whole_images_have_no_shape(tmp_path: Path) -> None:
    images = [
        MaskedImage("a", {"scene": [1]}, Image.new("RGB", (8, 8))),
        MaskedImage("b", {"scene": [1]}, Image.new("RGB", (24, 8))),
    ]
    labels = [BrodenLabel(1, "street-s", "scene")]
    write_broden(tmp_path / "tree", images, labels, ["scene"], mask_size=(7, 7))
    (tmp_path / "net.pth").write_bytes(b"x")
    request = [
        "target=torchvision", "target.params.arch=resnet18", "target.layers=[layer4]",
        f"target.params.file={tmp_path / 'net.pth'}", "target.params.resize=0",
        "method=netdissect", "probe=broden", f"probe.params.path={tmp_path / 'tree'}",
    ]  # fmt: skip
    assert len(plan(expand(request))) == 1


@dataclass(frozen=True)
class Sees:
    """A target or segmenter; `share` and `squashes` as of a target's transform."""

    visible_share: float | None
    squashes: bool = False
    crop: float = 0.875


def views(target: Sees, segmenter: Sees, *, square: bool) -> str:
    """The hint for a target and a segmenter; empty where they fit."""
    probe = SimpleNamespace(square_images=square)
    selection = SimpleNamespace(
        uses_masks=True, segmented_probe=None, segmenter=segmenter, target=target, probe=probe
    )
    try:
        check_mask_crops(selection)  # type: ignore[arg-type]
    except UserError as error:
        return error.hint
    return ""


def test_a_segmenter_and_a_target_see_the_same_part_of_any_image() -> None:
    squashed, central, usual = Sees(1.0, True), Sees(1.0), Sees(0.875)
    for one in (squashed, central, usual):
        assert not views(one, one, square=False)
    assert not views(squashed, central, square=True)
    assert not views(central, squashed, square=True)
    assert "crop=0 " in views(squashed, central, square=False)
    assert "crop=1 " in views(central, squashed, square=False)
    assert "crop=0.875 " in views(usual, central, square=True)
    unknown = views(Sees(None), usual, square=True)
    assert "target.params.resize=0 segmenter.params.crop=0" in unknown
