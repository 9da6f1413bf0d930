"""Argument parsing that all commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


class Parser(argparse.ArgumentParser):
    """argparse, with faults raised as `UserError`, so that all commands report them alike."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and exiting."""
        raise UserError(message, hint=f"`{self.prog} --help` shows the options")


def parser(command: str, description: str, epilog: str = "") -> Parser:
    """Return a parser for `dissectbench COMMAND`."""
    return Parser(
        prog=f"dissectbench {command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def check_names(names: Iterable[str], known: Iterable[str], what: str, option: str) -> None:
    """Refuse names given to an option that are not among the known ones.

    An option with several names also takes the overrides and paths that follow it; say so.

    Raises:
        UserError: A name is unknown.
    """
    choices = list(known)
    for name in names:
        if name not in choices:
            misplaced = "=" in name or "/" in name
            raise UserError(
                f"unknown {what} {name!r}",
                where=option,
                valid=nearest(name, choices),
                hint=f"put it before {option}"
                if misplaced
                else f"choose from: {', '.join(choices)}",
            )
