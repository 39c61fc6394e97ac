"""Scorers `probe:NAME`: pictures and frames in the order of what a probe says of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.items import Item
from ..db.vectors import StoredEncoder, vectors_of
from ..errors import UsageError
from ..flow.choose import stored_encoder
from ..flow.targets import Target, split_weight
from ..train.store import StoredProbe, load, reads
from .embedded import rows_of
from .features import frame_features, frame_vectors
from .frame_scorers import Embedded, FrameScorer, FrameSetting
from .scorer import Score, Scorer, Setting, identify

PREFIX = "probe:"
_AT_ONCE = 4096
"""In-band vectors of frames made float32 together: some 35 MB."""


def is_probe(by: str | None) -> bool:
    """Say whether a scorer's name means a probe."""
    return by is not None and by.startswith(PREFIX)


def named_probe(catalogue: Catalogue, by: str) -> StoredProbe:
    """Return the probe that a scorer's name means."""
    return load(catalogue, by.removeprefix(PREFIX))


def encoder_of(stored: StoredProbe) -> str | None:
    """Return the identity of the encoder whose vectors a probe reads; None for other features."""
    kind, _, rest = stored.features.partition(":")
    return rest if kind == "encoder" else None


def encoder_for(catalogue: Catalogue, by: str | None, named: str | None) -> str | None:
    """Return which encoder to use: of a probe its own, unless another is named.

    Raises UsageError for a probe that reads no pictures.
    """
    if by is None or not is_probe(by):
        return named
    stored = named_probe(catalogue, by)
    own = encoder_of(stored)
    if own is None:
        raise UsageError(
            f"the probe {stored.name} reads {reads(stored.card)}: it judges frames of videos: "
            f"q rank VIDEO --probe {stored.name}"
        )
    return named or own


def directed(
    catalogue: Catalogue, probe: str | None, named: str | None
) -> tuple[list[Target], str | None]:
    """Return a probe's direction as a target, and the encoder it is of; nothing for no probe.

    probe: its name, weighted as "3:NAME". named: the encoder that the user named, if any. Raises
    UsageError when the probe is of another encoder, or of frames.
    """
    if probe is None:
        return [], named
    weight, name = split_weight(probe)
    encoder = encoder_for(catalogue, f"{PREFIX}{name}", named)
    stored = load(catalogue, name)
    identity = stored_encoder(catalogue, encoder).identity
    stored.check(f"encoder:{identity}", f"{encoder}")
    direction = stored.probe.direction.astype(np.float32)
    return [Target(f"{PREFIX}{name}", direction, weight)], identity


class PictureProbe:
    """What a probe says of pictures: log-odds of the wanted answer, or the predicted number."""

    def __init__(self, name: str, setting: Setting) -> None:
        stored = named_probe(setting.catalogue, name)
        if setting.encoder is None:
            raise UsageError(f"{name} needs an encoder's vectors: run q index")
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


def by_probe(
    catalogue: Catalogue,
    by: str,
    named: str | None,
    seen: Callable[[str], StoredEncoder],
) -> Callable[[FrameSetting, NDArray[np.int64]], FrameScorer]:
    """Return what makes the scorer of frames `probe:NAME` from a setting and the frames' ids.

    named: an encoder, where the user named one. seen: has an encoder look at all frames.
    """
    stored = named_probe(catalogue, by)
    own = encoder_of(stored)
    encoder = None if own is None else seen(named or own)

    def make(setting: FrameSetting, ids: NDArray[np.int64]) -> FrameScorer:
        if encoder is not None:
            none = np.zeros(encoder.dimension, np.float32)
            vectors = rows_of(catalogue, encoder, ids)
            setting = replace(setting, embedded=Embedded(encoder.identity, none, vectors))
        return frame_probe(stored, setting)

    return make


def frame_probe(stored: StoredProbe, setting: FrameSetting) -> FrameScorer:
    """Make the scorer of frames by a probe.

    Raises UsageError where the probe was taught on other features than this video has: in-band
    vectors are those of one video, as it was registered; named scores go over to others.
    """
    stored.check(frame_features(stored.features, setting), setting.video.path.name)
    return FrameScorer(
        f"{PREFIX}{stored.name}", "what the probe says", lambda: _said(stored, setting),
        {"probe": stored.digest, "features": stored.features}, reason=stored.probe.reason,
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
