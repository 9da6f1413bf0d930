"""Decisions from end to end, against a plain loop over the images."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from bench.__main__ import main
from bench.config.compose import expand
from bench.evidence.model_cache import load_encoder, load_sentence_encoder
from bench.glyphs import vocabulary, world
from bench.parts import catalog
from bench.parts.probes.glyphs import GlyphsProbe
from bench.run.judges import SelectionJudges
from bench.run.scoring import score_table
from bench.run.selection import build_selection
from bench.run.survey import plan
from leaderboards.board import load_board
from leaderboards.hashing import short_hash
from leaderboards.record import Record
from leaderboards.record_tables import read_descriptions
from leaderboards.storage import find_records
from metrics.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IMAGES = 32
DECIDED = (
    "target=glyphs_objects",
    "target.layers=[layer3,layer4,fc]",
    # The classifier reads averages, whatever the labels were made of.
    "target.pooling=max",
    "concepts=glyphs_all",
    "probe.name=labelled",
    f"probe.params.size={IMAGES}",
    "scoring.decisions.classifier=fc",
    "runtime.progress=false",
)
OBJECTS = [entry.name for entry in vocabulary.OBJECTS]


@dataclass(frozen=True)
class Labelled(GlyphsProbe):
    """Glyphs images, each of the class of its main object.

    Its classes go by other numbers and spellings than the network's, and the one of image 1
    by a name that the network does not know.
    """

    summary: ClassVar[str] = "test"
    shift: int = 0

    def class_names(self) -> tuple[str, ...]:
        names = [name.upper().replace(" ", "_") for name in reversed(OBJECTS)]
        names[len(OBJECTS) - 1 - main_object(1)] = "a thing unheard of"
        return tuple(names)

    def image_classes(self) -> Sequence[int]:
        """Of every eleventh image it is not known."""
        found = [len(OBJECTS) - 1 - main_object(index) for index in range(len(self))]
        return [-1 if n % 11 == 0 else (c + self.shift) % len(OBJECTS) for n, c in enumerate(found)]


def main_object(index: int) -> int:
    return world.plan(index).things[0].object_id


@pytest.fixture(autouse=True, scope="module")
def registered() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.PROBES._paths, "labelled", f"{__name__}:Labelled")
        yield


@pytest.fixture(scope="module")
def decided(fresh_run: Callable[..., Path], registered: None) -> Path:
    return fresh_run(*DECIDED)


@pytest.fixture
def copied(decided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A copy of the run as the working directory: the folders of its records by layer."""
    shutil.copytree(decided, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return {record.target["layer"]: folder for folder, record in find_records(Path()).records}


def scores_files(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "scores").glob("*.json"))]


def only_scores(folder: Path) -> dict[str, Any]:
    [content] = scores_files(folder)
    found: dict[str, Any] = content["scores"]
    return found


@pytest.fixture(scope="module")
def network(registered: None) -> list[tuple[int, int]]:
    """The network's class of each image and the unit that speaks for it, one image at a time."""
    parts = build_selection(expand([*DECIDED]).pop().config)
    loaded = parts.target.load("cpu")
    taken: list[torch.Tensor] = []
    fc = loaded.module.get_submodule("fc")
    fc.register_forward_pre_hook(lambda _module, inputs: taken.append(inputs[0][0]))
    found = []
    for index in range(IMAGES):
        with torch.inference_mode():
            logits = loaded.module(loaded.transform(parts.probe.image(index))[None])[0]
        prediction = int(logits.argmax())
        unit = int((fc.weight[prediction] * taken[-1]).argmax())  # type: ignore[operator,union-attr]
        found.append((prediction, unit))
    return found


def plainly(
    folder: Path, network: list[tuple[int, int]], clip_weight: float = 3.0
) -> dict[str, tuple[int, int]]:
    """Right images and images, one image and one class at a time; and those of the network."""
    parts = build_selection(expand([*DECIDED]).pop().config)
    encode = load_encoder(parts.clip_text, "cpu").encode_texts
    judge = load_sentence_encoder(parts.sentence, "cpu")

    def vectors(texts: list[str]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(zip(encode(texts), torch.from_numpy(judge(texts).copy()), strict=True))

    cosine = torch.nn.functional.cosine_similarity
    table = read_descriptions(folder).query("rank == 1").set_index("unit").label.to_dict()
    known = dict(zip(parts.words, vectors(list(parts.words)), strict=True))
    classes = [known[name] for name in OBJECTS]
    right_truth = right_prediction = right_network = with_class = 0
    for index, (prediction, unit) in enumerate(network):
        clip, sentence = known[table[unit]]
        told, best = -1, -float("inf")
        for number, (clip_class, sentence_class) in enumerate(classes):
            own = clip_weight * cosine(clip, clip_class, dim=0)
            own = float(own + cosine(sentence, sentence_class, dim=0))
            if own > best:
                told, best = number, own
        right_prediction += told == prediction
        if index % 11 and main_object(index) != main_object(1):
            with_class += 1
            right_truth += told == main_object(index)
            right_network += prediction == main_object(index)
    return {
        "decision_truth": (right_truth, with_class),
        "decision_prediction": (right_prediction, IMAGES),
        "network": (right_network, with_class),
    }


def test_a_run_equals_a_plain_loop(copied: dict[str, Path], network: list[tuple[int, int]]) -> None:
    found = only_scores(copied["layer4"])
    expected = plainly(copied["layer4"], network)
    right, n = expected.pop("network")
    assert 0 < right <= n
    assert found["decision_truth"]["detail"]["network_accuracy"] == right / n
    for name, (right, n) in expected.items():
        assert found[name]["n"] == n
        assert found[name]["value"] == right / n
        assert right > 0
        assert (found[name]["ci_low"], found[name]["ci_high"]) == wilson(right, n)
        assert found[name]["chance"] == 1 / len(OBJECTS)
        assert found[name]["detail"]["left_out"] == IMAGES - n
        # The encoder that named the units judges them too.
        assert found[name]["circular"] is True
        assert found[name]["detail"]["one_judge"] is True
    assert found["decision_truth"]["detail"]["left_out"] >= 4


def test_a_layer_that_the_classifier_does_not_read_says_so(copied: dict[str, Path]) -> None:
    for score in (only_scores(copied["layer3"])[name] for name in
                  ("decision_truth", "decision_prediction")):  # fmt: skip
        assert score["value"] is None
        assert score["reason"] == "n/a: fc reads 512 values and layer3 has 256 units"


def test_the_classifier_itself_is_scored_as_ever(copied: dict[str, Path]) -> None:
    [content] = scores_files(copied["fc"])
    assert "decisions" not in content["scoring"]
    assert not any("decision" in name for name in content["scores"])
    plain = [text for text in DECIDED if not text.startswith("scoring.decisions")]
    parts = build_selection(expand(plain).pop().config)
    assert content["skey"] == short_hash(SelectionJudges.of(parts).scoring("fc"))


def test_one_pass_gathers_the_classifier_too(
    fresh_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    image = Labelled.image
    monkeypatch.setattr(Labelled, "image", lambda self, i: shown.append(i) or image(self, i))
    fresh_run(*DECIDED, "target.layers=[layer4]")
    assert sorted(shown) == list(range(IMAGES))


def test_scored_again_from_the_cache_and_without_it(
    copied: dict[str, Path], network: list[tuple[int, int]]
) -> None:
    folder = copied["layer4"]
    first = only_scores(folder)
    weight = "scoring.decisions.clip_weight=0"
    assert main(["score", str(folder), weight]) == 0
    added = [f for f in scores_files(folder) if f["scoring"]["decisions"]["clip_weight"] == 0]
    right, n = plainly(folder, network, 0)["decision_prediction"]
    assert added[0]["scores"]["decision_prediction"]["value"] == right / n
    before = {path.name: path.read_bytes() for path in folder.glob("scores/*")}
    for path in folder.glob("scores/*"):
        path.unlink()
    shutil.rmtree("results/.cache")
    assert main(["score", str(folder)]) == 0  # gathers anew
    for path in folder.glob("scores/*"):
        assert path.read_bytes() == before[path.name]
    assert only_scores(folder) == first


def test_a_record_made_without_can_be_scored_later(
    copied: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied["layer4"]
    expected = only_scores(folder)
    for path in folder.glob("scores/*"):
        path.unlink()
    # As an older release wrote it, which knew no such setting.
    text = (folder / "config.yaml").read_text()
    start, end = text.index("  decisions:\n"), text.index("  official_labels:")
    (folder / "config.yaml").write_text(text[:start] + text[end:])
    assert main(["score", str(folder)]) == 0
    assert not any("decision" in name for name in only_scores(folder))
    assert main(["score", str(folder), "scoring.decisions.classifier=fc"]) == 0
    [with_decisions] = [f for f in scores_files(folder) if "decisions" in f["scoring"]]
    assert with_decisions["scores"] == expected


def test_other_images_than_those_of_the_labels(copied: dict[str, Path]) -> None:
    """NetDissect's labels come from Broden, and decisions are about the classifier's own images."""
    other = ("scoring.decisions.probe.name=labelled", "scoring.decisions.probe.params.size=20")
    folder = copied["layer4"]
    assert main(["score", str(folder), *other]) == 0
    [found] = [f for f in scores_files(folder) if "probe" in f["scoring"]["decisions"]]
    assert found["scores"]["decision_prediction"]["n"] == 20
    assert found["scoring"]["decisions"]["probe"]["n"] == 20


def test_images_without_classes_have_predictions(copied: dict[str, Path]) -> None:
    folder = copied["layer4"]
    other = ("scoring.decisions.probe.name=glyphs", f"scoring.decisions.probe.params.size={IMAGES}")
    expected = only_scores(folder)["decision_prediction"]
    assert main(["score", str(folder), *other]) == 0
    [found] = [f for f in scores_files(folder) if "probe" in f["scoring"]["decisions"]]
    assert found["scores"]["decision_prediction"] == expected
    assert found["scores"]["decision_truth"]["value"] is None
    assert "does not say what class" in found["scores"]["decision_truth"]["reason"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoder": None}, ""),
        ({"truth": catalog.TRUTHS.build("none", {})}, "the classes of fc have no names"),
        ({"target": catalog.TARGETS.build("glyphs", {"net": "scenes"})}, "the network is not the"),
        ({"probe": Labelled(size=31)}, "the probe set is not the"),
    ],
)
def test_what_stands_in_the_way(
    change: dict[str, Any], reason: str, copied: dict[str, Path]
) -> None:
    folder = copied["layer4"]
    parts = build_selection(expand([*DECIDED]).pop().config)
    parts = dataclasses.replace(parts, **change)
    content, _ = score_table(
        Record.read(folder), read_descriptions(folder), SelectionJudges.of(parts)
    )
    found = content["scores"]["decision_prediction"]
    if reason:
        assert found["value"] is None
        assert reason in found["reason"]
    else:  # labels that no judge's encoder made
        assert found["value"] == only_scores(folder)["decision_prediction"]["value"]
        assert "circular" not in found


def test_units_without_labels_count_as_wrong(copied: dict[str, Path]) -> None:
    folder = copied["layer4"]
    parts = build_selection(expand([*DECIDED]).pop().config)
    judges = SelectionJudges.of(parts)
    content, _ = score_table(Record.read(folder), read_descriptions(folder).iloc[:0], judges)
    found = content["scores"]["decision_prediction"]
    assert (found["value"], found["n"], found["n_unlabelled"]) == (0, IMAGES, IMAGES)


def test_the_scores_stand_on_the_board(copied: dict[str, Path]) -> None:
    board = load_board([Path("results")])
    metrics = {summary.metric for summary in board.summaries if summary.place[2] == "layer4"}
    assert {"decision_truth", "decision_prediction"} <= metrics
    metrics = {summary.metric for summary in board.summaries if summary.place[2] == "fc"}
    assert not any("decision" in name for name in metrics)


def test_the_settings_decide_scores_and_no_label() -> None:
    def cell(*overrides: str) -> tuple[str, str]:
        small = [t for t in DECIDED if "decisions" not in t and "layers" not in t]
        [job] = plan(expand([*small, "target.layers=[layer4]", *overrides]))
        return job.cells[0].key, job.cells[0].skey

    fc = "scoring.decisions.classifier=fc"
    base = cell()
    assert cell("scoring.decisions.clip_weight=1") == base
    assert cell("scoring.decisions.classifier=layer4") == base
    found = [
        cell(fc),
        cell(fc, "scoring.decisions.clip_weight=1"),
        cell(fc, "target.truth.params.kind=scenes"),
        cell(fc, "probe.params.shift=1"),  # equal pixels, other classes
        cell(fc, "scoring.decisions.probe.name=glyphs"),
        cell("scoring.decisions.classifier=layer3"),
    ]
    assert {key for key, _ in found} == {base[0]}
    assert len({base[1], *(skey for _, skey in found)}) == 7


def test_without_a_sentence_encoder_nobody_says_which_class_a_label_tells(
    copied: dict[str, Path],
) -> None:
    assert main(["score", str(copied["layer4"]), "scoring.sentence.name=none"]) == 0
    [found] = [f for f in scores_files(copied["layer4"]) if not f["scoring"]["sentence"]]
    for name in ("decision_truth", "decision_prediction"):
        assert found["scores"][name]["reason"].startswith("n/a: needs a sentence encoder")
