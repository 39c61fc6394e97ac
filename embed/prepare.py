"""From a picture of any kind to a small square of colours."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..media.display import (
    STRETCH,
    Colours,
    display,
    needs_stretch,
    show_bands,
    stretch,
    three_channels,
)
from ..media.picture import Picture

__all__ = [  # with what encoders need of media.display
    "LUMINANCE",
    "STRETCH",
    "Colours",
    "display",
    "middle_square",
    "needs_stretch",
    "stretch",
    "working_square",
]

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue (ITU-R BT.601, on gamma-corrected values)."""


def middle_square(rgb: Colours, side: int) -> Colours:
    """Return the middle square of (height, width, n) colours as (side, side, n) float32.

    Larger pictures are averaged over areas (a Hamming-windowed kernel, after whole-number boxes
    where the picture is several times too large); smaller ones are interpolated (bilinear).
    """
    height, width, bands = rgb.shape
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = rgb[top : top + edge, left : left + edge]
    if edge == side:
        return np.ascontiguousarray(square, dtype=np.float32)
    method = Image.Resampling.HAMMING if edge > side else Image.Resampling.BILINEAR
    small = np.empty((side, side, bands), dtype=np.float32)
    for band in range(bands):
        plane = Image.fromarray(np.ascontiguousarray(square[:, :, band], dtype=np.float32))
        small[:, :, band] = np.asarray(plane.resize((side, side), method, reducing_gap=3.0))
    return small


def working_square(picture: Picture, side: int) -> Colours:
    """Return `middle_square(display(picture), side)`, with less memory and time.

    Pictures of 8 bits are made small before they become floats, grey ones before they become three
    channels.
    """
    if picture.samples.dtype == np.uint8 and not needs_stretch(picture):
        edge = min(picture.height, picture.width)
        top, left = (picture.height - edge) // 2, (picture.width - edge) // 2
        bands = picture.samples[top : top + edge, left : left + edge, :3]
        square: NDArray[np.uint8] = np.ascontiguousarray(bands, dtype=np.uint8)
        if edge > side and square.shape[2] in (1, 3):
            image = Image.fromarray(square[:, :, 0] if square.shape[2] == 1 else square)
            image = image.resize((side, side), Image.Resampling.HAMMING, reducing_gap=3.0)
            square = np.asarray(image).reshape(side, side, square.shape[2])
        cut = Picture(square, picture.full_scale, picture.depth)
        return three_channels(middle_square(show_bands(cut), side))
    return three_channels(middle_square(show_bands(picture), side))
