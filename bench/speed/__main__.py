"""`python -m bench.speed`: benchmark the similarity functions."""

from __future__ import annotations

from bench.speed.benchmarks import run

if __name__ == "__main__":
    raise SystemExit(run("similarity"))
