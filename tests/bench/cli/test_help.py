"""Help is quick: every command explains itself without loading torch."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import COMMANDS, main

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("torch", "torchvision", "open_clip", "transformers", "sentence_transformers")


def test_help_of_every_command_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from bench.__main__ import main\n"
        "loaded = {}\n"
        "for command in sys.argv[2:]:\n"
        "    try:\n"
        "        code = main([command, '--help'])\n"
        "    except SystemExit as stop:\n"
        "        code = stop.code\n"
        "    assert not code, (command, code)\n"
        "    loaded[command] = [n for n in json.loads(sys.argv[1]) if n in sys.modules]\n"
        "print('loaded', json.dumps(loaded))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(HEAVY), *COMMANDS],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, last = done.stdout.splitlines()
    assert json.loads(last.removeprefix("loaded ")) == {command: [] for command in COMMANDS}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_exits_with_0_and_shows_how_to_call_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: dissectbench {command}")
    assert "\n  -h, --help" in text
