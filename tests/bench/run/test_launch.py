"""Jobs in this process and by one of Hydra's launchers: records on disk, and no other file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = ("board=few",)


def test_a_sweep_leaves_records_and_nothing_else(here: Path, run: Callable[..., int]) -> None:
    command, directory = list(sys.argv), Path.cwd()
    assert run(*FEW, "-m", "seed=1,2", "runtime.batch_size=16") == 0
    assert (sys.argv, Path.cwd()) == (command, directory)
    assert [path.name for path in here.iterdir()] == ["results"]
    assert {path.name for path in Path("results").iterdir()} == {
        ".cache",
        ".sweeps",
        "few",
        "local",
    }
    found = Path("results/few/clip_dissect").glob("*/record.json")
    records = [json.loads(path.read_text()) for path in found]
    assert sorted(record["seed"] for record in records) == [1, 2]
    for record in records:
        assert record["run"]["batch_size"] == 16
        assert f"seed={record['seed']}" in record["run"]["overrides"]


def test_users_folders_of_our_names_do_not_shadow_ours(here: Path, run: Callable[..., int]) -> None:
    for name in ("conf", "bench", "metrics"):
        Path(name).mkdir()
    Path("conf/config.yaml").write_text("not: ours\n")
    Path("conf/job.yaml").write_text("not: ours\n")
    assert run(*FEW) == 0
    assert {path.name for path in here.iterdir()} == {"conf", "bench", "metrics", "results"}
    assert len(list(Path("results/few/clip_dissect").iterdir())) == 1


def test_the_cache_folder_of_the_environment_is_used(
    here: Path, tmp_path: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("results/.cache").rename(tmp_path / "shared")
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path / "shared"))
    assert run("board=few", "results=others") == 0
    assert {path.name for path in Path("others").iterdir()} == {".sweeps", "few"}
    [timings] = Path("others/few").rglob("timings.jsonl")
    phases = json.loads(timings.read_text())["phases"]
    assert {p["name"]: p["cached"] for p in phases if p["name"] in ("gather", "text")} == {
        "gather": True, "text": True,
    }  # fmt: skip


@pytest.mark.parametrize("similarity", ["soft_wpmi", "rank_reorder"])
def test_the_log_names_what_ran(
    similarity: str, here: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("board=few", f"method.params.similarity={similarity}") == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"[1/1] clip_dissect {similarity} | glyphs scenes fc | ")
    assert "glyphs val (48)" in line


def test_a_setting_of_joblib_reaches_its_jobs(here: Path, run: Callable[..., int]) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="the extra is not installed")
    assert run(*FEW, "launcher=joblib", "hydra.launcher.n_jobs=1") == 0
    assert len(list(here.glob("results/few/clip_dissect/*/record.json"))) == 1


LAUNCHER = '''
"""A launcher like that of joblib's plugin: each job is pickled, composed and run elsewhere."""

from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.plugins.launcher import Launcher
from joblib import Parallel, delayed


@dataclass
class Config:
    _target_: str = "hydra_plugins.spawn_launcher.SpawnLauncher"
    at_once: int = 1


ConfigStore.instance().store(group="hydra/launcher", name="spawn", node=Config)


class SpawnLauncher(Launcher):
    def __init__(self, at_once):
        self.at_once = at_once

    def setup(self, *, hydra_context, task_function, config):
        self.context, self.task, self.config = hydra_context, task_function, config

    def launch(self, job_overrides, initial_job_idx):
        assert len(job_overrides) == self.at_once
        given = (self.context, self.task, self.config, Singleton.get_state())
        return Parallel(self.at_once, backend="loky")(
            delayed(run)(*given, overrides) for overrides in job_overrides
        )


def run(context, task, config, state, overrides):
    setup_globals()
    Singleton.set_state(state)
    sweep = context.config_loader.load_sweep_config(config, list(overrides))
    keys = {"job_dir_key": "hydra.sweep.dir", "job_subdir_key": "hydra.sweep.subdir"}
    return run_job(hydra_context=context, task_function=task, config=sweep, **keys)
'''


@pytest.mark.slow
def test_jobs_of_a_launcher_run_in_other_processes(here: Path, small: tuple[str, ...]) -> None:
    plugins = here / "own, plugins" / "hydra_plugins"
    plugins.mkdir(parents=True)
    (plugins / "spawn_launcher.py").write_text(LAUNCHER)
    results = "results='of, a launcher'"
    request = [*small, *FEW, results, "runtime.cache=results/.cache", "hydra/launcher=spawn"]
    request += ["hydra.launcher.at_once=2", "-m", "seed=1,2", "runtime.offline=true"]
    path = os.pathsep.join([str(plugins.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", *request],
        cwd=here, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 cells: 2 done" in done.stdout
    assert "[1/2]" in done.stderr
    assert "[2/2]" in done.stderr
    assert {path.name for path in Path("of, a launcher").iterdir()} == {".sweeps", "few"}
    found = Path("of, a launcher/few/clip_dissect").glob("*/record.json")
    runs = [json.loads(path.read_text())["run"] for path in found]
    assert sorted(run["overrides"][-1] for run in runs) == ["seed=1", "seed=2"]
    assert {run["choices"]["target"] for run in runs} == {"glyphs_scenes"}
