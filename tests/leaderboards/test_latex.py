"""LaTeX of a board: tables that compile alone, print any text as it is, and cite their sources."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboards.board import Board, load_board
from leaderboards.latex.document import DOCUMENT, latex_files
from leaderboards.latex.text import escape
from leaderboards.pages.render import check_board, write_board
from leaderboards.references import bibliography, cite_method, cite_part, load_references

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r"\\(?:[a-zA-Z]+\*?|.)|[{}$&%#_^~]|\n", re.DOTALL)
_COMMANDS = r"""
\\ \_ \% \& \# \$ \{ \} \, \allowbreak \arraybackslash \approx \begin \bibliography
\bibliographystyle \bottomrule \caption \centering \cite \clearpage \documentclass \emph \end
\footnotesize \input \label \ldots \midrule \newline \raggedleft \raggedright \scriptsize \section*
\setlength \tabcolsep \belowcaptionskip \textasciicircum \textasciigrave \textasciitilde
\textbackslash \textbar \textbf \textdegree \textdiv \textemdash \textendash \textgreater
\textless \textmu
\textperiodcentered \textpm \textquotedbl \textquotesingle \textsuperscript \texttimes \textwidth
\toprule \usepackage
"""
COMMANDS = set(_COMMANDS.split())
"""Every command that a file of ours may contain; all but booktabs' and array's are LaTeX's own."""
BARE = re.compile(r"[\[\]*]")
"""Characters that LaTeX would take for an argument after the end of a line."""


def check_latex(text: str) -> None:
    """Check commands, braces, environments, comments, math shifts and the columns of tables."""
    depth, math = 0, False
    environments: list[str] = []
    lines = [line for line in text.splitlines() if not line.startswith("% ")]
    body = "\n".join(lines)
    for match in TOKEN.finditer(body):
        token = match[0]
        if token.startswith("\\"):
            assert token in COMMANDS, token
        assert token not in ("#", "_", "^", "%"), body[match.start() - 40 :][:80]
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
        math ^= token == "$"
        assert not (math and token == "\n")
    assert depth == 0
    assert not math
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", body):
        if kind == "begin":
            environments.append(name)
        else:
            assert environments.pop() == name
    assert not environments
    for table in re.findall(r"\\begin\{tabular\}\{(.*?)\\end\{tabular\}", body, re.DOTALL):
        spec, *rows = table.split("\n")
        rows = [row for row in rows if row and not re.fullmatch(r"\\\w+rule", row)]
        columns = spec.count("p{")
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {columns - 1}
        assert not [row for row in rows if BARE.match(row)]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, build: Any) -> Board:
    """A board with ties, a saturated column, five concept sets and what a method was given."""
    root = tmp_path_factory.mktemp("records")
    levels = {"soft_wpmi": 44, "wpmi": 43, "cos": 5}
    for number, concepts in enumerate(("own", "all", "wordfreq", "paper", "last")):
        for similarity, right in levels.items():
            value = 1.0 if concepts == "own" and right > 40 else (right - number) / 55
            record = build.make_record(similarity, concepts=concepts, n_concepts=60 + number)
            if similarity == "cos":
                method = {**record.method, "given": "masks"}
                record = record.__class__(**{**vars(record), "method": method})
            build.put(root, record, build.make_scores(value, 60 + number))
    return load_board([root])


def test_tables_are_valid_and_complete(board: Board) -> None:
    files = latex_files(board, "record set 0; command")
    tables = {name: text for name, text in files.items() if name.startswith("tables/")}
    assert len(tables) == len(board.summaries)
    for name, text in files.items():
        if name.endswith(".tex"):
            check_latex(text)
    lexical = tables["tables/glyphs-objects-fc-lexical-match.tex"]
    assert lexical.count("\\begin{table*}") == 2  # five conditions, three beside each other at most
    assert "Part 2 of 2." in lexical
    assert "$n=55$\\newline \\emph{saturated}" in lexical
    assert "& masks &" in lexical
    assert re.search(
        r"\\textbf\{0\.7\d\d\}\\textsuperscript\{a\} \{\\scriptsize \{\[\}0\.6", lexical
    )
    assert "\\emph{oracle}" in lexical
    assert "clip\\_\\allowbreak dissect wpmi~\\cite{oikarinen2023clipdissect}" in lexical
    circular = tables["tables/glyphs-objects-fc-sentence-cosine.tex"]
    assert "Sentence cosine\\textdegree{}" in circular


def test_the_document_shows_every_table_and_cites_what_it_has(board: Board) -> None:
    files = latex_files(board, "p")
    document = files[DOCUMENT]
    for name in files:
        if name.startswith("tables/"):
            assert f"\\input{{{name.removesuffix('.tex')}}}" in document
    keys = set(re.findall(r"@\w+\{([^,]+),", files["references.bib"]))
    cited = {
        key
        for text in files.values()
        for own in re.findall(r"\\cite\{([^}]*)\}", text)
        for key in own.split(",")
    }
    assert cited == keys
    assert "oikarinen2023clipdissect" in keys
    assert "speer2022wordfreq" in keys
    assert "krizhevsky2009cifar" not in keys
    assert "keywords" not in files["references.bib"]


def test_equal_names_get_files_of_their_own(tmp_path: Path, build: Any) -> None:
    for layer in ("a.b", "a_b"):
        build.put(tmp_path, build.make_record(layer=layer), build.make_scores(0.5))
    names = set(latex_files(load_board([tmp_path]), "p"))
    assert {"tables/glyphs-objects-a-b-accuracy-at-1.tex",
            "tables/glyphs-objects-a-b-accuracy-at-1-2.tex"} <= names  # fmt: skip


def test_tables_of_dropped_layers_are_deleted_and_files_of_users_stay(
    board: Board, build: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write_board(board, out)
    assert check_board(board, out) == []
    (out / "tables" / "mine.tex").write_text("\\textbf{mine}")
    build.put(tmp_path / "s", build.make_record(layer="other"), build.make_scores(0.5))
    other = load_board([tmp_path / "s"])
    assert "tables/glyphs-objects-fc-lexical-match.tex" in check_board(other, out)
    write_board(other, out)
    left = {path.name for path in (out / "tables").iterdir()}
    assert "mine.tex" in left
    assert "glyphs-objects-other-lexical-match.tex" in left
    assert not any("-fc-" in name for name in left)
    assert check_board(other, out) == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_printed_and_runs_nothing(text: str) -> None:
    safe = escape(text)
    check_latex(safe)
    assert not re.search(r"(?<!\{)[\[\]*]", safe)
    assert "--" not in safe
    assert ",," not in safe


def test_texts_read_back_as_they_were() -> None:
    assert escape(r"a_b & 50% of $x$ {y} \input{z} ~^ --, --") == (
        r"a\_\allowbreak b \& 50\% of \$x\$ \{y\} \textbackslash{}input\{z\} "
        r"\textasciitilde{}\textasciicircum{} {-}-, {-}-"
    )
    assert escape("café × 深") == r"café \texttimes{} {[}U+6DF1{]}"


def test_every_part_with_a_publication_cites_it() -> None:
    """All choices of conf/ either cite something or are known to have no publication."""
    without = {
        "target": {"callable", "precomputed", "timm", "torch_hub", "torchvision"},
        "probe": {"class_folder", "folder", "glyphs_broden", "glyphs_half", "glyphs_noisy_masks",
                  "glyphs_scenes_only", "glyphs_val", "precomputed", "union"},
        "concepts": {"combined", "file", "glyphs_all", "glyphs_objects", "glyphs_scenes", "sample"},
        "encoder": {"open_clip_files", "precomputed"},
        "captioner": {"glyphs", "hf"},
        "segmenter": {"glyphs", "hugging_face", "masks", "torchvision"},
    }  # fmt: skip
    for role, names in without.items():
        files = sorted((ROOT / "conf" / role).glob("*.yaml"))
        lacking = {
            file.stem
            for file in files
            if not cite_part(role, yaml.safe_load(file.read_text(encoding="utf-8")))
        }
        assert lacking == names, role
    for file in (ROOT / "conf" / "method").glob("*.yaml"):
        assert cite_method(yaml.safe_load(file.read_text(encoding="utf-8"))), file.stem


def test_imported_labels_cite_the_numbers_in_their_source() -> None:
    source = "MILAN (arXiv:2201.11114), as stored by CLIP-Dissect (arXiv:2204.10965)"
    keys = cite_method({"name": "milan", "source": source})
    assert set(keys) == {"hernandez2022milan", "oikarinen2023clipdissect"}
    assert cite_method({"name": "mine", "source": "not said"}) == ()


def test_the_bibliography_is_sound() -> None:
    entries = load_references()
    assert len({one.key for one in entries}) == len(entries) > 15
    for one in entries:
        assert one.patterns, one.key
        assert one.entry.count("{") == one.entry.count("}")
        for field in ("author", "title", "year"):
            assert f"  {field} = {{" in one.entry, one.key
    text = bibliography(one.key for one in entries)
    assert text.count("\n@") + 1 == len(entries)


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex", "tectonic"])
def test_the_document_compiles(engine: str, board: Board, tmp_path: Path) -> None:
    program = shutil.which(engine)
    if program is None:
        pytest.skip(f"{engine} is not installed")
    out = tmp_path / "out"
    write_board(board, out)

    def run(*command: str) -> None:
        done = subprocess.run(
            command, cwd=out, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout[-3000:]

    if engine == "tectonic":
        run(program, "--only-cached", DOCUMENT)
    else:
        latex = (program, "-interaction=nonstopmode", "-halt-on-error", DOCUMENT)
        run(*latex)
        run("bibtex", "board")
        run(*latex)
        run(*latex)
        log = (out / "board.log").read_text(errors="replace")
        assert "undefined references" not in log
        assert "undefined citations" not in log
    assert (out / "board.pdf").read_bytes().startswith(b"%PDF")
