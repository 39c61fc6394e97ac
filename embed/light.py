"""Where the light of a picture is: background, centre, size; and whether it is alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_CIRCLES = (0.5, 0.35, 0.25, 0.2, 0.2)
"""Radii, in units of the side, within which the centre is looked for, one round each."""
_REACH = 0.3
"""Radius, in units of the side, within which the light's own radius is measured."""
_SIZES = (0.04, 0.22)
"""Least and largest mean radius of the light, in units of the side."""
_BLOCKS = 16
"""Blocks a side on which `loneliness` is measured."""


@dataclass(frozen=True, slots=True)
class Light:
    """The brightest thing near the middle of a square.

    row, column: its centre in pixels; radius: mean distance of its light from there, pixels.
    """

    row: float
    column: float
    radius: float


def border(plane: NDArray[np.float32], part: int) -> NDArray[np.float32]:
    """Return the samples of a frame 1/part of the side wide: (n, ...) of (side, side, ...)."""
    wide = max(1, plane.shape[0] // part)
    rest = plane.shape[2:]
    return np.concatenate(
        [
            plane[:wide].reshape(-1, *rest),
            plane[-wide:].reshape(-1, *rest),
            plane[wide:-wide, :wide].reshape(-1, *rest),
            plane[wide:-wide, -wide:].reshape(-1, *rest),
        ]
    )


def smooth(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over 3 x 3 pixels of (side, side, ...), edges repeated."""
    tall = np.concatenate([planes[:1], planes, planes[-1:]])
    tall = tall[:-2] + tall[1:-1] + tall[2:]
    wide = np.concatenate([tall[:, :1], tall, tall[:, -1:]], axis=1)
    mean: NDArray[np.float32] = (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) * np.float32(1 / 9)
    return mean


def find_light(luminance: Plane) -> Light:
    """Find what shines near the middle of a square luminance (side, side) in 0..1.

    Light is what exceeds the border's median by 1.5 of its deviations (1.4826 MAD + 0.002). Its
    centroid is taken five times, within ever smaller circles around the last; the radius within
    0.3 sides of it. Without any light: the middle, with the least radius.
    """
    side = luminance.shape[0]
    frame = border(luminance, 16)
    background = np.median(frame)
    noise = 1.4826 * np.median(np.abs(frame - background)) + 0.002
    weight = np.maximum(luminance - (background + 1.5 * noise), 0.0)
    axis = np.arange(side, dtype=np.float32)
    row = column = (side - 1) / 2
    inside = weight
    for circle in _CIRCLES:
        far = (axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2
        inside = np.where(far < (circle * side) ** 2, weight, np.float32(0.0))
        total = float(inside.sum())
        if total <= 0.0:
            break
        row = float(inside.sum(axis=1) @ axis) / total
        column = float(inside.sum(axis=0) @ axis) / total
    away = np.sqrt((axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2)
    near = np.where(away < _REACH * side, weight, np.float32(0.0))
    total = float(near.sum())
    radius = float((near * away).sum()) / total if total > 0.0 else 0.0
    return Light(row, column, float(np.clip(radius, _SIZES[0] * side, _SIZES[1] * side)))


def loneliness(luminance: Plane) -> float:
    """Say in 0..1 how much a square looks like one bright thing on empty, dark ground.

    luminance: (side, side) in 0..1, side a multiple of 16. All is measured on means over 16 x 16
    blocks, so that pixel noise hardly moves it. Bright thing: u = (95 % quantile of the middle half
    - median of the border) / (10..90 % range of the border + 0.02) above about 1.2. Dark ground:
    the border's median below about 0.36 (that of 99 in 100 galaxies is below 0.27, that of 95 in
    100 tiles above 0.28; without this condition bright roofs on even ground counted as galaxies).
    The answer is the product of two logistic functions.
    """
    block = luminance.shape[0] // _BLOCKS
    blocks = luminance.reshape(_BLOCKS, block, _BLOCKS, block).mean(axis=(1, 3))
    low, middle, high = np.quantile(border(blocks, _BLOCKS), [0.1, 0.5, 0.9])
    quarter = _BLOCKS // 4
    peak = np.quantile(blocks[quarter:-quarter, quarter:-quarter], 0.95)
    above = (peak - middle) / (high - low + 0.02)
    bright = 1.0 + np.exp(-6.0 * (np.clip(above, -10.0, 10.0) - 1.2))
    dark = 1.0 + np.exp((middle - 0.36) / 0.03)
    return float(1.0 / (bright * dark))
