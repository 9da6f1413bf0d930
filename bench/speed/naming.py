"""Names of hardware, for pages and for files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def title(hardware: Mapping[str, Any]) -> str:
    """What a page calls the hardware of a record: "NVIDIA H200", "AMD EPYC, 2 threads"."""
    gpu = hardware.get("gpu")
    return str(gpu["name"]) if gpu else f"{hardware['cpu']}, {hardware['threads']} threads"


def slug(hardware: Mapping[str, Any]) -> str:
    """A file name for the hardware of a record: "nvidia-h200", "amd-epyc-2-threads"."""
    return re.sub(r"[^a-z0-9]+", "-", title(hardware).lower()).strip("-") or "unknown"
