"""Jobs on Slurm, with commands and jobs of a cluster replaced; tests/slurm runs a real one."""

from __future__ import annotations

import os
import pickle
import signal
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hydra import compose

from bench.config.compose import expand
from bench.config.composition import hydra_initialized
from bench.errors import UnwritableError, UserError
from bench.run import launch, submission, worker
from bench.run.plan import plan_job
from bench.run.submission import run_on_slurm
from bench.run.worker import JobError, Task, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.config.compose import Job


class ClusterJob:
    """A job of submitit's: its result lies on disk or not."""

    def __init__(self, folder: Path, job_id: str) -> None:
        self.job_id = job_id
        self.error: Exception | None = None
        self.result = folder / f"{job_id}.pkl"
        self.paths = SimpleNamespace(result_pickle=self.result, stderr=folder / f"{job_id}.err")

    def task(self, _number: int) -> ClusterJob:
        return self

    def exception(self) -> Exception | None:
        return self.error


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace `squeue` by a program that prints the given text."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("RESULT_S", "STATES_S", "GRACE_S"):
        monkeypatch.setattr(submission, name, 0.01)

    def replace(text: str) -> None:
        program = tmp_path / "squeue"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\n")
        program.chmod(0o755)

    return replace


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ClusterJob]:
    made = [ClusterJob(tmp_path, f"17_{number}") for number in range(3)]
    monkeypatch.setattr(submission, "_submit", lambda *_: made)
    return made


def test_the_outcome_of_each_job_is_logged(
    jobs: list[ClusterJob], squeue: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    squeue("")
    jobs[0].result.touch()
    jobs[1].result.touch()
    jobs[1].error = RuntimeError()
    run_on_slurm([], {})
    assert capsys.readouterr().err.splitlines() == [
        "[1/3] job 17_0 completed",
        f"[2/3] job 17_1 failed; its log: {jobs[1].paths.stderr}",
        f"[3/3] job 17_2 ended without a result; its log: {jobs[2].paths.stderr}",
    ]


def test_an_interruption_names_the_jobs_that_are_left(
    jobs: list[ClusterJob],
    squeue: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    squeue("17_1 None\\n17_2 PartitionTimeLimit\\n")
    jobs[0].result.touch()

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        run_on_slurm([], {})
    [note] = caught.value.__notes__
    assert "jobs that still run or wait: 17_1, 17_2\n" in note
    assert "`scancel 17`" in note
    assert "jobs wait in the queue: PartitionTimeLimit" in capsys.readouterr().err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_of_the_submission_names_its_jobs(
    jobs: list[ClusterJob], squeue: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue("17_0 None\\n")

    def interrupted(*_: Any) -> list[ClusterJob]:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        return jobs

    monkeypatch.setattr(submission, "_submit", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        run_on_slurm([], {})
    assert "17_0\n" in caught.value.__notes__[0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_slurm_the_launcher_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="there is no Slurm here") as caught:
        run_on_slurm([], {})
    assert "launcher=joblib" in caught.value.hint


@pytest.mark.parametrize(
    ("device", "gpus"), [("cpu", None), ("auto", 1)], ids=["on the CPU", "on any device"]
)
def test_jobs_on_the_cpu_request_no_gpu(
    device: str,
    gpus: int | None,
    here: Path,
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    submitted: list[Any] = []
    monkeypatch.setattr(submission, "run_on_slurm", lambda *given: submitted.append(given))
    run("launcher=submitit", f"runtime.device={device}", "board=others", "hydra.launcher.mem_gb=3")
    [(tasks, settings)] = submitted
    assert (settings["gpus_per_node"], settings["mem_gb"]) == (gpus, 3)
    assert [(task.number, task.count) for task in tasks] == [(1, 1)]


def job_of(small: tuple[str, ...], *overrides: str) -> Any:
    [job] = expand([*small, *overrides])
    return job


def test_a_task_carries_its_configuration(small: tuple[str, ...]) -> None:
    task = Task(job_of(small, "seed=7", "results='a, b'"), 2, 5)
    assert Task.decode(task.encode()) == task


def test_a_task_with_a_failed_cell_raises(
    here: Path, small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.clip_dissect import ClipDissect

    def failing(*_: Any, **__: Any) -> None:
        raise ValueError("no labels")

    monkeypatch.setattr(ClipDissect, "describe", failing)
    job = job_of(small, "board=failing")
    task = Task(job, 1, 1)
    [cell] = plan_job(job).cells
    with pytest.raises(JobError, match=f"{cell.folder}: failed"):
        task()


class Launcher:
    """A launcher of Hydra's: it runs tasks one after the other, and pickles what they return."""

    def launch(self, overrides: list[list[str]], _: int) -> list[SimpleNamespace]:
        returned = [run_task(compose("job", words)) for words in overrides]
        return [SimpleNamespace(return_value=pickle.loads(pickle.dumps(one))) for one in returned]


def run_by_hydra(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.Plugins, "instantiate_launcher", lambda *_, **__: Launcher())
    with hydra_initialized():
        launch._run_by_hydra([task], compose("job", return_hydra_config=True))


@pytest.mark.usefixtures("here")
def test_hydras_launchers_say_why_a_job_did_not_start(
    small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Job) -> None:
        raise UserError("no such folder", where="probe.params.path")

    monkeypatch.setattr(worker, "plan_job", fail)
    run_by_hydra(Task(job_of(small), 1, 1), monkeypatch)
    assert "job 1 of 1 failed: probe.params.path: no such folder" in caplog.text


@pytest.mark.usefixtures("here")
def test_a_full_disk_in_a_launchers_process_ends_the_request(
    small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UnwritableError("results: no space left", hint="free some space")

    monkeypatch.setattr(worker, "execute", fail)
    with pytest.raises(UnwritableError, match="no space left") as caught:
        run_by_hydra(Task(job_of(small), 1, 1), monkeypatch)
    assert caught.value.hint == "free some space"


def test_a_job_that_is_requeued_records_no_failure(
    here: Path, small: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.clip_dissect import ClipDissect

    def requeue(*_: Any) -> None:
        raise SystemExit(-1)

    def preempted(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGUSR2)
        time.sleep(5)

    monkeypatch.setattr(ClipDissect, "describe", preempted)
    before = signal.signal(signal.SIGUSR2, requeue)  # as submitit does
    try:
        with pytest.raises(KeyboardInterrupt):
            Task(job_of(small, "board=requeued"), 1, 1)()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert not list((here / "results" / "requeued").rglob("record.json"))


def test_a_refusal_of_sbatch_is_a_user_error(
    here: Path, run: Callable[..., int], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("submitit")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sbatch", "srun"):
        (programs / name).write_text("#!/bin/sh\necho 'sbatch: error: no account' >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert run("launcher=submitit", "board=others") == 2
    errors = capsys.readouterr().err
    assert "Slurm refuses the jobs: no account" in errors
    assert "hint: " in errors
