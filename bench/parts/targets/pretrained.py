"""Networks of torchvision with its published weights.

torchvision's own builders know what the weights need of the architecture: number of classes, input
size, changes of the input. They therefore build the network, from a file that is read here.
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
from bench.parts.targets.torchvision_files import (
    catalog_entry,
    checkpoint_folder,
    find_weights,
    matches_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn

_WHERE = "target.params.weights"
_LOCK = Lock()

_MESSAGE_LENGTH = 300
"""Characters of torch's message, which lists every tensor."""


def find_entry(arch: str, weights: str, where: str = _WHERE) -> Any:
    """Return the member of torchvision's enumeration of an architecture's weights.

    Raises:
        UserError: There are no such weights.
    """
    from torchvision import models

    known = models.get_model_weights(arch)
    names = [*known.__members__, "DEFAULT"]
    if weights not in names:
        raise UserError(
            f"torchvision has no weights {weights!r} for {arch}",
            where=where,
            valid=nearest(weights, names),
            hint=f"choose among: {', '.join(dict.fromkeys(names))}",
        )
    return known[weights] if weights in known.__members__ else known.DEFAULT


def entry_of_file(arch: str, file: Path) -> Any:
    """Return the published weights in a file, by its sha256; None for other weights."""
    from torchvision import models

    digest = sha256_file(file)
    for entry in models.get_model_weights(arch):
        if digest.startswith(_digits(entry)):
            return entry
    return None


def build_pretrained(arch: str, entry: Any, file: Path, *, where: str, hint: str) -> nn.Module:
    """Build an architecture with published weights.

    Args:
        arch: Name in torchvision.
        entry: Member of the enumeration of its weights.
        file: Their file.
        where: Their config key, for messages.
        hint: The hint if they do not fit.

    Raises:
        UserError: The file does not fit.
    """
    from torchvision import models

    tensors = read_checkpoint(file, where).get("", {})
    try:
        with _substitute(entry, tensors):
            module: nn.Module = models.get_model(arch, weights=entry)
    except RuntimeError as error:
        raise UserError(
            f"{file} does not fit torchvision's {arch}: {str(error)[:_MESSAGE_LENGTH]} ...",
            where=where,
            hint=hint,
        ) from error
    return module


def file_of_entry(arch: str, weights: str, entry: Any) -> Path:
    """Return the file of published weights; download it if it is missing.

    Args:
        arch: Name in torchvision.
        weights: Name of the weights in the config.
        entry: Member of the enumeration of its weights.

    Raises:
        UserError: The file is damaged, or cannot be downloaded.
    """
    name = _file_name(entry)
    known = catalog_entry(arch, weights)
    file = find_weights(name)
    if file is None:
        return _download(entry, checkpoint_folder() / name, known.name if known else "")
    if known is None and not matches_name(file):
        raise UserError(
            f"{file} does not have the sha256 in its name: it is {sha256_file(file)}",
            where=_WHERE,
            hint="delete it, so that it is downloaded again; or give it as target.params.file",
        )
    return file


def _download(entry: Any, file: Path, known: str) -> Path:
    import torch

    elsewhere = "get the file elsewhere and give it as target.params.file"
    hint = f"`dissectbench fetch {known}`, or {elsewhere}" if known else elsewhere
    try:
        if is_offline():
            raise ConnectionError("connections are disabled")
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(entry.url, str(file), hash_prefix=_digits(entry))
    except (OSError, RuntimeError) as error:  # RuntimeError: the hash is another
        raise UserError(f"cannot download {entry}: {error}", where=_WHERE, hint=hint) from error
    return file


def _file_name(entry: Any) -> str:
    return PurePosixPath(urlsplit(entry.url).path).name


def _digits(entry: Any) -> str:
    """Return the first digits of a published file's sha256, from its name."""
    return PurePosixPath(_file_name(entry)).stem.rpartition("-")[2]


@contextmanager
def _substitute(entry: Any, tensors: Any) -> Iterator[None]:
    """Give torchvision's builder tensors that were read here.

    It would read the file itself, only from the hub cache and with unsafe pickles.
    """
    kind = type(entry)
    with _LOCK:
        kind.get_state_dict = lambda *_args, **_kwargs: dict(tensors)
        try:
            yield
        finally:
            del kind.get_state_dict
