"""The program: run the command named by the first argument, and import only what it needs."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING

from bench import __version__
from bench.cli.interruption import interruptible

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "run the benchmark on the embedded world, and show its leaderboard",
    "run": "run one cell, or a sweep with -m (Hydra overrides)",
    "plan": "show what a run would do, what is missing and how to get it; --time: how long",
    "status": "watch a running sweep: cells done, running, waiting; time left",
    "import": "score labels that others made (CSV, TSV, JSON lines)",
    "submit-check": "check a folder of labels that is to be handed in",
    "score": "score existing labels under another truth, judge or rule",
    "list": "list methods, targets, probes, concepts, encoders, metrics, experiments",
    "board": "make leaderboards from the records on disk (Markdown, CSV, LaTeX)",
    "site": "make pages of boards and units, opened from disk without a server",
    "diff": "show what differs between records: settings, labels, scores",
    "verify": "recompute the numbers of records from their labels up",
    "faithfulness": "compare units with what their labels predict, on held-out images",
    "sanity": "test whether metrics of faithfulness notice missing and wrong labels",
    "pack": "put the records of a folder into one file, which `board` reads as it is",
    "unpack": "unpack such a file into a folder of records",
    "cache": "show what the evidence cache holds and why; delete least recently used entries",
    "fetch": "download published files: weights, images with masks, concept lists",
    "train": "rebuild the embedded world's networks, or train a MILAN decoder",
    "export-broden": "write the embedded world's images and masks in Broden's layout",
    "export-evidence": "write activations and embeddings as files, for runs without networks",
    "export-exemplars": "write units' top images and masks in MILANNOTATIONS' layout",
}
_MODULES = {"import": "import_labels"}
"""Modules of commands whose names are keywords of Python."""

DONE, SOME_FAILED, BAD_REQUEST = 0, 1, 2


def usage() -> str:
    """Return the text of `dissectbench --help`."""
    commands = "\n".join(f"  {name:<17} {what}" for name, what in COMMANDS.items())
    return (
        "usage: dissectbench COMMAND [...]\n\n"
        "Which method names a vision network's neurons best, how surely, and at what cost?\n\n"
        f"{commands}\n\n"
        "  dissectbench COMMAND --help: options; --debug: tracebacks; --version.\n"
        "Exit codes: 0 done, 1 some cell failed, 2 the request was wrong, 130 or 143 interrupted.\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # else it warns at every later fork
    with interruptible() as interruption:
        try:
            try:
                return _dispatch(arguments)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
            _discard_output()
            return DONE
        except (Exception, KeyboardInterrupt) as error:
            # An interrupted import may end in another error.
            if interruption.signal or isinstance(error, KeyboardInterrupt):
                notes = getattr(error, "__notes__", [])
                message = "\n".join(["interrupted; finished cells are kept", *notes])
                sys.stderr.write(f"dissectbench: {message}\n")
                return interruption.exit_code
            from bench.downloads.packages import as_user_error

            fault = as_user_error(error)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                _discard_output()  # it may be what cannot be written
            if debug or fault is None:
                raise
            sys.stderr.write(f"dissectbench: {fault}\n")
            return BAD_REQUEST


def _discard_output() -> None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _dispatch(arguments: list[str]) -> int:
    command, rest = (arguments or ["--help"])[0], arguments[1:]
    if command in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return DONE
    if command == "--version":
        sys.stdout.write(f"dissectbench {__version__}\n")
        return DONE
    if command not in COMMANDS:
        from bench.errors import UserError, nearest

        raise UserError(
            f"unknown command {command!r}",
            valid=nearest(command, COMMANDS),
            hint="`dissectbench --help` lists all",
        )
    name = _MODULES.get(command, command.replace("-", "_"))
    module = importlib.import_module(f"bench.cli.{name}")
    return int(module.main(rest))


if __name__ == "__main__":
    sys.exit(main())
