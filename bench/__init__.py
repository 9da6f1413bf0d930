"""dissectbench: which method names a vision network's neurons best, and at what cost?"""

__version__ = "0.1.0"
