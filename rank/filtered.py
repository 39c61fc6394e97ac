"""Frames a few at a time, and their power after a filter, by cosine transforms."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError

Frames = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Field = NDArray[np.float32]
Scores = NDArray[np.float64]
Filter = Literal["laplacian", "tenengrad"]

_CHUNK = 262144
"""Pixels taken at once, 16 frames of 128 x 128: fewer cost calls, more leave the second cache."""
_DOT = 8192
"""Values in one inner product, at most: OpenBLAS would split longer ones among threads, and the
last bits would depend on how many there are."""
_LOST = 1e-6
"""Share of white noise's power, after a filter, in the frequencies that are not computed."""


@dataclass(frozen=True, slots=True)
class Window:
    """A square of each frame: top and left (n,) in pixels, of one side.

    A square that reaches over the frame's edge is moved inside; one larger than the frame is all
    of it in that direction.
    """

    top: NDArray[np.int64]
    left: NDArray[np.int64]
    side: int


def finite(scores: Scores) -> Scores:
    """Return scores with 0 for what is not a number, or infinite."""
    kept: Scores = np.where(np.isfinite(scores), scores, 0.0)
    return kept


def parts(frames: Frames, window: Window | None, *, keep: bool = False) -> Iterator[NDArray[Any]]:
    """Yield (n, height, width) of what is measured, as float32 unless `keep`.

    The array is used again for the next ones.
    """
    if frames.ndim != 3:
        raise ShapeError(f"frames are (n, height, width), not {frames.shape}")
    count, height, width = frames.shape
    if window is not None and not (len(window.top) == len(window.left) == count):
        raise ShapeError(f"{count} frames need as many windows, not {len(window.top)}")
    high, wide = height, width
    if window is not None:
        high, wide = min(height, window.side), min(width, window.side)
        top = np.clip(window.top, 0, height - high).tolist()
        left = np.clip(window.left, 0, width - wide).tolist()
    most = min(max(1, _CHUNK // max(1, high * wide)), count)
    scratch = np.empty((most, high, wide), frames.dtype if keep else np.float32)
    for first in range(0, count, max(1, most)):
        here = frames[first : first + most]
        part = scratch[: len(here)]
        if window is None:
            part[:] = here
        else:
            for number, frame in enumerate(here):
                y, x = top[first + number], left[first + number]
                part[number] = frame[y : y + high, x : x + wide]
        yield part


class Room:
    """Memory used again: the pages of a fresh array cost more than the sums done in it."""

    def __init__(self) -> None:
        self._held: dict[str, Field] = {}

    def __call__(self, name: str, *shape: int) -> Field:
        """Return an array of any content; what it held under this name is gone."""
        size = prod(shape)
        if name not in self._held or self._held[name].size < size:
            self._held[name] = np.empty(size, np.float32)
        return self._held[name][:size].reshape(shape)


def squares(part: Field) -> Scores:
    """Return the sum of squares of each of (n, h, w): some rows at a time, added in float64."""
    count, height, width = part.shape
    together = _together(height, width)
    lines = part.reshape(count, height // together, together * width)
    with np.errstate(over="ignore", invalid="ignore"):
        sums: Scores = np.vecdot(lines, lines).astype(np.float64)
    total: Scores = sums.sum(axis=1)
    return total


@lru_cache(maxsize=64)
def _together(height: int, width: int) -> int:
    """Return how many rows are taken at once: the most, of which the height is a multiple."""
    most = min(height, max(1, _DOT // max(1, width)))
    return max((rows for rows in range(1, most + 1) if height % rows == 0), default=1)


# --- filtered power, by cosine transforms -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Axis:
    """The lowest frequencies of an orthonormal cosine transform (DCT-II) along one axis.

    What is even about the middle and what is odd are transformed apart: half the products.
    order: the frequencies, first the even ones. even, odd: (count, half) factors; turned, they lie
    in memory as (half, count), with which products from the right are twice as quick.
    """

    order: NDArray[np.int64]
    even: Field
    odd: Field
    even_turned: Field
    odd_turned: Field

    @property
    def count(self) -> int:
        return len(self.order)


class _Plan(NamedTuple):
    down: _Axis
    across: _Axis
    weights: tuple[Field, Field]
    """(kept rows, columns): the filter's response, at even and at odd frequencies across."""


def filtered_power(frames: Frames, window: Window | None, what: Filter, sigma: float) -> Scores:
    """Return the mean square of frames after a blur of sigma pixels and a filter, by Parseval.

    Frames that go on mirrored at their borders are sums of cosines; a symmetric filter only
    multiplies each, and an antisymmetric one makes sines of them, of equal power.
    """
    if not 0 <= sigma <= 100:
        raise UsageError(f"a blur has 0 to 100 pixels, not {sigma}")
    room = Room()
    scores = []
    for part in parts(frames, window):
        count, height, width = part.shape
        if not part.size:
            return np.zeros(len(frames))
        plan = _plan(height, width, what, sigma)
        total = np.zeros(count)
        for spectrum, weight in zip(_spectrum(part, plan, room), plan.weights, strict=True):
            total += squares(np.multiply(spectrum, weight, out=spectrum))
        scores.append(total / (height * width))
    return finite(np.concatenate(scores) if scores else np.empty(0))


def _spectrum(part: Field, plan: _Plan, room: Room) -> tuple[Field, Field]:
    """Return cosine coefficients of (n, h, w) frames: of even columns, and of odd ones.

    Each (n, kept rows, columns). One product of matrices for each frame: of all frames at once,
    the last bits would depend on how many there are.
    """
    count, _, width = part.shape
    down, across = plan.down, plan.across
    half = down.even.shape[1]
    folded = room("folded", count, half, width)
    columns = room("columns", count, down.count, width)
    with np.errstate(invalid="ignore", over="ignore"):
        head, tail = part[:, :half], part[:, ::-1][:, :half]
        np.add(head, tail, out=folded)
        # no filter here passes a constant: without it a flat frame gives exactly 0
        np.subtract(folded, 2 * part[:, :1, :1], out=folded)
        np.matmul(down.even, folded, out=columns[:, : len(down.even)])
        np.matmul(down.odd, np.subtract(head, tail, out=folded), out=columns[:, len(down.even) :])
        half = across.even.shape[1]
        folded = room("folded", count, down.count, half)
        head, tail = columns[..., :half], columns[..., ::-1][..., :half]
        even = room("even", count, down.count, len(across.even))
        odd = room("odd", count, down.count, len(across.odd))
        np.matmul(np.add(head, tail, out=folded), across.even_turned, out=even)
        np.matmul(np.subtract(head, tail, out=folded), across.odd_turned, out=odd)
    return even, odd


@lru_cache(maxsize=16)
def _plan(height: int, width: int, what: Filter, sigma: float) -> _Plan:
    """Return how frames of a size are filtered: computed once, some milliseconds."""
    down, across = np.pi * np.arange(height) / height, np.pi * np.arange(width) / width
    blur = np.outer(_gaussian(sigma, down), _gaussian(sigma, across))
    down, across = down[:, None], across[None]
    if what == "laplacian":
        power = (blur * (4 - 2 * np.cos(down) - 2 * np.cos(across))) ** 2
    else:
        sobel = (2 * np.sin(across) * (2 + 2 * np.cos(down))) ** 2
        sobel = sobel + (2 * np.sin(down) * (2 + 2 * np.cos(across))) ** 2
        power = blur**2 * sobel
    axes = (_axis(height, _kept(power.sum(1))), _axis(width, _kept(power.sum(0))))
    chosen = np.sqrt(power[np.ix_(axes[0].order, axes[1].order)]).astype(np.float32)
    evens = len(axes[1].even)
    even, odd = np.ascontiguousarray(chosen[:, :evens]), np.ascontiguousarray(chosen[:, evens:])
    return _Plan(*axes, (even, odd))


def _gaussian(sigma: float, omega: Scores) -> Scores:
    """Return the response, at frequencies in radians a pixel, of a Gaussian cut at 4 sigma."""
    reach = np.arange(int(4 * sigma + 0.5) + 1)
    kernel = np.exp(-0.5 * (reach / max(sigma, 1e-9)) ** 2)
    kernel[1:] *= 2
    response: Scores = np.cos(np.outer(omega, reach)) @ (kernel / kernel.sum())
    return response


def _kept(power: Scores) -> int:
    """Return how many of the lowest frequencies hold all but _LOST of white noise's power."""
    place = np.searchsorted(np.cumsum(power), (1 - _LOST) * power.sum())
    return 1 + min(int(place), len(power) - 1)


def _axis(side: int, kept: int) -> _Axis:
    half = (side + 1) // 2
    order = np.concatenate((np.arange(0, kept, 2), np.arange(1, kept, 2)))
    places = np.arange(half) + 0.5
    cosines = np.sqrt(2 / side) * np.cos(np.pi / side * np.outer(order, places))
    cosines[order == 0] /= np.sqrt(2)
    if side % 2:  # the middle is met twice
        cosines[:, -1] /= 2
    evens = (kept + 1) // 2
    even, odd = cosines[:evens].astype(np.float32), cosines[evens:].astype(np.float32)
    return _Axis(order, even, odd, np.ascontiguousarray(even.T), np.ascontiguousarray(odd.T))
