"""A network that a function of an importable module builds."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import NetworkError, UserError, nearest
from bench.files import sha256_file
from bench.networks.weights_file import WeightsFile
from bench.parts.targets import built
from bench.parts.targets.own_code import find_module, imported_code
from bench.parts.targets.transform import TransformParams
from leaderboards.hashing import canonical_json, sha256_json

if TYPE_CHECKING:
    from bench.networks.loaded import LoadedTarget
    from bench.parts.protocols import Fingerprint

_WHERE = "target.params.path"
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class CallableTarget(TransformParams):
    """What a function without arguments returns: a module, or (module, transform).

    Its code is known by the module's source file and all modules of the user's own that it imports
    (outside site-packages), also through others; data files that the code reads are not covered.
    Without `file` the weights are known by the tensors of the built network: recognising finished
    cells then calls the function, and needs torch. Weights drawn at random are drawn from a fixed
    seed.

    Attributes:
        path: "package.module:function", importable: installed, or in a folder of $PYTHONPATH.
        file: A state dict to fill the network from: .safetensors, .pth, .pt or .pth.tar.
        state_dict: Which state dict of the file, where it holds several: the keys that lead to it,
            joined by dots ("state_dict_ema"); maybe with a prefix of its names, and then what has
            another is left out ("state_dict.model").

    Where `input_size`, `resize`, `mean` and `std` are all null and the function returns no
    transform, they are 224, 256 and ImageNet's mean and std.
    """

    summary: ClassVar[str] = "a network that your own function builds, with a file's weights or its"

    path: str
    file: str = ""
    state_dict: str = ""

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise UserError(
                f"{self.path!r} names no function",
                where=_WHERE,
                hint='give "package.module:function"',
            )
        super().__post_init__()

    def fingerprint(self) -> Fingerprint:
        """The function's name, its module's source, what that imports, weights and transform.

        Raises:
            UserError: There is no such module or file.
        """
        file = self._source()
        source = sha256_file(file)
        imported = imported_code({self.path.partition(":")[0]: file})
        code = {"source": source, **({"imports": sha256_json(imported)} if imported else {})}
        return {
            "kind": "callable",
            "path": self.path,
            **code,
            "weights": built.weights_identity(
                self, self._weights, canonical_json(code), lambda: self._call()[0]
            ),
            "transform": {"own": "source"} if self._own_transform else self._values_identity(),
        }

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The module or the file, where it is not here."""
        missing: tuple[Requirement, ...] = ()
        name = self.path.partition(":")[0]
        if find_module(name) is None:
            missing = (Requirement(f"the Python module {name}", _on_path(name)),)
        return (*missing, *unmet_path(self.file, "file of weights", "target.params.file"))

    def load(self, device: str) -> LoadedTarget:
        """Call the function and fill the network.

        Raises:
            UserError: There is no such function, it fails, or the file does not fit.
        """
        module, transform = self._call()
        notes = self._weights.fill(module, self.path).notes if self.file else ()
        own = transform if self._own_transform else None
        return built.ready(module, own or self._transform(), device, notes)

    @property
    def _weights(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict)

    @property
    def _own_transform(self) -> bool:
        return not self._given

    def _call(self) -> tuple[Any, Any]:
        self._source()
        name, _, attribute = self.path.partition(":")
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # a user's own module may fail in any way
            raise NetworkError(
                f"{name} cannot be imported: {type(error).__name__}: {error}", where=_WHERE
            ) from error
        function = getattr(module, attribute, None)
        if not callable(function):
            known = [word for word, value in vars(module).items() if callable(value)]
            raise UserError(
                f"{name} has no function {attribute!r}",
                where=_WHERE,
                valid=nearest(attribute, known),
            )
        return built.call(partial(function), self.path, _WHERE)

    def _source(self) -> Path:
        name = self.path.partition(":")[0]
        spec = find_module(name)
        if spec is None:
            raise UserError(f"there is no module {name}", where=_WHERE, hint=_on_path(name))
        file = Path(spec.origin or "")
        if file.suffix != ".py":
            raise UserError(
                f"the module {name} has no source file",
                where=_WHERE,
                hint="name a function of a module that is one .py file",
            )
        return file


def _on_path(name: str) -> str:
    return f"install the package of {name}, or put the folder that holds it on $PYTHONPATH"
