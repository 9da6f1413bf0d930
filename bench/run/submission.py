"""Submit tasks to a Slurm cluster through submitit, and wait for them.

Hydra's launcher for submitit gives the settings (`hydra/launcher: submitit_slurm`). Its own waiting
ends at the first job that fails, and never ends for a killed job on a cluster without accounting;
here `squeue` is asked for the states of jobs.
"""

from __future__ import annotations

import io
import logging
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.run.log import job_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from bench.run.worker import Task

log = logging.getLogger(__name__)

USUAL_REASONS = frozenset({"None", "Priority", "Resources", "BeginTime", "JobArrayTaskLimit"})
"""Why jobs wait that will start when others have ended."""

RESULT_S = 1.0
"""Seconds between two looks for results."""
STATES_S = 10.0
"""Seconds between two calls of `squeue`, which burden the cluster's controller."""
GRACE_S = 15.0
"""Seconds that an ended job's result may take to appear on a shared disk."""


def run_on_slurm(tasks: Sequence[Task], settings: Mapping[str, Any]) -> None:
    """Submit tasks as one job array and wait until all have ended; log how each did.

    Args:
        tasks: One for each job of the array.
        settings: Hydra's settings of the launcher.

    Raises:
        UserError: There is no Slurm here, or it refuses the jobs.
        KeyboardInterrupt: Interrupted; a note names the jobs that still run or wait.
    """
    jobs: dict[str, Any] = {}
    with job_log():
        try:
            with _signals_delayed():  # else the ids of submitted jobs could be lost
                jobs.update({job.job_id: job for job in _submit(tasks, settings)})
            _wait(jobs)
        except KeyboardInterrupt as interruption:
            if left := _left(jobs):
                interruption.add_note(left)
            raise


def _submit(tasks: Sequence[Task], settings: Mapping[str, Any]) -> list[Any]:
    """Return submitit's jobs, in the order of the tasks."""
    if not shutil.which("sbatch"):
        raise UserError(
            "there is no Slurm here: the command `sbatch` is not found",
            where="launcher",
            hint="start it on a login node of the cluster, or use launcher=joblib",
        )
    from submitit import AutoExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    parameters = {f"slurm_{name}": value for name, value in settings.items() if name != "_target_"}
    folder = parameters.pop("slurm_submitit_folder")
    retries = parameters.pop("slurm_max_num_timeout")
    executor = AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=retries)
    executor.update_parameters(**parameters)
    try:
        with redirect_stderr(io.StringIO()):  # submitit prints errors too
            jobs = executor.submit_array(tasks)
    except (FailedJobError, FailedSubmissionError) as error:
        reason = "; ".join(str(error).split("\n")).replace("sbatch: error: ", "")
        raise UserError(
            f"Slurm refuses the jobs: {reason}", where="hydra.launcher", hint=_REFUSAL_HINT
        ) from error
    array = _array(jobs[0].job_id)
    logs = folder.replace("%j", f"{array}*")
    log.info("submitted %d jobs to Slurm: %s; logs: %s", len(jobs), array, logs)
    return list(jobs)


_REFUSAL_HINT = (
    "runtime.device=cpu requests no GPU; hydra.launcher.partition=NAME, account=NAME, mem_gb=8, "
    "cpus_per_task=4, ... say what the cluster wants"
)


@contextmanager
def _signals_delayed() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM at the end of the block; `sbatch` is not interrupted either."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    received: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    handlers = {number: signal.signal(number, receive) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # child processes inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in received:
            signal.raise_signal(late)


def _wait(jobs: Mapping[str, Any]) -> None:
    running = dict(jobs)
    ended: dict[str, float] = {}
    """When jobs without a result were first seen ended."""
    reasons: set[str] = set(USUAL_REASONS)
    read_at = -STATES_S
    while running:
        now = time.monotonic()
        if now - read_at >= STATES_S:
            queue, read_at = _read_queue(), now
            if queue is not None:
                over = [name for name in running if name not in queue]
                ended = {name: ended.get(name, now) for name in over}
                for reason in sorted({queue[name] for name in running if name in queue} - reasons):
                    log.warning("jobs wait in the queue: %s", reason)
                    reasons.add(reason)
        for name, job in list(running.items()):
            if outcome := _outcome(job, late=now - ended.get(name, now) >= GRACE_S):
                del running[name]
                log.info("[%d/%d] job %s %s", len(jobs) - len(running), len(jobs), name, outcome)
        if running:
            time.sleep(RESULT_S)


def _outcome(job: Any, *, late: bool) -> str:
    """Return how a job ended, and where its log is if it failed; nothing before its end."""
    paths = job.task(0).paths
    if paths.result_pickle.exists():
        return "completed" if job.exception() is None else f"failed; its log: {paths.stderr}"
    return f"ended without a result; its log: {paths.stderr}" if late else ""


def _left(jobs: Mapping[str, Any]) -> str:
    """Return which jobs still run or wait, and how to cancel them; nothing if all have ended."""
    queue = _read_queue()
    names = [name for name in jobs if queue is None or name in queue]
    if not names:
        return ""
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return (
        f"  jobs that still run or wait: {shown}\n"
        f"  hint: `scancel {_array(names[0])}` cancels them; otherwise they finish, and the same "
        "request shows their records"
    )


def _array(job_id: str) -> str:
    """Return the id of a job's array, which stands for all its jobs."""
    return job_id.partition("_")[0]


def _read_queue() -> dict[str, str] | None:
    """Read the user's jobs that have not ended: job id to the reason why a job waits ("None").

    Return None if the controller does not answer.
    """
    command = ["squeue", "--me", "--array", "--noheader", "--format=%i %r"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode:
        return None
    return dict(line.split(maxsplit=1) for line in answer.stdout.splitlines())
