"""An entry point of a folder or repository with a hubconf.py (PyTorch Hub)."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import require_folder, user_path
from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import UserError
from bench.files import sha256_files
from bench.offline import is_offline
from bench.parts.targets.code import CodeTarget
from bench.parts.targets.imported_code import imported_code
from bench.parts.targets.networks import call_builder
from bench.parts.targets.torchvision_files import hub_folder
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.networks import Transform

_GITHUB = re.compile(r"([\w.-]+)/([\w.-]+?)(?::([\w./-]+))?")
_MOVING = ("main", "master", "HEAD")
_WHERE = "target.params.repo_or_dir"
_HUBCONF = "hubconf.py"

_IMPORTED: dict[str, Path] = {}
"""Modules that the code of a folder imported from this folder, with the folder."""


@dataclass(frozen=True)
class TorchHubTarget(CodeTarget):
    """The network that an entry point returns: a module, or (module, transform).

    See `CodeTarget` for weights and transform.

    Attributes:
        entry_point: A function of hubconf.py.
        repo_or_dir: A folder that contains hubconf.py, identified by its .py files and by the
            user's own modules outside it that these import; or "owner/repository:ref" on GitHub,
            identified by the ref (a commit, or a tag that stays).
        kwargs: Arguments of the entry point: "key=value" with a value in JSON or a plain string; or
            one JSON object, "{...}".
        trust_repo: Allow code of a repository on GitHub to be downloaded and run.
    """

    summary: ClassVar[str] = "an entry point of a folder (or repository) with a hubconf.py"

    entry_point: str
    repo_or_dir: str
    kwargs: tuple[str, ...] = ()
    trust_repo: bool = False

    def __post_init__(self) -> None:
        if self._github is not None:
            self._check_github()
        self._arguments()
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Return code, entry point with its arguments, weights and transform."""
        code = self._code()
        return {
            "kind": "torch_hub",
            "code": code,
            "entry_point": self.entry_point,
            "kwargs": self._arguments(),
            "weights": self._weights_identity(code),
            "transform": {"own": "code"} if self._own_transform else self._values_identity(),
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the folder or repository, and the file, if missing."""
        if self._github is None:
            code = unmet_path(self.repo_or_dir, "folder", _WHERE)
        elif self._copy.is_dir():
            code = ()
        else:
            owner, repository, ref = self._github
            hint = "a run with a connection gets it"
            code = (Requirement(f"{owner}/{repository} at {ref}", hint, automatic=True),)
        return (*code, *super().unmet_requirements())

    @property
    def _function(self) -> str:
        return f"the entry point {self.entry_point}"

    @property
    def _github(self) -> tuple[str, str, str] | None:
        """Return owner, repository and ref; None for a folder."""
        match = _GITHUB.fullmatch(self.repo_or_dir)
        if not match or self.repo_or_dir.startswith(".") or user_path(self.repo_or_dir).is_dir():
            return None
        return match[1], match[2], match[3] or ""

    @property
    def _copy(self) -> Path:
        """Folder in which torch.hub keeps the code of a repository on GitHub."""
        assert self._github is not None
        owner, repository, ref = self._github
        return hub_folder() / f"{owner}_{repository}_{ref.replace('/', '_')}"

    def _check_github(self) -> None:
        assert self._github is not None
        owner, repository, ref = self._github
        if not self.trust_repo:
            raise UserError(
                f"there is no folder {self.repo_or_dir}, and code from GitHub is not trusted",
                where=_WHERE,
                hint="give an existing folder; or, if you trust the code of the repository "
                f"{owner}/{repository}, add target.params.trust_repo=true",
            )
        if not ref or ref in _MOVING or ".." in ref:
            raise UserError(
                f"{self.repo_or_dir} does not name one version of the code",
                where=_WHERE,
                hint=f"give {owner}/{repository}:COMMIT (or a tag that stays)",
            )

    def _code(self) -> Mapping[str, Any]:
        if self._github is not None:
            owner, repository, ref = self._github
            return {"github": f"{owner}/{repository}", "ref": ref}
        folder = self._folder()
        files = sorted(
            file
            for file in folder.rglob("*.py")
            if not any(part.startswith(".") for part in file.relative_to(folder).parts)
        )
        names = [file.relative_to(folder).as_posix() for file in files]
        inside = {"sha256": sha256_json(dict(zip(names, sha256_files(files), strict=True)))}
        modules = {
            ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): file
            for file in files
        }
        outside = imported_code(modules, [str(folder)])
        return inside | ({"imports": sha256_json(outside)} if outside else {})

    def _folder(self) -> Path:
        folder = require_folder(self.repo_or_dir, _WHERE)
        if not (folder / _HUBCONF).is_file():
            raise UserError(
                f"the folder {self.repo_or_dir} contains no {_HUBCONF}",
                where=_WHERE,
                hint="give the root folder of a repository that PyTorch Hub can load",
            )
        return folder

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for text in self.kwargs:
            key, equals, value = str(text).partition("=")
            try:
                if str(text).lstrip().startswith("{"):
                    found |= json.loads(text)
                    continue
            except ValueError:
                equals = ""
            if not equals or not key.strip().isidentifier():
                raise UserError(
                    f"invalid argument {text!r}",
                    where="target.params.kwargs",
                    hint='give "key=value", or JSON as "{...}"',
                )
            try:
                found[key.strip()] = json.loads(value)
            except ValueError:
                found[key.strip()] = value
        return found

    def _build(self) -> tuple[nn.Module, Transform | None]:
        import torch

        if self._github is None:
            folder = self._folder().resolve()
            repo, source = str(folder), "local"
        else:
            folder = self._copy
            if is_offline() and not folder.is_dir():
                raise UserError(
                    f"cannot fetch {self.repo_or_dir}: connections are disabled",
                    where=_WHERE,
                    hint="run once with a connection, or give a folder",
                )
            owner, repository, ref = self._github
            repo, source = f"{owner}/{repository}:{ref}", "github"
        with _own_modules(folder):
            return call_builder(
                lambda: torch.hub.load(  # type: ignore[no-untyped-call]
                    repo,
                    self.entry_point,
                    source=source,
                    trust_repo=True,  # checked in __post_init__
                    verbose=False,
                    **self._arguments(),
                ),
                self._function,
                "target.params.entry_point",
            )


@contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    """Forget modules of other folders, so that the code of this folder imports its own.

    Many repositories have modules named models or utils, and Python finds a module by its name
    alone: in a sweep, the first network's code would build the second. Modules of the folder itself
    stay, since its network may import more of them when it runs.
    """
    for name in [name for name, owner in _IMPORTED.items() if owner != folder]:
        sys.modules.pop(name, None)
        del _IMPORTED[name]
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if _lies_in(name, folder):
                _IMPORTED[name] = folder


def _lies_in(name: str, folder: Path) -> bool:
    """Return whether a module belongs to a folder; packages installed below it do not."""
    module, top = sys.modules[name], name.partition(".")[0]
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if not file:
        return False
    own, place = folder.resolve(), Path(file).resolve()
    return place == own / f"{top}.py" or place.is_relative_to(own / top)
