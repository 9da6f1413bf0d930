"""File names for hardware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def slug(hardware: Mapping[str, Any]) -> str:
    """A file name for the hardware of a record: "nvidia-h200", "amd-epyc-2-threads"."""
    gpu = hardware.get("gpu")
    words = f"{hardware['cpu']} {hardware['threads']} threads"
    if isinstance(gpu, dict):
        words = str(gpu["name"])
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "unknown"
