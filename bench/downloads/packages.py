"""Packages that parts import: whether they are installed, and what brings those that are not."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from bench.downloads.missing import Lack
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
"""What a package is installed as, where that is not its own name with dashes."""

OPEN_CLIP = ("open_clip", "timm", "transformers")
"""What open_clip's models are made of: timm is a requirement of its own, transformers of ours."""


def find_package(module: str) -> ModuleSpec | None:
    """Find a top-level package without importing it; None where it is not installed."""
    if not module.isidentifier():
        return None
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a finder that refuses, or a module without a spec
        return None


def pip_install(module: str) -> str:
    """The command that brings a package."""
    return f"pip install {_NAMES.get(module, module.replace('_', '-'))}"


def lack_of_package(module: str) -> tuple[Lack, ...]:
    """A package that is not installed; empty where it is."""
    if find_package(module) is not None:
        return ()
    return (Lack(f"the package {module}", pip_install(module)),)


def lacks_of(part: object) -> tuple[Lack, ...]:
    """What a part needs and this machine does not have: packages, and what it says itself."""
    packages: tuple[str, ...] = getattr(part, "packages", ())
    found = [lack for module in packages for lack in lack_of_package(module)]
    return tuple(dict.fromkeys([*found, *getattr(part, "lacks", tuple)()]))


def hint_of(error: Exception) -> str:
    """The command that brings the package whose import failed; empty for any other fault."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    package = (error.name or "").partition(".")[0]
    return pip_install(package) if package and package not in _OURS else ""


def told_to_user(error: Exception) -> UserError | None:
    """A fault that the user can mend, a missing package among them; None for one of ours."""
    if isinstance(error, UserError):
        return error
    hint = hint_of(error)
    return UserError(str(error), hint=hint) if hint else None
