"""What a video shows, learned from frames spread over it: planet or surface, window, template."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .band import CUTOFF, Band
from .locate import Locator, block, is_cut, is_surface, small
from .surface import follow, inside, track, without_jumps
from .windows import Cutter, Register

Kind = Literal["planet", "surface"]
SAMPLE = 200
"""Frames that are looked at before the rest, spread evenly over the video."""
HOT_SIGMA = 6.0
_MARGIN = 1.2
"""Side of a planet's window, in diameters of its mask: the seeing's halo belongs to it."""
_LARGEST = 256
"""Sides above are averaged down: 50,000 vectors then stay below a gigabyte or two."""
_ROUNDS = 3
REGISTER_BAND = (0.03, 0.4)
"""Shares of the cutoff in which planets are registered: the disc holds its place even where the air
has torn its detail apart."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How frames of one video are cut, transformed and registered.

    shrink: pixels averaged in each direction before anything else. All other lengths are in
    pixels after that. side: of the square window. hot: (m, 2) rows and columns, of the video's
    own pixels, that are always too bright. path: for a surface, (frame numbers, y, x) of the
    window's middle, to be interpolated. level: for a surface the background that windows are
    measured from.
    """

    kind: Kind
    shrink: int
    side: int
    band: Band
    hot: NDArray[np.int64]
    locator: Locator
    template: NDArray[np.complex64]
    path: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

    @property
    def register(self) -> Register:
        """What finds a planet's shifts against the template."""
        return Register(self.band, self.template, self.band.filter(*REGISTER_BAND))


def spread(count: int, most: int = SAMPLE) -> NDArray[np.int64]:
    """Return numbers of at most `most` frames, spread evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def hot_pixels(frames: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (m, 2) rows and columns of pixels that stand out of all neighbours in the median.

    The median over 50 frames, minus its own 3 x 3 median, must exceed 6 robust standard deviations
    of the picture and 6 of the median at that place, and 2 % of the range; and it must stand alone:
    the limb of a planet that does not move stands out too, but as a line.
    """
    import cv2

    some = frames[:: max(1, len(frames) // 50)]
    middle = np.median(some, axis=0).astype(np.float32)
    above = middle - cv2.medianBlur(middle, 3)
    sigma = 1.4826 * float(np.median(np.abs(above - np.median(above))))
    # the standard error of a median of n values is 1.25 sigma / sqrt(n)
    here = 1.4826 * np.median(np.abs(some - middle), axis=0) * 1.25 / np.sqrt(len(some))
    least = np.maximum(HOT_SIGMA * np.maximum(sigma, here), 0.02 * float(np.ptp(middle)))
    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    neighbours = cv2.dilate(above, ring)
    return np.argwhere((above > least) & (neighbours < 0.5 * above))


def mend(frames: NDArray[Any], hot: NDArray[np.int64]) -> NDArray[Any]:
    """Return frames with each hot pixel replaced by the mean of its neighbours left and right."""
    if not len(hot):
        return frames
    mended = frames.copy()
    rows, columns = hot.T
    last = frames.shape[2] - 1
    left, right = np.abs(columns - 1), last - np.abs(last - columns - 1)
    mended[:, rows, columns] = (
        frames[:, rows, left].astype(np.float32) + frames[:, rows, right]
    ) / 2
    return mended


def shrunk(frames: NDArray[Any], by: int) -> NDArray[Any]:
    """Return frames averaged over by x by pixels; as they are, when `by` is 1."""
    return frames if by == 1 else small(frames.astype(np.float32, copy=False), by)


def learn(
    frames: NDArray[Any],
    numbers: NDArray[np.int64],
    *,
    kind: Kind | None = None,
    cutoff: float | None = None,
) -> Scene:
    """Learn what a video shows from (n, height, width) grey frames, spread over it.

    numbers: theirs in the video. kind: None recognises it. cutoff: cycles a pixel at which the
    telescope's transfer ends.
    """
    sample = frames.astype(np.float32)
    hot = hot_pixels(sample)
    sample = np.asarray(mend(sample, hot), np.float32)
    blocks = block(*sample.shape[1:])
    means = small(sample, blocks)
    locator = Locator(means, blocks)
    if kind is None:
        # of a planet that is always cut, the border would be the sharpest edge
        surface = is_surface(means) or is_cut(locator.locate(means))
        kind = "surface" if surface else "planet"
    if kind == "planet":
        side = _MARGIN * locator.diameter + 2 * blocks
    else:
        side = 0.75 * min(sample.shape[1:])
    shrink = max(1, int(np.ceil(side / _LARGEST)))
    if shrink > 1:
        sample = small(sample, shrink)
        blocks = block(*sample.shape[1:])
        means = small(sample, blocks)
        locator = Locator(means, blocks)
    side /= shrink
    shape, room = sample.shape[1:], max(sample.shape[1:])
    cutoff = min((cutoff or CUTOFF) * shrink, 0.45) if shrink > 1 else cutoff or CUTOFF
    if kind == "surface":
        y, x, side = inside(*track(sample), shape, side)
        band = Band(_quick(int(np.clip(side, 16, room))), cutoff)
        template, y, x = follow(Cutter(band, tapered=True), sample, y, x)
        path = (numbers.astype(np.float64), without_jumps(y), without_jumps(x))
    else:
        band = Band(_quick(int(np.clip(side, 16, room))), cutoff)
        found = locator.locate(means)
        y, x = found.y.astype(np.float64), found.x.astype(np.float64)
        good = ~(found.absent | found.cut)
        if good.sum() < 2:
            good = np.isfinite(y)
        if not good.any():  # nothing is there: let the field's middle stand for it
            good[:] = True
            y[:], x[:] = (shape[0] - 1) / 2, (shape[1] - 1) / 2
        coefficients, top, left, _ = Cutter(band, tapered=False)(
            sample[good], y[good], x[good], found.background[good]
        )
        template = _template(band, coefficients, y[good] - top, x[good] - left)
        path = (numbers[good].astype(np.float64), y[good], x[good])
    return Scene(kind, shrink, band.side, band, hot, locator, template, path)


def _quick(side: int) -> int:
    """Return the next even length that is quick to transform."""
    from scipy.fft import next_fast_len

    return 2 * int(next_fast_len((side + 1) // 2, real=True))


def _template(
    band: Band,
    coefficients: NDArray[np.complex64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
) -> NDArray[np.complex64]:
    """Return the mean of windows, registered onto each other in some rounds, in their middle."""
    middle = (band.side - 1) / 2
    moved = coefficients * band.ramp(middle - y, middle - x)
    template = moved.mean(0)
    for _ in range(_ROUNDS):
        register = Register(band, template, band.filter(*REGISTER_BAND))
        found = register.shifts(coefficients)
        use = ~found.edge & (found.peak > 0.6 * np.median(found.peak))
        if not use.any():
            break
        moved = coefficients * band.ramp(-found.dy, -found.dx)
        template = moved[use].mean(0)
    return np.asarray(template, np.complex64)
