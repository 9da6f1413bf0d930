"""Static analysis of the user's own code that a module imports.

Keys contain the hashes of this code, so that a changed helper makes a new cell. Installed packages
(site-packages), the standard library and this project do not count. Nothing is imported.
"""

from __future__ import annotations

import ast
import os
import sysconfig
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import sha256_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_BY_NAME = frozenset(["import_module", "__import__", "resolve_name", "locate", "get_class"])
_DYNAMIC = frozenset(
    [
        "exec", "run_path", "run_module", "iter_modules", "walk_packages", "addsitedir",
        "spec_from_file_location", "SourceFileLoader", "instantiate",
    ]
)  # fmt: skip
"""Functions of Python and Hydra that import modules unknown before a run."""
_PARENTS = 4
"""How many folders above a source its changes of `sys.path` may refer to."""


def imported_code(modules: Mapping[str, Path], search: Sequence[str] = ()) -> dict[str, str]:
    """Hash the user's own modules that some modules import, directly or through others.

    Count imports anywhere in the source, the packages that contain a module, and string arguments
    of `importlib.import_module`. If a module imports by a computed name or changes `sys.path`,
    count all code beside and below it, and search its imports also in the folders above it and in
    folders that its strings name. Ignore data files, compiled sources and modules without any
    statement.

    Args:
        modules: Name and file of the modules to start with; they are not in the result.
        search: Folders that are searched before Python's own path.

    Returns:
        sha256 by the module's name, or by its path below the module that imports it dynamically.
    """
    walk = _Walk(tuple(search), {file.resolve() for file in modules.values()})
    for name, file in modules.items():
        if _is_own(file.resolve()):
            walk.follow(name, file)
    names = sorted(walk.found)
    return dict(zip(names, sha256_files([walk.found[name] for name in names]), strict=True))


def find_module(name: str, search: Sequence[str] = ()) -> ModuleSpec | None:
    """Find a module without importing it or its packages.

    Args:
        name: With dots.
        search: Folders that are searched before Python's own path.
    """
    names = name.split(".")
    spec = PathFinder.find_spec(names[0], list(search)) if search else None
    try:
        spec = spec or find_spec(names[0])
    except (ValueError, ImportError):  # a module without a spec, or a broken finder
        return None
    for end in range(2, len(names) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(names[:end]), list(spec.submodule_search_locations))
    return spec


@dataclass
class _Walk:
    """A walk along imports from module to module.

    Attributes:
        search: Folders that are searched first.
        visited: Files that need no visit.
        found: The user's own files by name.
        added: Folders that modules may add to Python's path when they run.
    """

    search: tuple[str, ...]
    visited: set[Path]
    found: dict[str, Path] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    def follow(self, name: str, file: Path) -> None:
        """Visit what a module imports, and what these import in turn."""
        waiting = deque([(name, file)])
        while waiting:
            name, file = waiting.popleft()
            tree = _parsed(file)
            if tree is None:
                continue
            dynamic = _imports_dynamically(tree)
            if dynamic:
                self.added += tuple(_named_folders(tree, file))
            names = [*_parents(name), *_imports(tree, name, file.name == "__init__.py")]
            for wanted in dict.fromkeys(names):
                origin = self._find(wanted)
                waiting += self._take(wanted, origin) if origin else ()
            if dynamic:
                for other in _code_below(file.parent):
                    waiting += self._take(other.relative_to(file.parent).as_posix(), other)

    def _find(self, name: str) -> Path | None:
        """Return the file of a module; search folders that only a run adds last."""
        spec = find_module(name, self.search)
        file = Path(spec.origin) if spec and spec.origin else None
        if self.added and (file is None or not _is_own(file.resolve())):
            spec = find_module(name, self.added) or spec
        return Path(spec.origin) if spec and spec.origin else None

    def _take(self, name: str, file: Path) -> Iterator[tuple[str, Path]]:
        """Add a file if it is the user's own and new."""
        resolved = file.resolve()
        if resolved in self.visited or not _is_own(resolved):
            return
        self.visited.add(resolved)
        tree = _parsed(resolved)
        if tree is None or any(not _is_text(node) for node in tree.body):
            self.found[name] = resolved
            yield name, resolved


def _parents(name: str) -> Iterator[str]:
    """Return the packages that contain a module; Python runs them first."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts)))


def _imports(tree: ast.Module, name: str, is_package: bool) -> Iterator[str]:
    """Yield the names of all modules that a source may import, and of their packages."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        named: list[str] = []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            # A name that is imported from a package may be a module.
            named = [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
        elif isinstance(node, ast.Call) and _called(node) in _BY_NAME:
            named = [_absolute(text.replace(":", "."), package) for text in _texts(node)]
        for one in named:
            yield from (*_parents(one), one)


def _absolute(name: str, package: str) -> str:
    """Resolve a relative name; empty if its dots leave the package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - level + 1]
    return ".".join([*kept, *filter(None, [name[level:]])])


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(node: ast.Call) -> list[str]:
    """Return the first argument of a call, if it is a string."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return [first.value]
    return []


def _imports_dynamically(tree: ast.Module) -> bool:
    """Return whether a source imports modules by names unknown before a run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            return True
        if isinstance(node, ast.Call):
            called = _called(node)
            if called in _DYNAMIC or (called in _BY_NAME and not _texts(node)):
                return True
        if isinstance(node, ast.ImportFrom) and node.module == "sys":
            paths = [alias for alias in node.names if alias.name == "path"]
            if paths:
                return True
        if isinstance(node, ast.ImportFrom) and node.module == "importlib":
            renamed = [alias for alias in node.names if alias.asname]
            if renamed:  # a renamed function is not recognised
                return True
    return False


def _named_folders(tree: ast.Module, file: Path) -> Iterator[str]:
    """Yield folders that strings of a source name, relative to it and to the folders above it."""
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for base in (Path.cwd(), *file.resolve().parents[:_PARENTS]):
        for text in ("", *sorted(texts)):
            with suppress(OSError, ValueError):  # not a path
                if (base / text).is_dir():
                    yield str(base / text)


def _code_below(folder: Path) -> Iterator[Path]:
    """Yield the .py files of a folder and of the folders below that contain code."""
    for place, folders, files in os.walk(folder):
        code = sorted(name for name in files if name.endswith(".py"))
        yield from (Path(place, name) for name in code)
        hidden = {name for name in folders if name.startswith(".")} | _INSTALLED
        folders[:] = sorted(set(folders) - hidden) if code else []


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _parsed(file: Path) -> ast.Module | None:
    """Return the syntax tree of a source; None if it is not valid Python."""
    if file.suffix != ".py":
        return None
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


@cache
def _not_own() -> tuple[Path, ...]:
    """Return the folders of the standard library and of this project."""
    paths = sysconfig.get_paths()
    ours = Path(__file__).resolve().parents[3]
    packages = ("bench", "baselines", "metrics", "leaderboards", "conf")
    library = [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib")]
    return (*library, *(ours / name for name in packages))


def _is_own(file: Path) -> bool:
    if _INSTALLED & set(file.parts) or not file.is_file():
        return False
    return not any(file.is_relative_to(folder) for folder in _not_own())
