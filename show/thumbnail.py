"""A small picture of an item, for sheets and notebooks."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ..media.address import Address
from ..media.display import display, needs_stretch
from ..video.item import read

if TYPE_CHECKING:
    from PIL.Image import Image as Shown

_SMOOTH_TO = 4
"""Pictures are enlarged smoothly up to 4 times; what is smaller shows its pixels."""


def for_the_eye(address: Address, side: int) -> Any:  # noqa: ANN401 - PIL is imported late
    """Return a picture as an 8-bit RGB PIL image; it may be decoded smaller, but not below `side`.

    Deep and linear pictures are stretched for the eye. Raises PictureError.
    """
    from PIL import Image

    picture = read(address.path, frame=address.frame, part=address.part, at_least=side)
    samples = picture.samples
    plain = samples.dtype == np.uint8 and samples.shape[2] == 3 and picture.full_scale == 255
    if plain and not needs_stretch(picture):  # as most are: what the rest would return, at once
        return Image.fromarray(np.ascontiguousarray(samples))
    return Image.fromarray((255 * np.clip(display(picture), 0, 1) + 0.5).astype(np.uint8))


def thumbnail(address: Address, side: int) -> Any:  # noqa: ANN401
    """Return the picture as `for_the_eye`, its longer side at most `side`."""
    from PIL import Image

    image = for_the_eye(address, side)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def fitted(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Return the size, up or down, that fits into so many pixels, the proportions kept."""
    factor = min(width / size[0], height / size[1])
    if factor > _SMOOTH_TO:
        factor = int(factor)
    return (
        min(width, max(1, round(size[0] * factor))),
        min(height, max(1, round(size[1] * factor))),
    )


def fit(image: "Shown", width: int, height: int) -> "Shown":
    """Scale a PIL image, up or down, to what fits into so many pixels, its proportions kept."""
    from PIL import Image

    factor = min(width / image.width, height / image.height)
    method = Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.BICUBIC
    if factor > _SMOOTH_TO:
        method = Image.Resampling.NEAREST
    size = fitted(image.size, width, height)
    # the gap: a picture of many megapixels is first averaged to three times the size
    return image if size == image.size else image.resize(size, method, reducing_gap=3.0)


def data_address(image: Any) -> str:  # noqa: ANN401
    """Return a PIL image as a `data:` address (JPEG)."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
