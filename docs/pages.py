"""Pages of the site that are made from the code, and files of the repository that pages link to.

MkDocs calls the functions whose names start with `on_` (see `hooks` in mkdocs.yml). The commands,
settings and choices are read from the program at each build, so these pages cannot be out of date.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import os
import re
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from omegaconf import OmegaConf

from bench.__main__ import COMMANDS, main
from bench.cli import list as listing
from bench.config import schema
from bench.config.compose import expand
from bench.parts.catalog import BY_GROUP, SENTENCES, TRUTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
"""A Markdown link or image in its three parts: what is before its target, the target, the rest."""


# ---- pages made from the code

SETTINGS = (
    "Settings are [Hydra](https://hydra.cc) overrides, `key=value`; `dissectbench run --cfg` "
    "prints the composed configuration. Below are the defaults of a run without overrides, "
    "which is CLIP-Dissect on the embedded world. A group, such as `target=resnet50_imagenet`, "
    "sets several of them at once: see [choices](choices.md), which also lists the "
    "parameters (`*.params.*`)."
)
CHOICES = (
    "What `dissectbench list` lists, and the parameters of each part. A choice of the first tables "
    "may set parameters of the part that it is made of."
)


def commands_page() -> str:
    """Return the help of every command."""
    lines = ["# Commands", "", f"```text\n{_help()}```", ""]
    for name in COMMANDS:
        lines += [f"## {name}", "", f"```text\n{_help(name)}```", ""]
        for inner in ("glyphs", "milan") if name == "train" else ():
            lines += [f"### {name} {inner}", "", f"```text\n{_help(name, inner)}```", ""]
        for inner in ("ls", "explain", "prune") if name == "cache" else ():
            lines += [f"### {name} {inner}", "", f"```text\n{_help(name, inner)}```", ""]
    return "\n".join(lines)


def _help(*command: str) -> str:
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "96"}),  # argparse wraps to it
        redirect_stdout(io.StringIO()) as text,
        suppress(SystemExit),
    ):
        main([*command, "--help"])
    return text.getvalue()


def settings_page() -> str:
    """Return every setting with its default and meaning, from the schema of configurations."""
    with mock.patch.dict(os.environ):
        for name in ("DISSECTBENCH_CACHE", "DISSECTBENCH_OFFLINE"):  # defaults of two settings
            os.environ.pop(name, None)
        [job] = expand([])
        defaults = OmegaConf.to_container(job.config, resolve=True)
    lines = [
        "# Settings",
        "",
        SETTINGS,
        "",
        "| group | what can be chosen |",
        "| :-- | :-- |",
        *(f"| `{group}=` | {_group(group)} |" for group in schema.GROUPS),
        "",
    ]
    lines += list(_settings(schema.RunConfig, "", defaults))
    return "\n".join(lines)


def _group(group: str) -> str:
    from bench.parts.choice import CONF, choices

    return ", ".join(f"`{name}`" for name in choices(group, CONF))


def _settings(node: type, prefix: str, defaults: Any) -> Iterator[str]:
    """Yield a section for a dataclass of settings, then sections for those inside it."""
    meanings = attributes(node)
    inner = []
    yield from (f"## {prefix.rstrip('.') or 'Top level'}", "", _first_paragraph(node), "")
    yield from ("| setting | default | meaning |", "| :-- | :-- | :-- |")
    hints = inspect.get_annotations(node, eval_str=True)
    for parent in node.__mro__[1:-1]:
        hints = {**inspect.get_annotations(parent, eval_str=True), **hints}
    for field in dataclasses.fields(node):
        kind, value = hints[field.name], defaults[field.name]
        if dataclasses.is_dataclass(kind) and kind is not schema.PartConfig:
            inner.append((kind, f"{prefix}{field.name}.", value))
            continue
        meaning = meanings.get(field.name, "")
        if kind is schema.PartConfig:
            key = f"{prefix}{field.name}"
            meaning = meaning or f"the {field.name} and its parameters"
            yield f"| `{key}.name`, `{key}.params` | `{value['name']}` | {meaning} |"
        else:
            shown = "" if value in ("", None, [], {}) else f"`{value}`"
            yield f"| `{prefix}{field.name}` | {shown.replace('|', ' ')} | {meaning} |"
    yield ""
    for kind, below, value in inner:
        yield from _settings(kind, below, value)


def choices_page() -> str:
    """Return everything that can be named on the command line, with the parameters of parts."""
    lines = [
        "# Choices",
        "",
        CHOICES,
        "",
    ]
    for kind in listing.KINDS:
        group = {**listing.GROUPS, **listing.SETTINGS}.get(kind)
        typed = f"`{group}=`" if group else "name"
        lines += [f"## {kind.capitalize()}", "", f"| {typed} | what it is |", "| :-- | :-- |"]
        lines += [f"| `{name}` | {_cell(text)} |" for name, text in listing.rows(kind)]
        lines.append("")
        registries: Mapping[str, Any] = {**BY_GROUP, "target.truth.name": TRUTHS}
        registry = {**registries, "scoring.sentence.name": SENTENCES}.get(group or "")
        for name in registry.names() if registry else ():
            lines += _parameters(kind, name, registry.get(name))
    return "\n".join(lines)


def _parameters(kind: str, name: str, part: Any) -> list[str]:
    fields = [field for field in dataclasses.fields(part) if field.init]
    if not fields:
        return []
    meanings = attributes(part)
    lines = [f"### {kind}: parameters of {name}", "", "| parameter | default | meaning |"]
    lines.append("| :-- | :-- | :-- |")
    for field in fields:
        required = field.default is field.default_factory is dataclasses.MISSING
        value = "required" if required else f"`{field.default!r}`"
        if field.default_factory is not dataclasses.MISSING:
            value = f"`{field.default_factory()!r}`"
        lines.append(f"| `{field.name}` | {_cell(value)} | {meanings.get(field.name, '')} |")
    return [*lines, ""]


def metrics_table() -> str:
    """Return the table of metrics, which stands on the page of metrics."""
    rows = (f"| `{name}` | {_cell(summary)} |" for name, summary in listing.rows("metrics"))
    return "\n".join(["| metric | what it says |", "| :-- | :-- |", *rows])


def attributes(node: type) -> dict[str, str]:
    """Return what a Google-style docstring says of each attribute, of base classes too."""
    found: dict[str, str] = {}
    for kind in reversed(node.__mro__[:-1]):
        text = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
        section = re.search(r"^Attributes:\n((?: .*\n?|\n)+)", text, re.MULTILINE)
        name = ""
        for line in section[1].splitlines() if section else ():
            start = re.match(r" {4}(\w+): (.*)", line)
            if start:
                name, found[start[1]] = start[1], start[2]
            elif name and line.strip():
                found[name] += f" {line.strip()}"
    return {name: _cell(text) for name, text in found.items()}


def _first_paragraph(node: type) -> str:
    return inspect.cleandoc(node.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


GENERATED: Mapping[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/settings.md": settings_page,
    "reference/choices.md": choices_page,
}
"""Pages of the site that are no files, by their path in docs/."""


# ---- files outside docs/ that pages link to


def linked_files(page: Path) -> set[Path]:
    """Return the files of the repository that a Markdown file links to, relative to its root."""
    targets = (target for _, target, _ in LINK.findall(page.read_text(encoding="utf-8")))
    found = set()
    for target in targets:
        file = (page.parent / target).resolve()
        if "://" not in target and file.is_file() and file.is_relative_to(ROOT):
            found.add(file.relative_to(ROOT))
    return found


def outside_files() -> list[Path]:
    """Return all files outside docs/ that its pages lead to, boards' pages among them."""
    docs = ROOT / "docs"
    found: set[Path] = set()
    left = {file for page in docs.rglob("*.md") for file in linked_files(page)}
    while left:
        file = left.pop()
        if file in found or file.is_relative_to("docs"):
            continue
        found.add(file)
        if file.suffix == ".md":
            left |= linked_files(ROOT / file)
    return sorted(found)


# ---- what MkDocs calls


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages made from the code and the files outside docs/ to the site."""
    from mkdocs.structure.files import File

    for path, page in GENERATED.items():
        files.append(File.generated(config, path, content=page()))
    for outside in outside_files():
        files.append(File.generated(config, str(outside), abs_src_path=str(ROOT / outside)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the table of metrics, and let links that leave docs/ lead to the copies."""
    markdown = markdown.replace("<!-- metrics -->", metrics_table())
    here = Path(page.file.src_uri).parent
    inside = (ROOT / "docs" / page.file.src_uri).is_file()

    def moved(link: re.Match[str]) -> str:
        target = link[2]
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        base = ROOT / "docs" / here if inside else ROOT / here
        file = Path(os.path.normpath(base / target))
        for root in (ROOT / "docs", ROOT):
            if file.is_relative_to(root) and files.get_file_from_path(
                file.relative_to(root).as_posix()
            ):
                return f"{link[1]}{os.path.relpath(file.relative_to(root), here)}{link[3]}"
        return link[0]

    return LINK.sub(moved, markdown)
