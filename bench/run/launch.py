"""Run the pending jobs of a request: in this process, or by one of Hydra's launchers."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.config.composition import hydra_initialized
from bench.config.grammar import explain
from bench.config.quoting import quote
from bench.errors import NetworkError, UnwritableError, UserError
from bench.evidence.prune import delete_leftovers
from bench.files import check_writable
from bench.leftovers import sweep
from bench.offline import offline
from bench.parts.optional_protocols import GivesArrays
from bench.run.device import resolve_device
from bench.run.disk import check_disk
from bench.run.execute import execute_jobs
from bench.run.identity import params_of
from bench.run.plan import State
from bench.run.predict import predict, read_history
from bench.run.sweeps import write_sweep
from leaderboards.unique_names import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from bench.parts.protocols import Target
    from bench.run.plan import JobPlan
    from bench.run.worker import Task

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
        UserError: A target lacks a layer, a device is missing, a disk is too small, or the
            launcher fails.
    """
    pending = [plan for plan in plans if plan.pending()]
    if not pending:
        return 0
    job = pending[0].job
    if job.launcher in LOCAL:
        resolve_device(job.config)
    with offline(job.config.runtime.offline):
        _check_layers(pending)
        bound = check_disk(plans)
    _prepare_folders(job.config)
    if not job.config.runtime.share:
        write_sweep(plans, predict(plans, read_history(plans)), bound.jobs)
    if job.launcher == "basic":
        execute_jobs(pending)
    else:
        _launch_tasks(pending, overrides)
    return len(pending)


def _prepare_folders(config: DictConfig) -> None:
    """Check that results can be written, and delete what killed runs left.

    Raises:
        UnwritableError: The results cannot be written.
    """
    board = Path(config.results).expanduser() / config.board
    check_writable(board, "results")
    sweep(board)
    delete_leftovers(Path(config.runtime.cache).expanduser())


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
        if names and not isinstance(plan.selection.target, GivesArrays):  # checked by `plan_job`
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


def _launch_tasks(pending: Sequence[JobPlan], overrides: Sequence[str]) -> None:
    """Hand the jobs to a launcher of Hydra's, each with its whole configuration.

    Raises:
        UserError: The launcher's settings are wrong, it fails, or results cannot be written.
    """
    from bench.run.submission import run_on_slurm
    from bench.run.worker import Task

    configs = [plan.job.config for plan in pending]
    folder = Path(configs[0].results).expanduser().resolve() / ".jobs"
    request = [f"hydra.sweep.dir={quote(str(folder))}"]  # where launchers write their logs
    on_slurm = pending[0].job.launcher == "submitit_slurm"
    if on_slurm and all(config.runtime.device == "cpu" for config in configs):
        request.append("hydra.launcher.gpus_per_node=null")
    request += [text for text in overrides if text.lstrip("+").startswith(_LAUNCHER_SETTINGS)]
    tasks = [Task(plan.job, number, len(pending)) for number, plan in enumerate(pending, start=1)]
    # Workers of submitit put the working directory first on sys.path; a user's own folder named
    # bench or conf there must not shadow this package.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    try:
        with hydra_initialized():
            config = compose("job", request, return_hydra_config=True)
            if on_slurm:
                settings: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
                run_on_slurm(tasks, settings)
            else:
                _run_by_hydra(tasks, config)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error), where="launcher") from error
    finally:
        with suppress(OSError):  # it holds logs, or was not made
            folder.rmdir()


def _run_by_hydra(tasks: Sequence[Task], config: DictConfig) -> None:
    """Run tasks by the launcher of a configuration that is composed from conf/job.yaml.

    Hydra's `multirun` does the same through its sweeper, which would compose each job here too.

    Raises:
        UnwritableError: A job's results cannot be written.
    """
    from bench.run.worker import run_task

    context = HydraContext(GlobalHydra.instance().config_loader(), Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=run_task, config=config
    )
    chosen = list(config.hydra.overrides.task)  # settings of a launcher need the launcher itself
    overrides = [[*chosen, f"task={quote(task.encode())}"] for task in tasks]
    for task, outcome in zip(tasks, launcher.launch(overrides, 0), strict=True):
        reason = outcome.return_value
        if isinstance(reason, UnwritableError):
            raise reason
        if reason:
            log.error("job %d of %d failed: %s", task.number, task.count, reason)
