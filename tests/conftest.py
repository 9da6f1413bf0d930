"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# `make test` tries the same examples each time, so that it fails for a change and not by chance;
# `make test-all` looks for new ones (HYPOTHESIS_PROFILE=default, Hypothesis' own).
settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
