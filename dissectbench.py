"""Benchmark methods that name neurons of vision networks: functions for notebooks and programs.

    import dissectbench

    cells = dissectbench.run("method=clip_dissect concepts=wordfreq_20k")
    board = dissectbench.load_board(cells["record"])
    board.summary  # a pandas data frame

Everything here is documented in `bench.api`.
"""

from bench import __version__
from bench.api import (
    Board,
    Columns,
    UserError,
    describe,
    development_units,
    import_labels,
    load_board,
    plan,
    run,
    score,
)

__all__ = [
    "Board",
    "Columns",
    "UserError",
    "__version__",
    "describe",
    "development_units",
    "import_labels",
    "load_board",
    "plan",
    "run",
    "score",
]
