"""A picture of any kind as a screen shows it."""

import numpy as np
from numpy.typing import NDArray

from .picture import Picture

Colours = NDArray[np.float32]

BLACK = 2.0
"""How far below the background black lies, in units of the noise."""
SOFT = 3.0
"""Where the stretch turns from linear to logarithmic, in units of the noise."""
WHITE = 0.998
"""Quantile of the light that becomes white."""
DIM = 0.125
"""A deep picture whose 99.9 % quantile lies below this share of full scale is stretched."""
STRETCH = {"black": BLACK, "soft": SOFT, "white": WHITE, "dim": DIM}
"""How linear and deep pictures are stretched; part of every identity that uses `display`."""

_DIM_QUANTILE = 0.999
_STRIP_ROWS = 256
"""Rows stretched at once, in double precision: a large frame must not lie there whole."""
_SAMPLE = 1_000_000
"""Statistics of larger pictures are taken from about this many pixels, evenly spread."""


def display(picture: Picture) -> Colours:
    """Return a picture as a screen would show it: (height, width, 3) float32 in 0..1.

    Grey becomes three equal channels, so does the mean of two bands; of more than three bands the
    first three are taken. Pictures of 8 bits stay as they are. Pictures that are linear in light,
    and integers of more bits whose 99.9 % quantile lies below 1/8 of full scale, are stretched
    (see `stretch`); invalid pixels take no part in that, and become black.
    """
    return three_channels(show_bands(picture))


def show_bands(picture: Picture) -> Colours:
    """Return what `display` does with only one, two or three bands: grey takes a third."""
    bands = picture.samples[:, :, :3]
    if needs_stretch(picture):
        return stretch(bands, picture.mask)
    shown = bands.astype(np.float32) * np.float32(1 / (picture.full_scale or 1.0))
    if bands.dtype.kind == "f":
        shown = np.nan_to_num(shown, copy=False, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)
    return shown


def three_channels(shown: Colours) -> Colours:
    """Return one or two bands (height, width, n) as three equal channels, three as they are."""
    if shown.shape[2] == 3:
        return shown
    return np.repeat(shown.mean(axis=2, keepdims=True), 3, axis=2)


def needs_stretch(picture: Picture) -> bool:
    """Tell whether a picture's values would look black, or burnt, if shown as they are."""
    if picture.linear:
        return True
    if picture.samples.dtype.kind == "f" or picture.depth <= 8:
        return False
    values = _spread(picture.samples, picture.mask)
    if not values.size:
        return False
    return bool(np.quantile(values, _DIM_QUANTILE) < DIM * picture.full_scale)


def stretch(bands: NDArray[np.generic], mask: NDArray[np.bool_] | None = None) -> Colours:
    """Return bands (height, width, n) of linear light, compressed to 0..1 by an inverse sine.

    Each band loses its background (median). Black is 2 deviations of the noise below that, so that
    dark clouds before a bright ground are not lost (noise: 1.4826 times the median absolute
    deviation of the mean of the bands; black is never below the least value). All bands are then
    multiplied by F(I) / I, where I is the mean of the bands above black and
    F(I) = asinh(I / s) / asinh(w / s): colours are kept (Lupton et al. 2004, PASP 116, 133,
    section 2). s is 3 deviations, but at least a millionth of the white point w, the 99.8 %
    quantile of I. A constant picture is black.
    """
    colours = np.zeros(bands.shape, dtype=np.float32)
    known = _spread(bands, mask)
    known = known[np.isfinite(known).all(axis=1)]
    if not known.size:
        return colours
    background = np.median(known, axis=0)
    largest = float(np.abs(known - background).max())
    if not 0.0 < largest < np.inf:
        return colours
    known_light = ((known - background) / largest).mean(axis=1)  # within -1..1: no overflow below
    noise = 1.4826 * float(np.median(np.abs(known_light - np.median(known_light))))
    black = max(-BLACK * noise, float(known_light.min()))
    white = float(np.quantile(known_light, WHITE)) - black
    if white <= SOFT * noise:  # a few bright pixels on nothing, or noise alone
        white = max(float(known_light.max()) - black, SOFT * noise)
    if white <= 0.0:
        return colours
    soft = max(SOFT * noise, 1e-6 * white)
    for top in range(0, len(bands), _STRIP_ROWS):
        rows = np.s_[top : top + _STRIP_ROWS]
        values = np.asarray(bands[rows], dtype=np.float64)
        invalid: NDArray[np.bool_] = np.asarray(~np.isfinite(values).all(axis=2))
        if mask is not None:
            invalid = invalid | mask[rows]
        values = (np.where(invalid[:, :, None], background, values) - background) / largest - black
        light = values.mean(axis=2)
        shown = np.arcsinh(np.maximum(light, 0.0) / soft) / np.arcsinh(white / soft)
        ratio = np.divide(shown, light, out=np.zeros_like(light), where=light > 0.0)
        ratio[invalid] = 0.0
        colours[rows] = np.clip(values * ratio[:, :, None], 0.0, 1.0)
    return colours


def _spread(bands: NDArray[np.generic], invalid: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Return (n, bands) valid samples, evenly spread over the picture, at most about a million."""
    step = max(1, int(np.sqrt(bands.shape[0] * bands.shape[1] / _SAMPLE)))
    sample = np.asarray(bands[::step, ::step], dtype=np.float64)
    if invalid is None:
        return sample.reshape(-1, bands.shape[2])
    valid = ~invalid[::step, ::step]
    return sample[valid]
