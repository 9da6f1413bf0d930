"""Run every GPU timing in one command that ends within minutes: `make gpu`.

Each part runs in its own process and within its own time, and writes a JSON file row by row, so
that a crash or the loss of the machine costs only the row in progress.
"""
