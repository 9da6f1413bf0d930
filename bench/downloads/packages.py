"""Python packages that parts import: whether they are installed, and how to install them."""

from __future__ import annotations

import errno
import importlib.util
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_OURS = ("baselines", "bench", "conf", "leaderboards", "metrics")
_NAMES = {
    "PIL": "pillow",
    "hydra": "hydra-core",
    "open_clip": "open_clip_torch",
    "yaml": "pyyaml",
}
"""Names on the package index of modules whose name differs in more than dashes."""

OPEN_CLIP = ("open_clip", "timm", "transformers")
"""Packages of open_clip's models: open_clip requires timm, this project requires transformers."""


def find_package(module: str) -> ModuleSpec | None:
    """Find a top-level package without importing it; None if it is not installed."""
    if not module.isidentifier():
        return None
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a finder that refuses, or a module without a spec
        return None


def pip_install(module: str) -> str:
    """Return the command that installs the package of a module."""
    return f"pip install {_NAMES.get(module, module.replace('_', '-'))}"


def install_hint(error: Exception) -> str:
    """Return the command that installs the package whose import failed; empty for other errors."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    package = (error.name or "").partition(".")[0]
    return pip_install(package) if package and package not in _OURS else ""


def as_user_error(error: Exception) -> UserError | None:
    """Return an error that the user can fix, such as a missing package or a full disk.

    Return None for a bug of ours.
    """
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UserError(
            f"no space is left on the disk of {error.filename or 'the output'}",
            hint="free some space, then run the same command again",
        )
    hint = install_hint(error)
    return UserError(str(error), hint=hint) if hint else None
