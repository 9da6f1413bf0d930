"""The smoke sweep on a real Slurm cluster of one node; see start.py."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.slurm.start import missing, start, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(not find_spec("submitit"), reason="pip install 'dissectbench[submitit]'"),
]
ROOT = Path(__file__).parents[2]
SMOKE = ("experiment=glyphs_smoke", "probe.params.size=48", "runtime.progress=false")
ON_SLURM = ("launcher=submitit", "hydra.launcher.timeout_min=10")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # pytest's are too long for a socket
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setenv("SLURM_CONF", str(start(folder)))
        except (RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"Slurm cannot be started here: {error}")
        patch.setenv("PYTHONPATH", str(ROOT))
        yield
        stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def begin(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "run", *SMOKE, *overrides],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def slurm(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def wait_until(true: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, slurm("squeue", "--array", "--states=all")
        time.sleep(0.2)


def test_jobs_outlive_an_interrupted_launch_and_a_requeue(tmp_path: Path) -> None:
    launch = begin(tmp_path, *ON_SLURM, "runtime.device=cpu")
    assert launch.stderr is not None
    said = launch.stderr.readline()
    found = re.search(r"submitted 2 jobs to Slurm: (\d+); logs: (\S+)", said)
    assert found, said
    array, logs = found.groups()
    launch.send_signal(signal.SIGINT)
    _, errors = launch.communicate(timeout=60)
    assert launch.returncode == 130, errors
    assert "Traceback" not in errors
    assert f"still run or wait: {array}_0, {array}_1" in errors
    assert f"`scancel {array}` cancels them" in errors

    first = f"{array}_0"
    wait_until(lambda: f"{first} RUNNING" in slurm("squeue", "-hro", "%i %T"))
    slurm("scontrol", "requeue", first)  # cancels the running job, and lets it wait two minutes
    wait_until(lambda: f"{first} PENDING" in slurm("squeue", "-hro", "%i %T"))
    # A job that starts again in the second of its requeue is refused: "Job credential revoked".
    slurm("scontrol", "update", f"JobId={first}", "StartTime=now+5")
    wait_until(lambda: not slurm("squeue", "-h"))
    assert len(list(tmp_path.glob("results/smoke/*/*/record.json"))) == 2
    assert [path.name for path in Path(logs).parent.glob("*/*.err")] != []

    again = begin(tmp_path)
    output, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert "2 cells: 2 done" in output
    assert "[1/" not in errors  # nothing is run again


def test_slurm_and_the_launcher_report_a_failed_cell(tmp_path: Path) -> None:
    launch = begin(
        tmp_path, *ON_SLURM, "target=glyphs_scenes", "runtime.device=cuda",
        "hydra.launcher.gpus_per_node=null",
    )  # fmt: skip
    output, errors = launch.communicate(timeout=240)
    assert launch.returncode == 1, errors
    [job] = re.findall(r"job (\S+) failed; its log: (\S+)", errors)
    assert "torch sees no CUDA device" in Path(job[1]).read_text()
    assert "JobState=FAILED" in slurm("scontrol", "show", "job", job[0])
    assert "1 cell: 1 failed" in output


def test_a_request_that_slurm_refuses_is_a_user_error(tmp_path: Path) -> None:
    launch = begin(tmp_path, *ON_SLURM, "runtime.device=cpu", "hydra.launcher.partition=nowhere")
    _, errors = launch.communicate(timeout=120)
    assert launch.returncode == 2
    assert "Slurm refuses the jobs" in errors
    assert "invalid partition specified: nowhere" in errors
    assert "hint: " in errors
    assert "Traceback" not in errors
