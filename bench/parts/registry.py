"""One typed, lazy registry per kind of part: name -> "module:attribute".

A part is imported on first use, not for lists. It must be a dataclass whose class fits the protocol
of the kind. Other packages add parts by entry points in the group `dissectbench.<plural>`; a name
of two sources is an error.

    >>> from bench.parts.catalog import METHODS
    >>> METHODS.build("clip_dissect", {"similarity": "wpmi"}).similarity
    'wpmi'
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from functools import cached_property
from importlib.metadata import entry_points
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)  # fmt: skip

from bench.downloads.packages import install_hint
from bench.errors import UserError, explain_refusal, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class Registry(Generic[T]):
    """The parts of one kind, by name.

    Args:
        kind: Singular, as in the config: "method".
        plural: As in `dissectbench list` and in the entry-point group: "methods".
        protocol: Protocol of the parts.
        builtins: Parts of this project: name -> "module:attribute".
    """

    def __init__(
        self, kind: str, plural: str, protocol: type[T], builtins: Mapping[str, str]
    ) -> None:
        self.kind = kind
        self.plural = plural
        self._protocol = protocol
        self._builtins = dict(builtins)

    @property
    def group(self) -> str:
        """The entry-point group of other packages."""
        return f"dissectbench.{self.plural}"

    @cached_property
    def _paths(self) -> dict[str, str]:
        paths = dict(self._builtins)
        for point in entry_points(group=self.group):
            if point.name in paths and paths[point.name] != point.value:
                raise UserError(
                    f"two packages register the {self.kind} {point.name!r}: "
                    f"{paths[point.name]} and {point.value}",
                    where=f"entry points of {self.group}",
                    hint="uninstall one of them, or rename its entry point",
                )
            paths[point.name] = point.value
        return paths

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._paths)

    def get(self, name: str) -> type[T]:
        """Import the class registered under `name`.

        Raises:
            UserError: The name is unknown, its module cannot be imported, or the attribute does not
                fit the protocol.
        """
        self._require(name)
        path = self._paths[name]
        module, _, attribute = path.partition(":")
        try:
            part = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"the {self.kind} {name!r} cannot be imported from {path}: {error}",
                hint=install_hint(error) or "reinstall the package that provides it",
            ) from error
        missing = self._missing(part)
        if missing:
            raise UserError(
                f"{path} is not a {self.kind}: {missing}",
                where=f"registry of {self.plural}",
                hint=f"see the protocol {self._protocol.__module__}.{self._protocol.__name__}",
            )
        return part  # type: ignore[no-any-return]

    def build(self, name: str, params: Mapping[str, Any], *, where: str = "") -> T:
        """Build the part `name` with parameters.

        Args:
            name: A registered name.
            params: Values of fields; other fields have their defaults.
            where: The config key, for messages; the kind if empty.

        Raises:
            UserError: A parameter is unknown, missing, of the wrong type, or refused by the part.
        """
        where = where or self.kind
        part = self.get(name)
        fields = {f.name: f for f in dataclasses.fields(part) if f.init}  # type: ignore[arg-type]
        for key in params:
            if key not in fields:
                raise UserError(
                    f"the {self.kind} {name!r} has no parameter {key!r}",
                    where=f"{where}.params.{key}",
                    valid=nearest(key, fields),
                    hint=f"its parameters are: {', '.join(fields)}"
                    if fields
                    else "it has no parameters",
                )
        for key, spec in fields.items():
            required = spec.default is spec.default_factory is dataclasses.MISSING
            if required and params.get(key) in (None, "", "???"):
                raise UserError(
                    f"the {self.kind} {name!r} needs a value for {key!r}",
                    where=f"{where}.params.{key}",
                    hint=f"add {where}.params.{key}=...",
                )
        hints = get_type_hints(part)
        values = {
            key: _convert(v, hints[key], f"{where}.params.{key}") for key, v in params.items()
        }
        try:
            return part(**values)
        except ValueError as error:
            raise explain_refusal(error, f"{where}.params", _default_hint(error, fields)) from error

    def _require(self, name: str) -> None:
        if name not in self._paths:
            raise UserError(
                f"unknown {self.kind} {name!r}",
                where=self.kind,
                valid=nearest(name, self._paths),
                hint=f"`dissectbench list {self.plural}` lists all",
            )

    def _missing(self, part: object) -> str:
        if not (inspect.isclass(part) and dataclasses.is_dataclass(part)):
            return "it is not a dataclass"
        wanted = (n for n in _members(self._protocol) if not hasattr(part, n))
        return ", ".join(f"it lacks {name!r}" for name in wanted)


def _default_hint(error: ValueError, fields: Mapping[str, dataclasses.Field[Any]]) -> str:
    """Return the default of the parameter whose value is refused, which the message begins with."""
    spec = fields.get(str(error).partition(" ")[0])
    if spec is None or spec.default is dataclasses.MISSING:
        return "`dissectbench run --cfg` shows every setting"
    value = "" if spec.default is None else f", {spec.default!r}"  # None: decided by other settings
    return f"leave {spec.name} out for its default{value}"


def _members(protocol: type) -> set[str]:
    own = set(protocol.__annotations__) | set(vars(protocol))
    public = {name for name in own if not name.startswith("_")}
    return public | ({"__len__"} & own)


def _convert(value: Any, hint: Any, where: str) -> Any:
    """Check a YAML value against an annotation; convert integers to floats, lists to tuples."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        origin = getattr(option, "__origin__", option)
        if option is Any or (option is type(None) and value is None):
            return value
        if origin is tuple and isinstance(value, list | tuple):
            return tuple(value)
        if origin is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if origin in (int, float) and isinstance(value, bool):
            continue
        if inspect.isclass(origin) and isinstance(value, origin):
            return value
        if value in get_args(option) and origin is not tuple:  # Literal
            return value
    allowed = " or ".join(_describe(option) for option in options)
    hint = f"give {allowed}"
    if str in options:
        hint += f"; quote a text that looks like a number or null: '{where}=\"...\"'"
    raise UserError(f"{value!r} is not {allowed}", where=where, hint=hint)


def _describe(option: Any) -> str:
    if get_origin(option) is Literal:
        return " or ".join(repr(value) for value in get_args(option))
    if option is type(None):
        return "null"
    names = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}
    name = getattr(option, "__name__", str(option))
    return names.get(name, str(option))
