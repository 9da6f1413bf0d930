"""What every comparison does: read its options; date what was measured, write it, print it."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_atomic
from bench.speed.naming import slug

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

OUT = Path("leaderboards/speed")

_LEAST = {"workers": 0}
"""Smallest value of an option that is a whole number, where that is not 1."""


def parse(
    options: argparse.ArgumentParser, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read a command's options; end it at once where one of them cannot be used.

    Args:
        options: With `--out`, a folder, which is made where it is missing; maybe with `--device`
            and with sizes, which are numbers from 1.
        arguments: Of the command line; None for those of this process.
    """
    given = options.parse_args(arguments)
    for name, value in vars(given).items():
        if type(value) is int and value < _LEAST.get(name, 1):
            options.error(f"--{name.replace('_', '-')} is a number from {_LEAST.get(name, 1)}")
    if getattr(given, "device", "cpu").startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            options.error("torch sees no CUDA device; hint: --device cpu")
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=given.out):
            pass
    except OSError as error:
        options.error(f"--out: {error}; hint: a folder that can be written")
    return given


def keep(
    kind: str,
    measured: Mapping[str, Any],
    render: Callable[[dict[str, Any]], str],
    *,
    device: str,
    out: Path,
) -> None:
    """Write a record and its page under the hardware's name, and print the page.

    Args:
        kind: What was compared: the beginning of the files' names.
        measured: Sizes and rows, ready for JSON.
        render: Makes the page of a record.
        device: Where it ran.
        out: Folder of the files.
    """
    from bench.environment import environment, hardware

    machine = hardware(device)
    content = {
        "schema": 1,
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "hardware": machine,
        "environment": environment(device),
        **measured,
    }
    page = render(content)
    name = f"{kind}-{slug(machine)}"
    write_atomic(out / f"{name}.json", json.dumps(content, indent=1, sort_keys=True) + "\n")
    write_atomic(out / f"{name}.md", page)
    sys.stdout.write(page)
