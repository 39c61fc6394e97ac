"""Sums of registered frames by the fraction of their shift, and the mean that they make.

Frames are not interpolated one by one. A shift is split into whole pixels and an eighth of a pixel:
the frame is added, moved by whole pixels, to the sum of those that share its eighth; at the end
each of the 64 sums is moved by its fraction, once, with a long kernel, and all are added up.
Measured on 2,000 frames of 128 x 128 bytes with an analytic sub-pixel truth (contrast kept at
0.1, 0.2 and 0.3 cycles a pixel; frames a CPU-second): cubic warp of each frame 1.015 1.017 0.967,
9,400; Lanczos4 warp 0.997 0.995 1.002, 2,100; sum of spectra with phase ramps 1.000 1.000 1.000,
10,300 (5,900 with a margin against wrap-around); this 1.000 0.999 0.998, 14,000 to 20,000.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..video.base import Pattern

Plane = NDArray[np.float32]
Sums = NDArray[np.float64]

_TAPS = 8
"""Pixels that the kernel reaches to each side; 6 do as well, 4 lose 0.5 % at 0.3 cycles a pixel."""
_BETA = 8.0


class Frame(NamedTuple):
    """A frame on its way: values on the common scale, (h, w, planes) or a view of the file."""

    number: int
    values: NDArray[Any]
    row: int
    own: Plane | None
    """(h, w, planes) or broadcast to it: how much each sample counts; None: 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to which frames; rows in rising order of the numbers."""

    numbers: NDArray[np.int64]
    whole: NDArray[np.int64]
    """(n, 2) pixels down and right."""
    part: NDArray[np.int64]
    """(n, 2) steps of a pixel, beyond the whole ones: -steps / 2 to steps / 2."""
    weights: Sums
    gain: Sums
    level: Sums
    """Values are sample * gain + level."""
    steps: int
    shape: tuple[int, int, int]
    pattern: Pattern | None
    least: float
    """Standard deviation below which no sample is an outlier: half a level of the file."""


class Pass:
    """Sums of frames by the fraction of their shift."""

    def __init__(self, plan: Plan, *, squares: bool) -> None:
        self.numbers: list[int] = []
        self.weights: list[float] = []
        self._plan = plan
        self._sums: dict[tuple[int, int], Sums] = {}
        self._squares: dict[tuple[int, int], Sums] | None = {} if squares else None
        self._counts: dict[tuple[int, int], Plane] = {}

    def add(self, frame: Frame, bounds: "Bounds | None" = None) -> None:
        """Add a frame; with bounds, only samples within them."""
        plan, row = self._plan, frame.row
        height, width, _ = plan.shape
        down, right = plan.whole[row].tolist()
        key = (int(plan.part[row, 0]), int(plan.part[row, 1]))
        y0, y1 = max(0, -down), min(height, height - down)
        x0, x1 = max(0, -right), min(width, width - right)
        here = np.s_[y0:y1, x0:x1]
        there = np.s_[y0 + down : y1 + down, x0 + right : x1 + right]
        weight = float(plan.weights[row])
        gain, level = np.float32(plan.gain[row]), np.float32(plan.level[row])
        values = np.multiply(frame.values[there], gain, dtype=np.float32)
        if level:
            values += level
        counted: Any = np.float32(weight)
        if frame.own is not None:
            counted = counted * frame.own[there]
        if bounds is not None:
            counted = counted * bounds.inside(key, here, values)
        sums, counts = self._of(key, np.ndim(counted) > 0)
        plain = weight == 1 and not isinstance(counted, np.ndarray)
        weighted = values if plain else values * counted
        sums[here] += weighted
        counts[here] += counted
        if self._squares is not None:
            self._squares[key][here] += np.multiply(weighted, values, dtype=np.float64)
        self.numbers.append(frame.number)
        self.weights.append(weight)

    def _of(self, key: tuple[int, int], each: bool) -> tuple[Sums, Plane]:
        """Return the sums and counts of a fraction; counts of each plane where they differ."""
        height, width, planes = self._plan.shape
        if key not in self._sums:
            self._sums[key] = np.zeros(self._plan.shape)
            self._counts[key] = np.zeros((height, width, planes if each else 1), np.float32)
            if self._squares is not None:
                self._squares[key] = np.zeros(self._plan.shape)
        elif each and self._counts[key].shape[2] < planes:
            self._counts[key] = np.repeat(self._counts[key], planes, axis=2)
        return self._sums[key], self._counts[key]

    def finished(self, fill: Sums | None) -> tuple[Sums, Plane]:
        """Return the mean, (h, w, planes) float64, and the sum of weights behind it.

        fill: what to show where no frame shows anything; None: the nearest pixel.
        """
        keys = sorted(self._sums)
        light = np.zeros(self._plan.shape)
        weight = np.zeros(self._plan.shape)
        for key in keys:
            light += self._sums[key]
            weight += self._counts[key]
        # by whole pixels only: what continues a sum beyond the frames that it has
        rough = np.divide(light, weight, out=np.zeros_like(light), where=weight > 0)
        rough = _continued(rough, weight > 0) if fill is None else np.where(weight > 0, rough, fill)
        light[:] = 0
        for key in keys:
            counts = self._counts[key]
            mean = np.divide(self._sums[key], counts, out=rough.copy(), where=counts > 0)
            light += moved(mean, *(part / self._plan.steps for part in key)) * counts
        mean = np.divide(light, weight, out=rough, where=weight > 0)
        return mean, weight.astype(np.float32)

    def deviation(self, mean: Sums) -> Sums:
        """Return the standard deviation of the samples behind each pixel of a mean."""
        assert self._squares is not None
        total, weight = np.zeros(self._plan.shape), np.zeros(self._plan.shape)
        for key in sorted(self._sums):
            here = moved(mean, *(-part / self._plan.steps for part in key))
            total += self._squares[key] + here * (here * self._counts[key] - 2 * self._sums[key])
            weight += self._counts[key]
        variance = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        return np.maximum(np.sqrt(np.maximum(variance, 0)), self._plan.least)


class Bounds:
    """Between which values samples are used, by the fraction of their frame's shift."""

    def __init__(self, mean: Sums, deviation: Sums, kappa: float, steps: int) -> None:
        self._mean, self._reach, self._steps = mean, (kappa * deviation).astype(np.float32), steps
        self._means: dict[tuple[int, int], Plane] = {}
        self._seen = self._kept = 0

    def inside(self, key: tuple[int, int], here: Any, values: Plane) -> Plane:  # noqa: ANN401
        """Return 1 where values lie within, else 0."""
        if key not in self._means:
            fractions = (-part / self._steps for part in key)
            self._means[key] = moved(self._mean, *fractions).astype(np.float32)
        kept = np.abs(values - self._means[key][here]) <= self._reach[here]
        self._seen += kept.size
        self._kept += int(np.count_nonzero(kept))
        return np.asarray(kept, np.float32)

    @property
    def share(self) -> float:
        """Share of samples that were left out."""
        return 1 - self._kept / max(self._seen, 1)


def moved(picture: Sums, up: float, left: float) -> Sums:
    """Return a picture (h, w, planes) float64 moved up and left by a part of a pixel.

    By a sinc of 17 pixels under a Kaiser window (beta 8); beyond its edges it is mirrored.
    """
    import cv2

    if not (up or left):
        return picture
    columns, rows = _kernel(left), _kernel(up)
    planes = [
        cv2.sepFilter2D(
            np.ascontiguousarray(picture[..., plane]), cv2.CV_64F, columns, rows,
            borderType=cv2.BORDER_REFLECT,
        )
        for plane in range(picture.shape[2])
    ]  # fmt: skip
    return np.stack(planes, axis=2)


def _kernel(by: float) -> Sums:
    """Return 17 weights that give the value `by` pixels, -0.5 to 0.5, beyond the middle one."""
    away = np.arange(-_TAPS, _TAPS + 1) - by
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (away / (_TAPS + 1)) ** 2, 0, None)))
    weights = np.sinc(away) * window
    return np.asarray(weights / weights.sum())


def _continued(picture: Sums, known: NDArray[np.bool_]) -> Sums:
    """Return a picture (h, w, planes) in which unknown samples are those of the nearest known."""
    from scipy.ndimage import distance_transform_edt

    if known.all():
        return picture
    filled = picture.copy()
    for plane in range(picture.shape[2]):
        if known[..., plane].any():
            _, nearest = distance_transform_edt(~known[..., plane], return_indices=True)
            filled[..., plane] = picture[nearest[0], nearest[1], plane]
    return filled
