"""What an encoder sees in the frames of a video, for the scorer `embedding`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.vectors import StoredEncoder, vectors_of
from ..embed.encoder import Encoder
from ..flow.targets import picture_target
from .frame_scorers import Embedded, FrameScorer, FrameSetting, embedding


def by_embedding(
    catalogue: Catalogue,
    stored: StoredEncoder,
    encoder: Callable[[], Encoder],
    reference: str | Path,
) -> Callable[[FrameSetting, NDArray[np.int64]], FrameScorer]:
    """Return what makes the scorer `embedding` from a setting and the frames' ids."""

    def make(setting: FrameSetting, ids: NDArray[np.int64]) -> FrameScorer:
        target = picture_target(catalogue, stored, encoder, reference)
        vectors = rows_of(catalogue, stored, ids)
        return embedding(
            replace(setting, embedded=Embedded(stored.identity, target.vector, vectors))
        )

    return make


def rows_of(
    catalogue: Catalogue, stored: StoredEncoder, ids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return (n, d) vectors of items; zeros for those that an encoder has not seen."""
    found = vectors_of(catalogue, stored, ids.tolist())
    vectors = np.zeros((len(ids), stored.dimension), np.float32)
    for row, item in enumerate(ids.tolist()):
        if item in found:
            vectors[row] = found[item]
    return vectors
