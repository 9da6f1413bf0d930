"""What of a text model is not on this machine: names alone, no weights are read."""

from __future__ import annotations

from pathlib import Path

from bench.downloads.catalog import ENTRIES
from bench.downloads.hub_cache import cached
from bench.downloads.lack import lack_of
from bench.downloads.missing import Lack
from bench.downloads.packages import lack_of_package
from bench.downloads.places import place
from bench.parts.encoders.text_folder import WEIGHT_FILES, package_of


def lack_of_text_model(name: str, owner: str = "", beside: Path | None = None) -> tuple[Lack, ...]:
    """What is to be had before a text model is there; empty where it is.

    Args:
        name: "package:NAME", a folder, or a name on the Hugging Face hub.
        owner: Whose a model is that is named without an owner on the hub.
        beside: A folder that relative paths may start from as well.
    """
    package = package_of(name)
    if package:
        return lack_of_package(package)
    for folder in (Path(name).expanduser(), *([beside / name] if beside else [])):
        if folder.is_dir():
            if any((folder / file).is_file() for file in WEIGHT_FILES):
                return ()
            return (Lack(f"a text model in {name}", f"it should hold {' or '.join(WEIGHT_FILES)}"),)
    if name.startswith((".", "/", "~", "<")) or name.count("/") > 1:
        return (Lack(f"the folder {name}", "give an existing folder, or a name on the hub"),)
    return lack_on_hub(name if "/" in name or not owner else f"{owner}/{name}")


def fetched_model(name: str, owner: str = "") -> Path | None:
    """The folder of a model of our list that is whole in the hub's cache; None for any other.

    Args:
        name: As on the hub.
        owner: Whose a model is that is named without its owner.
    """
    repo = name if "/" in name or not owner else f"{owner}/{name}"
    entry = next((entry for entry in ENTRIES if entry.repo == repo), None)
    return place(entry) if entry is not None and not lack_of(entry) else None


def lack_on_hub(repo: str) -> tuple[Lack, ...]:
    """What of a model on the hub is not in the hub's cache; of one not in our list, its config."""
    entry = next((entry for entry in ENTRIES if entry.repo == repo), None)
    if entry is not None:
        return lack_of(entry)
    if cached(repo, "config.json"):
        return ()
    hint = f"run once with a connection, or `hf download {repo}`"
    return (Lack(f"{repo} of the Hugging Face hub", hint, automatic=True),)
