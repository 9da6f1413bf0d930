"""Are layers of real architectures read right? A table over torchvision's and timm's families.

    python -m tests.bench.parts.targets.architectures [--out FILE] [NAME ...]

Of each family one small member is built with random weights. Every convolution, linear layer,
normalisation and block but the final layer is looked at: the number of units found against the
module's own width, read off its weights; for a block what timm says of it, or else the width of the
last module with weights that ran inside, or what the next module reads.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch

from bench.errors import LayerError
from bench.networks.layout import Layout, LayoutSettings
from bench.networks.layout.find import find_layouts
from bench.networks.loaded import LoadedTarget
from bench.parts.targets.transform import square_transform
from tests.bench.parts.targets.own_widths import expected_widths, widths_around

_SMALL = (
    "atto", "femto", "pico", "nano", "xxs", "xxt", "micro", "tiny", "mini", "_xs", "x_?small",
    "small", "b0", "_[smt]0", r"_0\d\d", "_xx?t", r"_[ts]\d?_", r"_[ts]\d?$", "18", "11", "12",
    "14", "26", "32", "34", "50",
)  # fmt: skip
"""Words in names of small models, the smallest first."""

_INSTEAD = {
    "beit": "beit_base_patch16_224",
    "convmixer": "convmixer_768_32",
    "levit": "levit_128s",
    "volo": "volo_d1_224",
}
"""Models to take where names do not tell the small ones."""

_LARGE = ("deepseek_vit", "gemma4_vit", "mobilenetv5", "naflexvit", "vision_transformer_sam")
"""Modules of timm whose smallest model takes minutes to build or to run."""

_HEAD = """\
# Architectures whose layers are read right

One small member of each family of torchvision and timm with random weights: every convolution,
linear layer, normalisation and block but the final layer, the number of units that is found against
the module's own width, or for a block what timm says of the stage, or the width of the last module
inside or what the next one reads. {families} families, {right:,} layers right, {wrong} wrong.
{refused} families have layers that are refused: their outputs do not hold each image by itself
(windows, pieces of an image), or nothing says which axis is what; then `target.axes` does.

Made by `python -m tests.bench.parts.targets.architectures --out docs/reference/architectures.md`.
"""


@dataclass
class Result:
    """What came of one network.

    Attributes:
        name: The architecture.
        family: What it stands for.
        right: Layers whose units were found.
        refused: Layers that were refused, with the reason.
        wrong: Layers of which other numbers of units were found.
        seconds: How long it took.
        plain: Whether all layers that were found give [B, U, H, W] or [B, U].
    """

    name: str
    family: str
    right: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    plain: bool = True


def torchvision_networks() -> dict[str, str]:
    """One small architecture of each of torchvision's families, by family."""
    from torchvision import models

    found: dict[str, list[str]] = {}
    for name in models.list_models(module=models):
        family = re.match(r"(wide_)?[a-z]+", name)
        assert family
        found.setdefault(family[0].rstrip("_"), []).append(name)
    small = {"convnext": "convnext_tiny", "regnet": "regnet_y_400mf", "swin": "swin_t"}
    chosen = {family: small.get(family, names[0]) for family, names in found.items()}
    chosen |= {
        "swin_v2": "swin_v2_t",
        "vit": "vit_b_32",
        "resnet": "resnet18",
        "maxvit": "maxvit_t",
    }
    chosen |= {"efficientnet_v2": "efficientnet_v2_s", "mobilenet_v3": "mobilenet_v3_small"}
    return {f"torchvision {family}": name for family, name in chosen.items()}


def timm_networks() -> dict[str, str]:
    """One small model of each of timm's modules, by module."""
    import timm

    found = {}
    for module in sorted({timm.models.model_entrypoint(n).__module__ for n in timm.list_models()}):
        family = module.rpartition(".")[2]
        names = timm.list_models(module=family)
        real = [name for name in names if not name.startswith("test_")] or names
        found[f"timm {family}"] = _INSTEAD.get(family) or min(real, key=_size)
    return found


def _size(name: str) -> tuple[int, int, str]:
    """Sorts names of models by how small they sound."""
    words = [number for number, word in enumerate(_SMALL) if re.search(word, name)]
    return min(words, default=len(_SMALL)), len(name), name


def check(family: str, name: str) -> Result:
    """Read all layers of one architecture."""
    result = Result(name, family)
    start = time.perf_counter()
    loaded = _built(family, name)
    network = loaded.module
    expected = dict(expected_widths(network))
    found = find_layouts(loaded, [*expected], LayoutSettings())
    blocks = [path for path in expected if any(network.get_submodule(path).children())]
    around = widths_around(loaded, blocks)
    for path, layout in found.items():
        width = expected[path]
        widths = {width} if width else around.get(path, set())
        if isinstance(layout, LayerError):
            if "does not run" not in str(layout):
                result.refused[path] = layout.what
            continue
        result.plain &= layout.axes in ("BU", "BUHW")
        units = {_units(layout)}
        if layout.outputs:
            # What timm says, and what ran last, may be of any of them, or of what is made of them.
            widths |= around.get(path, set())
            each = find_layouts(
                loaded, [f"{path}:{name}" for name in layout.outputs], LayoutSettings()
            )
            units |= {_units(own) for own in each.values() if isinstance(own, Layout)}
        if not widths or units & widths:
            result.right += 1
        else:
            result.wrong[path] = f"{units} of {layout.axes} {layout.shape}, its width is {widths}"
    result.seconds = time.perf_counter() - start
    return result


def _units(layout: Layout) -> int:
    return layout.shape[layout.axes.index("U")]


def _built(family: str, name: str) -> LoadedTarget:
    torch.manual_seed(0)
    if family.startswith("torchvision"):
        from torchvision import models

        size = 299 if name == "inception_v3" else 224
        network = models.get_model(name, weights=None)
    else:
        import timm

        network = timm.create_model(name, pretrained=False)
        size = timm.data.resolve_model_data_config(network)["input_size"][-1]
    network = network.eval().requires_grad_(False)
    return LoadedTarget(network, square_transform(size, 0, (0.5,) * 3, (0.5,) * 3))


def table(results: list[Result], skipped: dict[str, str]) -> str:
    """The page: families, layers right, refused, wrong."""
    refused = sum(bool(result.refused) for result in results)
    right = sum(result.right for result in results)
    wrong = sum(len(result.wrong) for result in results)
    lines = [
        _HEAD.format(families=len(results), right=right, wrong=wrong, refused=refused),
        "| family | network | right | refused | wrong | all [B, U, H, W] or [B, U] |",
        "|--|--|--:|--:|--:|--|",
    ]
    lines += [
        f"| {r.family} | {r.name} | {r.right} | {len(r.refused)} | {len(r.wrong)} | "
        f"{'yes' if r.plain else 'no'} |"
        for r in results
    ]
    lines += ["", "## Refused", ""]
    for r in results:
        reasons: dict[str, list[str]] = {}
        for path, reason in r.refused.items():
            told = re.sub(r"^layer '[^']*' gives ", "", reason)
            kind = re.sub(r"\[[^\]]*\]|\b\d+\b", "n", told)
            reasons.setdefault(kind, []).append(f"{path}: {told}")
        lines += [
            f"- {r.name}, {len(cases)} layer{'s' if len(cases) > 1 else ''}, such as {cases[0]}"
            for cases in reasons.values()
        ]
    if skipped:
        lines += ["", "## Left out", ""]
        lines += [f"- {family}: {reason}" for family, reason in skipped.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or write it to a file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", help="families or networks; all without")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    warnings.simplefilter("ignore")
    results, skipped = run(given.names)
    text = table(results, skipped)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    for result in results:
        for path, reason in result.wrong.items():
            sys.stdout.write(f"WRONG {result.name} {path}: {reason}\n")


def run(names: list[str]) -> tuple[list[Result], dict[str, str]]:
    """Check all families, or those that are named."""
    results, skipped = [], {}
    for family, name in {**torchvision_networks(), **timm_networks()}.items():
        if names and not {name, family, family.partition(" ")[2]} & set(names):
            continue
        if not names and family.removeprefix("timm ") in _LARGE:
            skipped[family] = f"{name} takes minutes to build or run"
            continue
        try:
            results.append(check(family, name))
        except Exception as error:
            skipped[family] = (
                f"{name} cannot be built and run here ({type(error).__name__}: {error})"
            )
            continue
        last = results[-1]
        told = f"{last.right} right, {len(last.refused)} refused, {len(last.wrong)} wrong"
        sys.stderr.write(f"{family}: {name} {told}, {last.seconds:.0f} s\n")
    return results, skipped


if __name__ == "__main__":
    main()
