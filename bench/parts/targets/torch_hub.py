"""A network by PyTorch Hub's convention: an entry point of a folder with a hubconf.py."""

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
from bench.networks.weights_file import WeightsFile
from bench.offline import is_offline
from bench.parts.targets import built
from bench.parts.targets.own_code import imported_code
from bench.parts.targets.published import hub_folder
from bench.parts.targets.transform import TransformParams
from leaderboards.hashing import canonical_json, sha256_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Fingerprint

_GITHUB = re.compile(r"([\w.-]+)/([\w.-]+?)(?::([\w./-]+))?")
_MOVING = ("main", "master", "HEAD")
_WHERE = "target.params.repo_or_dir"
_HUBCONF = "hubconf.py"

_IMPORTED: dict[str, Path] = {}
"""Modules that code of such folders imported out of its own folder, and which folder that was."""


@dataclass(frozen=True)
class TorchHubTarget(TransformParams):
    """What an entry point returns: a module, or (module, transform).

    Without `file` the weights are known by the tensors of the built network: recognising finished
    cells then builds it, and needs torch. Weights drawn at random are drawn from a fixed seed.

    Attributes:
        entry_point: A function of hubconf.py.
        repo_or_dir: A folder that holds hubconf.py, known by the content of its .py files and of
            the modules of the user's own outside it that these import; or
            "owner/repository:ref" on GitHub, where the ref (a commit; a tag that stays) tells
            which code it is.
        kwargs: Arguments of the entry point: "key=value" with a value in JSON, or else a text; or
            one text of JSON, "{...}".
        file: A state dict to fill the network from: .safetensors, .pth, .pt or .pth.tar.
        state_dict: Which state dict of the file, where it holds several: the keys that lead to it,
            joined by dots ("state_dict_ema"); maybe with a prefix of its names, and then what has
            another is left out ("state_dict.model").
        trust_repo: Code of a repository on GitHub may be downloaded and run.

    Where `input_size`, `resize`, `mean` and `std` are all null and the entry point returns no
    transform, they are 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "an entry point of a folder (or repository) with a hubconf.py"

    entry_point: str
    repo_or_dir: str
    kwargs: tuple[str, ...] = ()
    file: str = ""
    state_dict: str = ""
    trust_repo: bool = False

    def __post_init__(self) -> None:
        if self._github is not None:
            self._check_github()
        self._arguments()
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Code, entry point and its arguments, weights and transform.

        Raises:
            UserError: Folder or file is missing.
        """
        code = self._code()
        identified = canonical_json(code)
        return {
            "kind": "torch_hub",
            "code": code,
            "entry_point": self.entry_point,
            "kwargs": self._arguments(),
            "weights": built.weights_identity(
                self, self._weights, identified, lambda: self._call()[0]
            ),
            "transform": {"own": "code"} if self._own_transform else self._values_identity(),
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The folder, the repository or the file, where it is not here."""
        if self._github is None:
            missing = unmet_path(self.repo_or_dir, "folder", _WHERE)
        elif self._copy.is_dir():
            missing = ()
        else:
            owner, repository, ref = self._github
            hint = "a run with a connection gets it"
            missing = (Requirement(f"{owner}/{repository} at {ref}", hint, automatic=True),)
        return (*missing, *unmet_path(self.file, "file of weights", "target.params.file"))

    def load(self, device: str) -> LoadedTarget:
        """Call the entry point and fill the network.

        Raises:
            UserError: No such folder, repository or entry point, or a file that does not fit.
        """
        module, transform = self._call()
        notes = (
            self._weights.fill(module, f"the entry point {self.entry_point}").notes
            if self.file
            else ()
        )
        own = transform if self._own_transform else None
        return built.ready(module, own or self._transform(), device, notes)

    @property
    def _weights(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict)

    @property
    def _own_transform(self) -> bool:
        return not self._given

    @property
    def _github(self) -> tuple[str, str, str] | None:
        """Owner, repository and ref; None for a folder."""
        match = _GITHUB.fullmatch(self.repo_or_dir)
        if not match or self.repo_or_dir.startswith(".") or user_path(self.repo_or_dir).is_dir():
            return None
        return match[1], match[2], match[3] or ""

    @property
    def _copy(self) -> Path:
        """Where torch.hub keeps the code of a repository on GitHub."""
        assert self._github is not None
        owner, repository, ref = self._github
        return hub_folder() / f"{owner}_{repository}_{ref.replace('/', '_')}"

    def _check_github(self) -> None:
        assert self._github is not None
        owner, repository, ref = self._github
        if not self.trust_repo:
            raise UserError(
                f"there is no folder {self.repo_or_dir}, and code from GitHub is not run unasked",
                where=_WHERE,
                hint="give an existing folder; or, if you trust the code of the repository "
                f"{owner}/{repository}, add target.params.trust_repo=true",
            )
        if not ref or ref in _MOVING or ".." in ref:
            raise UserError(
                f"{self.repo_or_dir} may be other code tomorrow",
                where=_WHERE,
                hint=f"say which: {owner}/{repository}:COMMIT (or a tag that stays)",
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
                f"the folder {self.repo_or_dir} holds no {_HUBCONF}",
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
                    f"{text!r} is no argument",
                    where="target.params.kwargs",
                    hint='give "key=value", or JSON as "{...}"',
                )
            try:
                found[key.strip()] = json.loads(value)
            except ValueError:
                found[key.strip()] = value
        return found

    def _call(self) -> tuple[Any, Any]:
        import torch

        what = f"the entry point {self.entry_point}"
        if self._github is not None:
            owner, repository, ref = self._github
            if is_offline() and not self._copy.is_dir():
                raise UserError(
                    f"{self.repo_or_dir} is not here, and no connection may be opened",
                    where=_WHERE,
                    hint="run once with a connection, or give a folder",
                )
            where, source, folder = f"{owner}/{repository}:{ref}", "github", self._copy
        else:
            folder = self._folder().resolve()
            where, source = str(folder), "local"
        with _modules_of(folder):
            return built.call(
                lambda: torch.hub.load(  # type: ignore[no-untyped-call]
                    where,
                    self.entry_point,
                    source=source,
                    trust_repo=True,  # asked for above
                    verbose=False,
                    **self._arguments(),
                ),
                what,
                "target.params.entry_point",
            )


@contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Let the code of a folder import its own modules, not those of a folder before it.

    Repositories like to call them models or utils, and Python knows a module by its name alone: in
    a sweep the second network would be built by the first one's code. Modules of the folder itself
    stay, for its network may import more of them when it runs.
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
    """Whether a module is a folder's own; what is installed below it (a venv) is not."""
    module, top = sys.modules[name], name.partition(".")[0]
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if not file:
        return False
    own, place = folder.resolve(), Path(file).resolve()
    return place == own / f"{top}.py" or place.is_relative_to(own / top)
