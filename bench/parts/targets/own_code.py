"""The code of a user's own that a module imports, read off the source: nothing is imported.

Keys hold it by content, so that a changed helper makes a new cell. What is installed
(site-packages), the standard library and this package are left out.
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
_UNSEEN = frozenset(
    [
        "exec", "run_path", "run_module", "iter_modules", "walk_packages", "addsitedir",
        "spec_from_file_location", "SourceFileLoader", "instantiate",
    ]
)  # fmt: skip
"""Names of Python's own, and Hydra's, that import what only a run can tell."""
_PARENTS = 4
"""Folders above a source that its changes of `sys.path` may start from."""


def imported_code(modules: Mapping[str, Path], search: Sequence[str] = ()) -> dict[str, str]:
    """Hash the modules of the user's own that some modules import, directly or through others.

    Counted are imports anywhere in the source, the packages that a module lies in, and names given
    to `importlib.import_module` as texts. Where a module imports by a name that is worked out when
    it runs, or changes `sys.path`, all code beside and below it counts, and what it imports is also
    looked for in the folders above it and in those that its texts name. Data files and compiled
    sources are not covered. A module without any statement plays no part.

    Args:
        modules: Name and file of the modules to begin with; they are not in the result.
        search: Folders that are looked through before Python's own path.

    Returns:
        sha256 by the module's name, or by its path below the module that imports it unseen.
    """
    walk = _Walk(tuple(search), {file.resolve() for file in modules.values()})
    for name, file in modules.items():
        if _is_own(file.resolve()):
            walk.follow(name, file)
    names = sorted(walk.found)
    return dict(zip(names, sha256_files([walk.found[name] for name in names]), strict=True))


def find_module(name: str, search: Sequence[str] = ()) -> ModuleSpec | None:
    """Where a module's source is; neither it nor its packages are imported.

    Args:
        name: With dots.
        search: Folders that are looked through before Python's own path.
    """
    names = name.split(".")
    spec = PathFinder.find_spec(names[0], list(search)) if search else None
    try:
        spec = spec or find_spec(names[0])
    except (ValueError, ImportError):  # a module that was made by hand, or a broken finder
        return None
    for end in range(2, len(names) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(names[:end]), list(spec.submodule_search_locations))
    return spec


@dataclass
class _Walk:
    """Follows imports from module to module.

    Attributes:
        search: Folders that are looked through first.
        seen: Files that were followed, or are not to be.
        found: Files of the user's own by name.
        added: Folders that modules may add to Python's path when they run.
    """

    search: tuple[str, ...]
    seen: set[Path]
    found: dict[str, Path] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    def follow(self, name: str, file: Path) -> None:
        """Find what a module imports, and what these import in turn."""
        waiting = deque([(name, file)])
        while waiting:
            name, file = waiting.popleft()
            tree = _parsed(file)
            if tree is None:
                continue
            unseen = _imports_unseen(tree)
            if unseen:
                self.added += tuple(_named_folders(tree, file))
            names = [*_parents(name), *_imports(tree, name, file.name == "__init__.py")]
            for wanted in dict.fromkeys(names):
                origin = self._find(wanted)
                waiting += self._take(wanted, origin) if origin else ()
            if unseen:
                for other in _code_below(file.parent):
                    waiting += self._take(other.relative_to(file.parent).as_posix(), other)

    def _find(self, name: str) -> Path | None:
        """The file of a module; one that only a run would find has the last place."""
        spec = find_module(name, self.search)
        file = Path(spec.origin) if spec and spec.origin else None
        if self.added and (file is None or not _is_own(file.resolve())):
            spec = find_module(name, self.added) or spec
        return Path(spec.origin) if spec and spec.origin else None

    def _take(self, name: str, file: Path) -> Iterator[tuple[str, Path]]:
        """Note a file where it is the user's own and new."""
        resolved = file.resolve()
        if resolved in self.seen or not _is_own(resolved):
            return
        self.seen.add(resolved)
        tree = _parsed(resolved)
        if tree is None or any(not _is_text(node) for node in tree.body):
            self.found[name] = resolved
            yield name, resolved


def _parents(name: str) -> Iterator[str]:
    """The packages that a module lies in, which are run before it."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts)))


def _imports(tree: ast.Module, name: str, is_package: bool) -> Iterator[str]:
    """Names of all modules that a source may import, with the packages that they lie in."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        named: list[str] = []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            # What is imported from a package may be a module of it.
            named = [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
        elif isinstance(node, ast.Call) and _called(node) in _BY_NAME:
            named = [_absolute(text.replace(":", "."), package) for text in _texts(node)]
        for one in named:
            yield from (*_parents(one), one)


def _absolute(name: str, package: str) -> str:
    """A module's name without leading dots; empty where these lead out of the package."""
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
    """The first argument of a call, where it is a text."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return [first.value]
    return []


def _imports_unseen(tree: ast.Module) -> bool:
    """Whether a source imports what cannot be read off it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            return True
        if isinstance(node, ast.Call):
            called = _called(node)
            if called in _UNSEEN or (called in _BY_NAME and not _texts(node)):
                return True
        if isinstance(node, ast.ImportFrom) and node.module == "sys":
            paths = [alias for alias in node.names if alias.name == "path"]
            if paths:
                return True
        if isinstance(node, ast.ImportFrom) and node.module == "importlib":
            renamed = [alias for alias in node.names if alias.asname]
            if renamed:  # what is called by another name is not recognised
                return True
    return False


def _named_folders(tree: ast.Module, file: Path) -> Iterator[str]:
    """Folders that a source's texts name, relative ones from it and the folders above it."""
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for base in (Path.cwd(), *file.resolve().parents[:_PARENTS]):
        for text in ("", *sorted(texts)):
            with suppress(OSError, ValueError):  # a text that is no path
                if (base / text).is_dir():
                    yield str(base / text)


def _code_below(folder: Path) -> Iterator[Path]:
    """The .py files of a folder and of the folders in it that hold code."""
    for place, folders, files in os.walk(folder):
        code = sorted(name for name in files if name.endswith(".py"))
        yield from (Path(place, name) for name in code)
        hidden = {name for name in folders if name.startswith(".")} | _INSTALLED
        folders[:] = sorted(set(folders) - hidden) if code else []


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _parsed(file: Path) -> ast.Module | None:
    """The syntax tree of a source; None for what is no readable Python."""
    if file.suffix != ".py":
        return None
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


@cache
def _not_own() -> tuple[Path, ...]:
    """The standard library and this package."""
    paths = sysconfig.get_paths()
    ours = Path(__file__).resolve().parents[3]
    packages = ("bench", "baselines", "metrics", "leaderboards", "conf")
    library = [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib")]
    return (*library, *(ours / name for name in packages))


def _is_own(file: Path) -> bool:
    if _INSTALLED & set(file.parts) or not file.is_file():
        return False
    return not any(file.is_relative_to(folder) for folder in _not_own())
