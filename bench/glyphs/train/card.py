"""Write the model card: ``card.json`` (data) and ``MODEL_CARD.md`` (rendered from it)."""

from __future__ import annotations

import json
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from bench.files import sha256_file, write_atomic
from bench.glyphs.planes import MASK_SIZE, PLANES
from bench.glyphs.raster import SIZE
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES
from bench.glyphs.weights import MEAN, STD
from bench.glyphs.world import SPLITS, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = Path(__file__).with_name("model_card_template.md")

DECODINGS = {
    "greedy": "p(d \\| E), greedy",
    "beam": "p(d \\| E), beam of 50",
    "pmi": "PMI, beam of 50, lambda 0.2",
}
"""Titles of the decoder's strategies, as in MILAN's ablation."""

GROUPS = ("", "final seen", "final unseen", "hidden seen", "hidden unseen")

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy")


def hardware(device: str, threads: int) -> dict[str, Any]:
    """Return the hardware of a training: device, processor, threads, versions of packages."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return {
        "device": device,
        "processor": model,
        "threads": threads,
        "versions": {name: version(name) for name in _PACKAGES},
    }


def world_record() -> dict[str, Any]:
    """Return the record of the world that the networks were trained on."""
    return {
        "fingerprint": fingerprint(),
        "image_size": SIZE,
        "seeds": dict(SPLITS),
        "mean": list(MEAN),
        "std": list(STD),
        "objects": len(OBJECTS),
        "unnamed_objects": [entry.name for entry in OBJECTS if not entry.named_in_captions],
        "scenes": len(SCENES),
        "colours": len(COLOURS),
        "textures": len(TEXTURES),
    }


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card in a folder, or an empty one."""
    path = folder / "card.json"
    if not path.exists():
        return {"world": world_record(), "parts": {}}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def add_record(folder: Path, part: str, record: dict[str, Any], file: Path | None = None) -> None:
    """Add a part's record to the card, with size and hash of its file, and rewrite both files."""
    card = read_card(folder)
    card["world"] = world_record()
    if file is not None:
        size, sha256 = file.stat().st_size, sha256_file(file)
        record = {**record, "file": file.name, "bytes": size, "sha256": sha256}
    card["parts"][part] = record
    write_atomic(folder / "card.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    write_atomic(folder / "MODEL_CARD.md", render_card(card))


def render_card(card: dict[str, Any]) -> str:
    """Return the card's data as the text of ``MODEL_CARD.md``."""
    environment = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (Markdown)
    )
    environment.filters |= {
        "percent": _percent,
        "source_name": _source_name,
        "sentence_groups": _sentence_groups,
    }
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(
        world=card["world"],
        parts=card["parts"],
        dissect=card.get("dissect"),
        planes=PLANES,
        mask_size=MASK_SIZE,
        decodings=DECODINGS,
    )
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _percent(value: float) -> str:
    # Two digits if one digit would round to 100.
    digits = 2 if value < 1 and round(100 * value, 1) == 100 else 1
    return f"{100 * value:.{digits}f} %"


def _source_name(source: Mapping[str, Any]) -> str:
    return f"{source['name']} (top-1 {100 * source['accuracy']:.1f} %)"


def _sentence_groups(accuracy: Mapping[str, float]) -> list[str]:
    """Return the groups of units with scores of their own; "" for all units."""
    return [g for g in GROUPS if (f"bleu_greedy [{g}]" if g else "bleu_greedy") in accuracy]
