"""Black borders around a picture: artists' pictures and video stills have them, objects do not."""

from dataclasses import replace

import numpy as np

from .picture import Picture

BLACK = 10 / 255
"""Of full scale: what compression leaves of black."""
LEAST = 0.03
"""Share of a side; thinner borders are left alone."""


def without_black_borders(picture: Picture) -> Picture:
    """Return the picture without rows and columns at its edges that are black all along.

    A side is cut when at least 3 % of it is black from the edge on. A picture that would keep
    less than a sixteenth of its area (one star on black ground) is returned as it is, and so is
    linear data: there black is the sky.
    """
    if picture.linear:
        return picture
    bright = picture.samples.max(axis=2) > BLACK * picture.full_scale
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if len(rows) == 0:
        return picture
    top, bottom = _cut(rows, picture.height)
    left, right = _cut(columns, picture.width)
    if (bottom - top) * (right - left) * 16 < picture.height * picture.width:
        return picture
    if (bottom - top, right - left) == (picture.height, picture.width):
        return picture
    mask = None if picture.mask is None else picture.mask[top:bottom, left:right]
    return replace(picture, samples=picture.samples[top:bottom, left:right], mask=mask)


def _cut(bright: np.ndarray[tuple[int], np.dtype[np.int64]], side: int) -> tuple[int, int]:
    first, last = int(bright[0]), int(bright[-1]) + 1
    return first if first >= LEAST * side else 0, last if side - last >= LEAST * side else side
