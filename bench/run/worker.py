"""The function that the workers of Hydra's launchers call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config.compose import Job
from bench.offline import offline
from bench.run.execute import execute
from bench.run.plan import plan_job

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run_number(config: DictConfig) -> None:
    """Run job `number` of `count`, which lies in `folder`.

    Return nothing: the outcome is a record on disk.

    Args:
        config: As conf/job.yaml composes it.
    """
    text = Path(config.folder, f"{config.number}.json").read_text(encoding="utf-8")
    job = Job.from_json(json.loads(text))
    with offline(job.config.runtime.offline):
        plan = plan_job(job)
    execute(plan, position=(config.number, config.count))
