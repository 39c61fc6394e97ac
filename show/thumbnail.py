"""A small picture of an item, for sheets and notebooks."""

import base64
import io
from typing import Any

import numpy as np

from ..media.address import Address
from ..media.display import display
from ..video.item import read


def thumbnail(address: Address, side: int) -> Any:  # noqa: ANN401 - PIL is imported late
    """Return the picture as an 8-bit RGB PIL image, its longer side at most `side`.

    Deep and linear pictures are stretched for the eye. Raises PictureError.
    """
    from PIL import Image

    picture = read(address.path, frame=address.frame, part=address.part, at_least=side)
    shown = (255 * np.clip(display(picture), 0, 1) + 0.5).astype(np.uint8)
    image = Image.fromarray(shown)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def data_address(image: Any) -> str:  # noqa: ANN401
    """Return a PIL image as a `data:` address (JPEG)."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
