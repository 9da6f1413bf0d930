from __future__ import annotations

import gzip
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from leaderboards.board import Board, build_board, load_board
from leaderboards.cells import load_cells
from leaderboards.pages.console import print_board
from leaderboards.pages.render import check_board, render_costs, render_scores, write_board
from leaderboards.storage import write_record
from leaderboards.timings import append_timing

GOLDEN = Path(__file__).with_name("golden.md")


def tiny(root: Path, build: Any) -> None:
    for similarity, own, english in (("soft_wpmi", 1.0, 44), ("wpmi", 1.0, 40), ("cos", 0.4, 12)):
        for concepts, n, value in (("own", 56, own), ("english", 20000, english / 55)):
            record = build.make_record(similarity, concepts=concepts, n_concepts=n)
            build.put(root, record, build.make_scores(value, n))
    error = {"type": "ValueError", "message": "no | images", "traceback": "..."}
    write_record(root, build.make_record("broken", status="failed", error=error))


def test_the_front_page_is_the_golden_one(tmp_path: Path, build: Any) -> None:
    tiny(tmp_path, build)
    page = render_scores(load_board([tmp_path]))["README.md"].decode()
    assert page == GOLDEN.read_text(encoding="utf-8")


def test_same_records_same_bytes_in_any_order_place_and_time(tmp_path: Path, build: Any) -> None:
    tiny(tmp_path / "a", build)
    first = render_scores(load_board([tmp_path / "a"]))
    tiny(tmp_path / "elsewhere" / "b", build)
    for path in (tmp_path / "elsewhere").rglob("record.json"):
        append_timing(path.parent, build.make_timing(9.0, "another machine"))
    assert render_scores(load_board([tmp_path / "elsewhere"])) == first
    cells, problems = load_cells([tmp_path / "a"])
    for seed in range(5):
        random.Random(seed).shuffle(cells)
        assert render_scores(build_board(cells, problems)) == first


def test_environment_and_run_do_not_change_the_record_set(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path / "a", build.make_record(), build.make_scores(0.5))
    other = build.make_record(environment={"git": "dirty"}, run={"batch_size": 7})
    build.put(tmp_path / "b", other, build.make_scores(0.5))
    build.put(tmp_path / "c", build.make_record(), build.make_scores(0.51))
    hashes = [load_board([tmp_path / name]).score_hash for name in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]


def test_check_sees_a_changed_byte_and_a_missing_file(tmp_path: Path, build: Any) -> None:
    tiny(tmp_path / "r", build)
    out = tmp_path / "out"
    write_board(load_board([tmp_path / "r"], "dissectbench board r --out out"), out)
    # The check is often called from elsewhere, so that its own command reads differently.
    board = load_board([tmp_path / "r"], "dissectbench board /abs/r --out /abs/out --check")
    assert check_board(board, out) == []
    packed = out / "results.csv.gz"
    results = gzip.decompress(packed.read_bytes())
    packed.write_bytes(gzip.compress(results, compresslevel=1))  # other bytes, the same table
    assert check_board(board, out) == []
    for damaged in (gzip.compress(results.replace(b"0.8", b"0.9", 1)), packed.read_bytes()[:-9]):
        packed.write_bytes(damaged)
        assert check_board(board, out) == ["results.csv.gz"]
    packed.write_bytes(gzip.compress(results))
    for name in ("README.md", "board.md", "summary.csv"):
        data = (out / name).read_bytes()
        (out / name).write_bytes(data.replace(b"0.8", b"0.9", 1))
        assert check_board(board, out) == [name]
        (out / name).write_bytes(data)
    costs = (out / "costs.md").read_bytes()
    (out / "costs.md").write_bytes(costs + b"timed again")
    assert check_board(board, out) == ["costs.md"]
    (out / "costs.md").write_bytes(costs)
    (out / "board.md").unlink()
    assert check_board(board, out) == ["board.md"]
    build.put(tmp_path / "r", build.make_record("new"), build.make_scores(0.2))
    assert "README.md" in check_board(load_board([tmp_path / "r"]), out)


def test_results_hold_every_number_unrounded(tmp_path: Path, build: Any) -> None:
    tiny(tmp_path / "r", build)
    write_board(load_board([tmp_path / "r"]), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "results.csv.gz")
    row = table[
        (table["row"] == "clip_dissect soft_wpmi")
        & (table["concepts"].str.startswith("english ("))
        & (table["metric"] == "lexical_match")
    ]
    assert row["value"].item() == pytest.approx(44 / 55, abs=1e-15)
    assert table["provenance"].notna().sum() == 1
    shuffled = table[table["row"].str.startswith("shuffled: ")]
    assert shuffled["row"].nunique() == 3


def test_other_fingerprints_never_share_a_table(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record("wpmi"), build.make_scores(0.5))
    build.put(tmp_path, build.make_record("cos", probe_print="p2"), build.make_scores(0.5))
    build.put(
        tmp_path, build.make_record("x", probe_print="p3", n_images=500), build.make_scores(0.5)
    )
    board = load_board([tmp_path])
    assert [len(table.methods) for table in board.tables] == [1, 1, 1]
    assert len({table.condition.probe for table in board.tables}) == 3


def test_sizes_tell_nested_probe_sets_apart(tmp_path: Path, build: Any) -> None:
    for n in (100, 1000):
        record = build.make_record(probe_print=f"p{n}", n_images=n)
        build.put(tmp_path, record, build.make_scores(0.5))
    probes = [table.condition.probe for table in load_board([tmp_path]).tables]
    assert probes == ["glyphs_val (n=100)", "glyphs_val (n=1000)"]


def test_labels_name_what_differs(tmp_path: Path, build: Any) -> None:
    def method(**params: Any) -> dict[str, Any]:
        return {"name": "m", "version": 1, "params": params, "given": "masks"}

    for key, params in (("k1", {"k": 5, "f": "a"}), ("k2", {"k": 9, "f": "a"})):
        record = build.make_record(key=key, method="m")
        changed = record.__class__(**(record.__dict__ | {"method": method(**params)}))
        build.put(tmp_path, changed, build.make_scores(0.5))
    seeded = build.make_record("wpmi", key="k3", seed=1)
    build.put(tmp_path, seeded, build.make_scores(0.4))
    build.put(tmp_path, build.make_record("wpmi", key="k4"), build.make_scores(0.3))
    build.put(tmp_path, build.make_record("wpmi", key="k5aaaa"), build.make_scores(0.2))
    [table] = load_board([tmp_path]).tables
    assert [row.label for row in table.methods] == [
        "m k=5",
        "m k=9",
        "clip_dissect seed=1",
        "clip_dissect seed=0 #k4",
        "clip_dissect seed=0 #k5aaaa",
    ]
    assert table.methods[0].given == "masks"


def test_a_number_that_hangs_on_a_text_is_no_difference(tmp_path: Path, build: Any) -> None:
    """soft_wpmi and wpmi read other numbers of images by default: the function's name says so."""
    settings = [("soft_wpmi", 100), ("wpmi", 28), ("wpmi", 9)]
    for similarity, top_k in settings:
        record = build.make_record(key=f"{similarity}{top_k}", method="m")
        params = {"similarity": similarity, "top_k": top_k}
        build.put(
            tmp_path,
            replace(record, method={"name": "m", "version": 1, "params": params}),
            build.make_scores(0.5),
        )
    [table] = load_board([tmp_path]).tables
    assert [row.label for row in table.methods] == [
        "m soft_wpmi",
        "m wpmi top_k=28",
        "m wpmi top_k=9",
    ]


def test_scaled_scores_run_from_the_better_floor_to_the_oracle(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record(), build.make_scores(0.5))
    board = load_board([tmp_path])
    cosine, lexical = (
        board.results[board.results.metric == name].set_index("row")
        for name in ("sentence_cosine", "lexical_match")
    )
    own = cosine.loc["clip_dissect"]
    assert (own.floor, own.ceiling) == (0.32, 0.95)  # constant is above shuffled, 0.22
    assert own.scaled == pytest.approx((0.6 - 0.32) / (0.95 - 0.32))
    assert own.scaled_low == pytest.approx((0.55 - 0.32) / (0.95 - 0.32))
    assert own.scaled_high == pytest.approx((0.65 - 0.32) / (0.95 - 0.32))
    assert own.circular
    assert cosine.scaled[["constant", "oracle"]].tolist() == [0.0, 1.0]
    assert lexical.scaled["clip_dissect"] == pytest.approx((0.5 - 1 / 55) / (1 - 1 / 55))
    summary = board.summary[board.summary.metric == "sentence_cosine"].set_index("row")
    columns = ["scaled", "scaled_low", "scaled_high", "floor", "ceiling", "not_scaled"]
    assert summary.loc["clip_dissect", columns].tolist() == own[columns].tolist()
    others = board.results[board.results.metric == "mrr"]
    assert others.scaled.isna().all()


def test_no_score_is_scaled_where_floor_and_ceiling_meet(tmp_path: Path, build: Any) -> None:
    scores = build.make_scores(0.5)
    scores["controls"]["shuffled"]["sentence_cosine"]["value"] = 0.95
    del scores["controls"]["oracle"]["accuracy_at_1"]
    build.put(tmp_path, build.make_record(), scores)
    rows = load_board([tmp_path]).summary.set_index(["metric", "row"])
    for metric, reason in (
        ("sentence_cosine", "the ceiling is not above the floor"),
        ("accuracy_at_1", "no floor or no ceiling to scale by"),
    ):
        assert pd.isna(rows.loc[(metric, "clip_dissect"), "scaled"])
        assert rows.loc[(metric, "clip_dissect"), "not_scaled"] == reason
    assert rows.loc[("sentence_cosine", "clip_dissect"), "floor"] == 0.95


def test_controls_that_disagree_are_pointed_out(tmp_path: Path, build: Any) -> None:
    build.put(tmp_path, build.make_record("a"), build.make_scores(0.5))
    changed = build.make_scores(0.4)
    changed["controls"]["oracle"]["lexical_match"]["value"] = 0.9
    build.put(tmp_path, build.make_record("b"), changed)
    [table] = load_board([tmp_path]).tables
    assert len(table.notes) == 1
    assert "oracle control" in table.notes[0]


def test_hostile_names_stay_in_their_cells(tmp_path: Path, build: Any) -> None:
    evil = "a|b`c<img src=x>\n# d"
    for similarity in (evil, "wpmi"):
        record = build.make_record(similarity, concepts=evil, notes=(evil,))
        scores = build.make_scores(0.5)
        scores["controls"]["constant"]["lexical_match"]["detail"]["concept"] = evil
        build.put(tmp_path, record, scores)
    files = render_scores(load_board([tmp_path]))
    for name in ("README.md", "board.md"):
        page = files[name].decode()
        for line in page.splitlines():
            if line.startswith("|"):
                assert "<img" not in line
            assert not line.startswith("# d")
        tables = [block for block in page.split("\n\n") if block.startswith("|")]
        for block in tables:
            bars = {line.replace("\\|", "").count("|") for line in block.splitlines()}
            assert len(bars) == 1


def test_an_empty_board_says_so(tmp_path: Path) -> None:
    board = load_board([tmp_path])
    assert write_board(board, tmp_path / "out")
    console = Console(width=100, record=True)
    print_board(board, console)
    assert "No scored record" in console.export_text()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, build: Any) -> Board:
    """A board of sixty records."""
    folder = tmp_path_factory.mktemp("many")
    build.put_many(folder)
    return load_board([folder])


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_terminal_table_fits(many: Board, width: int) -> None:
    console = Console(width=width, record=True, quiet=False)
    print_board(many, console)
    text = console.export_text()
    assert max(len(line) for line in text.splitlines()) <= width
    for word in ("saturated", "oracle", "constant", "chance", "english_20k"):
        assert word in text
    assert "…" not in text


def test_units_are_a_table_of_the_board(tmp_path: Path, build: Any) -> None:
    for similarity in ("wpmi", "cos"):
        build.put(tmp_path, build.make_record(similarity), build.make_scores(0.5))
    units = load_board([tmp_path]).units
    assert list(units["row"].unique()) == ["clip_dissect cos", "clip_dissect wpmi"]
    own = units[units["row"] == "clip_dissect wpmi"]
    assert list(own["label"][:3]) == ["umbrella", "", "nan"]
    assert own["lexical_match"].sum() == round(0.5 * 55)
    assert set(own["concepts"]) == {"own (56)"}


def test_true_names_out_of_reach_are_counted_and_the_others_have_scores(
    tmp_path: Path, build: Any
) -> None:
    units = build.make_units(0.4)
    units["reach"] = ["exact"] * 25 + ["synonym"] * 5 + ["none"] * 25
    for similarity, n in (("wpmi", 22), ("cos", 10)):
        scores = build.make_scores(n / 55, 20000)
        counts = {"exact": 25, "synonym": 5, "none": 25}
        scores["scores"]["reach"] = build.share(30 / 55, detail=counts)
        for name in ("lexical_match", "accuracy_at_1", "sentence_cosine"):
            part = build.share(n / 30, n=30)
            scores["scores"][f"{name}[reachable]"] = part
            scores["controls"]["oracle"][f"{name}[reachable]"] = build.share(1.0, n=30)
        right = (units["unit"] < n).astype(float)
        write_record(
            tmp_path,
            build.make_record(similarity, concepts="english", n_concepts=20000),
            scores=[(scores, units.assign(lexical_match=right))],
            descriptions=build.make_descriptions(),
        )
        build.put(tmp_path, build.make_record(similarity), build.make_scores(0.5))
    board = load_board([tmp_path])
    [table] = [s for s in board.summaries if s.metric == "lexical_match[reachable]"]
    [column] = table.columns  # the other concept set holds all names
    assert column.condition.concepts == "english (20,000)"
    assert column.verdict.best == "clip_dissect wpmi"
    assert column.verdict.pairs is not None
    assert column.verdict.pairs.comparison.n == 30
    files = render_scores(board)
    said = (
        "The concept set holds 30 of 55 true names (25 exactly, 5 by a synonym or an inflection); "
        "no label of a single concept names the other 25. Scores on the 30: *reachable names*."
    )
    front = files["README.md"].decode()
    assert front.count(f"- glyphs_val × english (20,000): {said}") == 1  # below the first table
    assert "### lexical match, reachable names" in front
    details = files["board.md"].decode()
    assert details.count(said) == 1
    assert "sentence cosine, reachable names" in details
    reach = board.results[board.results.metric == "reach"]
    assert set(reach.detail) == {"exact=25, none=25, synonym=5"}


def test_no_table_of_a_page_has_more_than_seven_columns(tmp_path: Path, build: Any) -> None:
    """Nine concept sets beside each other, and everything else that widens a table."""
    methods = ("soft_wpmi", "wpmi")
    for number in range(9):
        for similarity in methods:
            record = build.make_record(similarity, concepts=f"set{number}", n_concepts=60 + number)
            build.put(tmp_path, record, build.make_scores(0.5 + number / 100))
    board = load_board([tmp_path])
    pages = render_scores(board) | render_costs(board)
    tables = [
        block.splitlines()
        for name, page in pages.items()
        if name.endswith(".md")
        for block in page.decode().split("\n\n")
        if block.startswith("|")
    ]
    columns = [len(re.findall(r"(?<!\\)\|", lines[0])) - 1 for lines in tables]
    assert len(columns) > 40
    assert max(columns) <= 7
    for lines in tables:  # each is a table of its own
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    front = pages["README.md"].decode()
    for number in range(9):
        assert front.count(f"<br>set{number} (") == 7  # five scores, two of them scaled
