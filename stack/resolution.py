"""How fine a stack shows the truth, without knowing it: the correlation of two halves by frequency.

Two interleaved halves of the chosen frames are stacked apart. What both show alike is the object
(and what the camera always adds: remove hot pixels first); what differs is noise and air.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..video.base import Video
from .stack import KAPPA, Chosen, Method, Stack, Tell, stack

SEVENTH = 1 / 7
HALF = 0.5
_RINGS = 3
"""Rings that are taken together where a threshold is looked for: one alone dips by chance, and
where the spectrum of a round disc has its zeros."""
_TAPER = 0.1
"""Share of each edge over which pictures fall to their mean."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Agreement of two halves of a stack by spatial frequency.

    frequency: (rings,) cycles a pixel. correlation: (rings,), -1..1. seventh, half: the frequency
    from which it stays below 1/7 and 0.5, cycles a pixel; 0.5 where it never falls so far.
    """

    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]
    seventh: float
    half: float

    @property
    def told(self) -> str:
        """Say it in one line."""
        pixels = f"{1 / self.seventh:.2f} pixels" if self.seventh > 0 else "no detail"
        return (
            f"split-half resolution {pixels} ({self.seventh:.3f} cycles a pixel at 1/7, "
            f"{self.half:.3f} at 1/2)"
        )


def split_half(
    video: Video,
    chosen: Chosen,
    *,
    method: Method = "mean",
    kappa: float = KAPPA,
    tell: Tell | None = None,
) -> tuple[Resolution, Stack, Stack]:
    """Stack every other of the chosen frames, in their order, and the rest; compare the two.

    Both read half of the frames: together as much as one stack. Raises as `stack`, and UsageError
    for fewer than 2 frames.
    """
    if len(chosen) < 2:
        raise UsageError("the resolution of a stack needs 2 frames or more")
    count = len(chosen)

    def second(done: int, total: int) -> None:
        if tell is not None:
            tell(total + done, 2 * total)

    def first(done: int, total: int) -> None:
        if tell is not None:
            tell(done, 2 * total)

    even = stack(video, chosen[0:count:2], method=method, kappa=kappa, tell=first)
    odd = stack(video, chosen[1:count:2], method=method, kappa=kappa, tell=second)
    seen = np.minimum(even.weight, odd.weight).min(2)
    rows, columns = _covered(seen > 0.5 * seen.max())
    here = np.s_[rows, columns]
    return ring_correlation(even.picture[here], odd.picture[here]), even, odd


def ring_correlation(first: NDArray[Any], second: NDArray[Any]) -> Resolution:
    """Return the Fourier ring correlation of two pictures, (h, w) or (h, w, planes).

    Re sum F1 conj(F2) / sqrt(sum |F1|^2 sum |F2|^2) over rings of 1 / side cycles a pixel, planes
    together (Saxton & Baumeister 1982, J. Microscopy 127, 127; thresholds are compared by van Heel
    & Schatz 2005, J. Struct. Biol. 151, 250). Where two halves agree by 1/7, their sum correlates
    with the noise-free picture by 0.5 (Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721: 0.143).
    Thresholds are met where 3 rings together are below, and the 3 beyond them.
    Raises ShapeError for pictures of different or tiny shape.
    """
    from scipy import fft

    if first.shape != second.shape or first.ndim not in (2, 3) or min(first.shape[:2]) < 8:
        raise ShapeError(f"two pictures alike, 8 x 8 or more, not {first.shape} {second.shape}")
    one, two = (fft.rfft2(_tapered(picture), axes=(0, 1)) for picture in (first, second))
    height, width = first.shape[:2]
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    side = min(height, width)
    ring = np.rint(np.hypot(down, across) * side).astype(np.int64)
    # columns that stand for their mirrored half too count twice
    twice = np.where((across > 0) & (across < 0.5), 2.0, 1.0) * np.ones_like(down)
    count = side // 2 + 1

    def sums(power: NDArray[np.float64]) -> NDArray[np.float64]:
        weighted = (power.sum(2) * twice).ravel()
        return np.asarray(np.bincount(ring.ravel(), weighted, count)[1:count], np.float64)

    shared = sums((one * two.conj()).real)
    powers = sums(np.abs(one) ** 2), sums(np.abs(two) ** 2)
    frequency = np.arange(1, count) / side
    correlation = _ratio(shared, *powers)
    broad = _ratio(*(np.convolve(np.pad(p, _RINGS // 2, "edge"), np.ones(_RINGS), "valid")
                     for p in (shared, *powers)))  # fmt: skip
    return Resolution(
        frequency, correlation, _falls(frequency, broad, SEVENTH), _falls(frequency, broad, HALF)
    )


def _ratio(
    shared: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    power = np.sqrt(first * second)
    return np.divide(shared, power, out=np.zeros_like(shared), where=power > 0)


def _falls(
    frequency: NDArray[np.float64], correlation: NDArray[np.float64], threshold: float
) -> float:
    """Return where a curve falls below a threshold and stays there for a while."""
    below = correlation < threshold
    for at in np.flatnonzero(below).tolist():
        if below[at : at + _RINGS + 1].all():
            if at == 0:
                return 0.0
            before, here = correlation[at - 1], correlation[at]
            share = (before - threshold) / (before - here)
            return float(frequency[at - 1] + share * (frequency[at] - frequency[at - 1]))
    return 0.5


def _tapered(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Return a picture (h, w, planes) less its mean, falling to 0 at its edges (cosine)."""
    planes = np.atleast_3d(picture).astype(np.float64)
    lines = []
    for length in planes.shape[:2]:
        edge = max(2, int(_TAPER * length))
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
        lines.append(np.concatenate((ramp, np.ones(length - 2 * edge), ramp[::-1])))
    window = np.outer(*lines)[..., None]
    mean = (planes * window).sum((0, 1)) / window.sum()
    return np.asarray((planes - mean) * window)


def _covered(known: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return rows and columns in which most pixels are known."""
    found = []
    for axis in (1, 0):
        good = np.flatnonzero(known.mean(axis) > 0.5)
        found.append(slice(int(good[0]), int(good[-1]) + 1) if len(good) >= 8 else slice(None))
    return found[0], found[1]
