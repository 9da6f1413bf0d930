"""The labels of a tree as concepts, from its tables alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.config.compose import expand
from bench.errors import UserError
from bench.parts.concepts import BrodenConcepts
from bench.parts.protocols import ConceptSet

TABLES = {
    "category.csv": [
        "name,first,last,count,frequency",
        "color,1,1,1,1", "object,2,5,4,1", "material,6,6,1,1", "scene,4,4,1,1",
    ],
    "label.csv": [
        "number,name,category,frequency,coverage,syns",
        "1,red-c,color,1,1,", "2,sky,object,1,1,", "3,shed,object,1,1,", "4,shed-s,scene,1,1,",
        "6,wood,material(3);object(1),1,1,", "7,bus_station-indoor-s,scene,1,1,",
    ],
    "c_color.csv": ["code,number,name,frequency,coverage", "1,1,red-c,1,1"],
    "c_object.csv": ["code,number,name,frequency,coverage", "1,2,sky,1,1", "2,6,wood,1,0.1"],
    "c_material.csv": ["code,number,name,frequency,coverage", "1,6,wood,1,1"],
    "c_scene.csv": ["code,number,name,frequency,coverage", "1,4,shed-s,1,1"],
}  # fmt: skip


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path))
    root = tmp_path / "broden1_224"
    root.mkdir()
    for name, lines in TABLES.items():
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_names_are_cleaned_and_stand_once(tree):
    concepts = BrodenConcepts(str(tree))
    assert isinstance(concepts, ConceptSet)
    assert concepts.words() == ("red", "sky", "shed", "wood", "bus station-indoor")
    assert concepts.notes() == ("dropped 1 label with the name of an earlier one",)


def test_categories_as_for_the_probe(tree):
    assert BrodenConcepts(str(tree), ("material",)).words() == ("wood",)
    assert BrodenConcepts(str(tree), ("scene", "color")).words() == (
        "red", "shed", "bus station-indoor",
    )  # fmt: skip
    with pytest.raises(UserError) as caught:
        BrodenConcepts(str(tree), ("colour",)).words()
    assert caught.value.where == "concepts.params.categories"
    assert "color" in caught.value.valid


def test_a_fetched_tree_is_found(tree):
    [job] = expand(["concepts=broden_labels"])
    assert BrodenConcepts(job.config.concepts.params.path).words()[0] == "red"


def test_a_missing_tree_is_an_unmet_requirement(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "none"))
    [requirement] = BrodenConcepts().unmet_requirements()
    assert requirement.hint == "dissectbench fetch broden1_224"
    assert requirement.size == 1_000_000_000
    assert not requirement.automatic
    with pytest.raises(UserError) as caught:
        BrodenConcepts().words()
    assert caught.value.hint == "dissectbench fetch broden1_224"
    [requirement] = BrodenConcepts(str(tmp_path / "tree")).unmet_requirements()
    assert requirement.name == f"the Broden tree {tmp_path / 'tree'}"


def test_an_existing_tree_is_no_requirement(tree):
    assert (
        BrodenConcepts(str(tree)).unmet_requirements()
        == BrodenConcepts().unmet_requirements()
        == ()
    )
    [requirement] = BrodenConcepts(str(tree / "none")).unmet_requirements()
    assert requirement.where == "concepts.params.path"


def test_neither_words_nor_requirements_load_torch(tree):
    code = (
        "import sys\n"
        "from bench.parts.concepts import BrodenConcepts, CombinedConcepts\n"
        f"BrodenConcepts({str(tree)!r}).words()\n"
        "CombinedConcepts(of=('broden_labels', 'imagenet_classes')).unmet_requirements()\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
