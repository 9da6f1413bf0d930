"""What is installed from the wheel runs by itself, without this checkout."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LEFT_OUT = (".*", "*.egg-info", "build", "dist", "results", "outputs", "multirun", "__pycache__")


def call(*command: str | Path, cwd: Path) -> str:
    """Run a program without this checkout's environment; returns its standard output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    clean["DISSECTBENCH_HOME"] = str(cwd / ".home")
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=clean, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the sources, to which records of a board were added."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    shutil.copytree(ROOT, sources, ignore=shutil.ignore_patterns(*LEFT_OUT))
    record = sources / "leaderboards" / "made_up" / "records" / "method" / "key"
    record.mkdir(parents=True)
    (record / "record.json").write_text("{}\n")
    assert list(sources.glob("leaderboards/*/records.tar.xz"))
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet")
    call(*pip, "--wheel-dir", folder / "dist", sources, cwd=folder)
    [built] = (folder / "dist").glob("dissectbench-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel, over the packages of this one."""
    folder = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    scripts = folder / "venv" / "bin"
    install = ("install", "--no-deps", "--no-index", "--quiet", "--no-compile")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python")
    call(*pip, *install, wheel, cwd=folder)
    # Behind the new site-packages on the path; the .pth files there, this checkout's editable
    # install among them, are not read.
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "parent.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return scripts


@pytest.mark.slow
def test_the_wheel_holds_configs_and_weights_and_neither_tests_nor_records(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (
        ("conf", "*.yaml"),
        ("bench/glyphs", "*.safetensors*"),
        ("leaderboards/site/static", "*.*"),
        ("leaderboards/site/templates", "*.html"),
    ):
        files = [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)]
        assert files
        assert set(files) <= names
    for package in ("bench", "baselines", "metrics", "leaderboards"):
        modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")]
        assert set(modules) <= names
    assert {
        "bench/py.typed",
        "bench/downloads/catalog.yaml",
        "bench/glyphs/data/outlines.npz",
    } <= names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".tar.xz")]
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"dissectbench.py", "bench", "conf", "baselines", "metrics", "leaderboards"}


@pytest.mark.slow
def test_the_wheel_runs_on_its_own(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    where = call(installed / "python", "-c", "import bench; print(bench.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    program = installed / "dissectbench"
    assert "clip_dissect" in call(program, "list", cwd=tmp_path)
    overrides = ("probe.params.size=32", "target=glyphs_scenes", "concepts=glyphs_scenes")
    assert "1 done" in call(program, "run", *overrides, cwd=tmp_path)
    [record] = tmp_path.glob("results/local/clip_dissect/*/record.json")
    assert '"status": "ok"' in record.read_text()
    call(program, "board", "results", "--out", "board", cwd=tmp_path)
    assert (tmp_path / "board" / "README.md").is_file()
    call(program, "site", "results", "--out", "site", "--no-pictures", cwd=tmp_path)
    assert (tmp_path / "site" / "index.html").is_file()
