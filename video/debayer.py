"""From a mosaic of colour filters to brightness, and to colours."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, ShapeError
from ..media.picture import Samples
from .base import Pattern

_WIDE = {
    np.dtype(np.uint8): np.uint16, np.dtype(np.uint16): np.uint32, np.dtype(np.float32): np.float32
}  # fmt: skip
"""In what four samples are added up: exactly, and quicker than as floats."""
_PLACES = {"R": 0, "G": 1, "B": 2}


def luminance(samples: Samples, pattern: Pattern | None) -> NDArray[np.float32]:
    """Return the brightness of frames, as float32, on the scale of the samples.

    samples: (n, h, w, 1) or (n, h, w, 3). Of a mosaic, whichever it is, the mean of each 2 x 2
    pixels: (n, h // 2, w // 2), a last odd row or column left out. A wrong pattern can't change it,
    and differences of colour do not look like detail. Of colours (red + 2 green + blue) / 4: the
    same weights, so that a video ranks alike before and after debayering (Rec. 709 would give blue
    7 %, and sensors are not displays). Grey stays as it is.
    """
    _check(samples)
    wide: Any = _WIDE[samples.dtype]
    if samples.shape[3] == 3:
        red, green, blue = _planes(samples)
        four = red.astype(wide)
        four += blue.astype(wide)
        four += green.astype(wide)
        four += green.astype(wide)
    elif pattern is None:
        return samples[..., 0].astype(np.float32)
    else:
        mosaic = samples[..., 0]
        height, width = mosaic.shape[1] // 2 * 2, mosaic.shape[2] // 2 * 2
        rows = np.add(mosaic[:, 0:height:2, :width], mosaic[:, 1:height:2, :width], dtype=wide)
        four = rows[:, :, 0::2] + rows[:, :, 1::2]
    grey = four.astype(np.float32, copy=False)
    grey *= np.float32(0.25)
    return grey


def _planes(samples: Samples) -> Iterator[NDArray[Any]]:
    """Yield red, green and blue (n, h, w) of samples (n, h, w, 3); or blue, green and red.

    Apart, 128 x 128 bytes take 10 us to add up; strided views of them 22.
    """
    import cv2

    if (
        samples.strides[3] < 0
    ):  # kept as blue, green, red: OpenCV would copy what it reads backwards
        samples = samples[..., ::-1]
    count, height, width, _ = samples.shape
    planes = cv2.split(samples.reshape(count * height, width, 3))
    return (plane.reshape(count, height, width) for plane in planes)


def colour(samples: Samples, pattern: Pattern | None) -> Samples:
    """Return frames in red, green and blue, (n, h, w, 3), of the same type and scale.

    Mosaics of 8 and 16 bits are interpolated along edges (OpenCV's "edge-aware"), of floats
    between the nearest pixels of each colour. Colours, and grey without a mosaic, stay as they are.
    Raises PictureError for a mosaic of cyan, magenta and yellow, and for fewer than 4 x 4 pixels.
    """
    _check(samples)
    if samples.shape[3] == 3 or pattern is None:
        return samples
    if pattern == "CMY":
        raise PictureError("no colours from a mosaic of cyan, magenta and yellow; brightness only")
    if min(samples.shape[1:3]) < 4:
        raise PictureError("too small for a mosaic: fewer than 4 x 4 pixels")
    if samples.dtype == np.float32:
        found = [_interpolated(frame[..., 0], pattern) for frame in samples]
    else:
        demosaic = _edge_aware(pattern)
        found = [demosaic(np.ascontiguousarray(frame[..., 0])) for frame in samples]
    if not found:
        return np.empty((*samples.shape[:3], 3), dtype=samples.dtype)
    return np.stack(found)


def _check(samples: Samples) -> None:
    if samples.ndim != 4 or samples.shape[3] not in (1, 3):
        raise ShapeError(f"frames are (n, h, w, 1) or (n, h, w, 3), not {samples.shape}")


def _edge_aware(pattern: Pattern) -> Callable[[NDArray[Any]], NDArray[Any]]:
    import cv2

    # OpenCV names a mosaic by the pixels from the second row and column on ("BG" is RGGB)
    code = {
        "RGGB": cv2.COLOR_BayerBG2RGB_EA,
        "GRBG": cv2.COLOR_BayerGB2RGB_EA,
        "GBRG": cv2.COLOR_BayerGR2RGB_EA,
        "BGGR": cv2.COLOR_BayerRG2RGB_EA,
    }[pattern]
    return lambda frame: np.asarray(cv2.cvtColor(frame, code))


def _interpolated(mosaic: NDArray[np.float32], pattern: Pattern) -> NDArray[np.float32]:
    """Return (h, w, 3) from (h, w): each colour the weighted mean of its pixels in 3 x 3.

    What is not finite counts as not there; where a colour has no pixel it is NaN.
    """
    import cv2

    there = np.isfinite(mosaic)
    values = np.where(there, mosaic, np.float32(0))
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=np.float32)
    found = np.empty((*mosaic.shape, 3), dtype=np.float32)
    for name, place in _PLACES.items():
        mask = np.zeros(mosaic.shape, dtype=np.float32)
        for at, letter in enumerate(pattern):
            if letter == name:
                mask[at // 2 :: 2, at % 2 :: 2] = 1
        mask *= there
        border = cv2.BORDER_CONSTANT
        total = cv2.filter2D(values * mask, -1, kernel, borderType=border)
        weight = cv2.filter2D(mask, -1, kernel, borderType=border)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[..., place] = np.where(weight > 0, total / weight, np.float32("nan"))
        own = mask > 0
        found[..., place][own] = mosaic[own]
    return found
