"""The log of one job, for its run.log and for standard error."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def job_log() -> Iterator[io.StringIO]:
    """Collect the job's log for run.log, and show it on standard error."""
    text = io.StringIO()
    handlers: list[logging.Handler] = [
        logging.StreamHandler(text),
        logging.StreamHandler(sys.stderr),
    ]
    handlers[0].setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handlers[1].setFormatter(logging.Formatter("%(message)s"))
    handlers[1].setLevel(logging.INFO)  # run.log holds the details too
    root = logging.getLogger("bench")
    before = (root.level, root.propagate)
    root.setLevel(logging.DEBUG)
    root.propagate = False
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield text
    finally:
        for handler in handlers:
            root.removeHandler(handler)
        root.level, root.propagate = before
