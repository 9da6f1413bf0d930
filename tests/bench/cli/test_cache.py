"""`dissectbench cache`: what it says of a folder, what it deletes, and what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.__main__ import main
from bench.cli.cache import default_root, limit_gb
from bench.cli.units import parse_size, parse_span, show_size, show_span
from bench.config.compose import expand
from bench.errors import UserError
from bench.evidence.inventory import list_entries
from bench.evidence.store import Store
from bench.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
HASHES = {name: name * 64 for name in "abc"}


def parts(weights: str, size: int = 224, n: int = 5) -> dict[str, object]:
    transform = {"size": size, "mean": [0.5, 0.5, 0.5]}
    target = {"kind": "torchvision", "arch": "resnet18", "weights": HASHES[weights]}
    return {
        "kind": "activations", "target": {**target, "transform": transform}, "layer": "fc",
        "probe": {"kind": "folder", "sha256": HASHES["c"], "n": n}, "n": n,
    }  # fmt: skip


def fill(root: Path, key: dict[str, object], age: float = 0.0) -> str:
    with Store(root).hold(key) as [entry]:
        entry.put(0, np.zeros((5, 250), dtype=np.float32))
        entry.finish(
            {"units": 250}, {"pass": "f" * 32, "phases": [{"name": "gather", "wall_s": 200.0}]}
        )
    manifest = entry.folder / "manifest.json"
    then = manifest.stat().st_mtime - age
    os.utime(manifest, (then, then))
    return str(entry.key)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The default folder in a new working directory: a, b (resized), begun; keys by name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISSECTBENCH_CACHE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    root = Path("results/.cache")
    keys = {
        "a": fill(root, parts("a"), age=40 * 86_400),
        "b": fill(root, parts("a", size=256), age=3600),
    }
    begun = Store(root).entry({"kind": "image_embeddings", "encoder": {}, "n": 2000})
    begun.put(0, np.zeros((1024, 2), dtype=np.float32))
    return {**keys, "begun": begun.key}


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        assert main(["cache", *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        assert main(["cache", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "hint: " in captured.err
        return captured.err

    return run


def line(text: str, beginning: str) -> str:
    [found] = [each for each in text.splitlines() if each.startswith(beginning)]
    return found


def test_ls_says_what_each_entry_is(cache: dict[str, str], said: Callable[..., str]) -> None:
    text = said("ls")
    row = line(text, cache["a"][:8])
    assert "torchvision resnet18 aaaaaaaa, layer fc, probe folder cccccccc" in row
    for word in (" 5 ", " kB ", "40 d ago", "3.3 min", "complete"):
        assert word in row
    assert "1.0 h ago" in line(text, cache["b"][:8]) or "60 min ago" in line(text, cache["b"][:8])
    assert "begun" in line(text, cache["begun"][:8])
    total = sum(info.size for info in list_entries(Path("results/.cache")))
    assert f"3 entries, {show_size(total)}, in results/.cache" in text
    assert "20 GB" in text


def test_ls_sees_damage_and_changes_nothing(
    cache: dict[str, str], said: Callable[..., str]
) -> None:
    [info] = [k for k in list_entries(Path("results/.cache")) if k.key == cache["a"]]
    info.chunk_files[0].unlink()
    files = sorted(Path().rglob("*"))
    assert "damaged" in line(said("ls"), cache["a"][:8])
    assert sorted(Path().rglob("*")) == files


def test_an_empty_folder(tmp_path: Path, said: Callable[..., str]) -> None:
    assert "0 entries" in said("ls", "--cache", str(tmp_path))
    assert "deleted 0 entries" in said("prune", "--cache", str(tmp_path))


def test_explain_shows_every_part(cache: dict[str, str], said: Callable[..., str]) -> None:
    text = said("explain", cache["a"][:10])
    for word in (
        cache["a"], "complete", "weights: " + "a" * 64, "size: 224", "mean: [0.5, 0.5, 0.5]",
        "layout: 1", "units: 250", "gather: 3.3 min", "000000  5 x 250  sound",
    ):  # fmt: skip
        assert word in text
    assert "begun" in said("explain", cache["begun"])


def test_explain_checks_the_bytes(cache: dict[str, str], said: Callable[..., str]) -> None:
    [info] = [k for k in list_entries(Path("results/.cache")) if k.key == cache["a"]]
    data = bytearray(info.chunk_files[0].read_bytes())
    data[-1] ^= 1
    info.chunk_files[0].write_bytes(data)
    text = said("explain", cache["a"])
    assert "damaged: its bytes changed" in text
    assert "complete" not in text


def test_two_keys_show_what_differs(cache: dict[str, str], said: Callable[..., str]) -> None:
    text = said("explain", cache["a"], cache["b"])
    row = line(text, "target.transform.size")
    assert row.split() == ["target.transform.size", "224", "256"]
    assert "1 parts differ" in text
    assert "weights" not in text
    fill(Path("results/.cache"), {**parts("a"), "extra": "x"})
    [third] = {info.key for info in list_entries(Path("results/.cache"))} - set(cache.values())
    assert line(said("explain", cache["a"], third), "extra").split() == ["extra", "—", "x"]


def test_prune_says_what_goes(cache: dict[str, str], said: Callable[..., str]) -> None:
    root = Path("results/.cache")
    size = next(info.size for info in list_entries(root) if info.key == cache["a"])
    dry = said("prune", "--older-than", "30d", "--dry-run")
    assert f"would delete activations {cache['a'][:12]}" in dry
    assert f"would delete 1 entry, {show_size(size)}" in dry
    assert len(list_entries(root)) == 3
    wet = said("prune", "--older-than", "30d")
    assert "layer fc" in line(wet, f"deleted activations {cache['a'][:12]}")
    assert f"deleted 1 entry, {show_size(size)}" in wet
    assert {info.key for info in list_entries(root)} == {cache["b"], cache["begun"]}
    assert "deleted 0 entries" in said("prune")  # far from the default limit
    assert "deleted 1 entry" in said("prune", "--to", "10kB")
    assert "deleted 1 entry" in said("prune", "--all")
    assert list_entries(root) == []


def test_prune_names_what_is_in_use(cache: dict[str, str], said: Callable[..., str]) -> None:
    use = Lease(Path("results/.cache"))
    use.add(cache["a"])
    text = said("prune", "--all")
    assert f"in use, kept: activations {cache['a'][:12]}" in text
    assert [info.key for info in list_entries(Path("results/.cache"))] == [cache["a"]]


def test_the_default_folder_and_limit_are_those_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[..., str]
) -> None:
    monkeypatch.delenv("DISSECTBENCH_CACHE", raising=False)
    [job] = expand([])
    assert default_root() == Path(job.config.runtime.cache)
    assert limit_gb() == job.config.runtime.cache_limit_gb
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path))
    [job] = expand([])
    assert default_root() == tmp_path == Path(job.config.runtime.cache)
    fill(tmp_path, parts("a"))
    assert "1 entry" in said("ls")


@pytest.mark.parametrize("limit", ["-1", "nan"])
def test_a_limit_below_0(limit: str) -> None:
    with pytest.raises(UserError, match="at least 0"):
        expand([f"runtime.cache_limit_gb={limit}"])


def test_faults_of_keys(cache: dict[str, str], refused: Callable[..., str]) -> None:
    assert "no entry's key begins with 'zz'" in refused("explain", "zz")
    error = refused("explain", "")
    assert "3 entries' keys" in error
    assert cache["a"][:12] in error
    assert "not known" in refused("explain", cache["a"], cache["begun"])
    assert "more than two keys" in refused("explain", "a", "b", "c")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ls", "--cache", "nowhere"], "--cache: there is no cache folder nowhere"),
        (["prune", "--to", "5"], "--to: invalid size '5'"),
        (["prune", "--to", "5XB"], "--to: invalid size '5XB'"),
        (["prune", "--to", "-5GB"], "--to"),
        (["prune", "--older-than", "month"], "--older-than: invalid time span 'month'"),
        (["prune", "--all", "--to", "5GB"], "not allowed with"),
        (["explain"], "KEY"),
        (["lss"], "lss"),
        ([], "ls|explain|prune"),
    ],
)
def test_faults(
    cache: dict[str, str], refused: Callable[..., str], arguments: list[str], says: str
) -> None:
    assert says in refused(*arguments)
    assert len(list_entries(Path("results/.cache"))) == 3


def test_no_folder_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISSECTBENCH_CACHE", raising=False)
    assert "there is no cache folder results/.cache" in refused("ls")


@pytest.mark.parametrize("command", [["ls"], ["explain", "a"], ["prune", "--all"]])
def test_no_torch_is_loaded(cache: dict[str, str], command: list[str]) -> None:
    shutil.copytree("results/.cache", "copy")
    if command[0] == "explain":
        command = ["explain", cache["a"]]
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "assert main(['cache', *sys.argv[1:], '--cache', 'copy']) == 0\n"
        "assert not {'torch', 'pandas', 'hydra'} & set(sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def test_units() -> None:
    assert parse_size("1.5GB", "") == 1_500_000_000
    assert parse_size("500 mb", "") == 500_000_000
    assert parse_size("0", "") == 0
    assert [parse_span(text, "") for text in ("90s", "2min", "12h", "1d", "2w")] == [
        90, 120, 43_200, 86_400, 1_209_600,
    ]  # fmt: skip
    sizes = [0, 999, 1000, 12_345, 999_999, 123_456_789, 2 * 10**13]
    shown = ["0 B", "999 B", "1 kB", "12.3 kB", "1000 kB", "123 MB", "20 TB"]
    assert [show_size(size) for size in sizes] == shown
    spans = [0.123, 5.04, 45, 150, 1000, 7200, 200_000, 10**7]
    shown = ["0.12 s", "5.0 s", "45 s", "2.5 min", "17 min", "2.0 h", "2.3 d", "116 d"]
    assert [show_span(span) for span in spans] == shown
