"""What an encoder sees in the frames of a video, for the scorer `embedding`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder, vectors_of
from ..embed.encoder import Encoder
from ..flow.targets import picture_target
from .frame_scorers import Embedded


def embedded(
    catalogue: Catalogue,
    stored: StoredEncoder,
    encoder: Callable[[], Encoder],
    reference: str | Path | None,
) -> Callable[[NDArray[np.int64]], Embedded]:
    """Return what gives an encoder's view of frames (by id) beside that of a reference, if any.

    The vectors are those of the library: frames that were not indexed have none.
    """

    def look(ids: NDArray[np.int64]) -> Embedded:
        shown = np.zeros(stored.dimension, np.float32)
        if reference is not None:
            shown = picture_target(catalogue, stored, encoder, reference).vector
        found = vectors_of(catalogue, stored, ids.tolist())
        vectors = np.zeros((len(ids), stored.dimension), np.float32)
        for row, item in enumerate(ids.tolist()):
            if item in found:
                vectors[row] = found[item]
        return Embedded(stored.identity, shown, vectors)

    return look
