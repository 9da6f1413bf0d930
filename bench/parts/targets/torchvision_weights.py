"""Networks with weights that torchvision publishes, built as torchvision builds them.

Its builders know what their weights want of the architecture: how many classes, which size of
input, whether the network changes its input first. So they build the network from the bytes that
torchvision publishes, whichever way these come.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.errors import UserError, nearest
from bench.files import sha256_file
from bench.networks.checkpoint import read_checkpoint
from bench.offline import is_offline
from bench.parts.targets.published import (
    checkpoints,
    entry_of_weights,
    find_weights,
    keeps_promise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn

_WHERE = "target.params.weights"
_SERVING = Lock()

_SAID = 300
"""Letters of torch's own account of what does not fit."""


def find_entry(arch: str, weights: str) -> Any:
    """The member of torchvision's enumeration of an architecture's weights.

    Raises:
        UserError: There are no such weights.
    """
    from torchvision import models

    known = models.get_model_weights(arch)
    names = [*known.__members__, "DEFAULT"]
    if weights not in names:
        raise UserError(
            f"torchvision has no weights {weights!r} for {arch}",
            where=_WHERE,
            valid=nearest(weights, names),
            hint=f"choose among: {', '.join(dict.fromkeys(names))}",
        )
    return known[weights] if weights in known.__members__ else known.DEFAULT


def entry_of_file(arch: str, file: Path) -> Any:
    """The weights of an architecture that a file holds, known by its sha256; None for others."""
    from torchvision import models

    digest = sha256_file(file)
    for entry in models.get_model_weights(arch):
        if digest.startswith(_digits(entry)):
            return entry
    return None


def build(arch: str, entry: Any, file: Path, *, where: str, hint: str) -> nn.Module:
    """Build an architecture with published weights.

    Args:
        arch: Name in torchvision.
        entry: Of the architecture's weights.
        file: The file that holds them.
        where: The field that names them, for messages.
        hint: What helps where they do not fit.

    Raises:
        UserError: The file does not fit.
    """
    from torchvision import models

    tensors = read_checkpoint(file, where).get("", {})
    try:
        with _served(entry, tensors):
            module: nn.Module = models.get_model(arch, weights=entry)
    except RuntimeError as error:  # torch's own words name every tensor
        raise UserError(
            f"{file} does not fit torchvision's {arch}: {str(error)[:_SAID]} ...",
            where=where,
            hint=hint,
        ) from error
    return module


def file_of_entry(arch: str, weights: str, entry: Any) -> Path:
    """The file of published weights: from this machine, or downloaded to it.

    Args:
        arch: Name in torchvision.
        weights: Name of the weights, as given.
        entry: The same as torchvision has it.

    Raises:
        UserError: The file is damaged, or cannot be had.
    """
    name = _file_name(entry)
    known = entry_of_weights(arch, weights)
    file = find_weights(name)
    if file is None:
        return _download(entry, checkpoints() / name, known.name if known else "")
    if known is None and not keeps_promise(file):
        raise UserError(
            f"{file} is not what its name promises: its sha256 is {sha256_file(file)}",
            where=_WHERE,
            hint="delete it, so that it is fetched anew; or give it as target.params.file",
        )
    return file


def _download(entry: Any, file: Path, known: str) -> Path:
    import torch

    elsewhere = "get the file elsewhere and give it as target.params.file"
    hint = f"`dissectbench fetch {known}`, or {elsewhere}" if known else elsewhere
    try:
        if is_offline():
            raise ConnectionError("no connection may be opened")
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(entry.url, str(file), hash_prefix=_digits(entry))
    except (OSError, RuntimeError) as error:  # RuntimeError: the hash is another
        raise UserError(f"cannot download {entry}: {error}", where=_WHERE, hint=hint) from error
    return file


def _file_name(entry: Any) -> str:
    return PurePosixPath(urlsplit(entry.url).path).name


def _digits(entry: Any) -> str:
    """The first digits of a published file's sha256, which its name ends in."""
    return PurePosixPath(_file_name(entry)).stem.rpartition("-")[2]


@contextmanager
def _served(entry: Any, tensors: Any) -> Iterator[None]:
    """Let torchvision's builder find tensors that were read here.

    It would read the file itself, from the hub cache alone and with pickle's full powers.
    """
    kind = type(entry)
    with _SERVING:
        kind.get_state_dict = lambda *_args, **_kwargs: dict(tensors)
        try:
            yield
        finally:
            del kind.get_state_dict
