"""Frames of a video scored by labelled frames, in its own registered, band-passed vectors."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..db.frames import content_of
from ..errors import UsageError
from ..label.exemplars import Exemplar
from ..planet import inband
from ..planet.survey import Survey
from ..train.folds import NEIGHBOURS
from .exemplars import ByExemplars
from .frame_scorers import FrameScorer, FrameSetting, own
from .lesson import Base, Lesson, learn, told
from .neighbours import Floats

BAND = (0.05, 0.6)
"""Shares of the cutoff: below, the light of the disc leaks in."""


def score_frames(
    asked: ByExemplars, setting: FrameSetting, ids: NDArray[np.int64] | None = None
) -> FrameScorer:
    """Make the scorer `exemplars:SET` of a video.

    Labels follow the frames' own marks, so those of a video that was cut or joined since count.
    Raises UsageError where no frame of the video has a label.
    """
    del ids  # not needed: labels follow content
    survey, path = setting.survey, setting.video.path
    rows, entries = _labelled(survey, asked.exemplars.entries)
    if not entries:
        raise UsageError(
            f"none of the {len(asked.exemplars.entries)} labels of {asked.set_name} is of a frame "
            f"of {path}; label some: q label {path} --set {asked.set_name}"
        )
    numbers = survey.rows["number"][rows]
    taught = asked.taught(entries, numbers // NEIGHBOURS)
    lesson = learn(
        taught,
        band_vectors(survey, rows),
        k=asked.k,
        base=None if asked.alone else _base(setting, rows),
    )
    trust = lesson.trust()
    scores, near = _scored(lesson, survey, rows)
    names = [f"#{number}" for number in numbers]
    return FrameScorer(
        asked.name, asked.measure, lambda: scores, asked.parameters(entries, lesson),
        explain=lambda row: told(near[row].tolist(), names, taught.labels),
        details=asked.details(lesson, trust), remarks=asked.remarks(lesson, trust, str(path)),
        kept=False,
    )  # fmt: skip


def _labelled(
    survey: Survey, entries: Sequence[Exemplar]
) -> tuple[NDArray[np.int64], list[Exemplar]]:
    """Return the rows that have a label, ascending, and their exemplars; of repeats the first."""
    contents = content_of(survey.rows["mark"])
    by_content = {entry.content: entry for entry in entries}
    some = np.flatnonzero(np.isin(contents, list(by_content)))
    _, first = np.unique(contents[some], return_index=True)
    rows = np.sort(some[first])
    return rows, [by_content[content] for content in contents[rows].tolist()]


def _base(setting: FrameSetting, rows: NDArray[np.int64]) -> Base:
    """Return where frames stand by the scorer `self`, 0..1; a frame without a score in the middle.

    Flagged frames do not stretch the scale.
    """
    scores = own(setting).compute()
    usual = np.sort(scores[setting.usable & np.isfinite(scores)])
    places = np.searchsorted(usual, np.nan_to_num(scores)) + 0.5
    quantiles = np.where(np.isfinite(scores), places / max(len(usual), 1), 0.5)
    return Base(quantiles, quantiles[rows])


def band_vectors(survey: Survey, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (m, d) band-passed vectors of some frames."""
    return np.asarray(survey.rows["vector"][rows] * _steps(survey), np.float32)


def _steps(survey: Survey) -> NDArray[np.float32]:
    return np.repeat(survey.scene.band.filter(*BAND), 2).astype(np.float32) * survey.scale


def _scored(
    lesson: Lesson, survey: Survey, rows: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int32]]:
    """Return (n,) scores of all frames, NaN of empty ones, and (n, 3) their nearest exemplars."""
    place = np.full(len(survey), -1)
    place[rows] = np.arange(len(rows))
    scores, near = [], []
    for part, vectors in _chunks(survey):
        found, nearby = lesson.scores(vectors, part, place[part])
        scores.append(np.where(np.any(vectors, axis=1), found, np.nan))
        near.append(nearby)
    return np.concatenate(scores), np.concatenate(near)


def _chunks(survey: Survey) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    steps = _steps(survey)
    for part, vectors in inband.chunks(survey):
        yield part, np.multiply(vectors, steps, out=vectors)
