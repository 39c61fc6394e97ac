"""Surfaces, which fill the field: how they drift, and where a window stays in view."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .windows import REACH, Cutter, Register

COARSE_BAND, FINE_BAND = (0.05, 0.4), (0.1, 0.6)
"""Shares of the cutoff in which the ground is found, and then its place. In bad air a fine pattern
repeats itself at each speckle, ten pixels apart; a coarse one is broad. Measured on six nights of
D/r0 4.5 to 7: in 0.1-0.4 alone 5 % of frames lay 4 pixels off, in both one after the other 1 %."""
_FINE_REACH = 3

_FURTHER = 4
"""The window's side over how far around the expected place a surface is looked for: bad air moves
it by 5 pixels in the median from one frame to the next, by 20 at times."""
_SETTLED = 0.75
"""A window that stands off by fewer pixels lies as well as whole pixels allow."""
_CUTS = 3
_ROUNDS = 3


class Follower:
    """Finds the same ground in frames of a surface, wherever the air has moved it.

    First far around the expected place; then windows are cut anew where it was found, since the
    taper must lie at the same place of the ground, and only near by.
    """

    def __init__(self, cutter: Cutter, template: NDArray[np.complex64]) -> None:
        self._cutter = cutter
        coarse, fine = (cutter.band.filter(*edges) for edges in (COARSE_BAND, FINE_BAND))
        reach = max(REACH, cutter.side // _FURTHER)
        self._far = Register(cutter.band, template, coarse, reach=reach)
        self._near = Register(cutter.band, template, coarse)
        self._fine = Register(cutter.band, template, fine, reach=_FINE_REACH)

    def __call__(self, frames: NDArray[Any], y: NDArray[Any], x: NDArray[Any]) -> "Followed":
        """Look for the ground in (n, height, width) frames around where it is expected (y, x)."""
        middle = (self._cutter.side - 1) / 2
        level = np.zeros(len(frames), np.float32)
        coefficients, top, left, flux = self._cutter(frames, y, x, level)
        shifts = self._far.shifts(coefficients)
        y, x = top + middle + shifts.dy, left + middle + shifts.dx
        rest = np.arange(len(frames))
        for _ in range(_CUTS):
            again, top[rest], left[rest], flux[rest] = self._cutter(
                frames[rest], y[rest], x[rest], level[rest]
            )
            found = self._near.shifts(again)
            beyond = found.edge
            if beyond.any():  # its place lies so far out that no window can be cut there
                found.put(beyond, self._far.shifts(again[beyond]))
            coefficients[rest] = again
            shifts.put(rest, found)
            y[rest] = top[rest] + middle + found.dy
            x[rest] = left[rest] + middle + found.dx
            rest = rest[np.maximum(np.abs(found.dy), np.abs(found.dx)) > _SETTLED]
            if not len(rest):
                break
        coefficients *= self._cutter.band.ramp(-shifts.dy, -shifts.dx)
        fine = self._fine.shifts(coefficients)
        dy, dx = (np.where(fine.edge, 0, each) for each in (fine.dy, fine.dx))
        coefficients *= self._cutter.band.ramp(-dy, -dx)
        y, x = np.asarray(y + dy, np.float64), np.asarray(x + dx, np.float64)
        return Followed(coefficients, y, x, shifts.peak, shifts.edge, flux)


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a surface was found in n frames.

    coefficients: of the window, registered. y, x: where the template's middle stands, pixels.
    peak: agreement with the template in `COARSE_BAND`. lost: whether the best agreement lies on
    the edge of what was searched. flux: sum over the window.
    """

    coefficients: NDArray[np.complex64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    peak: NDArray[np.float32]
    lost: NDArray[np.bool_]
    flux: NDArray[np.float32]


def follow(
    cutter: Cutter,
    sample: NDArray[np.float32],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of a surface's windows, cut where each was found, and where that was.

    y, x: where `track` found them.
    """
    middle = (cutter.side - 1) / 2
    coefficients, top, left, _ = cutter(sample, y, x, np.zeros(len(sample), np.float32))
    template = (coefficients * cutter.band.ramp(top + middle - y, left + middle - x)).mean(0)
    for _ in range(_ROUNDS):
        found = Follower(cutter, template)(sample, y, x)
        use = ~found.lost & (found.peak > 0.6 * np.median(found.peak))
        if not use.any():
            break
        template, y, x = found.coefficients[use].mean(0), found.y, found.x
    return template, y, x


def inside(
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


def without_jumps(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a path whose single frames that stand far off all others now stand among them.

    Sliced and torn frames correlate anywhere; those between them would be looked for there. No
    smoother than that: of an object that the border cuts, the place found depends on where it is
    looked for.
    """
    from scipy.ndimage import median_filter

    usual = median_filter(path, 5, mode="nearest")
    return np.where(np.abs(path - usual) > REACH, usual, path)


def track(sample: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    return y + (height - 1) / 2, x + (width - 1) / 2
