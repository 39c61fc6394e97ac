"""The shape of one bright thing, whatever its turn, mirror image, brightness and size."""

import numpy as np
from numpy.typing import NDArray

from .light import border, find_light, smooth
from .prepare import LUMINANCE, Colours

RADII = 20
ANGLES = 64
ORDERS = 9
DIMENSION = RADII * ORDERS + 3 * (RADII // 2) + 1

_REACH = (0.12, 3.2)
"""Innermost and outermost circle, in units of the mean radius of the light."""


def polar_features(rgb: Colours) -> NDArray[np.float32]:
    """Return (211,) float32 of a square (side, side, 3) in 0..1: a polar Fourier transform.

    The square is sampled on 20 circles around its light; the magnitudes of a Fourier series over
    the angle do not change when the picture is turned (a shift in angle) or mirrored, and radii in
    units of the light's own mean radius do not change with its size (the idea of Reddy and
    Chatterji 1996, IEEE Trans. Image Process. 5, 1266, without its scale transform).
    180 of luminance: log(0.01 + A / f) + 4.6, orders 0..8 at each radius, f the mean over radius of
    order 0, so that brightness drops out. 30 of colour: the log of order 0 of red, green and blue
    over that of luminance, at every second radius. Last, twice the log of the radius.
    """
    side = rgb.shape[0]
    light = find_light(rgb @ LUMINANCE)
    planes = np.concatenate([(rgb @ LUMINANCE)[:, :, None], rgb], axis=2)
    planes = smooth(smooth(planes - np.median(border(planes, 16), axis=0)))
    radii = np.minimum(light.radius * np.geomspace(*_REACH, RADII), side / 2 - 1)
    turns = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    rows = light.row + radii[:, None] * np.sin(turns)
    columns = light.column + radii[:, None] * np.cos(turns)
    circles = _bilinear(planes, rows, columns)
    waves = np.abs(np.fft.rfft(circles, axis=1)[:, :ORDERS]) / ANGLES  # (radii, orders, planes)
    flux = waves[:, 0, 0].mean() + 1e-6
    shape = np.log(0.01 + waves[:, :, 0] / flux) + 4.6
    tint = np.log((waves[::2, 0, 1:] + 0.01) / (waves[::2, 0, :1] + 0.01))
    size = [2.0 * np.log(light.radius / side)]
    return np.concatenate([shape.ravel(), tint.ravel(), size]).astype(np.float32)


def _bilinear(
    planes: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return planes (side, side, n) between pixels, at (a, b) places: (a, b, n); edges repeated."""
    side = planes.shape[0]
    rows = np.clip(rows, 0, side - 1.001)
    columns = np.clip(columns, 0, side - 1.001)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down = (rows - top).astype(np.float32)[:, :, None]
    right = (columns - left).astype(np.float32)[:, :, None]
    flat = planes.reshape(side * side, -1)
    at = top * side + left
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + side] * (1 - right) + flat[at + side + 1] * right
    between: NDArray[np.float32] = upper * (1 - down) + lower * down
    return between
