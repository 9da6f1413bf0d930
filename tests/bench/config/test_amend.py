"""Configurations of records are read whatever release wrote them."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from bench.config.amend import amend
from bench.config.compose import expand
from bench.parts.choice import CONF

LATER = {
    "target": ("axes", "prefix_tokens", "precision", "truth_layer"),
    "scoring": ("bertscore", "decisions", "seed"),
    "runtime": ("channels_last", "tf32", "share", "retime", "repeats", "bootstraps"),
    "": ("segmenter", "captioner"),
}
"""Settings that some older release did not have, by section."""


@pytest.mark.parametrize(
    ("section", "setting"), [(section, name) for section in LATER for name in LATER[section]]
)
def test_a_setting_that_a_record_does_not_have_takes_its_default(
    section: str, setting: str
) -> None:
    [job] = expand(["target.truth_layer="])
    known: Any = OmegaConf.to_container(job.config)
    older: Any = OmegaConf.to_container(job.config)
    del (older[section] if section else older)[setting]
    found = amend(OmegaConf.create(older), ["scoring.official_labels=true"], CONF)
    expected = amend(OmegaConf.create(known), ["scoring.official_labels=true"], CONF)
    assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)
