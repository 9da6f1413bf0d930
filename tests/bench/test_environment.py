import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from bench.environment import PACKAGES, environment, git_state, gpu_is_shared


def test_it_is_json_and_names_the_versions():
    facts = environment("cpu")
    json.dumps(facts)
    assert set(facts["versions"]) == set(PACKAGES)
    assert facts["versions"]["numpy"]
    assert facts["hardware"]["memory_bytes"] > 0
    assert facts["hardware"]["gpu"] is None
    assert facts["python"].startswith("3.")


def test_it_does_not_import_torch():
    code = (
        "import sys; from bench.environment import environment; environment('cpu'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def git(folder, *arguments):
    settings = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_state_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--no-verify", "-m", "first")
    state = git_state(tmp_path)
    assert len(state["sha"]) == 40
    assert state["dirty"] is False
    (tmp_path / "a").write_text("2")
    assert git_state(tmp_path)["dirty"] is True


def test_a_folder_inside_somebody_elses_checkout_has_no_state(tmp_path, monkeypatch):
    git(tmp_path, "init")
    inside = tmp_path / "site-packages"
    inside.mkdir()
    assert git_state(inside) is None
    monkeypatch.chdir(tmp_path)
    assert git_state(tmp_path / "site-packages") is None
    # A checkout without a commit is no error either.
    assert git_state(tmp_path) is None


@pytest.mark.parametrize(
    ("listed", "shared"),
    [("{own}\n", False), ("7\n{own}\n", True), ("7\n", None), ("[N/A]\n", None), (None, None)],
)
def test_other_processes_on_a_gpu(listed, shared, monkeypatch):
    asked = []

    def output(command):
        asked.append(command)
        return listed and listed.format(own=os.getpid())

    monkeypatch.setattr("bench.environment._output", output)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="1b-2c")
    )
    assert gpu_is_shared("cuda:0") is shared
    assert asked[0][0] == "nvidia-smi"
    assert "--id=GPU-1b-2c" in asked[0]
