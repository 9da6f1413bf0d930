"""The terminal that commands print tables to."""

from __future__ import annotations

from rich import console


class Console(console.Console):
    """Rich's console, with a closed pipe (`dissectbench list | head`) raised as an error.

    Rich itself would exit with code 1.
    """

    def on_broken_pipe(self) -> None:
        """Raise, for `bench.__main__.main` to end the command.

        Raises:
            BrokenPipeError: Always.
        """
        raise BrokenPipeError
