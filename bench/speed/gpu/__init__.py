"""Every timing that wants a GPU, in one command that ends within minutes: `make gpu`.

Each part runs in a process of its own, by its own clock, and writes one JSON file as it goes, so
that a fault or an end of the machine costs no more than what was under way.
"""
