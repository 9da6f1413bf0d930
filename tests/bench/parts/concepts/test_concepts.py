import pytest

from bench.errors import UserError
from bench.parts.concepts import FileConcepts, GlyphsConcepts, WordfreqConcepts
from bench.parts.protocols import ConceptSet
from leaderboards.hashing import words_sha256


def test_a_file_is_cleaned_and_keeps_its_order(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(
        "\ufefftench, Tinca tinca\r goldfish \r\rtench, Tinca tinca\rgoldfish\rcafé".encode()
    )
    concepts = FileConcepts(str(path))
    assert concepts.words() == ("tench, Tinca tinca", "goldfish", "café")
    assert concepts.notes() == (
        "left out 1 blank line",
        "dropped 2 lines that repeat an earlier concept",
    )
    path.write_text("sea\nshore\n")
    assert FileConcepts(str(path)).notes() == (), "a last line end makes no blank line"
    assert isinstance(concepts, ConceptSet)


@pytest.mark.parametrize("content", [b"", b"\n \r\n\t"])
def test_an_empty_file_is_refused_with_its_line(tmp_path, content):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        FileConcepts(str(path)).words()
    assert caught.value.where == f"{path}:1"


def test_a_binary_file_is_refused_with_its_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"one\ntwo\xe9\n")
    with pytest.raises(UserError, match="0xe9") as caught:
        FileConcepts(str(path)).words()
    assert caught.value.where == f"{path}:2"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_refused_with_the_cure(tmp_path, encoding):
    path = tmp_path / "words.txt"
    path.write_bytes("fox\nsea\n".encode(encoding))
    with pytest.raises(UserError, match=r"not UTF-8|zero byte") as caught:
        FileConcepts(str(path)).words()
    assert "UTF-8" in caught.value.hint
    assert caught.value.where == f"{path}:1"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0\tfox", "contains a tab"),
        ("\x1b[1mfox", r"U\+001B"),
        ("fox\x85sea", r"U\+0085"),
        ("fox " * 400, "1,599 characters"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path, line, says):
    path = tmp_path / "words.txt"
    path.write_text(f"red\n\n{line}\n")
    with pytest.raises(UserError, match=says) as caught:
        FileConcepts(str(path)).words()
    assert caught.value.where == f"{path}:3"


def test_a_missing_file_is_an_unmet_requirement(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    [requirement] = FileConcepts(str(tmp_path / "none.txt")).unmet_requirements()
    assert requirement.name == f"the concept file {tmp_path / 'none.txt'}"
    [requirement] = FileConcepts("fetched:categories_places365").unmet_requirements()
    assert requirement.hint == "dissectbench fetch categories_places365"
    assert requirement.size == 6_833
    [requirement] = FileConcepts("fetched:no_such_thing").unmet_requirements()
    assert "no_such_thing" in requirement.name
    (tmp_path / "words.txt").write_text("fox")
    assert FileConcepts(str(tmp_path / "words.txt")).unmet_requirements() == ()


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.txt"):
        with pytest.raises(UserError) as caught:
            FileConcepts(str(path)).words()
        assert caught.value.where == "concepts.params.path"


def test_wordfreq_lists_are_prefixes_of_each_other():
    small, large = WordfreqConcepts(300).words(), WordfreqConcepts(3000).words()
    assert len(small) == 300
    assert large[:300] == small
    assert len(set(large)) == 3000
    with pytest.raises(UserError):
        WordfreqConcepts(0)
    with pytest.raises(UserError, match="wordfreq has"):
        WordfreqConcepts(10_000_000).words()


def test_glyphs_kinds():
    every = GlyphsConcepts("all").words()
    objects = GlyphsConcepts("objects").words()
    scenes = GlyphsConcepts("scenes").words()
    assert len(objects) >= 56
    assert len(scenes) >= 20
    assert set(objects) | set(scenes) < set(every)
    assert len(set(every)) == len(every)


def test_the_hash_is_of_the_words_in_order():
    assert words_sha256(["a", "b"]) == words_sha256(("a", "b"))
    assert words_sha256(["a", "b"]) != words_sha256(["b", "a"])
    assert words_sha256(["a b"]) != words_sha256(["a", "b"])
