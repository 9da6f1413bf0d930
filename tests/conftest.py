"""Settings of all tests."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

# `make test` tries the same examples each time, so that it fails for a change and not by chance;
# `make test-all` looks for new ones (HYPOTHESIS_PROFILE=default, Hypothesis' own).
settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Tests start some hundred processes. Where Python is told to write no bytecode, as in many images
# of containers, each of them would compile all of the package's sources again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
