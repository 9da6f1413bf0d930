"""Hand the jobs that are left to Hydra's launcher; finished ones never reach it."""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from bench.errors import NetworkError, UserError
from bench.offline import offline
from bench.run.device import resolve_device
from bench.run.plan import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.plan import PlannedJob

log = logging.getLogger(__name__)

HERE = frozenset({"basic", "joblib"})
"""Launchers whose jobs run on this machine; its devices are theirs."""


def launch(planned: Sequence[PlannedJob], overrides: Sequence[str]) -> int:
    """Run what is left of a request.

    Args:
        planned: The request's jobs.
        overrides: As typed; settings of Hydra's own are handed on to it.

    Returns:
        The number of jobs that were launched.

    Raises:
        UserError: A layer that its target does not have, or a device that is not here.
    """
    left = [job for job in planned if job.left()]
    if not left:
        return 0
    if left[0].job.launcher in HERE:
        resolve_device(left[0].job.config)
    with offline(left[0].job.config.runtime.offline):
        _check_layers(left)
    results = Path(left[0].job.config.results).expanduser().resolve()
    file = _write_jobs(left, results / ".jobs")
    try:
        _hydra(file, len(left), results, overrides)
    finally:
        file.unlink(missing_ok=True)
    return len(left)


def _check_layers(left: Sequence[PlannedJob]) -> None:
    """Refuse an unknown layer before anything is launched, once for each target.

    A user's own network that cannot be loaded is left to its cells, which fail with the reason; so
    is any other target that cannot, unless it is the only one.

    Raises:
        UserError: A target has no such layer, or the only one cannot be loaded.
    """
    from bench.parts.targets import resolve_layers

    layers: dict[object, set[str]] = {}
    for job in left:
        # Only a cell without labels needs its network; the others were checked when they had none.
        new = {cell.layer for cell in job.left() if cell.state in (State.TO_RUN, State.FAILED)}
        if new:
            layers.setdefault(job.parts.target, set()).update(new)
    for target, names in layers.items():
        try:
            module = target.load("cpu").module  # type: ignore[attr-defined]
        except Exception as fault:
            own = isinstance(fault, NetworkError) or not isinstance(fault, UserError)
            if own or len(layers) > 1:
                continue
            raise
        resolve_layers(module, sorted(names))


def _write_jobs(left: Sequence[PlannedJob], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{uuid.uuid4().hex}.json"
    jobs = [
        {
            "overrides": list(job.job.overrides),
            "config": OmegaConf.to_container(job.job.config, resolve=True),
            "choices": dict(job.job.choices),
            "named": sorted(job.job.named),
        }
        for job in left
    ]
    file.write_text(json.dumps(jobs), encoding="utf-8")
    return file


def _hydra(file: Path, count: int, results: Path, overrides: Sequence[str]) -> None:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from bench.run.worker import run_index

    own = [
        text for text in overrides if text.lstrip("+").startswith(("hydra.", "hydra/", "launcher="))
    ]
    before = sys.argv
    indices = ",".join(str(index) for index in range(count))
    sys.argv = ["dissectbench", f"jobs={file}", f"results={results}", f"index={indices}", *own]
    if count > 1:
        sys.argv.append("-m")
    # Workers of submitit put the working directory first on sys.path; a user's own folder named
    # bench or conf there must not shadow this package.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        run_index()
    except (HydraException, OmegaConfBaseException) as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise UserError(f"{error}{cause}", where="launcher") from error
    finally:
        sys.argv = before
