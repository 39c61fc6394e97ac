"""Windows of frames: cut, tapered, and their shift against a template."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .band import Band

REACH = 6
"""Pixels around the expected place in which the best agreement is sought."""


def cut(
    frames: NDArray[Any],
    top: NDArray[np.int64],
    left: NDArray[np.int64],
    side: int,
    level: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return (n, side, side) windows of frames; what lies outside the field is `level`."""
    count, height, width = frames.shape
    windows = np.empty((count, side, side), np.float32)
    inside = (top >= 0) & (left >= 0) & (top + side <= height) & (left + side <= width)
    for number, (y, x) in enumerate(zip(top.tolist(), left.tolist(), strict=True)):
        if inside[number]:
            windows[number] = frames[number, y : y + side, x : x + side]
            continue
        windows[number] = level[number]
        y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + side, height), min(x + side, width)
        if y1 > y0 and x1 > x0:
            windows[number, y0 - y : y1 - y, x0 - x : x1 - x] = frames[number, y0:y1, x0:x1]
    return windows


def taper(side: int) -> NDArray[np.float32]:
    """Return a (side, side) window that falls to 0 over a sixth of each edge (Tukey, cosine)."""
    edge = max(2, side // 6)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    line = np.concatenate((ramp, np.ones(side - 2 * edge), ramp[::-1]))
    return np.outer(line, line).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Shifts:
    """How far windows stand from the template: pixels, and the agreement there, -1..1.

    edge: whether the best place lies on the edge of what was searched.
    """

    dy: NDArray[np.float32]
    dx: NDArray[np.float32]
    peak: NDArray[np.float32]
    edge: NDArray[np.bool_]


class Register:
    """Finds the shifts of windows against a template, in the band, without interpolating.

    template: (d / 2,) coefficients. weight: of each coefficient, in the correlation. reach:
    pixels around the expected place that are searched, in steps of `step` pixels.
    """

    def __init__(
        self,
        band: Band,
        template: NDArray[np.complex64],
        weight: NDArray[np.float32],
        *,
        reach: int = REACH,
        step: int = 1,
    ) -> None:
        self.band = band
        self._reach, self._step = reach, step
        self._grid = 2 * (reach // step) + 1
        self._weight = weight
        weighted = template * weight**2
        self._length = float(np.sqrt(np.vdot(template * weight, template * weight).real))
        self._against = weighted.conj().astype(np.complex64) / max(self._length, 1e-30)
        down, across = band.along
        self._slopes = np.stack([down, across, down * down, down * across, across * across], axis=1)
        steps = step * np.arange(-(reach // step), reach // step + 1, dtype=np.float32)
        turn = 2 * np.pi / band.side
        rows = np.arange(-band.reach, band.reach + 1)
        columns = np.arange(band.reach + 1)
        self._down = np.exp(1j * turn * np.outer(steps, rows)).astype(np.complex64)
        self._across = np.exp(1j * turn * np.outer(columns, steps)).astype(np.complex64)

    def shifts(self, coefficients: NDArray[np.complex64]) -> Shifts:
        """Return where (n, d / 2) windows stand: the shift that undoes it is its negative."""
        count = len(coefficients)
        product = coefficients * self._against
        shape = self.band.inside.shape
        grid = np.zeros((count, shape[0] * shape[1]), np.complex64)
        grid[:, self.band.places] = product
        grid = grid.reshape(count, *shape)
        surface = (self._down @ (grid @ self._across)).real
        flat = surface.reshape(count, -1)
        best = flat.argmax(1)
        row, column = np.divmod(best, self._grid)
        edge = (row == 0) | (row == self._grid - 1) | (column == 0) | (column == self._grid - 1)
        first = self._grid // 2
        dy = self._step * (row - first + _vertex(surface, row, column, axis=0))
        dx = self._step * (column - first + _vertex(surface, row, column, axis=1))
        dy, dx, value = self._newton(product, dy.astype(np.float32), dx.astype(np.float32))
        weighted = coefficients.view(np.float32) * np.repeat(self._weight, 2)
        length = np.sqrt(np.einsum("nd,nd->n", weighted, weighted))
        return Shifts(dy, dx, value / np.maximum(length, 1e-30), edge)

    def _newton(
        self, product: NDArray[np.complex64], dy: NDArray[np.float32], dx: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], ...]:
        """Take one Newton step to the top; return the place and the value there."""
        turned = product * self.band.ramp(-dy, -dx)
        slopes = turned.imag @ self._slopes[:, :2]  # d/dy Re sum p exp(i k d) = -Im sum k p ...
        value = turned.real.sum(1)
        bends = turned.real @ self._slopes[:, 2:]
        yy, yx, xx = bends.T
        gy, gx = -slopes.T
        determinant = yy * xx - yx * yx
        with np.errstate(invalid="ignore", divide="ignore"):
            step_y = (xx * gy - yx * gx) / determinant
            step_x = (yy * gx - yx * gy) / determinant
        safe = (determinant > 0) & (yy > 0) & (np.hypot(step_y, step_x) < 1)
        step_y, step_x = np.where(safe, step_y, 0), np.where(safe, step_x, 0)
        value = value + 0.5 * (gy * step_y + gx * step_x)
        return dy + step_y, dx + step_x, value


def _vertex(
    surface: NDArray[np.float32], row: NDArray[np.int64], column: NDArray[np.int64], *, axis: int
) -> NDArray[np.float32]:
    """Return the vertex of the parabola through the best point and its neighbours, -0.5..0.5."""
    each = np.arange(len(surface))
    at = (row, column)[axis]
    inside = np.clip(at, 1, surface.shape[1 + axis] - 2)
    if axis == 0:
        low, mid, high = (surface[each, inside + s, column] for s in (-1, 0, 1))
    else:
        low, mid, high = (surface[each, row, inside + s] for s in (-1, 0, 1))
    bend = low - 2 * mid + high
    with np.errstate(invalid="ignore", divide="ignore"):
        vertex = 0.5 * (low - high) / bend
    return np.where((bend < 0) & (inside == at), np.clip(vertex, -0.5, 0.5), 0).astype(np.float32)
