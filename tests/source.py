"""The source as a graph: who imports whom, what is defined, and which names are used."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bench", "baselines", "metrics", "leaderboards")


@cache
def files() -> dict[str, Path]:
    """Return our source files by module name; a package's is the name of its `__init__`."""
    found = {"dissectbench": ROOT / "dissectbench.py"}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """Return the parsed source of a module."""
    return ast.parse(files()[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> frozenset[str]:
    """Return our modules that a module imports, at any depth and for types too."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import; this project imports absolutely"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in files() else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found & files().keys())


def circles() -> list[set[str]]:
    """Return the sets of modules that reach each other by imports (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(imports(module)):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            start = stack.index(module)
            found.append(set(stack[start:]))
            del stack[start:]

    for module in files():
        if module not in index:
            visit(module)
    return [circle for circle in found if len(circle) > 1]


def definitions() -> dict[str, str]:
    """Return public functions, classes and methods: "module:Class.name" -> name.

    Protocols are left out: their names are for readers and type checkers.
    """
    found = {}
    for module in files():
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
                continue
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[f"{module}:{node.name}"] = node.name
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        found[f"{module}:{node.name}.{inner.name}"] = inner.name
    return {where: name for where, name in found.items() if not name.startswith("_")}


def used_names() -> set[str]:
    """Return all names that the source reads, calls or gets, and those in registries' texts.

    An import alone is no use: what is imported is named again where it is used.
    """
    found = set()
    for module in files():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.rpartition(":")[2])  # "module:attribute", getattr's names
    return found


def room(module: str) -> str:
    """Return the room of a module: a package or file of bench/, or another top-level package."""
    parts = module.split(".")
    return ".".join(parts[:2] if parts[0] == "bench" else parts[:1])


def arrows() -> set[tuple[str, str]]:
    """Return the pairs of rooms of which the first imports the second."""
    pairs = {(room(module), room(other)) for module in files() for other in imports(module)}
    return {(one, other) for one, other in pairs if one != other}


def lines() -> dict[str, int]:
    """Return the number of lines of each room."""
    found: dict[str, int] = {}
    for module, path in files().items():
        count = len(path.read_text(encoding="utf-8").splitlines())
        found[room(module)] = found.get(room(module), 0) + count
    return found


if __name__ == "__main__":
    for name, count in sorted(lines().items()):
        sys.stdout.write(f"{count:7,} {name}\n")
    total, rooms = sum(lines().values()), len({room(module) for module in files()})
    sys.stdout.write(
        f"{total:7,} lines, {rooms} rooms, {len(arrows())} arrows, {len(circles())} circles\n"
    )
