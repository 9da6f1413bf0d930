"""The code of a user's own that a network's module imports stands in its key."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.parts.targets import CallableTarget, TorchHubTarget
from bench.parts.targets.imported_code import imported_code

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = {
    "plain": "import helper_of_a_test",
    "from": "from helper_of_a_test import act",
    "inside": "def later():\n    from helper_of_a_test import act",
    "guarded": "try:\n    import helper_of_a_test\nexcept ImportError:\n    pass",
    "through another": "import between_of_a_test",
    "a module of a package": "from package_of_a_test import part",
    "relative, in a package": "import package_of_a_test.relative",
    "by name": "import importlib\nhelper = importlib.import_module('helper_of_a_test')",
    "by a name of the run": "import importlib\nhelper = importlib.import_module('helper_' + 'of')",
    "by name, renamed": "from importlib import import_module as get\nget('helper_of_a_test')",
    "a class by name": "from hydra.utils import get_class\nget_class('helper_of_a_test.Net')",
    "by name, with a colon": "import pkgutil\npkgutil.resolve_name('helper_of_a_test:act')",
    "another path": "import sys\nsys.path.insert(0, 'lib')\nimport hidden_of_a_test",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path; importing any of its modules fails."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("package_of_a_test", "lib", "elsewhere/site-packages"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere" / "site-packages"))
    files = {
        "helper_of_a_test.py": "act = 1\nraise RuntimeError('not to be imported')\n",
        "between_of_a_test.py": "import helper_of_a_test\nimport between_of_a_test\n",
        "package_of_a_test/__init__.py": '"""Nothing is run here."""\n',
        "package_of_a_test/part.py": "import helper_of_a_test\n",
        "package_of_a_test/relative.py": "from . import part\nfrom .part import nothing\n",
        "lib/hidden_of_a_test.py": "import helper_of_a_test\n",
        "elsewhere/site-packages/installed_of_a_test.py": "import helper_of_a_test\n",
        "unused_of_a_test.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    importlib.invalidate_caches()
    return tmp_path


def found(folder: Path, text: str) -> dict[str, str]:
    (folder / "net_of_a_test.py").write_text(text)
    return imported_code({"net_of_a_test": folder / "net_of_a_test.py"})


@pytest.mark.parametrize("kind", IMPORTS)
def test_a_changed_helper_is_another_network(folder: Path, kind: str) -> None:
    before = found(folder, IMPORTS[kind])
    (folder / "helper_of_a_test.py").write_text("act = 2\n")
    assert found(folder, IMPORTS[kind]) != before


@pytest.mark.parametrize(
    "text",
    [
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '../shared'))",
        "import sys, pathlib\nsys.path += [str(pathlib.Path(__file__).parents[1] / 'shared')]",
        "from sys import path\npath.append('FOLDER/shared')",
        "import site\nsite.addsitedir('FOLDER/shared')",
    ],
)
def test_a_path_to_a_folder_elsewhere_is_followed(tmp_path: Path, text: str) -> None:
    for name in ("project", "shared"):
        (tmp_path / name).mkdir()
    net = tmp_path / "project" / "net_of_a_test.py"
    net.write_text(f"{text.replace('FOLDER', str(tmp_path))}\nimport far_of_a_test\n")
    (tmp_path / "shared" / "far_of_a_test.py").write_text("import farther_of_a_test\n")
    farther = tmp_path / "shared" / "farther_of_a_test.py"
    farther.write_text("act = 1\n")
    before = imported_code({"net_of_a_test": net})
    assert list(before) == ["far_of_a_test", "farther_of_a_test"]
    farther.write_text("act = 2\n")
    assert imported_code({"net_of_a_test": net}) != before


@pytest.mark.parametrize(
    "text", ["import os, torch\nfrom torch import nn", "import installed_of_a_test", "import gone"]
)
def test_what_is_installed_and_what_is_not_there_plays_no_part(folder: Path, text: str) -> None:
    assert found(folder, text) == {}


def test_only_what_is_imported_counts(folder: Path) -> None:
    before = found(folder, "from package_of_a_test import part")
    assert list(before) == ["helper_of_a_test", "package_of_a_test.part"]
    (folder / "between_of_a_test.py").write_text("changed = 1\n")
    assert found(folder, "from package_of_a_test import part") == before
    (folder / "package_of_a_test" / "__init__.py").write_text("run = 1\n")
    assert found(folder, "from package_of_a_test import part") != before


NET = "from torch import nn\ndef net(): return nn.Conv2d(3, 1, 1)\n"


def test_keys_of_a_function_and_of_an_entry_point(folder: Path) -> None:
    (folder / "weights.pth").write_bytes(b"any")
    (folder / "net_of_a_test.py").write_text(NET)
    target = CallableTarget("net_of_a_test:net", file=str(folder / "weights.pth"))
    # A module that imports nothing of the user's own keeps the key that it always had.
    assert list(target.fingerprint()) == ["kind", "path", "source", "weights", "transform"]
    (folder / "net_of_a_test.py").write_text(f"import helper_of_a_test\n{NET}")
    before = target.fingerprint()
    (folder / "helper_of_a_test.py").write_text("act = 2\n")
    after = target.fingerprint()
    assert (before["source"], before["weights"]) == (after["source"], after["weights"])
    assert before["imports"] != after["imports"]

    (folder / "hub").mkdir()
    (folder / "hub" / "hubconf.py").write_text("from inside_of_a_test import net\n")
    (folder / "hub" / "inside_of_a_test.py").write_text(NET)
    hub = TorchHubTarget("net", str(folder / "hub"), file=str(folder / "weights.pth"))
    assert list(hub.fingerprint()["code"]) == ["sha256"]
    (folder / "hub" / "inside_of_a_test.py").write_text(f"import helper_of_a_test\n{NET}")
    before = hub.fingerprint()["code"]
    (folder / "helper_of_a_test.py").write_text("act = 3\n")
    after = hub.fingerprint()["code"]
    assert before["sha256"] == after["sha256"]
    assert before["imports"] != after["imports"]


def test_nothing_is_imported_to_find_it(folder: Path) -> None:
    (folder / "net_of_a_test.py").write_text(f"import helper_of_a_test\n{NET}")
    (folder / "weights.pth").write_bytes(b"any")
    code = (
        "import sys\nfrom bench.parts.targets import CallableTarget\n"
        "CallableTarget('net_of_a_test:net', file='weights.pth').fingerprint()\n"
        "assert not {'torch', 'helper_of_a_test', 'net_of_a_test'} & set(sys.modules)\n"
    )
    path = f"{folder}:{':'.join(sys.path)}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        cwd=folder, env={"PYTHONPATH": path, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
