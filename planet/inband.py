"""Scores of frames from their in-band vectors: inner products, a few matrix operations in all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .band import Band
from .survey import Survey

WIDE_BAND = (0.0, 0.6)
"""Shares of the cutoff: with the low frequencies as the standard, a cosine sees lost amplitude."""
DETAIL_BAND = (0.1, 0.4)
_CHUNK = 256
"""Frames at once: their vectors as floats then take some 2 MB."""
BEST_SHARE = 0.05
FEWEST = 8


def chunks(survey: Survey) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield (rows, vectors (n, d) float32 of unit flux, in steps of `scale`) of all, in order.

    The same array every time: valid until the next.
    """
    vectors = survey.rows["vector"]
    held = np.empty((min(_CHUNK, len(survey)), survey.scene.band.dimension), np.float32)
    for first in range(0, len(survey), _CHUNK):
        part = slice(first, min(first + _CHUNK, len(survey)))
        here = held[: part.stop - first]
        here[...] = vectors[part]
        yield part, here


def mean_of(survey: Survey, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean vector (d,) of some frames: their stack, in the band."""
    which = np.zeros(len(survey), bool)
    which[chosen] = True
    total = np.zeros(survey.scene.band.dimension, np.int64)
    vectors = survey.rows["vector"]
    for first in range(0, len(survey), _CHUNK):
        part = which[first : first + _CHUNK]
        if part.any():
            some = vectors[first : first + _CHUNK]
            # integers add up exactly, in whatever order; 32 bits hold those of 65,000 frames
            total += (some if part.all() else some[part]).sum(0, dtype=np.int32)
    return np.asarray(total / max(1, int(which.sum())) * survey.scale, np.float32)


def sharpening(band: Band) -> NDArray[np.float32]:
    """Return the gain (d,) that sharpens a stack as planetary imagers do.

    1 + 3.2 (1 - exp(-2 (1.2 pi f)^2)) + 2 (1 - exp(-2 (2.5 pi f)^2)), f in cycles a pixel: two
    wavelet layers; half or double of it changes rank correlations by less than 0.005.
    """
    f = band.frequency
    gain = 1 + 3.2 * (1 - np.exp(-2 * (1.2 * np.pi * f) ** 2))
    gain = gain + 2 * (1 - np.exp(-2 * (2.5 * np.pi * f) ** 2))
    return np.repeat(gain.astype(np.float32), 2)


def projections(
    survey: Survey, template: NDArray[np.float32], band: tuple[float, float] = DETAIL_BAND
) -> NDArray[np.float64]:
    """Return (n,) inner products of frames with the unit template in a band: amplitude counts."""
    weight = np.repeat(survey.scene.band.filter(*band), 2)
    against = template * weight
    against = against * weight / max(float(np.linalg.norm(against)), 1e-30)
    found = np.empty(len(survey))
    against = against * survey.scale
    for part, vectors in chunks(survey):
        found[part] = vectors @ against
    return found


def cosines(
    survey: Survey, template: NDArray[np.float32], band: tuple[float, float] = WIDE_BAND
) -> NDArray[np.float64]:
    """Return (n,) cosines between frames and a template in a band; NaN for empty frames."""
    weight = np.repeat(survey.scene.band.filter(*band), 2)
    against = template * weight
    against = against / max(float(np.linalg.norm(against)), 1e-30)
    found = np.empty(len(survey))
    steps = weight * survey.scale
    steps = steps / max(float(steps.max(initial=0.0)), 1e-30)  # its squares must not vanish
    against, squares = against * steps, steps**2
    for part, vectors in chunks(survey):
        product = vectors @ against
        length = np.sqrt(np.square(vectors, out=vectors) @ squares)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[part] = np.where(length > 0, product / length, np.nan)
    return found


def unit(
    vector: NDArray[np.float32], band: Band, edges: tuple[float, float] = WIDE_BAND
) -> NDArray[np.float32]:
    """Return a vector (d,) that has length 1 in a band."""
    weight = np.repeat(band.filter(*edges), 2)
    return vector / np.float32(max(float(np.linalg.norm(vector * weight)), 1e-30))


def band_power(survey: Survey, band: tuple[float, float] = DETAIL_BAND) -> NDArray[np.float64]:
    """Return (n,) power of frames of unit flux in a band, less the power of noise.

    The noise is judged from the highest frequencies kept, where a telescope passes little, and
    taken to be white.
    """
    frequency = survey.scene.band.frequency
    weight = np.repeat(survey.scene.band.filter(*band), 2) ** 2
    outer = np.repeat(frequency > np.quantile(frequency, 0.9), 2).astype(np.float32)
    total, share = float(weight.sum()), float(outer.sum())
    found = np.empty(len(survey))
    for part, vectors in chunks(survey):
        squares = np.square(vectors * survey.scale)
        found[part] = squares @ weight - (squares @ outer) * (total / share)
    return found


def best(scores: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rows of the best 5 % (at least 8) of the usable frames, best first."""
    order = order_of(scores, usable)[: int(usable.sum())]
    return order[: max(FEWEST, round(BEST_SHARE * len(order)))]


def order_of(scores: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return rows, best first: usable ones, then the others, then those without a score.

    Scores that agree to 1e-6 of the largest are ties, and ties stand in the order of frames.
    """
    scored = np.isfinite(scores)
    largest = float(np.abs(scores[scored]).max()) if scored.any() else 0.0
    rounded = np.zeros(len(scores))
    if largest > 0:
        rounded[scored] = np.rint(scores[scored] / largest * 1e6)
    group = np.where(~scored, 2, np.where(usable, 0, 1))
    return np.lexsort((np.arange(len(scores)), -rounded, group))


@dataclass(frozen=True, slots=True)
class Own:
    """What a video's frames say of its own detail.

    projections: (n,) on the mean of all. best: rows of the best 5 % by them, best first.
    sharpened: (d,) their mean, sharpened.
    """

    projections: NDArray[np.float64]
    best: NDArray[np.int64]
    sharpened: NDArray[np.float32]


def own(survey: Survey, usable: NDArray[np.bool_]) -> Own:
    """Return the projections on a video's own mean, and the sharpened mean of its best frames.

    Own mean, projection on it in 0.1-0.4 of the cutoff, mean of the best 5 %, sharpened. The mean
    itself must not be the standard: a wide-band cosine would find the most average frame.
    """
    found = projections(survey, mean_of(survey, usable))
    rows = best(found, usable)
    return Own(found, rows, mean_of(survey, rows) * sharpening(survey.scene.band))


def own_best(survey: Survey, usable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the sharpened mean vector (d,) of a video's own best frames (`own`)."""
    return own(survey, usable).sharpened
