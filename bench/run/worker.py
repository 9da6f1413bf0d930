"""The function that Hydra's launchers call, in this process or in a worker."""

from __future__ import annotations

import json
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

# Absolute, and from this file: a user's own folder named conf must not shadow ours.
_CONF = str(Path(__file__).resolve().parents[2] / "conf")


@hydra.main(config_path=_CONF, config_name="job", version_base="1.3")  # type: ignore[untyped-decorator]
def run_index(config: DictConfig) -> None:
    """Run job number `index` of the file `jobs`.

    It never raises for a failed cell and returns nothing: outcomes are records on disk, since an
    exception that travels through a launcher can break its pool.
    """
    from bench.config.compose import Job
    from bench.run.execute import execute

    jobs = json.loads(Path(config.jobs).read_text(encoding="utf-8"))
    entry = jobs[config.index]
    config_of_job = OmegaConf.create(entry["config"])
    job = Job(
        tuple(entry["overrides"]),
        config_of_job,
        choices=entry["choices"],
        named=frozenset(entry["named"]),
    )
    execute(job, position=(config.index + 1, len(jobs)))
