"""What a launcher's processes run: a task, which carries its job's whole configuration."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.config.compose import Job
from bench.errors import UnwritableError
from bench.offline import offline
from bench.run.execute import execute
from bench.run.plan import State, plan_job

if TYPE_CHECKING:
    from types import FrameType

    from omegaconf import DictConfig


class JobError(Exception):
    """A cell of a job is not done."""


@dataclass(frozen=True)
class Task:
    """A job with everything that another process needs to run it.

    Attributes:
        job: The job.
        number: Its number in the request, from 1.
        count: The number of jobs in the request.
    """

    job: Job
    number: int
    count: int

    def __call__(self) -> None:
        """Run the job.

        Raises:
            JobError: A cell is not done; the message names folders and reasons.
        """
        _interrupt_when_requeued()
        runtime = self.job.config.runtime
        with offline(runtime.offline):
            plan = plan_job(self.job)
        execute(plan, position=(self.number, self.count))
        accepted = set(State) - {State.FAILED} if runtime.share else {State.DONE}
        states = {cell.folder: cell.read_state() for cell in plan.cells}
        unfinished = [
            f"{folder}: {state}" for folder, state in states.items() if state not in accepted
        ]
        if unfinished:
            raise JobError("; ".join(unfinished))

    def checkpoint(self) -> Any:
        """Return what submitit submits again when the job is preempted or out of time."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def encode(self) -> str:
        """Return the task as text in base64, which Hydra neither splits nor interpolates."""
        content = {"job": self.job.to_json(), "number": self.number, "count": self.count}
        return base64.b64encode(json.dumps(content).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Task:
        """Read what `encode` returns."""
        content = json.loads(base64.b64decode(text))
        return cls(Job.from_json(content["job"]), content["number"], content["count"])


def run_task(config: DictConfig) -> str | UnwritableError:
    """Run the task in a configuration that conf/job.yaml composes; for Hydra's launchers.

    Returns:
        Why the job could not start, or why results cannot be written; empty for neither. Failures
        of cells are on disk.
    """
    _end_with_parent()
    try:
        Task.decode(config.task)()
    except JobError:
        return ""
    except UnwritableError as error:
        return error
    except Exception as error:
        return str(error)
    return ""


@cache
def _end_with_parent() -> None:
    """End this worker within a second of the process that started it, which may have been killed.

    Workers of joblib would keep their memory for ever. Do nothing in the main process.
    """
    if multiprocessing.current_process().name == "MainProcess":
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(128 + signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _interrupt_when_requeued() -> None:
    """Interrupt the job after submitit has requeued it.

    Submitit exits by SystemExit, which would be recorded as a failure of the cell.
    """
    requeue: Any = signal.getsignal(signal.SIGUSR2)
    if not callable(requeue):  # not a process of submitit
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        try:
            requeue(number, frame)
        except SystemExit as error:
            raise KeyboardInterrupt from error

    signal.signal(signal.SIGUSR2, interrupt)
