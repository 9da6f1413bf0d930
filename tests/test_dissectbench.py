"""`import dissectbench`: the commands as functions, and units described from arrays."""

from __future__ import annotations

import doctest
import importlib.metadata
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

import bench.api
import bench.describe
import dissectbench
from bench.__main__ import main
from bench.describe import ARRAYS, OTHER_EVIDENCE
from bench.parts.catalog import METHODS
from dissectbench import UserError
from leaderboards.record_tables import read_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CELL = "target=glyphs_scenes concepts=glyphs_scenes probe.params.size=48 runtime.progress=false"
"""25 units, 25 candidate labels, 48 images."""
SIMILARITIES = ("soft_wpmi", "wpmi", "rank_reorder", "cos_similarity", "cos_similarity_cubed")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory for the module, without the user's own cache."""
    path = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISSECTBENCH_HOME", str(path / "home"))
        patch.delenv("DISSECTBENCH_CACHE", raising=False)
        patch.chdir(path)
        yield path


@pytest.fixture(scope="module")
def cells(folder: Path) -> pd.DataFrame:
    """A run of the small cell with each similarity function."""
    return dissectbench.run(f"-m {CELL} method.params.similarity={','.join(SIMILARITIES)}")


def cached(kind: str) -> NDArray[np.float32]:
    """Return the only array of a kind in the evidence cache, [rows, columns]."""
    [file] = Path("results/.cache", kind).rglob("*.npy")
    array = np.load(file)
    return np.asarray(array.reshape(array.shape[-2:]))


@pytest.fixture(scope="module")
def arrays(cells: pd.DataFrame) -> dict[str, Any]:
    """What the run measured."""
    assert len(cells) == 5
    return {
        "activations": cached("activations"),
        "image_embeddings": cached("image_embeddings"),
        "concept_embeddings": cached("text_embeddings"),
        "concepts": words(),
    }


def words() -> tuple[str, ...]:
    from bench.parts.choice import build

    found: tuple[str, ...] = build("concepts", "glyphs_scenes", "concepts").words()
    return found


def tiny(**changes: Any) -> dict[str, Any]:
    """Arguments of `describe`: three units that follow three concepts, and a dead one."""
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(3, 8))
    images = texts[rng.integers(3, size=60)] + rng.normal(scale=0.1, size=(60, 8))
    activations = np.column_stack([images @ texts.T, np.ones(60)])
    return {
        "activations": activations,
        "image_embeddings": images,
        "concept_embeddings": texts,
        "concepts": ["dog", "cat", "car"],
        "similarity": "cos_similarity",
        **changes,
    }


def test_describe_says_what_a_method_lacks() -> None:
    given = tiny()
    del given["similarity"]
    with pytest.raises(UserError, match="linear: no calibration is known") as error:
        dissectbench.describe("linear", **given)
    assert error.value.hint.startswith("set scale and bias of sigmoid")


def test_the_page_names_the_methods_that_arrays_are_enough_for() -> None:
    page = (Path(__file__).parents[1] / "docs/reference/python.md").read_text(encoding="utf-8")
    said = page.partition("activations and embeddings alone: ")[2].partition(". ")[0]
    enough = [name for name in METHODS.names() if METHODS.get(name).needs <= ARRAYS]
    assert re.findall(r"`(\w+)`", said) == sorted(enough)


def test_the_module_is_the_api() -> None:
    assert set(dissectbench.__all__) - {"__version__"} == set(bench.api.__all__)
    assert all(
        getattr(dissectbench, name) is getattr(bench.api, name) for name in bench.api.__all__
    )
    assert importlib.metadata.version("dissectbench") == dissectbench.__version__


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_describe_gives_what_a_run_gives(
    similarity: str, cells: pd.DataFrame, arrays: dict[str, Any]
) -> None:
    """To the last bit: the labels and scores of the record, from the arrays in the cache."""
    records = {json.loads((f / "record.json").read_text())["method"]["params"]["similarity"]: f
               for f in cells.record}  # fmt: skip
    expected = read_descriptions(records[similarity])
    found = dissectbench.describe("clip_dissect", **arrays, similarity=similarity)
    assert len(found) > 200
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_flags=False)


def test_the_example_of_describe_is_right() -> None:
    failed, tried = doctest.testmod(bench.describe)
    assert (failed, tried) == (0, 6)


@pytest.mark.parametrize("kind", [np.float16, np.float64, torch.bfloat16, torch.float64])
def test_describe_takes_numpy_and_torch_of_any_float_type(kind: Any) -> None:
    given = tiny()
    for name in ("activations", "image_embeddings", "concept_embeddings"):
        if isinstance(kind, torch.dtype):
            given[name] = torch.tensor(given[name], dtype=kind, requires_grad=True)
        else:
            given[name] = given[name].astype(kind)
            given[name].flags.writeable = False
    table = dissectbench.describe(**given)
    assert list(table.columns) == ["unit", "rank", "label", "score"]
    assert table[table["rank"] == 1].label.tolist() == ["dog", "cat", "car"]
    assert set(table.unit) == {0, 1, 2}  # the fourth is constant: dead
    assert (table.groupby("unit").score.diff().dropna() <= 0).all()


def test_describe_takes_the_methods_own_parameters_and_tells_its_notes() -> None:
    table = dissectbench.describe(**tiny(similarity="wpmi", top_k=100, n_labels=2))
    assert table.groupby("unit").size().tolist() == [2, 2, 2]
    [note] = table.attrs["notes"]
    assert "clamped from 100 to 60" in note
    other = dissectbench.describe(**tiny(similarity="wpmi", top_k=5, n_labels=2))
    assert not np.array_equal(table.score, other.score)


def wrong_at(name: str, value: float) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tiny()[name].copy()
    array[3 % len(array), 1] = value
    return array


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activations": np.ones((59, 4))}, "image_embeddings has 60 rows, activations has 59"),
        ({"concepts": ["dog"]}, "concept_embeddings has 3 rows, concepts has 1"),
        ({"concepts": "dog"}, "concepts are not a list of texts"),
        ({"concepts": [1, 2, 3]}, "concepts are not a list of texts"),
        ({"concept_embeddings": np.ones((3, 9))}, "have 8 columns, concept embeddings 9"),
        ({"activations": np.ones((60, 4, 7, 7))}, "has shape (60, 4, 7, 7), not (rows, columns)"),
        ({"activations": np.ones((60, 0))}, "has shape (60, 0)"),
        ({"activations": np.ones((60, 4), int)}, "is of type torch.int64, not floating point"),
        ({"activations": np.full((60, 4), "a")}, "activations is not an array of numbers"),
        ({"activations": wrong_at("activations", np.nan)}, "activations[3, 1] is nan"),
        ({"image_embeddings": wrong_at("image_embeddings", np.inf)}, "[3, 1] is inf"),
        (
            {"concept_embeddings": wrong_at("concept_embeddings", 1e300)},
            "[0, 1] is inf (not finite as float32: 1 of 24",
        ),
        ({"similarity": "wmpi"}, "unknown similarity 'wmpi'"),
        ({"method": "clip_disect"}, "nearest: clip_dissect"),
        ({"topk": 3}, "has no parameter 'topk'"),
        ({"n_labels": 0}, "invalid number of labels 0"),
        ({"n_labels": 1.5}, "invalid number of labels 1.5"),
        ({"concepts": None}, "concepts are not a list of texts"),
        ({"method": None}, "the method is of type NoneType"),
        ({"activations": [[1.0, 2.0], [3.0]]}, "rows of unequal length"),
        ({"activations": torch.ones(60, 4).to_sparse()}, "not a dense one"),
    ],
)
def test_describe_says_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        dissectbench.describe(**tiny(**changes))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("netdissect", "activation maps and concept masks"),
        ("netdissect2020", "masks of a segmenter"),
        ("compositional", "concept masks"),
        ("milan", "a captioner and the units' top images"),
        ("milan_clip", "an image-text encoder"),
    ],
)
def test_methods_that_need_more_than_arrays_are_refused(method: str, needed: str) -> None:
    given = tiny()
    del given["similarity"]
    with pytest.raises(UserError, match=f"{method} needs") as error:
        dissectbench.describe(method, **given)
    assert needed in str(error.value)
    assert f'dissectbench.run("method={method}")' in str(error.value)


def test_every_kind_of_evidence_has_words() -> None:
    from typing import get_args

    from baselines.base import Need
    from bench.describe import ARRAYS

    assert ARRAYS | OTHER_EVIDENCE.keys() == set(get_args(Need))


def test_run_tells_the_cells_and_does_none_twice(cells: pd.DataFrame) -> None:
    assert cells.state.tolist() == ["done"] * 5
    assert cells.error.tolist() == [""] * 5
    assert set(cells.method) == {"clip_dissect"}
    assert set(cells.target) == {"glyphs_scenes"}
    before = {folder: (folder / "timings.jsonl").read_bytes() for folder in cells.record}
    words = [*CELL.split(), f"method.params.similarity={','.join(SIMILARITIES)}"]
    again = dissectbench.run(words, multirun=True)
    pd.testing.assert_frame_equal(again, cells)
    assert before == {f: (f / "timings.jsonl").read_bytes() for f in cells.record}


def test_run_gives_the_reason_of_a_failed_cell(folder: Path) -> None:
    (folder / "broken.py").write_text("def net():\n    raise RuntimeError('no such luck')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        table = dissectbench.run(
            "target=callable target.params.path=broken:net target.layers=[fc] board=broken "
            "concepts=glyphs_scenes probe.params.size=48"
        )
    assert table.state.tolist() == ["failed"]
    assert "no such luck" in table.error[0]


def test_plan_says_what_is_done_left_and_missing(cells: pd.DataFrame) -> None:
    planned = dissectbench.plan(f"{CELL} method.params.similarity=wpmi")
    assert planned.state.tolist() == ["done"]
    assert planned.record[0] in set(cells.record)
    left = dissectbench.plan(f"{CELL} seed=7 target.layers=[layer4,fc]")
    assert left.state.tolist() == ["to run", "to run"]
    assert left.layer.tolist() == ["layer4", "fc"]
    missing = dissectbench.plan(["target=resnet50_imagenet", "runtime.offline=true"])
    assert missing.state.tolist() == ["impossible"]
    assert "dissectbench fetch resnet50_imagenet" in missing.missing[0]


def test_a_board_comes_as_data_frames(cells: pd.DataFrame) -> None:
    board = dissectbench.load_board(cells.record)
    methods = board.summary[board.summary.kind == "method"]
    assert methods[methods.metric == "lexical_match"]["row"].nunique() == 5
    assert set(board.results.metric) >= {"accuracy_at_1", "mrr", "coverage"}
    assert len(board.costs) == 5
    whole = dissectbench.load_board("results/local")
    pd.testing.assert_frame_equal(board.summary, whole.summary)


def test_a_board_is_read_from_an_archive_too(cells: pd.DataFrame) -> None:
    assert main(["pack", "results/local", "--out", "records.tar.xz"]) == 0
    packed = dissectbench.load_board(Path("records.tar.xz"))
    board = dissectbench.load_board(cells.record)
    pd.testing.assert_frame_equal(packed.summary, board.summary)
    pd.testing.assert_frame_equal(packed.units, board.units)
    assert board.units.groupby("row")["lexical_match"].mean().between(0, 1).all()


def test_a_board_is_shown_in_one_line(cells: pd.DataFrame) -> None:
    board = dissectbench.load_board(cells["record"])
    assert repr(board).startswith(f"<Board {board.name}: {len(cells)} records, ")
    assert len(repr(board)) < 100


@pytest.mark.parametrize("results", ["", None, [""], [float("nan")]])
def test_an_empty_path_is_not_the_working_directory(results: Any) -> None:
    with pytest.raises(UserError, match="is not a path"):
        dissectbench.load_board(results)


@pytest.mark.parametrize("overrides", [None, {"method": "milan"}, "method='milan", [1]])
def test_overrides_are_texts(overrides: Any) -> None:
    with pytest.raises(UserError, match="overrides: "):
        dissectbench.plan(overrides)


def test_a_folder_of_config_groups_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing is not a folder"):
        dissectbench.plan(config_dir=tmp_path / "missing")


def test_a_board_of_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match=r"no record|no such folder"):
            dissectbench.load_board(path)


def test_score_adds_scores_once(cells: pd.DataFrame) -> None:
    first = dissectbench.score(cells.record[0], "scoring.official_labels=true")
    assert first.state.tolist() == ["scored"]
    assert first.scores[0].is_file()
    again = dissectbench.score([cells.record[0]], ["scoring.official_labels=true"])
    assert again.state.tolist() == ["kept"]
    assert again.scores.tolist() == first.scores.tolist()
    with pytest.raises(UserError, match="decides the labels themselves"):
        dissectbench.score(cells.record, "method.params.top_k=5")


def test_imported_labels_are_scored(folder: Path) -> None:
    Path("labels.csv").write_text("unit,label\n0,tench\n1,wrong\n")
    about = {"method": "mine", "target": "resnet50_imagenet", "layer": "fc"}
    record = dissectbench.import_labels(
        "labels.csv", **about, vocabulary="concept set", overrides="scoring.sentence.name=none"
    )
    board = dissectbench.load_board(record).results
    [value] = board[(board.metric == "accuracy_at_1") & (board["kind"] == "method")].value
    assert value == 0.5
    with pytest.raises(UserError, match="not a setting of scoring"):
        dissectbench.import_labels("labels.csv", **about, overrides="seed=1")
    with pytest.raises(UserError, match="unknown vocabulary 'words'"):
        dissectbench.import_labels("labels.csv", **about, vocabulary="words")
