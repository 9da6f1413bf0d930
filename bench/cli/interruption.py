"""Interruption of a command by Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class SignalInterrupt(KeyboardInterrupt):
    """A command was interrupted.

    A class of its own: after a plain KeyboardInterrupt inside `eval`, which the import of a named
    tuple calls, CPython ends the process by SIGINT, whatever exit code it returns.
    """


class Interruption:
    """The last signal that interrupted a command.

    Attributes:
        signal: SIGINT or SIGTERM; None if there was none.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._process = os.getpid()

    @property
    def exit_code(self) -> int:
        """The exit code of a process that a signal ended, as shells give it: 130 or 143."""
        return 128 + (self.signal or signal.SIGINT)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """End the child processes and interrupt the main thread; a signal handler.

        Raises:
            SignalInterrupt: Always.
        """
        if os.getpid() != self._process:  # a forked child, which inherits the handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = signal.Signals(number)
        _terminate_children()
        raise SignalInterrupt


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Handle SIGINT and SIGTERM alike inside the block, if it runs in the main thread."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, interruption.receive) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _terminate_children() -> None:
    """Send SIGTERM to all processes that this one started, such as workers of joblib."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            child.terminate()
        except psutil.Error:  # it has ended
            continue
