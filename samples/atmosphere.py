"""Turbulent air over a telescope: Kolmogorov phase screens carried by wind, and what they do.

Lengths in the pupil are in pixels of a pupil 48 wide. Of the picture a point makes, lambda / D is
128 / 48 = 2.67 pixels, and nothing finer than 0.375 cycles a pixel gets through.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Waves = NDArray[np.complex64]

PUPIL = 48
PADDED = 128
OBSTRUCTION = 0.25
CUTOFF = PUPIL / PADDED
"""Cycles a pixel that the telescope passes at most."""

LEVELS = 8
"""Of sub-harmonics: with four the structure function at 64 pixels is still a quarter too small."""
WEIGHTS = (0.6, 0.4)
"""Shares that the low and the high layer have of the turbulence."""
BLOCK = 128
"""Frames that one pair of screens serves; a fresh pair is then faded in."""

_SIDE = 512
_FADE = 8
_WINDS = ((0.96, 0.27), (-0.48, 1.22))
"""Direction and relative speed of the layers. Slopes near 1/4 and 2/5 keep a path over the
periodic part of a screen from falling on itself within a block."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Two independent phase screens, the real and the imaginary part of one complex field.

    periodic: (side, side) complex64, radians; it repeats. low: (levels, 3, 3) complex128, the
    amplitudes of waves longer than the side, level after level three times longer; they don't
    repeat.
    """

    periodic: Waves
    low: NDArray[np.complex128]

    def patches(
        self, top: NDArray[np.int64], left: NDArray[np.int64], size: int, *, second: bool = False
    ) -> Field:
        """Return square patches of the first or the second screen: (n, size, size), radians.

        top, left: (n,) pixels, of any size. The value in the middle of each patch that the long
        waves have is taken off: it would only cost digits, piston is never seen.
        """
        side = len(self.periodic)
        steps = np.arange(size)
        rows, columns = (top[:, None] + steps) % side, (left[:, None] + steps) % side
        part = self.periodic.imag if second else self.periodic.real
        patches: Field = part[rows[:, :, None], columns[:, None, :]]
        return patches + self._long_waves(top, left, size, second=second)

    def _long_waves(
        self, top: NDArray[np.int64], left: NDArray[np.int64], size: int, *, second: bool
    ) -> Field:
        levels = len(self.low)
        turns = 2j * np.pi * _long_frequencies(len(self.periodic), levels)
        middle = (size - 1) / 2
        waves = np.exp(turns * (np.arange(size)[:, None] - middle))
        rows, columns = (np.exp(turns * (at[:, None] + middle)) for at in (top, left))
        mixed = np.zeros((len(top), 3 * levels, 3 * levels), np.complex128)
        for level, amplitudes in enumerate(self.low):
            here = slice(3 * level, 3 * level + 3)
            mixed[:, here, here] = rows[:, here, None] * amplitudes * columns[:, None, here]
        field = waves @ mixed @ waves.T
        field -= mixed.sum(axis=(1, 2))[:, None, None]
        taken: Field = (field.imag if second else field.real).astype(np.float32)
        return taken


def draw_screen(
    rng: np.random.Generator, side: int = _SIDE, *, r0: float = PUPIL, levels: int = LEVELS
) -> Screen:
    """Draw two Kolmogorov screens: power 0.023 r0^(-5/3) f^(-11/3) (Noll 1976, JOSA 66, 207).

    r0: Fried's parameter, pixels. Filtered complex noise, and below its lowest frequency 3 x 3
    sub-harmonics, their middle replaced by the next level (Lane, Glindemann, Dainty 1992, Waves
    in Random Media 2, 209). The cells nearest to zero have their mean power over the cell.
    """
    from scipy.fft import ifft2

    frequency = np.fft.fftfreq(side)
    square = frequency[:, None] ** 2 + frequency**2
    square[0, 0] = 1
    amplitude = math.sqrt(0.023 * r0 ** (-5 / 3)) * square ** (-11 / 12) / side
    near, wider = np.arange(-1, 2), np.arange(-3, 4)
    amplitude[np.ix_(wider, wider)] *= np.sqrt(_cell_powers(3))
    amplitude[0, 0] = 0
    noise = rng.standard_normal((side, side, 2), np.float32).view(np.complex64)[..., 0]
    noise *= amplitude.astype(np.float32)
    periodic: Waves = ifft2(noise, norm="forward", overwrite_x=True, workers=1)
    scale = 3.0 ** -np.arange(1, levels + 1)[:, None, None] / side
    cells = scale**2 * (near[:, None] ** 2 + near**2)
    cells[:, 1, 1] = 1
    power = 0.023 * r0 ** (-5 / 3) * cells ** (-11 / 6) * scale**2 * _cell_powers(1)
    power[:, 1, 1] = 0
    # the last level also has the slopes of all longer waves: each has 3^(-1/3) of the level above
    power[-1] *= 1 / (1 - 3 ** (-1 / 3))
    low = np.sqrt(power) * rng.standard_normal((levels, 3, 6)).view(np.complex128)
    return Screen(periodic, low)


@cache
def _cell_powers(reach: int) -> NDArray[np.float64]:
    """Return by what the power in the middle of the cells around zero is to be multiplied.

    So that each cell has the slopes that it should have: the mean of f^2 f^(-11/3) over the cell,
    where a point has only that of its middle. The same at every level: the law has no scale.
    reach: cells on each side of zero; the factor of zero itself is 1.
    """
    fine = (np.arange(64) + 0.5) / 64 - 0.5
    cells = np.arange(-reach, reach + 1)
    factors = np.ones((len(cells), len(cells)))
    for row, column in ((r, c) for r in cells for c in cells if r or c):
        square = (row + fine[:, None]) ** 2 + (column + fine) ** 2
        middle = float(row**2 + column**2)
        factors[row + reach, column + reach] = np.mean(square ** (-5 / 6)) * middle ** (5 / 6)
    return factors


@cache
def _long_frequencies(side: int, levels: int) -> NDArray[np.float64]:
    """Return the frequencies of all sub-harmonics along one axis: (3 levels,), cycles a pixel."""
    scale = 3.0 ** -np.arange(1, levels + 1) / side
    return np.asarray((scale[:, None] * np.arange(-1, 2)).ravel())


class Air:
    """Two layers of turbulence that wind carries over the telescope, frame by frame.

    wind: by how many pupils the layers move from one frame to the next (the low one; the high one
    moves 1.3 times as far, elsewhere).
    """

    def __init__(self, seed: int, wind: float = 0.5) -> None:
        self._seed = seed
        self._step = wind * PUPIL
        self._kept: dict[int, tuple[Screen, NDArray[np.int64]]] = {}

    def phase(
        self, numbers: NDArray[np.int64], *, aside: tuple[float, float] = (0.0, 0.0)
    ) -> Field:
        """Return the phase over the pupil at D / r0 = 1: (n, 48, 48) float32, radians.

        numbers: of the frames. aside: (down, right) in pupils, how far beside the middle the line
        of sight passes the high layer. For other seeing multiply by (D / r0)^(5/6).
        """
        phase = np.empty((len(numbers), PUPIL, PUPIL), np.float32)
        for block in np.unique(numbers // BLOCK):
            here = numbers // BLOCK == block
            since = numbers[here] - block * BLOCK
            own = self._layers(int(block), since, aside)
            fresh = (block > 0) & (since < _FADE)
            if fresh.any():
                # sine and cosine: the sum of two independent screens is again a Kolmogorov screen
                turn = (since[fresh] + 0.5)[:, None, None] * np.float32(np.pi / 2 / _FADE)
                old = self._layers(int(block) - 1, since[fresh] + BLOCK, aside)
                own[fresh] = np.sin(turn) * own[fresh] + np.cos(turn) * old
            phase[here] = own
        return phase

    def _layers(self, block: int, since: NDArray[np.int64], aside: tuple[float, float]) -> Field:
        screen, start = self._block(block)
        total = np.zeros((len(since), PUPIL, PUPIL), np.float32)
        for layer, (weight, wind) in enumerate(zip(WEIGHTS, _WINDS, strict=True)):
            away = (PUPIL * aside[0] * layer, PUPIL * aside[1] * layer)
            left, top = (
                np.rint(self._step * speed * since + start[layer, axis] + away[1 - axis])
                for axis, speed in enumerate(wind)
            )
            patches = screen.patches(
                top.astype(np.int64), left.astype(np.int64), PUPIL, second=layer == 1
            )
            total += np.float32(math.sqrt(weight)) * patches
        return total

    def _block(self, block: int) -> tuple[Screen, NDArray[np.int64]]:
        """Return a block's screens and where on them the layers start; the last two are kept."""
        if block not in self._kept:
            rng = np.random.default_rng([self._seed, 1, block])
            self._kept = {n: kept for n, kept in self._kept.items() if abs(n - block) == 1}
            self._kept[block] = (draw_screen(rng), rng.integers(0, _SIDE, (2, 2)))
        return self._kept[block]


@cache
def pupil() -> NDArray[np.bool_]:
    """Return where light enters: (48, 48), a disc with 25 % of its diameter obstructed."""
    steps = np.arange(PUPIL) - (PUPIL - 1) / 2
    radius = np.hypot(steps[:, None], steps) / (PUPIL / 2)
    return np.asarray((radius <= 1) & (radius >= OBSTRUCTION))


def point_spreads(phase: Field) -> Field:
    """Return the pictures of a point: (n, 128, 128) float32, sum 1, without phase at [64, 64].

    phase: (n, 48, 48), radians. |FFT|^2 of the pupil padded to 128.
    """
    from scipy.fft import fft

    # alternating signs put the middle of the transform at [64, 64]
    signs = 1 - 2 * (np.add.outer(np.arange(PUPIL), np.arange(PUPIL)) % 2)
    open_ = (pupil() * signs).astype(np.float32)
    wave = np.empty(phase.shape, np.complex64)
    np.multiply(np.cos(phase), open_, out=wave.real)
    np.multiply(np.sin(phase), open_, out=wave.imag)
    # first along rows, of which 48 hold anything
    far = fft(fft(wave, PADDED, axis=2, workers=1), PADDED, axis=1, overwrite_x=True, workers=1)
    spreads = far.real**2 + far.imag**2
    # Parseval: the sum is known without adding up; the phase of each opening has length 1
    spreads /= np.float32(pupil().sum() * PADDED**2)
    return np.asarray(spreads, np.float32)


def strehl(phase: Field) -> Field:
    """Return the Strehl ratio without tilt: (n,) float32, 1 for a perfect wave.

    phase: (n, 48, 48), radians. Piston and tilt are removed by least squares over the pupil; then
    |mean of exp(i phase)|^2, the peak of the point spread divided by the perfect one's.
    """
    inside = phase[:, pupil()]
    basis = _tilts()
    rest = inside - (inside @ basis) @ basis.T
    return np.asarray(np.cos(rest).mean(axis=1) ** 2 + np.sin(rest).mean(axis=1) ** 2)


@cache
def _tilts() -> Field:
    """Return piston and both tilts over the pupil's points, orthonormal: (points, 3)."""
    down, right = np.nonzero(pupil())
    basis, _ = np.linalg.qr(np.stack([np.ones(len(down)), down, right], axis=1))
    return np.asarray(basis, np.float32)
