"""Weights that torchvision publishes: where their files lie on this machine; needs no torch.

A file's name ends in the first digits of its sha256 ("resnet50-0676ba61.pth"): the name promises
the bytes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.downloads.data_folder import data_home
from bench.downloads.paths import fetch_hint
from bench.downloads.published.networks import TORCHVISION
from bench.downloads.requirements import Requirement
from bench.files import sha256_file

if TYPE_CHECKING:
    from bench.downloads.entry import Download

_PROMISE = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")


def hub_folder() -> Path:
    """The folder of `torch.hub.get_dir()`: $TORCH_HOME/hub, by default in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{base}/torch")).expanduser() / "hub"


def checkpoints() -> Path:
    """Where torchvision keeps what it downloads."""
    return hub_folder() / "checkpoints"


def entry_of_weights(arch: str, weights: str) -> Download | None:
    """What `dissectbench fetch` knows of torchvision's weights; None where it does not."""
    return TORCHVISION.get(f"{arch}/{weights}")


def find_weights(file_name: str) -> Path | None:
    """The file of that name in torch's hub cache, else in the data folder; None where in neither.

    Args:
        file_name: As torchvision publishes it, without a folder.
    """
    for file in (checkpoints() / file_name, data_home() / "weights" / file_name):
        if file.is_file():
            return file
    return None


def keeps_promise(file: Path) -> bool:
    """Whether a file's sha256 begins as its name says; True for a name that says nothing."""
    match = _PROMISE.search(file.name)
    return not match or sha256_file(file).startswith(match[1])


def unmet_weights(arch: str, weights: str) -> tuple[Requirement, ...]:
    """What is missing of torchvision's weights.

    Of weights that `dissectbench fetch` does not know only the beginning of the file's name is
    known without torch: any file of that architecture is then taken for them.
    """
    entry = entry_of_weights(arch, weights)
    if entry is not None:
        if find_weights(entry.file_name):
            return ()
        return (Requirement(entry.summary, fetch_hint(entry), entry.estimate, True),)
    for folder in (checkpoints(), data_home() / "weights"):
        if any(_plain(file.name).startswith(_plain(arch)) for file in folder.glob("*.pth")):
            return ()
    what = f"torchvision's {arch} ({weights})"
    return (Requirement(what, "a run with a connection gets it from torchvision", None, True),)


def _plain(name: str) -> str:
    """Letters and digits alone: shufflenet_v2_x0_5 lies in a file shufflenetv2_x0.5-...pth."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("x1_0", "x1"))
