"""The spectrum of a square window, only as far as the telescope resolves: in-band vectors.

A frame's vector holds the Fourier coefficients of its window inside a half disc of frequencies
(the other half repeats it, since pixels are real), as pairs (real, imaginary). Inner products of
vectors are then inner products of band-limited pictures (Parseval), and a shift of the picture is
a phase ramp: no pixel is ever interpolated.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

CUTOFF = 0.375
"""Cycles a pixel, where none is given: 2.67 pixels to lambda/D, as planets are usually sampled."""
WIDE = 0.6
"""Highest frequency kept, as a share of the cutoff."""
_EDGE = 1.1
"""The filter's soft upper edge is cut here, as a share of WIDE."""


@dataclass(frozen=True)
class Band:
    """Frequencies of a window of `side` pixels, up to `_EDGE * WIDE` of the cutoff.

    cutoff: cycles a pixel at which the telescope's transfer ends (D / lambda, in pixels).
    """

    side: int
    cutoff: float = CUTOFF

    @cached_property
    def reach(self) -> int:
        """The highest frequency kept, in cycles a window."""
        return max(2, min(int(_EDGE * WIDE * self.cutoff * self.side), self.side // 2 - 1))

    @cached_property
    def _grid(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = np.arange(-self.reach, self.reach + 1)
        columns = np.arange(self.reach + 1)
        ky, kx = np.meshgrid(rows, columns, indexing="ij")
        return ky, kx

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """(2 reach + 1, reach + 1): which of the rectangle's frequencies belong to the half disc.

        Not the mean (0, 0), and of the column 0 only one half.
        """
        ky, kx = self._grid
        disc = ky**2 + kx**2 <= self.reach**2
        return disc & ((kx > 0) | (ky > 0))

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Places of the coefficients in the rectangle of rows -reach..reach, columns 0..reach."""
        return np.flatnonzero(self.inside)

    @cached_property
    def frequency(self) -> NDArray[np.float32]:
        """(dimension / 2,) cycles a pixel of each coefficient."""
        ky, kx = self._grid
        radius: NDArray[np.float32] = np.hypot(ky, kx)[self.inside].astype(np.float32)
        return radius / np.float32(self.side)

    @cached_property
    def along(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Frequencies down and across, radians a pixel, of each coefficient."""
        turn = 2 * np.pi / self.side
        ky, kx = self._grid
        return (turn * ky[self.inside]).astype(np.float32), (turn * kx[self.inside]).astype(
            np.float32
        )

    @property
    def dimension(self) -> int:
        """Length of a vector: two reals for each coefficient."""
        return 2 * len(self.frequency)

    def filter(self, low: float, high: float) -> NDArray[np.float32]:
        """Return the weight of each coefficient in a band with soft edges.

        low, high: shares of the cutoff. 1 - exp(-(f/low)^4 / 2), times exp(-(f/high)^4 / 2).
        """
        f = self.frequency / np.float32(self.cutoff)
        weight = np.exp(-0.5 * (f / high) ** 4)
        if low > 0:
            weight = weight * (1 - np.exp(-0.5 * (f / low) ** 4))
        return np.asarray(weight, np.float32)

    @cached_property
    def _waves(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Matrices of the transform: (side, 2 reach + 2) across, (halves, 2 m, side / halves) down.

        Across: exp(-i k x) for k = 0..reach, each as real and imaginary part. Down: for even k and
        for odd k each, m cosines, then m sines, over the upper half of the rows: the lower one adds
        the same again, with the sign of its parity. Of an odd side all k are in one.
        """
        angles = 2 * np.pi / self.side * np.outer(np.arange(self.side), np.arange(self.reach + 1))
        across = np.exp(-1j * angles).astype(np.complex64).view(np.float32)
        length = self.side // self._halves
        down = np.zeros((self._halves, 2, self.reach // self._halves + 1, length), np.float32)
        for parity in range(self._halves):
            waves = angles[:length, parity :: self._halves].T
            down[parity, 0, : len(waves)] = np.cos(waves)
            down[parity, 1, : len(waves)] = np.sin(waves)
        return across, down.reshape(self._halves, -1, length)

    @property
    def _halves(self) -> int:
        return 1 if self.side % 2 else 2

    @cached_property
    def _taken(self) -> NDArray[np.intp]:
        """Places of the coefficients where `coefficients` has them: sign, parity, k / 2, across."""
        ky, kx = (grid[self.inside] for grid in self._grid)
        size = np.abs(ky)
        shape = (2, self._halves, self.reach // self._halves + 1, self.reach + 1)
        where = ((ky < 0).astype(int), size % self._halves, size // self._halves, kx)
        return np.ravel_multi_index(where, shape)

    def coefficients(
        self, windows: NDArray[np.float32]
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Return (n, dimension / 2) coefficients of (n, side, side) windows, and their sums.

        Frequencies count from the window's first pixel. By products with real matrices, after the
        first step of a fast transform, which halves the first of them: for windows of 96 pixels
        12 us a frame, where the products alone take 16 and pocketfft 28 for the same columns.
        """
        count, side, reach = len(windows), self.side, self.reach
        across, down = self._waves
        folded = windows[:, None]
        if self._halves == 2:
            upper, lower = windows[:, : side // 2], windows[:, side // 2 :]
            folded = np.empty((count, 2, side // 2, side), np.float32)
            np.add(upper, lower, out=folded[:, 0])
            np.subtract(upper, lower, out=folded[:, 1])
        rows = (down @ folded).reshape(-1, side) @ across
        parts = rows.view(np.complex64).reshape(
            count, self._halves, 2, reach // self._halves + 1, reach + 1
        )
        cosine, sine = parts[:, :, 0], parts[:, :, 1] * np.complex64(1j)
        full = np.empty((count, 2, *cosine.shape[1:]), np.complex64)
        np.subtract(cosine, sine, out=full[:, 0])
        np.add(cosine, sine, out=full[:, 1])
        sums = cosine[:, 0, 0, 0].real.copy()
        flat = full.reshape(count, math.prod(full.shape[1:]))
        return np.take(flat, self._taken, axis=1), sums

    def window(self, coefficients: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the (n, side, side) band-limited windows of coefficients, without their mean."""
        from scipy import fft

        count = len(coefficients)
        spectrum = np.zeros((count, self.side, self.side // 2 + 1), np.complex64)
        ky, kx = (grid[self.inside] for grid in self._grid)
        spectrum[:, ky, kx] = coefficients
        first = kx == 0
        spectrum[:, -ky[first], 0] = coefficients[:, first].conj()
        windows: NDArray[np.float32] = fft.irfft2(spectrum, (self.side, self.side), axes=(1, 2))
        return windows

    def ramp(self, dy: NDArray[Any], dx: NDArray[Any]) -> NDArray[np.complex64]:
        """Return (n, dimension / 2) factors that move windows by (dy, dx) pixels down and right."""
        return turned(np.stack((dy, dx), axis=1), np.stack(self.along))


def turned(shifts: NDArray[Any], along: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Return (n, m) phase factors of shifts (n, 2) for m frequencies, (2, m) radians a pixel."""
    angles = shifts.astype(np.float32) @ along
    factors = np.empty(angles.shape, np.complex64)
    # side by side, then copied: into every other place both take twice as long
    factors.real = np.cos(angles)
    np.negative(angles, out=angles)
    factors.imag = np.sin(angles, out=angles)
    return factors


def as_vectors(coefficients: NDArray[np.complex64]) -> Vectors:
    """Return complex (n, d / 2) as real (n, d): a view."""
    return np.ascontiguousarray(coefficients).view(np.float32)
