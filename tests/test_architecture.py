"""Who may import whom (README, "Architecture"), read off the source; and what stays torch-free."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "bench": {"bench", "baselines", "metrics", "leaderboards"},
    "baselines": {"baselines", "metrics.numeric"},
    "leaderboards": {"leaderboards", "metrics"},
    "metrics": {"metrics"},
}


def imported_modules(path: Path) -> set[str]:
    """Modules of this project that a file imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            pytest.fail(f"{path}: relative import; this project imports absolutely")
    return {name for name in found if name.partition(".")[0] in {*MAY_IMPORT, "conf", "tests"}}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_follow_the_arrows(package: str) -> None:
    wrong = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for module in imported_modules(path):
            allowed = MAY_IMPORT[package]
            if not any(module == name or module.startswith(f"{name}.") for name in allowed):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_absolute_path_or_print_in_source(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT.parent) + "/" not in text, path
        assert "/home/" not in text, path


def test_light_commands_import_no_torch() -> None:
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "from bench.config.compose import expand\n"
        "from bench.run.survey import plan\n"
        "assert main(['list']) == 0\n"
        "plan(expand([]))\n"
        "import bench.cli.board, leaderboards.board\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
