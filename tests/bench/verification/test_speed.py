"""A large board: all of its records agree; the CPU time is printed (`pytest -s`)."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from omegaconf import OmegaConf

from bench.verification.keys import recorded_keys
from bench.verification.records import verify_records
from leaderboards.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGENET = "board=b target=resnet50_imagenet concepts=imagenet_classes scoring=none"
RECORDS = 500


@pytest.mark.slow
def test_five_hundred_records_of_a_thousand_units(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    folders = []
    first = write(tmp_path, request=IMAGENET)
    content = json.loads((first / "record.json").read_text())
    for seed in range(RECORDS):
        changed = Record(**{**content, "notes": (), "seed": seed})
        key = recorded_keys(changed, None, uses_concepts=True)[0]
        folder = first.with_name(key)
        if not folder.exists():
            shutil.copytree(first, folder)
            changed = {**content, "seed": seed, "key": key}
            (folder / "record.json").write_text(json.dumps(changed))
            config = OmegaConf.load(folder / "config.yaml")
            config.seed = seed
            OmegaConf.save(config, folder / "config.yaml")
        folders.append(folder)
    assert len(set(folders)) == RECORDS
    before = sum(os.times()[:4])
    findings = list(verify_records(folders))
    assert [found.mismatches for found in findings if found.mismatches] == []
    seconds = sum(os.times()[:4]) - before  # of this process and of those that it started
    print(f"{RECORDS} records: {seconds:.0f} s on all processors together")  # noqa: T201
