"""Run the pending jobs of a request: in this process, or by one of Hydra's launchers."""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from bench.config.compose import hydra_initialized
from bench.config.grammar import explain
from bench.config.quoting import quote
from bench.errors import NetworkError, UserError
from bench.offline import offline
from bench.run.device import resolve_device
from bench.run.execute import execute
from bench.run.identity import params_of
from bench.run.plan import State
from leaderboards.unique_names import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.parts.protocols import Target
    from bench.run.plan import JobPlan

log = logging.getLogger(__name__)

LOCAL = frozenset({"basic", "joblib"})
"""Launchers whose jobs run on this machine and its devices."""

_LAUNCHER_SETTINGS = ("hydra.", "hydra/", "launcher=")


def launch(plans: Sequence[JobPlan], overrides: Sequence[str]) -> int:
    """Run the pending jobs of a request; finished ones reach no launcher.

    Args:
        plans: The request's jobs.
        overrides: As typed; Hydra's own settings among them configure the launcher.

    Returns:
        The number of jobs that were run.

    Raises:
        UserError: A target lacks a layer, a device is not here, or the launcher fails.
    """
    pending = [plan for plan in plans if plan.pending()]
    if not pending:
        return 0
    job = pending[0].job
    if job.launcher in LOCAL:
        resolve_device(job.config)
    with offline(job.config.runtime.offline):
        _check_layers(pending)
    if job.launcher == "basic":
        for number, plan in enumerate(pending, start=1):
            execute(plan, position=(number, len(pending)))
    else:
        _launch_workers(pending, overrides)
    return len(pending)


def _check_layers(pending: Sequence[JobPlan]) -> None:
    """Refuse an unknown layer before anything is run, once for each target.

    A network of the user's own that cannot be loaded is left to its cells, which fail with the
    reason; so is any other target that cannot be loaded, unless it is the only one.

    Raises:
        UserError: A target lacks a layer, or the only target cannot be loaded.
    """
    from bench.parts.targets import resolve_layers

    layers: dict[Target, set[str]] = {}
    names_of_targets: dict[Target, str] = {}
    for plan in pending:
        # Layers with labels were checked when these were made.
        new = (State.TO_RUN, State.FAILED)
        names = {cell.layer for cell, state in plan.pending().items() if state in new}
        if names:
            target = plan.selection.target
            layers.setdefault(target, set()).update(names)
            names_of_targets[target] = title(plan.selection.names["target"], params_of(target))
    for target, names in layers.items():
        try:
            module = target.load("cpu").module
        except Exception as fault:
            own = isinstance(fault, NetworkError) or not isinstance(fault, UserError)
            if own or len(layers) > 1:
                continue
            raise
        try:
            resolve_layers(module, sorted(names))
        except UserError as error:
            what = f"{names_of_targets[target]}: {error.what}" if len(layers) > 1 else error.what
            raise UserError(what, where=error.where, valid=error.valid, hint=error.hint) from error


def _launch_workers(pending: Sequence[JobPlan], overrides: Sequence[str]) -> None:
    """Hand the jobs to the launcher, each as a file.

    Raises:
        UserError: The launcher's settings are wrong, or it fails.
    """
    from bench.run.worker import run_number

    base = Path(pending[0].job.config.results).expanduser().resolve() / ".jobs"
    folder = base / uuid.uuid4().hex
    folder.mkdir(parents=True)
    for number, plan in enumerate(pending, start=1):
        file = folder / f"{number}.json"
        file.write_text(json.dumps(plan.job.to_json()), encoding="utf-8")
    numbers = ",".join(str(number) for number in range(1, len(pending) + 1))
    request = [
        f"folder={quote(str(folder))}",
        f"number={numbers}",
        f"count={len(pending)}",
        f"hydra.sweep.dir={quote(str(base))}",  # where launchers write their logs
    ]
    request += [text for text in overrides if text.lstrip("+").startswith(_LAUNCHER_SETTINGS)]
    # Workers of submitit put the working directory first on sys.path; a user's own folder named
    # bench or conf there must not shadow this package.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    try:
        with hydra_initialized():
            # Hydra offers launchers to `hydra.main` alone, which reads sys.argv. This is the call
            # behind it, with which Hydra's own tests run launchers.
            GlobalHydra.instance().hydra.multirun("job", run_number, request)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error), where="launcher") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
