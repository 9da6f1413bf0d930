"""What a request names itself: on the command line, in an experiment, in a block of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.config.compose import expand
from bench.config.named import named_groups

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ([], set()),
        (["method=milan", "target.layers=[fc]"], {"method"}),
        (["segmenter=glyphs", "+captioner=hf"], {"segmenter", "captioner"}),
        (["encoder.name=glyphs"], {"encoder"}),
        (["encoder.params.model=ViT-B-16", "target.truth.name=none"], set()),
    ],
)
def test_overrides_name_groups(overrides: list[str], named: set[str]) -> None:
    assert named_groups(overrides, None) == named


def test_an_experiment_names_what_its_file_chooses(tmp_path: Path) -> None:
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / "base.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /encoder: glyphs\n"
    )
    (folder / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - base\n  - override /probe: glyphs_half\n"
        "captioner:\n  name: glyphs\nsegmenter:\n  params: {}\n"
        "blocks:\n  - - method=clip_dissect,netdissect2020\n    - segmenter=glyphs\n"
    )
    given = ["experiment=mine", "seed=1"]
    assert named_groups(given, tmp_path) == {"experiment", "encoder", "probe", "captioner"}
    jobs = expand(given, config_dir=tmp_path)
    assert len(jobs) == 2
    for job in jobs:
        assert {"method", "encoder", "captioner", "segmenter"} <= job.named
        assert "concepts" not in job.named


def test_the_papers_experiments_name_their_encoder() -> None:
    named = named_groups(["experiment=paper_table1"], None)
    assert {"target", "encoder", "scoring"} <= named
