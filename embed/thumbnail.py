"""Sixteen by sixteen pixels: what any better encoder has to beat."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderError
from ..media.picture import Picture
from .encoder import Card, EncoderOptions, Vectors, identify, normalise
from .prepare import STRETCH, working_square

SIDE = 16


class ThumbnailEncoder:
    """The picture itself, very small, less its mean colour."""

    batch = 256
    device = "cpu"
    fills_processors = False
    reads_at: int | None = 64
    dimension = SIDE * SIDE * 3 + 1

    def __init__(self) -> None:
        self.name = "thumbnail"
        preparation = {"side": SIDE, "crop": "middle square", "stretch": STRETCH, "version": 1}
        self.identity = identify(self.name, weights=None, preparation=preparation)
        self.card = Card(
            about="16 x 16 pixels, less their mean; sees layout and tint only. For comparison.",
            licence="BSD-3-Clause",
            preparation=preparation,
        )

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """Return (769,) float32: the small picture less its mean, and a constant.

        The constant, one grey level's worth of each pixel, gives a flat picture a direction.
        """
        small = working_square(picture, SIDE)
        small = small - small.mean(axis=(0, 1))
        return np.append(small.ravel(), np.float32(SIDE / 255))

    def encode(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Return (n, 769) float32 rows of length 1."""
        if not prepared:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return normalise(np.stack(prepared))


def make(name: str, options: EncoderOptions) -> ThumbnailEncoder:
    """Make `thumbnail`; raises EncoderError for weights or bf16: it has neither."""
    if name != "thumbnail":
        raise EncoderError(f"thumbnail takes nothing after a colon: {name}")
    if options.weights is not None or options.arithmetic == "bf16":
        raise EncoderError("thumbnail has no weights and computes in fp32 only")
    return ThumbnailEncoder()
