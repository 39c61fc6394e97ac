"""Which colours a picture has, and how much of each."""

import numpy as np
from numpy.typing import NDArray

from .prepare import LUMINANCE, Colours

BINS = 6
DIMENSION = BINS**3


def colour_features(rgb: Colours) -> NDArray[np.float32]:
    """Return (216,) float32: the square root of a joint histogram, so its length is 1.

    Axes: luminance 0..1, red minus green and blue minus their mean, -0.5..0.5, six bins each. The
    root makes the cosine of two histograms their Bhattacharyya coefficient.
    """
    red, green, blue = np.moveaxis(rgb, 2, 0)
    axes = (rgb @ LUMINANCE, red - green + 0.5, blue - (red + green) / 2 + 0.5)
    cell = np.zeros(red.shape, dtype=np.intp)
    for axis in axes:
        cell = cell * BINS + np.clip((axis * BINS).astype(np.intp), 0, BINS - 1)
    counts = np.bincount(cell.ravel(), minlength=DIMENSION)
    return np.sqrt(counts / cell.size).astype(np.float32)
