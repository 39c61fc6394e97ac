"""Windows of frames: cut, tapered, and their shift against a template."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .band import Band, turned

REACH = 6
"""Pixels around the expected place in which the best agreement is sought."""
STEP = 1.5
_LIGHT = 0.003
"""Coefficients whose squared weight is a smaller share of the largest are not registered."""
_BLOCK = 64
"""Windows at once, always: the last bits of a product depend on how many rows it has."""
_AT_ONCE = 16
"""Windows that are cut and transformed together: of 96 pixels they stay in a cache of 1 MB."""
_DIRECT = 400
"""Up to so many shifts are tried by one matrix product: 169 of them take 4 us a window, one
direction after the other 10."""


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


class Cutter:
    """Cuts windows and transforms them: planets less their background, surfaces tapered."""

    def __init__(self, band: Band, *, tapered: bool) -> None:
        self.side, self.band = band.side, band
        self._taper = taper(band.side) if tapered else None

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


@dataclass(frozen=True, slots=True)
class Shifts:
    """How far windows stand from the template: pixels, and the agreement there, -1..1.

    edge: whether the best place lies on the edge of what was searched.
    """

    dy: NDArray[np.float32]
    dx: NDArray[np.float32]
    peak: NDArray[np.float32]
    edge: NDArray[np.bool_]

    def put(self, which: NDArray[Any], others: "Shifts") -> None:
        """Replace those of some windows."""
        self.dy[which], self.dx[which] = others.dy, others.dx
        self.peak[which], self.edge[which] = others.peak, others.edge


class Register:
    """Finds the shifts of windows against a template, in the band, without interpolating.

    template: (d / 2,) coefficients. weight: of each coefficient, in the correlation; what weighs
    least is left out. reach: pixels around the expected place that are searched, in steps of
    `step` pixels.
    """

    def __init__(
        self,
        band: Band,
        template: NDArray[np.complex64],
        weight: NDArray[np.float32],
        *,
        reach: int = REACH,
        step: float = STEP,
    ) -> None:
        self._step, self._half = step, int(reach / step)
        self._grid = 2 * self._half + 1
        self._used = np.flatnonzero(weight**2 > _LIGHT * float(weight.max(initial=0.0)) ** 2)
        template, weight = template[self._used], weight[self._used]
        self._squares = np.repeat(weight**2, 2)
        length = float(np.linalg.norm(template * weight))
        against = (template * weight**2).conj().astype(np.complex64) / max(length, 1e-30)
        self._along = np.stack(band.along)[:, self._used]
        steps = step * np.arange(-self._half, self._half + 1)
        if self._grid**2 <= _DIRECT:
            places = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
            self._search = _product(against, turned(-places, self._along))
        self._against = against
        self._separate = _Separate(band, self._used, steps)
        self._slopes = _slopes(against, self._along)

    def shifts(self, coefficients: NDArray[np.complex64]) -> Shifts:
        """Return where (n, d / 2) windows stand: the shift that undoes it is its negative."""
        count = len(coefficients)
        blocks = -(-count // _BLOCK)
        used = np.zeros((blocks * _BLOCK, len(self._used)), np.complex64)
        np.take(coefficients, self._used, axis=1, out=used[:count])
        parts = [self._block(used[at * _BLOCK : (at + 1) * _BLOCK]) for at in range(blocks)]
        if not parts:
            none = np.zeros(0, np.float32)
            return Shifts(none, none, none, np.zeros(0, bool))
        dy, dx, peak, edge = (np.concatenate(each)[:count] for each in zip(*parts, strict=True))
        return Shifts(dy, dx, peak, edge)

    def _block(self, used: NDArray[np.complex64]) -> tuple[NDArray[Any], ...]:
        """Return dy, dx, peak and edge of `_BLOCK` windows."""
        count = len(used)
        if self._grid**2 <= _DIRECT:
            flat = used.view(np.float32) @ self._search
        else:
            flat = self._separate(used * self._against).reshape(count, -1)
        surface = flat.reshape(count, self._grid, self._grid)
        row, column = np.divmod(flat.argmax(1), self._grid)
        last = self._grid - 1
        edge = (row == 0) | (row == last) | (column == 0) | (column == last)
        dy = self._step * (row - self._half + _vertex(surface, row, column, axis=0))
        dx = self._step * (column - self._half + _vertex(surface, row, column, axis=1))
        length = np.sqrt(np.square(used.view(np.float32)) @ self._squares)
        dy, dx, value = self._newton(used, dy.astype(np.float32), dx.astype(np.float32))
        peak = np.asarray(value / np.maximum(length, 1e-30), np.float32)
        return dy, dx, peak, edge

    def _newton(
        self, used: NDArray[np.complex64], dy: NDArray[np.float32], dx: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], ...]:
        """Take one Newton step to the top; return the place and the value there."""
        used *= turned(np.stack((-dy, -dx), axis=1), self._along)
        value, gy, gx, yy, yx, xx = (used.view(np.float32) @ self._slopes).T
        determinant = yy * xx - yx * yx
        with np.errstate(invalid="ignore", divide="ignore"):
            step_y = (xx * gy - yx * gx) / determinant
            step_x = (yy * gx - yx * gy) / determinant
        safe = (determinant > 0) & (yy > 0) & (np.hypot(step_y, step_x) < 1)
        step_y, step_x = np.where(safe, step_y, 0), np.where(safe, step_x, 0)
        value = value + 0.5 * (gy * step_y + gx * step_x)
        return dy + step_y, dx + step_x, value


def _product(against: NDArray[np.complex64], factors: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the matrix (2 m, p) by which coefficients, as reals, give Re sum c a f, for p rows."""
    both = factors * against
    return np.ascontiguousarray(both.conj().view(np.float32).T)


def _slopes(against: NDArray[np.complex64], along: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the matrix (2 m, 6) that gives value, its two slopes, and its three bends negated.

    Of Re sum c a exp(i k d), at d = 0: d/dy is Re sum c a i ky, and so on.
    """
    down, across = along.astype(np.complex64)
    ones = np.ones_like(down)
    factors = (ones, 1j * down, 1j * across, down * down, down * across, across * across)
    return _product(against, np.stack(factors).astype(np.complex64))


class _Separate:
    """The correlation at many shifts, one direction after the other: for wide searches."""

    def __init__(self, band: Band, used: NDArray[np.intp], steps: NDArray[Any]) -> None:
        self._shape = band.inside.shape
        self._places = band.places[used]
        turn = 2 * np.pi / band.side
        rows, columns = np.arange(-band.reach, band.reach + 1), np.arange(band.reach + 1)
        self._down = np.exp(1j * turn * np.outer(steps, rows)).astype(np.complex64)
        self._across = np.exp(1j * turn * np.outer(columns, steps)).astype(np.complex64)

    def __call__(self, product: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return (n, steps, steps) values of (n, m) coefficients times the template's."""
        grid = np.zeros((len(product), self._shape[0] * self._shape[1]), np.complex64)
        grid[:, self._places] = product
        surface = self._down @ (grid.reshape(len(product), *self._shape) @ self._across)
        return np.asarray(surface.real, np.float32)


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
