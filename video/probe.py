"""What samples tell of themselves: their byte order, their bits, and a mosaic that nobody told."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECISIVE = 1.3
"""How many times smoother one byte order must be than the other. Frames of planets of 9 to 16 bits
were at least 2 (the notes, 2.1); black and constant frames are near 1."""
MOSAIC = 0.05
"""Phases of 2 x 2 that differ by more than this share of the brightness are a mosaic's."""
_SAMPLES = 1 << 18
"""Enough samples of one frame for the byte order; more gained nothing."""
_LEAST_PIXELS = 64
_WINDOW = 1024


@dataclass(frozen=True, slots=True)
class Used:
    """Which bits of its samples a video uses: those from `low` up to below `high`; 0, 0: none."""

    low: int
    high: int

    @property
    def bits(self) -> int:
        """How many bits are used, from the lowest to the highest."""
        return self.high - self.low


def used_bits(frames: Iterable[NDArray[Any]]) -> Used:
    """Return which bits are set anywhere in some frames of unsigned integers."""
    together = 0
    for frame in frames:
        together |= int(np.bitwise_or.reduce(frame, axis=None))
    if not together:
        return Used(0, 0)
    return Used((together & -together).bit_length() - 1, together.bit_length())


def little_over_big(frames: Iterable[NDArray[np.uint16]]) -> float:
    """Return how many times smoother frames are as little-endian numbers than as big-endian ones.

    frames: (h, w, planes), read as little-endian. Smoothness is the mean difference of neighbours
    over the standard deviation: real pictures are smooth, and their lower byte taken for the upper
    is noise. The frame that tells most decides, since the others may be black. 1.0: nothing tells.
    """
    most = 0.0
    for frame in frames:
        rows = max(1, frame.size // _SAMPLES)
        some = frame[::rows]
        rough = _roughness(some), _roughness(some.byteswap())
        if min(rough) > 0:
            ratio = math.log(rough[1] / rough[0])
            most = ratio if abs(ratio) > abs(most) else most
        elif max(rough) > 0:  # neighbours all alike in one order and not in the other
            return math.inf if rough[0] == 0 else 0.0
    return math.exp(most)


def brightest_window(frame: NDArray[Any]) -> tuple[slice, slice]:
    """Return rows and columns, at most 1024 each, around where a frame (h, w) is brightest.

    Enough to look at an object, where a copy of a whole sensor in floats would be large.
    """
    places = []
    for axis in (1, 0):
        profile = frame.sum(axis=axis, dtype=np.uint64)
        first = int(profile.argmax()) - _WINDOW // 2
        first = max(0, min(first, len(profile) - _WINDOW)) // 2 * 2
        places.append(slice(first, first + _WINDOW))
    return places[0], places[1]


def _roughness(samples: NDArray[np.uint16]) -> float:
    """Return mean |difference of neighbours| / standard deviation; 0 for a constant frame."""
    values = samples.astype(np.float32)
    deviation = float(values.std())
    if deviation == 0 or values.shape[1] < 3:
        return 0.0
    # two columns apart too: in a mosaic only those have the same colour
    steps = (float(np.abs(values[:, n:] - values[:, :-n]).mean()) for n in (1, 2))
    return min(steps) / deviation


def mosaic_contrast(mean: NDArray[np.float32]) -> float:
    """Return how far the four phases of 2 x 2 differ on the object, as a share of its brightness.

    mean: (h, w), the mean of frames spread over a video. 0 where no object is to be seen.
    """
    height, width = mean.shape
    level = mean[: height // 2 * 2, : width // 2 * 2]
    if level.shape[0] < 4 or level.shape[1] < 4:
        return 0.0
    level = level - np.percentile(level, 2)
    across = level[:, :-2] + 2 * level[:, 1:-1] + level[:, 2:]
    smooth = (across[:-2] + 2 * across[1:-1] + across[2:]) / 16  # takes each phase alike
    level = level[1:-1, 1:-1]
    top = float(np.percentile(smooth, 99.5))
    disc = smooth > 0.3 * top
    if top <= 0:
        return 0.0
    means = []
    for row in (0, 1):
        for column in (0, 1):
            inside = disc[row::2, column::2]
            if int(inside.sum()) < _LEAST_PIXELS:
                return 0.0
            means.append(float((level - smooth)[row::2, column::2][inside].mean()))
    return (max(means) - min(means)) / float(level[disc].mean())
