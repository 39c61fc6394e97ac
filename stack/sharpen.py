"""Sharpening of stacks: the same for every stack, so that they can be compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

SCALES = ((3.2, 1.2), (2.0, 2.5))
"""(gain, sigma in pixels) of the layers that are raised."""
_STEEP = 8
_MARGIN = 4
"""Edges are padded by a 4th of the picture."""


def sharpened(
    picture: NDArray[Any], *, strength: float = 1.0, limit: float | None = None
) -> NDArray[np.float32]:
    """Return a stack (h, w) or (h, w, planes) with its fine layers raised; the mean stays.

    The spectrum times 1 + strength * (3.2 (1 - exp(-2 (1.2 pi f)^2)) + 2 (1 - exp(-2 (2.5 pi
    f)^2))), f in cycles a pixel: two unsharp masks of 1.2 and 2.5 pixels, as the layers of wavelet
    programs. limit: cycles a pixel beyond which there is only noise (`Resolution.seventh`, or the
    telescope's cutoff); the spectrum is multiplied by exp(-(f / limit)^8), 0.37 there, so that
    noise is not raised. None or 0.5 and more: no limit. Edges are padded by reflection.
    samples/processed.py sharpens its references by the same formula with a limit of 0.3 (a test
    holds the two together). Raises UsageError for a strength or a limit below 0.
    """
    from scipy import fft

    if not (np.isfinite(strength) and strength >= 0):
        raise UsageError(f"the strength of sharpening is 0 or more, not {strength:g}")
    if limit is not None and not limit > 0:
        raise UsageError(f"the limit of sharpening is above 0 cycles a pixel, not {limit:g}")
    height, width = picture.shape[:2]
    planes = np.atleast_3d(picture).astype(np.float32)
    down, right = min(height // _MARGIN, height - 1), min(width // _MARGIN, width - 1)
    padded = np.pad(planes, ((down, down), (right, right), (0, 0)), mode="reflect")
    shape = padded.shape[:2]
    square = np.fft.fftfreq(shape[0])[:, None] ** 2 + np.fft.rfftfreq(shape[1]) ** 2
    gain = np.ones_like(square)
    for amount, sigma in SCALES:
        gain += strength * amount * (1 - np.exp(-2 * (sigma * np.pi) ** 2 * square))
    if limit is not None and limit < 0.5:
        gain *= np.exp(-((square / limit**2) ** (_STEEP / 2)))
    raised = fft.rfft2(padded, axes=(0, 1)) * gain.astype(np.float32)[..., None]
    sharp = fft.irfft2(raised, shape, axes=(0, 1))[down : down + height, right : right + width]
    return np.asarray(sharp.reshape(picture.shape), np.float32)
