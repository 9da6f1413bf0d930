"""A network that a function of an importable module builds."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.requirements import Requirement
from bench.errors import NetworkError, UserError, nearest
from bench.files import sha256_file
from bench.parts.targets.code import CodeTarget
from bench.parts.targets.imported_code import find_module, imported_code
from bench.parts.targets.networks import call_builder
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from torch import nn

    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.networks import Transform

_WHERE = "target.params.path"
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class CallableTarget(CodeTarget):
    """The network that a function without arguments returns: a module, or (module, transform).

    The module's source file and all of the user's own modules that it imports (outside
    site-packages), also indirectly, identify the code; data files that the code reads do not count.
    See `CodeTarget` for weights and transform.

    Attributes:
        path: "package.module:function", importable: installed, or in a folder of $PYTHONPATH.
    """

    summary: ClassVar[str] = (
        "a network that your own function builds, with its own weights or a file's"
    )

    path: str

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise UserError(
                f"invalid function {self.path!r}",
                where=_WHERE,
                hint='give "package.module:function"',
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """Return the function's name, sources, weights and transform."""
        file = self._source()
        imported = imported_code({self._module: file})
        imports = {"imports": sha256_json(imported)} if imported else {}
        code = {"source": sha256_file(file), **imports}
        return {
            "kind": "callable",
            "path": self.path,
            **code,
            "weights": self._weights_identity(code),
            "transform": {"own": "source"} if self._own_transform else self._values_identity(),
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the module and the file, if missing."""
        name = self._module
        module = (
            (Requirement(f"the Python module {name}", _install_hint(name)),)
            if find_module(name) is None
            else ()
        )
        return (*module, *super().unmet_requirements())

    @property
    def _function(self) -> str:
        return self.path

    @property
    def _module(self) -> str:
        return self.path.partition(":")[0]

    def _build(self) -> tuple[nn.Module, Transform | None]:
        self._source()
        name, _, attribute = self.path.partition(":")
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # user code may raise anything
            raise NetworkError(
                f"{name} cannot be imported: {type(error).__name__}: {error}", where=_WHERE
            ) from error
        function = getattr(module, attribute, None)
        if not callable(function):
            functions = [word for word, value in vars(module).items() if callable(value)]
            raise UserError(
                f"{name} has no function {attribute!r}",
                where=_WHERE,
                valid=nearest(attribute, functions),
            )
        return call_builder(function, self.path, _WHERE)

    def _source(self) -> Path:
        name = self._module
        spec = find_module(name)
        if spec is None:
            raise UserError(f"there is no module {name}", where=_WHERE, hint=_install_hint(name))
        file = Path(spec.origin or "")
        if file.suffix != ".py":
            raise UserError(
                f"the module {name} has no source file",
                where=_WHERE,
                hint="name a function of a module that is one .py file",
            )
        return file


def _install_hint(name: str) -> str:
    return f"install the package of {name}, or add its folder to $PYTHONPATH"
