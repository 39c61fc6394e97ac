"""Classical measures of sharpness, as today's planetary programs take them; higher is better.

Each is `measure(frames, *, background, flux, window=None)`:

frames: (n, h, w) luminance, uint8, uint16 or float32. background: (n,) level of the empty sky;
flux: (n,) sum over the object less the background, both in values of the frames. window: where the
object stands, so that only there is measured. Returns (n,) float64, never negative, never NaN: a
flat frame, a frame with pixels that are no numbers, and one whose light is divided by and that has
none, give 0. A score is the same to the last bit whatever frames come with it in a batch.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from .filtered import Field, Frames, Room, Scores, Window, filtered_power, finite, parts, squares

__all__ = [
    "BLUR", "MEASURES", "Measure", "Window", "laplacian", "pipp", "pipp_normalised", "pss", "siril",
    "tenengrad",
]  # fmt: skip

BLUR = 2.0
"""Pixels: standard deviation of the blur before derivatives are taken. Measured: 2 to 3 pixels rank
well at any light; without a blur noise alone decides below 2000 electrons (docs/ranking.md)."""


class Measure(Protocol):
    """What all measures look like."""

    def __call__(
        self,
        frames: Frames,
        *,
        background: NDArray[Any],
        flux: NDArray[Any],
        window: Window | None = None,
    ) -> Scores:
        """Return a score for each frame."""
        ...


def pipp(
    frames: Frames, *, background: NDArray[Any], flux: NDArray[Any], window: Window | None = None
) -> Scores:
    """Return PIPP's local contrast: squared differences of adjacent pixels, at five scales.

    For s = 1..5 the frame becomes the means of its s x s blocks (rows and columns that fill no
    block are left out at the bottom and at the right); the squares of all differences of blocks
    side by side and one above the other are added, over all s. Plain, as PIPP's manual describes
    it ("Quality estimation", castrator.net/pipp): brighter frames score higher, and noisier ones.
    Unit: squared values of the frames.
    """
    return _contrast(frames, window)


def pipp_normalised(
    frames: Frames, *, background: NDArray[Any], flux: NDArray[Any], window: Window | None = None
) -> Scores:
    """Return `pipp` divided by the square of the flux: the same for a dimmer frame."""
    return _per_light(_contrast(frames, window), flux)


def laplacian(
    frames: Frames,
    *,
    background: NDArray[Any],
    flux: NDArray[Any],
    window: Window | None = None,
    sigma: float = BLUR,
) -> Scores:
    """Return the variance of the Laplacian of the blurred frame, divided by the flux squared.

    The blur is a Gaussian of `sigma` pixels cut at 4 sigma; the Laplacian is four neighbours less
    four times the middle; outside, frames go on mirrored (Pech-Pacheco et al. 2000, "Diatom
    autofocusing in brightfield microscopy", LAPV, with a blur; nothing is rounded to bytes, or key
    frames of compressed films come out on top). Computed from cosine transforms.
    """
    return _per_light(filtered_power(frames, window, "laplacian", sigma), flux)


def tenengrad(
    frames: Frames,
    *,
    background: NDArray[Any],
    flux: NDArray[Any],
    window: Window | None = None,
    sigma: float = BLUR,
) -> Scores:
    """Return the mean squared Sobel gradient of the blurred frame, divided by the flux squared.

    Sobel's 3 x 3 operators with weights 1 2 1 and -1 0 1, down and across; blur and border as in
    `laplacian` (Tenenbaum 1970, "Accommodation in computer vision"; without its threshold).
    """
    return _per_light(filtered_power(frames, window, "tenengrad", sigma), flux)


def siril(
    frames: Frames, *, background: NDArray[Any], flux: NDArray[Any], window: Window | None = None
) -> Scores:
    """Return Siril's planetary score, as its sources (src/algos/quality.c) are described.

    For s = 3, 4, 5: means of s x s blocks; stretched so that the mean of the three brightest
    becomes 60000; smoothed by 3 x 3; without a border of 10 %, where a value within one block is
    at least 10240, the mean of the squared differences to the right and below, times 9 / s^2.
    The root of the sum. Own code, not run against Siril.
    """
    return _each(frames, window, _siril)


def pss(
    frames: Frames, *, background: NDArray[Any], flux: NDArray[Any], window: Window | None = None
) -> Scores:
    """Return PlanetarySystemStacker's measure, as its algorithm summary (0.9.8) describes it.

    As 16 bits, blurred by 7 x 7 (sigma 1.4), every second pixel, Laplacian, its absolute value in
    256ths as bytes; their standard deviation, divided by the mean of the frame in which values
    below 15 of 255 count 0. Float frames are taken as 0 to 65535. Own code, not run against PSS.
    """
    return _each(frames, window, _pss, keep=True)


MEASURES: dict[str, Measure] = {
    "pipp": pipp,
    "pipp-normalised": pipp_normalised,
    "laplacian": laplacian,
    "tenengrad": tenengrad,
    "siril": siril,
    "pss": pss,
}


def _per_light(power: Scores, flux: NDArray[Any]) -> Scores:
    """Divide by the flux squared; 0 where there is none."""
    light = np.asarray(flux, np.float64)
    if light.shape != power.shape:
        raise ShapeError(f"{len(power)} frames need as many fluxes, not {light.shape}")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return finite(np.where(light > 0, power / light**2, 0.0))


def _each(
    frames: Frames,
    window: Window | None,
    measure: Callable[[NDArray[Any]], float],
    *,
    keep: bool = False,
) -> Scores:
    """Return what a measure of one frame gives for each; 0 for what is not finite."""
    scores = [measure(frame) for part in parts(frames, window, keep=keep) for frame in part]
    return finite(np.array(scores, np.float64))


# --- differences of blocks --------------------------------------------------------------------


def _contrast(frames: Frames, window: Window | None) -> Scores:
    room = Room()
    scores = []
    for part in parts(frames, window):
        pairs = _blocks(part, 2, "pairs", room)
        fours = _blocks(pairs, 2, "fours", room)
        threes, fives = _blocks(part, 3, "threes", room), _blocks(part, 5, "fives", room)
        total = np.zeros(len(part))
        for side, sums in enumerate((part, pairs, threes, fours, fives), start=1):
            total += _steps(sums, room) / side**4
        scores.append(total)
    return finite(np.concatenate(scores) if scores else np.empty(0))


def _blocks(part: Field, side: int, name: str, room: Room) -> Field:
    """Return (n, h // side, w // side) sums of blocks."""
    count, height, width = part.shape
    rows, columns = height // side, width // side
    high = part[:, : rows * side].reshape(count, rows, side, width)
    summed = room("rows", count, rows, width)
    sums = room(name, count, rows, columns)
    with np.errstate(invalid="ignore", over="ignore"):
        np.add(high[:, :, 0], high[:, :, 1], out=summed)
        for step in range(2, side):
            np.add(summed, high[:, :, step], out=summed)
        wide = summed[..., : columns * side]
        np.add(wide[..., 0::side], wide[..., 1::side], out=sums)
        for step in range(2, side):
            np.add(sums, wide[..., step::side], out=sums)
    return sums


def _steps(part: Field, room: Room) -> Scores:
    """Return the sum of the squared differences of neighbours, side by side and above each other.

    Differences are taken along the whole frame as one line, and what spans two rows is dropped:
    three times as quick as row by row.
    """
    count, height, width = part.shape
    if not part.size:
        return np.zeros(count)
    line = part.reshape(count, height * width)
    steps = room("steps", count, height, width)
    along = steps.reshape(count, height * width)
    with np.errstate(invalid="ignore", over="ignore"):
        np.subtract(line[:, 1:], line[:, :-1], out=along[:, 1:])
        steps[:, :, 0] = 0
        total = squares(steps)
        np.subtract(line[:, width:], line[:, :-width], out=along[:, width:])
        along[:, :width] = 0
        return total + squares(steps)


# --- as other programs do it ------------------------------------------------------------------


def _siril(frame: Field) -> float:
    import cv2

    total = 0.0
    for side in (3, 4, 5):
        rows, columns = frame.shape[0] // side, frame.shape[1] // side
        if min(rows, columns) < 4:
            break
        means = cv2.resize(
            frame[: rows * side, : columns * side], (columns, rows), interpolation=cv2.INTER_AREA
        )
        brightest = float(np.partition(means, -3, axis=None)[-3:].mean())
        if not 0 < brightest < np.inf:
            return 0.0
        smooth = cv2.blur(means * np.float32(60000 / brightest), (3, 3))
        near = cv2.dilate((smooth >= 10240).astype(np.uint8), np.ones((3, 3), np.uint8))
        down, across = max(1, rows // 10), max(1, columns // 10)
        inside = (slice(down, rows - down), slice(across, columns - across))
        right = smooth[:-1, 1:] - smooth[:-1, :-1]
        below = smooth[1:, :-1] - smooth[:-1, :-1]
        steps = np.zeros_like(smooth)
        steps[:-1, :-1] = right**2 + below**2
        used = near[inside] > 0
        if used.any():
            total += 9 / side**2 * float(steps[inside][used].mean(dtype=np.float64))
    return float(np.sqrt(total))


def _pss(frame: NDArray[Any]) -> float:
    import cv2

    if not frame.size:
        return 0.0
    if frame.dtype == np.uint8:
        words = frame.astype(np.uint16) * 256
    elif frame.dtype == np.uint16:
        words = frame
    else:
        if not np.isfinite(frame).all():
            return 0.0
        words = np.clip(np.rint(frame), 0, 65535).astype(np.uint16)
    blurred = cv2.GaussianBlur(words, (7, 7), 0)
    edges = cv2.convertScaleAbs(cv2.Laplacian(blurred[::2, ::2], cv2.CV_32F), alpha=1 / 256)
    bright = cv2.threshold(words, 15 * 256, 65535, cv2.THRESH_TOZERO)[1]
    mean = float(bright.mean()) / 256
    return float(edges.std()) / mean if mean > 0 else 0.0
