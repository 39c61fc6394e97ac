"""Survey a video: learn its scene, then measure every frame, in threads, kept while it goes."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import InterruptionError, PictureError
from ..flow.pipeline import thread_count
from ..media.picture import Samples
from ..networks.memory import keep_freed_memory
from ..video.base import Video
from ..video.debayer import luminance
from .band import CUTOFF
from .kept import KeptSurvey
from .locate import small
from .scene import Kind, Scene, learn, mend, shrunk, spread
from .survey import Survey, Surveyor, scale_of

BATCH = 128
_KEEP_SECONDS = 2.0
_SAMPLE_BYTES = 64 << 20
"""The frames of the sample are held at once, as floats."""
_LEAST = 8
"""Pixels of the luminance in each direction."""
_BEYOND = 1e15
"""Floats of a larger size are no light: their squares could not be added up."""


@dataclass(frozen=True, slots=True)
class Watching:
    """How a video is surveyed. kind: None recognises it. cutoff: cycles a pixel, None is usual."""

    kind: Kind | None = None
    cutoff: float | None = None


def grey(samples: Samples, video: Video) -> NDArray[Any]:
    """Return the luminance (n, height, width) of frames; of grey ones the very samples.

    Floats that are no light (not a number, infinite, beyond 1e15) become 0.
    """
    if samples.dtype.kind == "f":
        light = np.abs(samples) < _BEYOND
        if not light.all():
            samples = np.where(light, samples, np.float32(0))
    if samples.shape[3] == 1 and video.about.pattern is None:
        return samples[..., 0]
    return luminance(samples, video.about.pattern)


def survey_video(
    video: Video,
    watching: Watching,
    *,
    kept: KeptSurvey | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Survey:
    """Return what one pass over a video tells; from what was kept, where that is whole.

    kept: where rows are written as they come; a run that was stopped or killed goes on from
    there. Raises PictureError when the video fails or shows nothing, InterruptionError when
    should_stop() says so (what was measured is kept).
    """
    _require_frames(video)
    frames, pixels = len(video), _pixels(video)
    whole = kept.load(frames, pixels) if kept else None
    if whole is not None:
        return whole
    keep_freed_memory()
    parts: list[NDArray[Any]] = []
    scene, scale, done = _begun(video, watching, kept)
    since = time.monotonic()
    try:
        for rows in _measured(video, scene, scale, done, threads or thread_count()):
            done = int(rows["number"][-1]) + 1
            if kept:
                kept.append(rows)
            else:
                parts.append(rows)
            _told(progress, done, frames)
            stopped = done < frames and should_stop is not None and should_stop()
            if kept and (stopped or time.monotonic() - since > _KEEP_SECONDS):
                kept.sync()
                since = time.monotonic()
            if stopped:
                later = "the same command goes on from there" if kept else "nothing is kept of them"
                raise InterruptionError(f"stopped after {done} of {frames} frames; {later}")
        if kept:
            kept.sync(frames=frames)
    finally:
        if kept:
            kept.close()
    survey = kept.load(frames, pixels, check=False) if kept else None
    if survey is None and parts:
        survey = Survey(scene, np.concatenate(parts), scale, pixels)
    if survey is None:
        raise PictureError("none of its frames can be decoded")
    return survey


def _require_frames(video: Video) -> None:
    about = video.about
    if not about.frames:
        raise PictureError("no frames in it")
    if min(about.height, about.width) < _LEAST * (2 if about.pattern else 1):
        raise PictureError(f"frames of {about.width} x {about.height} pixels are too small to rank")


def _told(progress: Callable[[int, int], None] | None, done: int, frames: int) -> None:
    if progress:
        progress(done, frames)


def _begun(
    video: Video, watching: Watching, kept: KeptSurvey | None
) -> tuple[Scene, NDArray[np.float32], int]:
    """Return scene, scale and the first frame that an earlier run has left to be measured."""
    begun = kept.beginning() if kept else None
    if kept and begun is not None and 0 < begun.next <= len(video) and kept.resume(begun):
        return begun.scene, begun.scale, begun.next
    scene, scale = _learned(video, watching)
    if kept:
        kept.begin(scene, scale)
    return scene, scale, 0


def _pixels(video: Video) -> int:
    about = video.about
    return about.height * about.width // (4 if about.pattern else 1)


def _learned(video: Video, watching: Watching) -> tuple[Scene, NDArray[np.float32]]:
    """Look at some frames, spread over the video; return the scene and the scale of vectors."""
    about = video.about
    most = max(20, _SAMPLE_BYTES // (4 * about.height * about.width))
    numbers, frames = _sample(video, spread(len(video), min(200, most)))
    if not len(frames):
        raise PictureError("none of its frames can be decoded")
    # the luminance of a mosaic has half the pixels: the cutoff lies at twice as many cycles of them
    cutoff = (watching.cutoff or CUTOFF) * (2 if about.pattern else 1)
    scene = learn(frames, numbers, kind=watching.kind, cutoff=min(cutoff, 0.5))
    surveyor = Surveyor(scene, np.ones(scene.band.dimension, np.float32), top=np.inf)
    mended = shrunk(mend(frames, scene.hot), scene.shrink)
    found = scene.locator.locate(small(mended, scene.locator.side))
    coefficients, _, _, _, _, flux = surveyor.placed(numbers, mended, found)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = coefficients / flux[:, None]
    return scene, scale_of(scene, unit[np.isfinite(unit).all(1)])


def _sample(
    video: Video, numbers: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    found: list[NDArray[np.int64]] = []
    frames: list[NDArray[np.float32]] = []
    for some, samples in video.batches(numbers):
        found.append(some.copy())
        frames.append(grey(samples, video).astype(np.float32))
    if not frames:
        return np.zeros(0, np.int64), np.zeros((0, 1, 1), np.float32)
    return np.concatenate(found), np.concatenate(frames)


def _measured(
    video: Video, scene: Scene, scale: NDArray[np.float32], first: int, threads: int
) -> Iterator[NDArray[Any]]:
    """Yield the rows of all frames from `first` on, batch after batch, in order."""
    surveyor = Surveyor(scene, scale, top=video.about.full_scale)

    def measure(numbers: NDArray[np.int64], samples: Samples) -> NDArray[Any]:
        return surveyor(numbers, samples, grey(samples, video))

    under_way: deque[Future[NDArray[Any]]] = deque()
    # one thread of BLAS for each of ours: more would wait for each other
    with (
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(threads, thread_name_prefix="survey") as pool,
    ):
        try:
            numbers = np.arange(first, len(video))
            for some, samples in video.batches(numbers, size=BATCH):
                # the batch is only valid until the next one
                under_way.append(pool.submit(measure, some.copy(), samples.copy()))
                if len(under_way) > threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
