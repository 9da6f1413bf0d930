"""What every comparison does with its measurements: date them, name the machine, write, print."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_atomic
from bench.speed.naming import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OUT = Path("leaderboards/speed")


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
        out: Folder of the files; made where it is missing.
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
    out.mkdir(parents=True, exist_ok=True)
    name = f"{kind}-{slug(machine)}"
    write_atomic(out / f"{name}.json", json.dumps(content, indent=1, sort_keys=True) + "\n")
    write_atomic(out / f"{name}.md", page)
    sys.stdout.write(page)
