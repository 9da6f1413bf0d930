"""The LaTeX files of a board: its tables, their bibliography, and a document that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.latex.tables import cited, latex_tables
from leaderboards.latex.text import escape
from leaderboards.references import bibliography

if TYPE_CHECKING:
    from leaderboards.board import Board

DOCUMENT = "board.tex"
TABLES = "tables"
"""Folder of the tables."""

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[margin=1in]{geometry}
\usepackage{array,booktabs}
\begin{document}
"""


def latex_files(board: Board, provenance: str) -> dict[str, str]:
    """Return the LaTeX files of a board by path; none where it has no headline table.

    `pdflatex board`, `bibtex board` and `pdflatex board` twice make a PDF of all tables.
    """
    tables = latex_tables(board.summaries, provenance)
    if not tables:
        return {}
    files = {f"{TABLES}/{name}.tex": text for name, text in tables.items()}
    keys = {key for text in tables.values() for key in cited(text)}
    body = [f"\\section*{{{escape(f'Leaderboard: {board.name}')}}}", *map(_input, files)]
    if keys:
        files["references.bib"] = bibliography(keys)
        body += [r"\bibliographystyle{unsrt}", r"\bibliography{references}"]
    files[DOCUMENT] = _HEAD + "\n".join([*body, r"\end{document}"]) + "\n"
    return files


def _input(path: str) -> str:
    # A page for each: LaTeX holds no more than 18 tables back.
    return f"\\input{{{path.removesuffix('.tex')}}}\n\\clearpage"
