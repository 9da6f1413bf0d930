"""Files of the weights that torchvision publishes, on this machine. Needs no torch.

The name of a file ends in the first digits of its sha256: "resnet50-0676ba61.pth".
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.downloads.catalog import TORCHVISION
from bench.downloads.data_folder import data_home
from bench.downloads.paths import fetch_hint
from bench.downloads.requirements import Requirement
from bench.files import sha256_file

if TYPE_CHECKING:
    from bench.downloads.entry import Download

_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")


def hub_folder() -> Path:
    """Return torch.hub.get_dir() without torch: $TORCH_HOME/hub, by default in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{base}/torch")).expanduser() / "hub"


def checkpoint_folder() -> Path:
    """Return the folder of torchvision's downloads."""
    return hub_folder() / "checkpoints"


def catalog_entry(arch: str, weights: str) -> Download | None:
    """Return the entry of torchvision's weights in the download catalog; None if it has none."""
    return TORCHVISION.get(f"{arch}/{weights}")


def find_weights(file_name: str) -> Path | None:
    """Find a file in torch's hub cache, then in the data folder; None if it is in neither.

    Args:
        file_name: Name of the published file, without a folder.
    """
    files = (checkpoint_folder() / file_name, data_home() / "weights" / file_name)
    return next((file for file in files if file.is_file()), None)


def matches_name(file: Path) -> bool:
    """Return whether a file has the sha256 in its name; True for a name without one."""
    match = _HASH_IN_NAME.search(file.name)
    return not match or sha256_file(file).startswith(match[1])


def unmet_weights(arch: str, weights: str) -> tuple[Requirement, ...]:
    """Return torchvision's weights, if missing.

    Without torch, the file names of weights outside the download catalog are not known: accept any
    file whose name begins with the architecture.
    """
    entry = catalog_entry(arch, weights)
    if entry is not None:
        if find_weights(entry.file_name):
            return ()
        return (Requirement(entry.summary, fetch_hint(entry), entry.estimate, automatic=True),)
    for folder in (checkpoint_folder(), data_home() / "weights"):
        if any(_plain(file.name).startswith(_plain(arch)) for file in folder.glob("*.pth")):
            return ()
    hint = "a run with a connection gets it from torchvision"
    return (Requirement(f"torchvision's {arch} ({weights})", hint, automatic=True),)


def _plain(name: str) -> str:
    """Keep letters and digits: shufflenet_v2_x0_5 is in a file shufflenetv2_x0.5-...pth."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("x1_0", "x1"))
