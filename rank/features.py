"""What probes of frames read: in-band vectors, an encoder's vectors, or named scores."""

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .exemplar_frames import band_vectors
from .frame_scorers import FrameSetting, check_frame_scorer, make_frame_scorer

SCORES = ("self", "band-power", "laplacian", "tenengrad", "roundness", "brightness")
"""What a probe on scores reads unless others are named."""


def frame_features(on: str, setting: FrameSetting) -> str:
    """Return the identity of what a probe reads: `frames:<survey>`, `scores:a,b` or `encoder:...`.

    on: "frames", "scores", "scores:a,b" or "encoder" (the one in `setting.embedded`); an identity
    gives the one that fits this video.
    """
    kind, _, rest = on.partition(":")
    if kind == "scores":
        return f"scores:{rest or ','.join(SCORES)}"
    if kind == "frames":
        return f"frames:{setting.key}"
    if setting.embedded is not None:
        return f"encoder:{setting.embedded.encoder}"
    raise UsageError(f"a probe of frames reads frames, scores or an encoder's vectors, not {on}")


def frame_vectors(
    on: str, setting: FrameSetting, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return what a probe reads of some frames (None: all), (n, d) float32.

    In-band vectors are those of registered frames of unit flux, weighted by
    `exemplar_frames.BAND`. A row that is all NaN is of a frame that has none.
    """
    kind, _, rest = frame_features(on, setting).partition(":")
    chosen = np.arange(len(setting.survey)) if rows is None else rows
    if kind == "scores":
        places = [score_places(name, setting)[chosen] for name in rest.split(",")]
        return np.stack(places, axis=1).astype(np.float32)
    if kind == "frames":
        return band_vectors(setting.survey, chosen)
    assert setting.embedded is not None
    found = setting.embedded.vectors[chosen]
    return np.where(found.any(axis=1, keepdims=True), found, np.float32(np.nan))


def score_places(name: str, setting: FrameSetting) -> NDArray[np.float64]:
    """Return (n,) the place of each frame's score among those of its video: 0 worst, 1 best.

    Places and not scores, so that a probe goes over to another video. Ties have the mean of their
    places; a frame without a score has 0.
    """
    from scipy.stats import rankdata

    scores = make_frame_scorer(name, setting).compute()
    known = np.isfinite(scores)
    places = np.zeros(len(scores))
    places[known] = (rankdata(scores[known]) - 1) / max(1, known.sum() - 1)
    return places


def check_scores(on: str) -> None:
    """Raise UsageError, before any work, for names after "scores:" that can't be."""
    for name in on.partition(":")[2].split(",") if ":" in on else SCORES:
        if name.startswith("probe:"):
            raise UsageError(f"a probe can't read another one: {name}")
        check_frame_scorer(name, pictured=False)
