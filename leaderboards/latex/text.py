"""Texts for LaTeX: whatever they contain, they print as they are and run no command."""

from __future__ import annotations

import re

from leaderboards.pages.markdown import clean

_LIGATURE = re.compile(r"([-,])(?=\1)")
_INNER_UNDERSCORE = re.compile(r"\\_(?=[A-Za-z0-9])")
_COMMANDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # After the end of a line, LaTeX would take these for its arguments.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "×": r"\texttimes{}",
    "÷": r"\textdiv{}",
    "°": r"\textdegree{}",
    "±": r"\textpm{}",
    "µ": r"\textmu{}",
    "·": r"\textperiodcentered{}",
    "…": r"\ldots{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "−": "$-$",
    "≈": r"$\approx$",
    **{character: f"\\{character}" for character in "#$%&_{}"},
}


def escape(text: str, limit: int = 100) -> str:
    """Return a text as LaTeX that prints it, on one line, cut to `limit` characters.

    Lines may break after underscores inside words. Accented letters of Western European languages
    stay; of others, the code point is printed, since the usual fonts of pdfLaTeX lack them.
    """
    printed = _LIGATURE.sub(r"{\1}", "".join(map(_escape, clean(text, limit))))
    return _INNER_UNDERSCORE.sub(r"\\_\\allowbreak ", printed)


def _escape(character: str) -> str:
    if character in _COMMANDS:
        return _COMMANDS[character]
    if character.isascii() or "À" <= character <= "ÿ":
        return character
    return f"{{[}}U+{ord(character):04X}{{]}}"
