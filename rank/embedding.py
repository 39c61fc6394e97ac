"""Scorer `embedding`: how like a reference an item is, to an encoder."""

from collections.abc import Sequence
from typing import Any

from ..db.items import Item
from ..db.vectors import vectors_of
from ..errors import UsageError
from .scorer import Score, Scorer, Setting, identify


class Embedding:
    """Cosine between an item's vector and the reference's, -1..1.

    The reference is encoded as it is: an encoder that is not blind to rotation, scale or
    processing is not blind to them here either.
    """

    name = "embedding"

    def __init__(self, setting: Setting) -> None:
        if setting.reference is None or setting.encoder is None:
            raise UsageError("the scorer embedding needs a picture: --reference FILE")
        self._catalogue = setting.catalogue
        self._encoder = setting.encoder
        self._reference = setting.reference
        self._similarities = setting.similarities
        self.parameters: dict[str, Any] = {
            "encoder": setting.encoder.identity,
            "reference": setting.reference.digest,
        }
        self.identity = identify(self.name, self.parameters)

    def score(self, items: Sequence[Item]) -> list[Score]:
        """Return the cosine of each item; None where it has no vector."""
        vectors = vectors_of(self._catalogue, self._encoder, [item.id for item in items])
        return [
            self._scored(float(vectors[item.id] @ self._reference.vector))
            if item.id in vectors
            else Score(None, f"no vector of {self._encoder.name}; run q index")
            for item in items
        ]

    def _scored(self, cosine: float) -> Score:
        cosine = max(-1.0, min(1.0, cosine))  # float16 rows are not quite of length 1
        percentile = self._similarities.percentile(cosine) if self._similarities else None
        if percentile is None:
            return Score(cosine, "")
        # the score is the cosine, the call names the reference: neither again on each line
        return Score(cosine, f"closer than {min(percentile, 99.9):.1f} % of random pairs")


def make(setting: Setting) -> Scorer:
    """Make the scorer."""
    return Embedding(setting)
