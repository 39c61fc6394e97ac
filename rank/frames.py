"""Ranking the frames of a video: survey it, register the reference, score, keep, order."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..db.catalogue import Catalogue
from ..db.frames import FileFrames, enter_frames, keep_frame_scores, kept_frame_scores, note_flags
from ..db.items import labels_of
from ..db.lock import writing
from ..errors import PictureError, UsageError
from ..media.address import Address
from ..media.digest import digest
from ..planet import inband
from ..planet.flags import Flags, find_flags
from ..planet.kept import KeptSurvey, key_of
from ..planet.pieces import differences
from ..planet.reference import read_reference, register_reference
from ..planet.survey import Survey
from ..planet.watch import Watching, survey_video
from ..video.base import Overrides, Video
from ..video.capture import Capture
from ..video.open import open_video
from .frame_ranking import FrameRanking
from .frame_scorers import (
    FrameScorer,
    FrameSetting,
    check_frame_scorer,
    make_frame_scorer,
)

Maker = Callable[[FrameSetting, NDArray[np.int64]], FrameScorer]
_DEFAULT = "self"
_UNALIKE = 0.3
"""Median agreement of frames with their mean: 0.85 and more for planets, 0.5 for surfaces in bad
air, 0.1 for noise."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Who is told, and asked: progress(done, total); should_stop(); on_remark(text)."""

    progress: Callable[[int, int], None] | None = None
    should_stop: Callable[[], bool] | None = None
    on_remark: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """How a video is read and measured."""

    overrides: Overrides = field(default_factory=Overrides)
    watching: Watching = field(default_factory=Watching)
    threads: int | None = None


def rank_files(
    catalogue: Catalogue,
    paths: Sequence[Path],
    *,
    by: str | None,
    reference: str | Path | None,
    options: FrameOptions | None,
    keep: bool,
    calls: Calls,
    make: Maker | None = None,
) -> FrameRanking:
    """Open a video and rank its frames (`rank_frames`), as the only one who writes."""
    twice = [
        path for path in paths if [other.resolve() for other in paths].count(path.resolve()) > 1
    ]
    if twice:
        raise UsageError(f"{twice[0]} is named twice: a capture holds each of its files once")
    with _naming(paths):
        video = open_video(list(paths), options.overrides if options else Overrides())
    alone = writing(catalogue.folder, notify=calls.on_remark)
    try:
        with alone if keep and catalogue.writable else nullcontext(), _naming(paths):
            return rank_frames(
                catalogue, video, by=by, reference=reference, options=options, keep=keep,
                calls=calls, make=make,
            )  # fmt: skip
    except BaseException:
        video.close()
        raise


@contextmanager
def _naming(paths: Sequence[Path]) -> Iterator[None]:
    """Have an error say of which video it tells."""
    try:
        yield
    except PictureError as problem:
        if not paths or str(paths[0]) in str(problem):
            raise
        raise PictureError(f"{paths[0]}: {problem}") from problem


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have BLAS and OpenCV use one thread each: of small pieces more only wait, twice as long.

    OpenCV wakes its own even for a mask of 32 x 32: 8 us of processor time a frame in all.
    """
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        cv2.setNumThreads(threads)


@_one_thread()
def rank_frames(
    catalogue: Catalogue,
    video: Video,
    *,
    by: str | None = None,
    reference: str | Path | None = None,
    options: FrameOptions | None = None,
    keep: bool = True,
    calls: Calls | None = None,
    make: Maker | None = None,
) -> FrameRanking:
    """Rank the frames of an open video, which stays open for sheets and stacks.

    by: a scorer; None takes `reference` where there is one, else `self`. A reference that shows
    another object, or another side of it, is named as such, and the video ranks itself.
    make: makes the scorer from the setting and the frames' ids, where none of the table is asked.
    Raises PictureError when the video fails, UsageError for a scorer or reference that can't be.
    """
    options, calls = options or FrameOptions(), calls or Calls()
    if by is not None:
        check_frame_scorer(by, pictured=reference is not None)
    shown = None if reference is None else Address(Path(reference))
    picture = None if shown is None else read_reference(shown.path)
    marks = _marks(video)
    digests = file_digests(video)
    if len(set(digests.values())) < len(digests):
        raise UsageError(
            "two of these files have the same content: a capture holds each of its files once"
        )
    kept = _kept(catalogue, digests, options) if keep and catalogue.writable else None
    survey = survey_video(
        video, options.watching, kept=kept, threads=options.threads,
        progress=calls.progress, should_stop=calls.should_stop,
    )  # fmt: skip
    changed = [path for path, mark in _marks(video).items() if mark != marks.get(path)]
    if changed:
        if kept:
            kept.remove()
        raise PictureError(f"{changed[0]}: it has changed while it was read; rank it once it rests")
    flags = find_flags(survey)
    remarks = [*video.about.remarks, *flags.remarks]
    setting = FrameSetting(
        video, survey, flags, progress=calls.progress, should_stop=calls.should_stop,
        key=survey_key(digests, options),
    )  # fmt: skip
    setting = replace(setting, known=setting.own)
    if shown is not None and picture is not None:
        registered = register_reference(
            picture, setting.own.sharpened, survey.scene,
            step=2 if video.about.pattern else 1,
        )  # fmt: skip
        remarks.append(registered.sentence)
        setting = replace(
            setting, digest=digest(shown.path), picture=picture, registered=registered
        )
        if not registered.used and by in (None, "reference"):
            by = _DEFAULT
    writable = keep and catalogue.writable
    ids = _enter(catalogue, video, survey, digests) if writable else np.zeros(len(survey), np.int64)
    if make is not None:
        scorer = make(setting, ids)
    else:
        scorer = make_frame_scorer(by or (_DEFAULT if reference is None else "reference"), setting)
    remarks += scorer.remarks
    scorer = _told_apart(scorer, digests, options)
    scores = _scores(catalogue, scorer, ids, keep=writable)
    if writable:
        told = [" ".join(flags.of(row)) if wrong else "" for row, wrong in enumerate(flags.any)]
        note_flags(catalogue, scorer.identity, ids, told)
    order = inband.order_of(scores, ~flags.any)
    _tell(remarks, video, survey, scores, order, flags)
    return FrameRanking(
        video, survey, flags, scorer, scores, order, ids, _contrast(setting), digests,
        shown, setting.registered, remarks, labels=labels_of(catalogue, ids[ids > 0].tolist()),
    )  # fmt: skip


def file_digests(video: Video) -> dict[str, str]:
    """Return the digest of each file that a video is made of, by path."""
    paths = dict.fromkeys(str(video.origin(number).path) for number in _first_of_files(video))
    return {path: digest(path) for path in paths}


def _marks(video: Video) -> dict[str, tuple[int, int]]:
    """Return size and time of change of each file that a video is made of, by path."""
    paths = dict.fromkeys(str(video.origin(number).path) for number in _first_of_files(video))
    try:
        found = {path: os.stat(path) for path in paths}  # noqa: PTH116
    except OSError as problem:
        raise PictureError(f"{problem.filename}: {problem.strerror}") from problem
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found.items()}


def _first_of_files(video: Video) -> Sequence[int]:
    """Return frame numbers among which every file of the video occurs."""
    if not len(video):
        return []
    first, last = video.origin(0), video.origin(len(video) - 1)
    if first.path == last.path:
        return [0]
    return range(len(video))


def survey_key(digests: dict[str, str], options: FrameOptions) -> str:
    """Return what the survey of some files is called: of which content, read and measured how."""
    over, watching = options.overrides, options.watching
    return key_of(
        list(digests.values()),
        {
            "bayer": over.bayer, "depth": over.depth, "endian": over.endian,
            "colours": over.colours, "kind": watching.kind, "cutoff": watching.cutoff,
        },
    )  # fmt: skip


def _told_apart(scorer: FrameScorer, digests: dict[str, str], options: FrameOptions) -> FrameScorer:
    """Return a scorer whose identity says how else than usual a video was read and measured.

    Frames of a capture of several files are measured against all of them: their scores are others
    than those of the same frames in their own file.
    """
    if len(digests) == 1 and options == FrameOptions(threads=options.threads):
        return scorer
    told = {**scorer.parameters, "survey": survey_key(digests, options)}
    return replace(scorer, parameters=told)


def _kept(catalogue: Catalogue, digests: dict[str, str], options: FrameOptions) -> KeptSurvey:
    key = survey_key(digests, options)
    return KeptSurvey(catalogue.folder, key, list(digests.values()))


def _enter(
    catalogue: Catalogue, video: Video, survey: Survey, digests: dict[str, str]
) -> NDArray[np.int64]:
    """Enter the frames into the catalogue; return their ids in the survey's order."""
    about, rows = video.about, survey.rows
    origins = [video.origin(int(number)) for number in rows["number"]] if len(digests) > 1 else []
    files = []
    for path, content in digests.items():
        if origins:
            mine = np.array([str(origin.path) == path for origin in origins])
            frames = [o.frame for o, is_mine in zip(origins, mine, strict=True) if is_mine]
            numbers = None if frames == [None] else np.array(frames, np.int64)
        else:
            mine = np.ones(len(rows), bool)
            numbers = rows["number"].astype(np.int64)
        status = os.stat(path)  # noqa: PTH116
        times = None if about.times is None else about.times[rows["number"][mine]]
        files.append(
            FileFrames(
                Path(path),
                status.st_size,
                status.st_mtime_ns,
                content,
                about.format,
                1 if numbers is None else len(numbers),
                about.width,
                about.height,
                about.depth,
                numbers,
                rows["mark"][mine],
                times,
            )
        )
    ids = enter_frames(catalogue, files)
    if not origins:
        return ids
    # files lie one after another in a capture, but a digest may have come up in another order
    placed = np.empty(len(rows), np.int64)
    at = 0
    for path in digests:
        mine = np.array([str(origin.path) == path for origin in origins])
        placed[mine] = ids[at : at + int(mine.sum())]
        at += int(mine.sum())
    return placed


def _scores(
    catalogue: Catalogue, scorer: FrameScorer, ids: NDArray[np.int64], *, keep: bool
) -> NDArray[np.float64]:
    """Return scores, kept ones where the same scorer has given them on the same survey."""
    if not keep or not scorer.kept:
        return scorer.compute()
    known = kept_frame_scores(catalogue, scorer.identity, ids)
    if known is not None and np.isfinite(known).any():
        return known
    fresh = scorer.compute()
    keep_frame_scores(
        catalogue, scorer.identity, name=scorer.name, parameters=dict(scorer.parameters),
        ids=ids, scores=fresh,
    )  # fmt: skip
    return fresh


def _contrast(setting: FrameSetting) -> NDArray[np.float64]:
    """Return the amplitude of detail of each frame, 1 = the median of the best 5 %."""
    own = setting.own
    top = float(np.median(own.projections[own.best])) if len(own.best) else 1.0
    return own.projections / top if top > 0 else np.zeros(len(own.projections))


def _doubts(video: Capture, survey: Survey) -> list[str]:
    """Return what speaks against several files being one capture."""
    pieces, times = video.pieces, video.about.times
    told = []
    if times is not None and np.any(np.diff(times) < 0):
        told.append("the files overlap in time")
    formats = sorted({piece.about.format for piece in pieces})
    if len(formats) > 1:
        told.append(f"the files are of different formats ({', '.join(formats)})")
    of_piece = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    names = [piece.path.name for piece in pieces]
    return told + differences(survey, of_piece[survey.rows["number"]], names)


def _tell(
    remarks: list[str],
    video: Video,
    survey: Survey,
    scores: NDArray[np.float64],
    order: NDArray[np.int64],
    flags: Flags,
) -> None:
    agreement = float(np.median(survey.rows["peak"])) if len(survey) else 1.0
    if agreement < _UNALIKE:
        remarks.append(
            f"the frames hardly show the same thing (agreement with their mean {agreement:.2f}): "
            "noise, or nothing that stays; this ranking means little"
        )
    if isinstance(video, Capture):
        remarks += [
            f"{text}: are they one capture? --best N ranks each by itself"
            for text in _doubts(video, survey)
        ]
    known = scores[np.isfinite(scores)]
    if not len(known):
        remarks.append("no frame has a score: they cannot be ranked")
    elif len(known) > 1 and np.ptp(known) <= 1e-6 * float(np.abs(known).max()):
        remarks.append("all frames have the same score: they cannot be ranked")
    flagged = int(flags.any.sum())
    if flagged:
        remarks.append(f"{flagged} of {len(scores)} frames are flagged and stand last")
    every = video.about.key_interval
    best = order[: max(10, len(order) // 50)]
    if every and every > 1 and len(order) > 10 * every:
        share = np.bincount(best % every, minlength=every).max() / len(best)
        if share > 0.5:
            remarks.append(
                f"most of the best are every {every}th frame: the score follows the film's key "
                "frames and not the seeing"
            )
