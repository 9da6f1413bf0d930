"""`dissectbench site`: a folder of pages, with pictures where they can be gathered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from omegaconf import OmegaConf

from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from leaderboards.storage import write_record
from tests.leaderboards import builder

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = (
    "target=glyphs_scenes", "target.layers=[layer1,fc]", "probe.params.size=24",
    "runtime.progress=false", "runtime.device=cpu",
)  # fmt: skip
QUIET = "--no-pictures"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISSECTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def put(layers: Sequence[str], *overrides: str, **changes: Any) -> None:
    """Write records of layers, as a run with these overrides would have configured them."""
    config = OmegaConf.to_yaml(expand([*SMALL, *overrides])[0].config, resolve=True)
    units = builder.make_units(0.5, 20)
    for layer in layers:
        write_record(
            Path("results"),
            builder.make_record(layer=layer, **changes),
            descriptions=units.assign(rank=1)[units["label"] != ""],
            scores=[(builder.make_scores(0.5), units)],
            texts={"config.yaml": config},
        )


def read(site: Path, pattern: str) -> dict[str, Any]:
    """Return the content of scripts of data by name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8").partition("]=")[2].rstrip(";\n"))
        for path in (site / "data").glob(pattern)
    }


def test_units_have_pictures_and_masks_of_layers_with_maps(tmp_path: Path) -> None:
    put(["layer1", "fc"])
    assert main(["site", "--out", "site"]) == 0
    site = tmp_path / "site"
    pictures = read(site, "*-pictures-*.js")
    hidden, final = sorted(pictures.values(), key=lambda one: -len(one["tiles"]))
    assert (len(hidden["tiles"]), len(final["tiles"])) == (64, 25)
    assert {len(tiles) for tiles in hidden["tiles"]} <= {0, 8}
    assert any(hidden["masks"])
    assert not any(final["masks"])
    shown = {tile for one in pictures.values() for tiles in one["tiles"] for tile in tiles}
    assert shown == set(range(len(shown)))
    assert len(shown) <= 24
    [sheet] = (site / "pictures").iterdir()
    assert hidden["sheets"] == final["sheets"] == "pictures/0"
    assert sheet.name == "0-0.webp"
    before = sheet.read_bytes()
    # The cache holds the pictures now, and an earlier site is replaced.
    entries = sorted((tmp_path / "cache").rglob("*.npy"))
    assert main(["site", "--out", "site"]) == 0
    assert sheet.read_bytes() == before
    assert sorted((tmp_path / "cache").rglob("*.npy")) == entries


def test_a_page_says_why_it_has_no_pictures(tmp_path: Path) -> None:
    put(["fc"], "target=torchvision", "target.params.arch=resnet18", "target.layers=[fc]",
        "target.params.file=nowhere.pth")  # fmt: skip
    put(["layer"], board="others", origin="imported")
    assert main(["site", "--out", "site"]) == 0
    layers = [one for one in read(tmp_path / "site", "*.js").values() if "reasons" in one]
    reasons = sorted(reason for one in layers for reason in one["reasons"].values())
    assert len(reasons) == 2
    assert "nowhere.pth is not here" in reasons[0]
    assert reasons[1] == "the labels were made elsewhere"
    assert main(["site", "results", "--out", "site", QUIET]) == 0
    layers = [one for one in read(tmp_path / "site", "*.js").values() if "reasons" in one]
    assert layers[0]["reasons"] == {"glyphs_val": "the site was made with --no-pictures"}


def test_what_cannot_be_done_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        main(["site", "nowhere", "--out", "site", "--debug"])
    put(["fc"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my own page")
    with pytest.raises(UserError, match="exists and is no site"):
        main(["site", "results", "--out", "mine", QUIET, "--debug"])
    assert (tmp_path / "mine" / "index.html").read_text() == "my own page"
    with pytest.raises(UserError, match="changes no page"):
        main(["site", "results", "--out", "site", "scoring.seed=1", "--debug"])
    with pytest.raises(UserError, match="decides the labels"):
        main(["site", "results", "--out", "site", "seed=1", "--debug"])
    assert not (tmp_path / "site").exists()
