"""Methods that put images into words with models, as a user runs them."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from PIL import Image

from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from bench.run.survey import plan, survey
from leaderboards.record import Record
from tests.bench.parts.captioners.tiny_models import save_blip
from tests.bench.parts.language_models.tiny_models import save_gpt2
from tests.bench.run.conftest import SMALL

QUICK = ("method=describe_and_dissect", "method.params.top_k=2", *SMALL, "scoring=none")


@pytest.fixture
def folder(tmp_path):
    """Images of two concepts that the tiny language model may name, and one of Glyphs."""
    for at, name in enumerate(["beach", "the", "a"]):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("RGB", (40, 40), (80 * at, 90, 90)).save(tmp_path / "images" / name / "0.png")
    return tmp_path / "images"


def run(tmp_path, *overrides):
    paths = f"results={tmp_path / 'results'}", f"runtime.cache={tmp_path / 'cache'}"
    assert main(["run", *QUICK, *paths, *overrides]) == 0
    [file] = (tmp_path / "results").rglob("record.json")
    record = Record.read(file.parent)
    assert record.status == "ok", record.error
    return record, file.parent


@pytest.mark.slow
def test_concepts_of_captions_without_further_models(tmp_path):
    record, folder = run(tmp_path)
    assert record.method["given"] == "annotated units, captions"
    assert record.concepts["name"] == "free text"
    assert (record.language_model, record.generator) == ({}, {})
    labels = pd.read_csv(folder / "descriptions.csv.gz")
    images = pd.read_csv(folder / "images.csv.gz")
    concepts = pd.read_csv(folder / "concepts.csv.gz")
    assert len(images) == 2 * (record.counts["units"] - record.counts["dead"])
    captions = set(images.caption.str.lower())
    assert set(labels.label) <= captions
    assert concepts[concepts["rank"] == 0].concept.tolist() == (
        labels[labels["rank"] == 1].label.tolist()
    )


@pytest.mark.slow
def test_with_a_diffusion_model(tmp_path):
    pytest.importorskip("diffusers", reason="diffusers is not installed")
    from tests.bench.parts.generators.tiny_models import save_stable_diffusion

    model = save_stable_diffusion(tmp_path / "generator")
    record, found = run(
        tmp_path, "generator=diffusers", f"generator.params.model={model}",
        "generator.params.steps=2", "method.params.generated=2",
    )  # fmt: skip
    assert record.generator["fingerprint"]["kind"] == "diffusers"
    concepts = pd.read_csv(found / "concepts.csv.gz")
    assert concepts.select_dtypes("number").notna().all().all()


@pytest.mark.slow
def test_with_models_of_the_users_own(tmp_path, folder):
    save_blip(tmp_path / "captioner")
    save_gpt2(tmp_path / "language_model")
    models = [
        "target.layers=[layer1]", "captioner=hf", f"captioner.params.model={tmp_path}/captioner",
        "captioner.params.image_size=32", "captioner.params.max_length=5", "language_model=hf",
        f"language_model.params.model={tmp_path}/language_model", "method.params.concepts=2",
        "language_model.params.max_length=3", "method.params.crops=1", "generator=folder",
        f"generator.params.path={folder}",
    ]  # fmt: skip
    record, found = run(tmp_path, *models)
    assert record.method["given"] == "captions"
    assert record.captioner["name"] == record.language_model["name"] == "hf"
    assert record.generator["name"] == "folder"
    assert record.generator["fingerprint"]["n"] == 3
    images = pd.read_csv(found / "images.csv.gz")
    assert (images.bottom - images.top < 32).any()
    first = pd.read_csv(found / "descriptions.csv.gz")
    other = tmp_path / "again"
    other.mkdir()
    assert pd.read_csv(run(other, *models)[1] / "descriptions.csv.gz").equals(first)


def test_each_model_decides_the_key(tmp_path, folder):
    save_gpt2(tmp_path / "model")
    model = "language_model=hf", f"language_model.params.model={tmp_path / 'model'}"
    images = "generator=folder", f"generator.params.path={folder}"

    def key(*overrides, method="describe_and_dissect"):
        [job] = plan(expand([f"method={method}", *SMALL, *overrides]))
        return job.cells[0].key

    keys = {
        key(), key(*model), key(*model, "language_model.params.max_length=3"), key(*images),
        key(*model, *images),
    }  # fmt: skip
    assert len(keys) == 5
    # Of no other method.
    assert key(*model, *images, method="milan") == key(method="milan")


def test_what_is_missing_is_known_before_a_run(tmp_path):
    jobs = expand(
        ["method=describe_and_dissect", "generator=folder", f"generator.params.path={tmp_path}/no"]
    )
    [found] = survey(jobs)
    assert [need.where for need in found.unmet] == ["generator.params.path"]
    with pytest.raises(UserError, match="language_model"):
        plan(expand(["method=describe_and_dissect", "language_model=hf"]))


def test_falcon_reads_captions_from_a_file(tmp_path):
    (tmp_path / "captions.txt").write_text("a photo of a beach\nmountains and a river\nthe moon\n")
    paths = f"results={tmp_path / 'results'}", f"runtime.cache={tmp_path / 'cache'}"
    captions = "concepts=file", f"concepts.params.path={tmp_path / 'captions.txt'}"
    assert main(["run", *SMALL, "method=falcon", "scoring=none", *paths, *captions]) == 0
    [file] = (tmp_path / "results").rglob("record.json")
    record = Record.read(file.parent)
    assert record.status == "ok", record.error
    assert record.concepts["n"] == 3
    labels = pd.read_csv(file.parent / "descriptions.csv.gz")
    assert set(labels.label) <= {"beach", "mountain", "river", "moon"}
    assert set(labels.label) & {"beach", "mountain"}
    table = pd.read_csv(file.parent / "contrasts.csv.gz")
    assert len(table) == record.counts["units"] - record.counts["dead"]
    [timing] = (file.parent / "timings.jsonl").read_text().splitlines()
    assert "text" in [phase["name"] for phase in json.loads(timing)["phases"]]
