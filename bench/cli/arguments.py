"""Argument parsing that all commands share."""

from __future__ import annotations

import argparse
from typing import NoReturn

from bench.errors import UserError


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
