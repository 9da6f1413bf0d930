"""The source as a graph: who imports whom, what is defined, and which names are used."""

from __future__ import annotations

import ast
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
    """Return public functions, classes and methods: "module:Class.name" -> name."""
    found = {}
    for module in files():
        for node in tree(module).body:
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
