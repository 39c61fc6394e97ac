"""The spectrum of a square window, only as far as the telescope resolves: in-band vectors.

A frame's vector holds the Fourier coefficients of its window inside a half disc of frequencies
(the other half repeats it, since pixels are real), as pairs (real, imaginary). Inner products of
vectors are then inner products of band-limited pictures (Parseval), and a shift of the picture is
a phase ramp: no pixel is ever interpolated.
"""

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
        """Matrices of the transform: (side, 2 reach + 2) across, (2 reach + 1, side) down.

        Across: exp(-i k x) for k = 0..reach, each as real and imaginary part. Down: the cosines
        for k = 0..reach, then the sines for k = 1..reach.
        """
        angles = 2 * np.pi / self.side * np.outer(np.arange(self.side), np.arange(self.reach + 1))
        across = np.exp(-1j * angles).astype(np.complex64).view(np.float32)
        down = np.concatenate((np.cos(angles), np.sin(angles[:, 1:])), axis=1).T
        return across, np.ascontiguousarray(down, np.float32)

    def coefficients(
        self, windows: NDArray[np.float32]
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Return (n, dimension / 2) coefficients of (n, side, side) windows, and their sums.

        Frequencies count from the window's first pixel. By two products with real matrices: for
        windows of 96 pixels 13 us a frame, where pocketfft takes 28 for the same columns.
        """
        count, side, reach = len(windows), self.side, self.reach
        across, down = self._waves
        half = (windows.reshape(count * side, side) @ across).reshape(count, side, 2 * reach + 2)
        parts = (down @ half).view(np.complex64)
        cosine, sine = parts[:, : reach + 1], parts[:, reach + 1 :]
        sums = cosine[:, 0, 0].real.copy()
        sine = sine * np.complex64(1j)
        full = np.empty((count, 2 * reach + 1, reach + 1), np.complex64)
        np.add(cosine[:, :0:-1], sine[:, ::-1], out=full[:, :reach])
        full[:, reach] = cosine[:, 0]
        np.subtract(cosine[:, 1:], sine, out=full[:, reach + 1 :])
        return np.take(full.reshape(count, self.inside.size), self.places, axis=1), sums

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
    np.cos(angles, out=factors.real)
    np.sin(-angles, out=factors.imag)
    return factors


def as_vectors(coefficients: NDArray[np.complex64]) -> Vectors:
    """Return complex (n, d / 2) as real (n, d): a view."""
    return np.ascontiguousarray(coefficients).view(np.float32)
