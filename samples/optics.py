"""From an object and point spreads to pictures without noise, registered to the object.

All convolution is done on a canvas twice as wide as a frame, whose spectrum is kept only up to the
telescope's cutoff: rows 0..k, -k..-1, columns 0..k.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .atmosphere import CUTOFF, PADDED, PUPIL, point_spreads

Field = NDArray[np.float32]
Waves = NDArray[np.complex64]

_COARSE = 128
"""Side of the grid on which the peak of a correlation is looked for first."""


class Optics:
    """A telescope aimed at an object.

    nodes: where, in half frames from the middle along each axis, point spreads are given when they
    vary over the field; between them the picture passes linearly from one to the other. None: one
    point spread for all.
    """

    def __init__(self, size: int, nodes: tuple[float, ...] | None = None) -> None:
        self._size = size
        self._side = side = 2 * size
        # one more than the cutoff: the frequencies that the truncated wings of a spread leak into
        self._high = high = math.ceil(CUTOFF * side)
        self._rows = np.r_[0 : high + 1, -high:0].astype(np.int64)
        self._columns = np.arange(high + 1)
        self._shares = None if nodes is None else _shares(nodes, size)

    def aim(self, light: Field, interior: NDArray[np.bool_]) -> None:
        """Look at an object from now on.

        light: (side, side, 3) float32, R, G, B, side = 2 size. interior: (side, side), where the
        surface is judged.
        """
        # a camera without filters: as much of red and blue together as of green
        planes = np.stack(
            [light @ np.array([0.25, 0.5, 0.25], np.float32), *np.moveaxis(light, 2, 0)]
        )
        cut = slice(self._size // 2, self._size // 2 + self._size)
        self._object = self._spectrum(planes)
        self._patches: Waves | None = None
        if self._shares is not None:
            self._patches = np.stack([self._spectrum(planes * share) for share in self._shares])
        self._pristine = _standard(planes[0, cut, cut].reshape(1, -1))[0]
        self._inside = np.flatnonzero(interior[cut, cut])
        self._pristine_inside = _standard(planes[:1, cut, cut].reshape(1, -1)[:, self._inside])[0]

    def sharpest(self, planes: slice) -> float:
        """Return the brightest value that the object has through this telescope without air."""
        perfect = point_spreads(np.zeros((1, PUPIL, PUPIL), np.float32))
        waves = self._transfer(perfect) * self._object[planes]
        return float(self._picture(waves).max())

    def see(
        self, spreads: Field, shifts: NDArray[np.float64], planes: slice
    ) -> tuple[Field, NDArray[np.float32], Field, Field]:
        """Return (light, shifts, fidelity, interior) of noise-free frames.

        spreads: (nodes, n, 128, 128). shifts: (n, 2) pixels down and right, by the mount.
        planes: which of grey, red, green, blue are wanted. light: (n, size, size, planes). The
        shifts returned are those of the object in the frame, image motion by the air included.
        """
        seen = self._seen(spreads, [0, *range(4)[planes]] if planes.start else [0])
        grey, waves = seen[0], seen[1:] if planes.start else seen
        by_air = self._register(grey)
        registered = self._picture(grey * self._ramp(-by_air)).reshape(len(grey), -1)
        fidelity = _standard(registered) @ self._pristine
        interior = _standard(registered[:, self._inside]) @ self._pristine_inside
        ramp = self._ramp(shifts)
        light = np.stack([self._picture(plane * ramp) for plane in waves], axis=3)
        return light, (shifts + by_air).astype(np.float32), fidelity, interior

    def _seen(self, spreads: Field, planes: list[int]) -> list[Waves]:
        """Return the spectra of planes as seen: each (n, rows, columns)."""
        if self._patches is None:
            transfer = self._transfer(spreads[0])
            return [transfer * self._object[plane] for plane in planes]
        shape = (spreads.shape[1], len(self._rows), len(self._columns))
        seen = [np.zeros(shape, np.complex64) for _ in planes]
        for own, patch in zip(spreads, self._patches, strict=True):
            transfer = self._transfer(own)
            for place, plane in enumerate(planes):
                seen[place] += transfer * patch[plane]
        return seen

    def _spectrum(self, planes: Field) -> Waves:
        """Return the spectrum of canvases, less the place of the middle of a point spread."""
        from scipy.fft import fft, rfft

        waves = fft(rfft(planes, axis=2, workers=1), axis=1, workers=1)
        kept = waves[:, self._rows][:, :, self._columns]
        return np.asarray(kept * self._ramp(np.array([[-PADDED / 2, -PADDED / 2]])), np.complex64)

    def _transfer(self, spreads: Field) -> Waves:
        """Return the spectra of point spreads on the canvas: (n, rows, columns)."""
        from scipy.fft import fft, rfft

        waves = rfft(spreads, self._side, axis=2, workers=1)[:, :, : self._high + 1]
        down = fft(waves, self._side, axis=1, workers=1)
        return np.asarray(np.concatenate([down[:, : self._high + 1], down[:, -self._high :]], 1))

    def _picture(self, waves: Waves) -> Field:
        """Return the middle of the canvas that spectra make: (n, size, size)."""
        from scipy.fft import ifft, irfft

        full = np.zeros((len(waves), self._side, self._high + 1), np.complex64)
        full[:, : self._high + 1] = waves[:, : self._high + 1]
        full[:, -self._high :] = waves[:, self._high + 1 :]
        cut = slice(self._size // 2, self._size // 2 + self._size)
        down = ifft(full, axis=1, overwrite_x=True, workers=1)[:, cut]
        picture: Field = irfft(down, self._side, axis=2, workers=1)[:, :, cut]
        return picture

    def _ramp(self, shifts: NDArray[np.float64]) -> Waves:
        """Return what moves spectra by (n, 2) pixels down and right: (n, rows, columns)."""
        turns = -2j * np.pi / self._side
        down = np.exp(turns * shifts[:, :1] * self._rows).astype(np.complex64)
        right = np.exp(turns * shifts[:, 1:] * self._columns).astype(np.complex64)
        return np.asarray(down[:, :, None] * right[:, None, :])

    def _register(self, seen: Waves) -> NDArray[np.float64]:
        """Return by how much pictures are moved against the object: (n, 2) pixels, sub-pixel.

        Where their correlation over the canvas is highest: found on a coarse grid, then by
        Newton's method on its Fourier series, which is exact.
        """
        from scipy.fft import irfft2

        # the object's spectrum holds the place of the spread's middle: here it is taken back
        own = self._object[0] * self._ramp(np.array([[PADDED / 2, PADDED / 2]]))[0]
        cross = seen * np.conj(own)
        cross /= np.float32((np.abs(own) ** 2).sum())
        cross[:, :, 1:] *= 2  # each column also stands for its mirror
        cross[:, 0, 0] = 0
        few = min(self._high, _COARSE // 2 - 1)
        coarse = np.zeros((len(seen), _COARSE, _COARSE // 2 + 1), np.complex64)
        coarse[:, : few + 1, : few + 1] = cross[:, : few + 1, : few + 1]
        coarse[:, -few:, : few + 1] = cross[:, -few:, : few + 1]
        coarse[:, :, 1:] *= np.float32(0.5)
        grid = irfft2(coarse, (_COARSE, _COARSE), workers=1).reshape(len(seen), -1)
        peak = np.stack(np.unravel_index(grid.argmax(axis=1), (_COARSE, _COARSE)), axis=1)
        where = ((peak + _COARSE // 2) % _COARSE - _COARSE // 2) * (self._side / _COARSE)
        for _ in range(5):
            where = where + self._newton(cross, where)
        return where

    def _newton(self, cross: Waves, where: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the steps (n, 2) towards the peak of correlations, one pixel at most."""
        unit = 2j * np.pi / self._side
        rows, columns = unit * self._rows, unit * self._columns
        down = np.exp(where[:, :1] * rows).astype(np.complex64)
        right = np.exp(where[:, 1:] * columns)
        powers = np.stack([down, down * rows, down * rows**2], axis=1).astype(np.complex64)
        mixed = powers @ cross
        flat, slope_y, bend_y = (
            [(mixed[:, order] * right * columns**n).sum(axis=1).real for n in range(3)]
            for order in range(3)
        )
        gradient = np.stack([slope_y[0], flat[1]], axis=1)
        hessian = np.empty((len(where), 2, 2))
        hessian[:, 0, 0], hessian[:, 1, 1] = bend_y[0], flat[2]
        hessian[:, 0, 1] = hessian[:, 1, 0] = slope_y[1]
        fine = (np.linalg.det(hessian) > 0) & (hessian[:, 0, 0] < 0)
        hessian[~fine] = -np.eye(2)
        step = -np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        return np.asarray(np.where(fine[:, None], np.clip(step, -1, 1), 0.0))


def _standard(values: Field) -> Field:
    """Return rows with mean 0 and length 1, so that their products are correlations."""
    rest = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", rest, rest))
    return np.asarray(rest / np.maximum(length, np.float32(1e-12))[:, None], np.float32)


def _shares(nodes: tuple[float, ...], size: int) -> Field:
    """Return how much of each place of the canvas each node has: (nodes^2, side, side), sum 1."""
    where = (np.arange(2 * size) - size + 0.5) / (size / 2)
    hats = np.stack([np.interp(where, nodes, row) for row in np.eye(len(nodes))])
    both = hats[:, None, :, None] * hats[None, :, None, :]
    return np.asarray(both.reshape(-1, 2 * size, 2 * size), np.float32)
