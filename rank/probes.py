"""Scorers `probe:NAME`: pictures and frames in the order of what a probe says of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.items import Item
from ..db.vectors import vectors_of
from ..errors import UsageError
from ..train.store import StoredProbe, load
from .features import frame_features, frame_vectors
from .frame_scorers import FrameScorer, FrameSetting
from .scorer import Score, Scorer, Setting, identify

PREFIX = "probe:"
_AT_ONCE = 4096
"""In-band vectors of frames made float32 together: some 35 MB."""


def named_probe(catalogue: Catalogue, by: str | None) -> StoredProbe | None:
    """Return the probe that a scorer's name means, None where it means another scorer."""
    if by is None or not by.startswith(PREFIX):
        return None
    return load(catalogue, by.removeprefix(PREFIX))


def encoder_of(stored: StoredProbe) -> str | None:
    """Return the identity of the encoder whose vectors a probe reads; None for other features."""
    kind, _, rest = stored.features.partition(":")
    return rest if kind == "encoder" else None


def encoder_for(stored: StoredProbe, named: str | None) -> str:
    """Return which encoder to use for a probe of pictures: its own, unless another is named.

    Raises UsageError for a probe that reads no pictures.
    """
    own = encoder_of(stored)
    if own is None:
        raise UsageError(
            f"the probe {stored.name} reads {stored.features}: it judges frames of videos"
        )
    return named or own


class PictureProbe:
    """What a probe says of pictures: log-odds of the wanted answer, or the predicted number."""

    def __init__(self, name: str, setting: Setting) -> None:
        stored = named_probe(setting.catalogue, name)
        if stored is None or setting.encoder is None:
            raise UsageError(f"{name} names no probe: probe:NAME")
        stored.check(f"encoder:{setting.encoder.identity}", setting.encoder.name)
        self.name = name
        self._catalogue, self._encoder = setting.catalogue, setting.encoder
        self._probe = stored.probe
        self.parameters: dict[str, Any] = {"probe": stored.digest, "features": stored.features}
        self.identity = identify(self.name, self.parameters)

    def score(self, items: Sequence[Item]) -> list[Score]:
        """Return the score of each item; None where it has no vector."""
        vectors = vectors_of(self._catalogue, self._encoder, [item.id for item in items])
        known = [item.id for item in items if item.id in vectors]
        if not known:
            return [self._lacking() for _ in items]
        scores = self._probe.scores(np.stack([vectors[number] for number in known]))
        told = {
            number: Score(score, self._probe.reason(score))
            for number, score in zip(known, scores.tolist(), strict=True)
        }
        return [told.get(item.id) or self._lacking() for item in items]

    def _lacking(self) -> Score:
        return Score(None, f"no vector of {self._encoder.name}; run q index")


def picture_probe(name: str, setting: Setting) -> Scorer:
    """Make the scorer of pictures `probe:NAME`."""
    return PictureProbe(name, setting)


def frame_probe(name: str, setting: FrameSetting) -> FrameScorer:
    """Make the scorer of frames `probe:NAME`.

    Raises UsageError where the probe was taught on other features than this video has: in-band
    vectors are those of one video, as it was registered; named scores go over to others.
    """
    stored = None if setting.catalogue is None else named_probe(setting.catalogue, name)
    if stored is None:
        raise UsageError(f"{name} names no probe: probe:NAME")
    stored.check(frame_features(stored.features, setting), setting.video.path.name)
    return FrameScorer(
        name, "what the probe says", lambda: _said(stored, setting),
        {"probe": stored.digest, "features": stored.features}, stored.probe.reason,
    )  # fmt: skip


def _said(stored: StoredProbe, setting: FrameSetting) -> NDArray[np.float64]:
    features, count = stored.features, len(setting.survey)
    if not features.startswith("frames:"):
        return stored.probe.scores(frame_vectors(features, setting))
    found = np.empty(count)
    for first in range(0, count, _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, count))
        found[rows] = stored.probe.scores(frame_vectors(features, setting, rows))
    return found
