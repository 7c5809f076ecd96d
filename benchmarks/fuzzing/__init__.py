"""The parts of ``fuzz.py``: a family a format, what judges them, and the processes that try them.

A case is a pure function of (format, seed, number). A family writes its files, has cnnlab use them
as a user would, and judges what came of it against readers that are not cnnlab's own.
"""
