"""Numbers of one column, written alike."""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

_DIGITS = 4
"""Of the largest number, at least."""
_MORE = 2
"""Digits that are added, at most, where neighbours would look the same."""
_TIED = 0.02
"""Share of neighbours that may."""
_SMALLEST, _LARGEST = 1e-3, 1e9
"""Between them numbers are written without a power of ten."""


def written_alike(column: Iterable[float]) -> Callable[[float], str]:
    """Return what writes a number of a column: with as many decimals as all the others.

    column: its numbers from top to bottom, finite ones count. Four digits of the largest, more
    where neighbours that differ would else look the same.
    """
    known = [value for value in column if math.isfinite(value)]
    largest = max(map(abs, known), default=0.0)
    neighbours = [pair for pair in pairwise(known) if pair[0] != pair[1]]

    def form(digits: int) -> str:
        if not _SMALLEST <= largest < _LARGEST and largest > 0:
            return f".{digits - 1}e"
        before = math.floor(math.log10(largest)) + 1 if largest > 0 else 0
        return f".{max(0, digits - before)}f"

    for digits in range(_DIGITS, _DIGITS + _MORE + 1):
        chosen = form(digits)
        alike = sum(format(a, chosen) == format(b, chosen) for a, b in neighbours)
        if alike <= _TIED * len(neighbours):
            break
    return lambda value: format(value, chosen)
