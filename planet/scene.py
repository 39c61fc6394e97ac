"""What a video shows, learned from frames spread over it: planet or surface, window, template."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .band import CUTOFF, Band
from .locate import Locator, block, is_cut, is_surface, small
from .windows import REACH, Register, cut, taper

Kind = Literal["planet", "surface"]
SAMPLE = 200
"""Frames that are looked at before the rest, spread evenly over the video."""
HOT_SIGMA = 6.0
_MARGIN = 1.2
"""Side of a planet's window, in diameters of its mask: the seeing's halo belongs to it."""
_LARGEST = 256
"""Sides above are averaged down: 50,000 vectors then stay below a gigabyte or two."""
_ROUNDS = 3
_AT_ONCE = 16
"""Windows that are cut and transformed together: of 96 pixels they stay in a cache of 1 MB."""
REGISTER_BANDS: dict[Kind, tuple[float, float]] = {"planet": (0.03, 0.4), "surface": (0.1, 0.4)}
"""Shares of the cutoff in which frames are registered. A planet's disc holds its place even where
the air has torn its detail apart; a surface has nothing coarse that is its own."""


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
        """What finds shifts against the template."""
        return Register(self.band, self.template, self.band.filter(*REGISTER_BANDS[self.kind]))


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
    if kind == "surface":
        y, x = _track(sample)
        y, x, side = _inside(y, x, sample.shape[1:], side)
    side = _quick(int(np.clip(side, 16, max(sample.shape[1:]))))
    band = Band(side, min((cutoff or CUTOFF) * shrink, 0.45) if shrink > 1 else cutoff or CUTOFF)
    if kind == "planet":
        found = locator.locate(means)
        y, x = found.y.astype(np.float64), found.x.astype(np.float64)
        good, level = ~(found.absent | found.cut), found.background
    else:
        good, level = np.ones(len(sample), bool), np.zeros(len(sample), np.float32)
    if good.sum() < 2:
        good = np.isfinite(y)
    if not good.any():  # nothing is there: let the field's middle stand for it
        good[:] = True
        y[:], x[:] = (sample.shape[1] - 1) / 2, (sample.shape[2] - 1) / 2
    cutter = Cutter(kind, side, band)
    coefficients, top, left, _ = cutter(sample[good], y[good], x[good], level[good])
    template = _template(kind, band, coefficients, y[good] - top, x[good] - left)
    path = (numbers[good].astype(np.float64), y[good], x[good])
    return Scene(kind, shrink, side, band, hot, locator, template, path)


def _inside(
    y: NDArray[np.float64], x: NDArray[np.float64], shape: tuple[int, ...], side: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return a surface's path, moved, and side so that the window stays in the field all along.

    It becomes at most half as large; frames that drift further still are told as lost.
    """
    room = side
    moved = []
    for path, length in zip((y, x), shape, strict=True):
        low, high = np.percentile(path, (1, 99))
        moved.append(path + (length - 1 - low - high) / 2)
        room = min(room, length - float(high - low) - 2)
    return moved[0], moved[1], max(room, side / 2)


def _quick(side: int) -> int:
    """Return the next even length that is quick to transform."""
    from scipy.fft import next_fast_len

    return 2 * int(next_fast_len((side + 1) // 2, real=True))


class Cutter:
    """Cuts windows and transforms them: planets less their background, surfaces tapered."""

    def __init__(self, kind: Kind, side: int, band: Band) -> None:
        self.kind, self.side, self.band = kind, side, band
        self._taper = taper(side) if kind == "surface" else None

    def __call__(
        self,
        frames: NDArray[Any],
        y: NDArray[Any],
        x: NDArray[Any],
        background: NDArray[np.float32],
    ) -> tuple[NDArray[np.complex64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return coefficients, top, left and flux of windows around (y, x).

        y, x: middles in pixels; NaN takes the field's middle. The flux is the sum over the window
        less the background; of a surface, the sum.
        """
        height, width = frames.shape[1:]
        y = np.where(np.isfinite(y), y, (height - 1) / 2)
        x = np.where(np.isfinite(x), x, (width - 1) / 2)
        top = np.rint(y - (self.side - 1) / 2).astype(np.int64)
        left = np.rint(x - (self.side - 1) / 2).astype(np.int64)
        if self._taper is not None:
            top = np.clip(top, 0, max(0, height - self.side))
            left = np.clip(left, 0, max(0, width - self.side))
        coefficients = np.empty((len(frames), self.band.dimension // 2), np.complex64)
        flux = np.empty(len(frames), np.float32)
        for first in range(0, len(frames), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            # always as many, the last ones empty: their number would change last bits
            windows = cut(frames[part], top[part], left[part], self.side, background[part])
            count, level = len(windows), background[part]
            if count < _AT_ONCE:
                windows = np.pad(windows, ((0, _AT_ONCE - count), (0, 0), (0, 0)))
                level = np.resize(level, _AT_ONCE)
            found, light = self._transformed(windows, level)
            coefficients[part], flux[part] = found[:count], light[:count]
        return coefficients, top, left, flux

    def _transformed(
        self, windows: NDArray[np.float32], background: NDArray[np.float32]
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        if self._taper is not None:
            flux = windows.sum((1, 2))
            windows -= (flux / self.side**2)[:, None, None]
            windows *= self._taper
            return self.band.coefficients(windows)[0], flux
        # the background is constant: it belongs to the one coefficient that is not kept
        coefficients, sums = self.band.coefficients(windows)
        return coefficients, sums - background * np.float32(self.side**2)


def _template(
    kind: Kind,
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
        register = Register(band, template, band.filter(*REGISTER_BANDS[kind]))
        found = register.shifts(coefficients)
        use = ~found.edge & (found.peak > 0.6 * np.median(found.peak))
        if not use.any():
            break
        moved = coefficients * band.ramp(-found.dy, -found.dx)
        template = moved[use].mean(0)
    return np.asarray(template, np.complex64)


def _track(sample: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the field's middle in the middle frame stands in each frame of a surface.

    Each frame is correlated, tapered and band-limited, with the mean of those before it.
    """
    from scipy import fft

    height, width = sample.shape[1:]
    ty, tx = np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]
    window = np.outer(ty, tx).astype(np.float32)
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None]
    radius = np.hypot(fy, fx)
    keep = ((1 - np.exp(-0.5 * (radius / 0.02) ** 4)) * np.exp(-0.5 * (radius / 0.12) ** 4)).astype(
        np.float32
    )
    spectra = [
        fft.rfft2((frame - frame.mean()) * window).astype(np.complex64) * keep for frame in sample
    ]
    middle = len(sample) // 2
    y, x = np.zeros(len(sample)), np.zeros(len(sample))
    reference = spectra[middle].copy()
    order = sorted(range(len(sample)), key=lambda number: abs(number - middle))
    down, across = 2j * np.pi * fy, 2j * np.pi * fx
    for number in order[1:]:
        surface = fft.irfft2(spectra[number] * reference.conj(), (height, width))
        row, column = np.unravel_index(int(surface.argmax()), surface.shape)
        dy = row - height if row > height // 2 else row
        dx = column - width if column > width // 2 else column
        y[number], x[number] = dy, dx
        reference += spectra[number] * np.exp(down * dy + across * dx)
    y, x = (_without_jumps(path) for path in (y, x))
    return y + (height - 1) / 2, x + (width - 1) / 2


def _without_jumps(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a path whose single frames that stand far off all others now stand among them.

    Sliced and torn frames correlate anywhere; those between them would be looked for there.
    """
    from scipy.ndimage import median_filter

    usual = median_filter(path, 5, mode="nearest")
    return np.where(np.abs(path - usual) > REACH, usual, path)
