"""Compressed films, and all else that FFmpeg decodes: AVI, MOV, MP4, MKV, through PyAV."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.digest import open_regular
from ..media.picture import Samples
from ..media.sniff import HEAD_BYTES, sniff_video
from .base import BATCH, About, Origin, Overrides, Video
from .film_frames import Conversion, conversion_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_DEMUXERS = {"AVI": "avi", "QuickTime": "mov", "MP4": "mov", "Matroska": "matroska"}
"""FFmpeg's name of each container. Told to it, since it also knows lists of other files."""
_BUFFER = 1 << 20
_EARLIEST, _LATEST = 1990, 2100
"""Years; recorders without a clock write 1904 or 1970."""


class _Table(NamedTuple):
    """The packets of a film: one for each frame."""

    frames: int
    shown: NDArray[np.int64] | None
    """Presentation times, rising, in the stream's unit; None where they don't tell frames apart."""
    keys: NDArray[np.int64]
    """Numbers of the key frames, rising."""


class Film(Video):
    """Frames of a film, decoded in order; only those asked for are converted.

    Frames are known by their times where each has its own, so that one which can't be decoded
    does not move the numbers of those after it; then it is also safe to begin at a key frame (the
    last but one before the frame: the last may still lean on what lies before it).
    Every call of `batches` opens the file anew: two of them do not disturb each other.
    """

    def __init__(self, path: Path, known: Overrides) -> None:
        self.path = path
        self._size, self._demuxer, name = _examined(path)
        with self._opened() as (container, stream):
            self._table = _table(container, stream)
            unit, rate = stream.time_base or Fraction(1), stream.average_rate
            created = _created(container.metadata.get("creation_time"))
            codec = stream.codec_context.name
        if not self._table.frames:
            raise PictureError(f"no frames in this {name}")
        first = self._first()
        self._conversion: Conversion = conversion_of(first)
        self._shape = (first.height, first.width)
        meant = self._conversion
        self.about = About(
            name, self._table.frames, first.height, first.width, meant.planes, meant.depth,
            float(2**meant.depth - 1), meant.pattern, meant.bits,
            key_interval=_interval(self._table.keys),
            header={"codec": codec, "pixels": first.format.name, "fps": float(rate or 0)},
            remarks=list(meant.remarks),
        )  # fmt: skip
        if meant.kind == np.float32:
            self.about.full_scale = 1.0
        if known.bayer is not None and meant.planes == 1:
            self.about.pattern = None if known.bayer == "none" else known.bayer
        if known.depth:
            self.about.depth, self.about.full_scale = known.depth, float(2**known.depth - 1)
        if created is not None and self._table.shown is not None:
            self._give_times(created, unit)

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        meant = self._conversion
        shape = (*self._shape, meant.planes)
        frame_bytes = int(np.prod(shape)) * np.dtype(meant.kind).itemsize
        cuts = list(self._cut(numbers, size, frame_bytes))
        if not cuts:
            return
        decoded = self._decoded(np.concatenate(cuts))
        held = next(decoded, None)
        missing = 0
        for some in cuts:
            samples: Any = np.empty((len(some), *shape), dtype=meant.kind)
            found: list[int] = []
            for number in some.tolist():
                if held is not None and held[0] == number:
                    meant.write(held[1], samples[len(found)])
                    found.append(number)
                    held = next(decoded, None)
            missing += len(some) - len(found)
            if found:
                yield np.array(found, dtype=np.int64), samples[: len(found)]
        if missing:
            self._require_whole()
            remark = f"frames that can't be decoded, left out: {missing}"
            if remark not in self.about.remarks:
                self.about.remarks.append(remark)

    def origin(self, number: int) -> Origin:
        """Return the file and the number."""
        return Origin(self.path, number)

    @contextmanager
    def _opened(self) -> Iterator[tuple["InputContainer", "VideoStream"]]:
        """Open the file and its video stream; FFmpeg's errors become PictureError."""
        import av

        with open_regular(self.path) as file:
            try:
                with av.open(
                    file, mode="r", format=self._demuxer, buffer_size=_BUFFER,
                    metadata_errors="replace",
                ) as container:  # fmt: skip
                    if not container.streams.video:
                        raise PictureError("a film without pictures")
                    stream = container.streams.video[0]
                    if stream.codec_context is None:
                        raise PictureError("a film whose codec FFmpeg does not know")
                    stream.thread_type = "AUTO"
                    yield container, stream
            except (av.error.FFmpegError, ValueError, MemoryError) as problem:
                raise PictureError(f"damaged film: {_short(problem)}") from problem

    def _first(self) -> "VideoFrame":
        """Return the first frame that can be decoded."""
        for _, frame in self._run(None):
            return frame
        raise PictureError("a film of which no frame can be decoded")

    def _decoded(self, wanted: NDArray[np.int64]) -> Iterator[tuple[int, "VideoFrame"]]:
        """Yield those of the wanted frames (rising) that can be decoded, with their numbers."""
        for group, key in self._groups(wanted):
            asked = set(group.tolist())
            last = int(group[-1])
            for number, frame in self._run(key, int(group[0])):
                if number in asked and self._is_alike(frame):
                    yield number, frame
                if number >= last:
                    break

    def _is_alike(self, frame: "VideoFrame") -> bool:
        kind = (frame.height, frame.width), frame.format.name
        return kind == (self._shape, self._conversion.name)

    def _groups(self, wanted: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int | None]]:
        """Cut numbers where it pays to go to a key frame; yield each part with that frame."""
        keys = self._table.keys
        if self._table.shown is None or not len(keys) or not len(wanted):
            yield wanted, None
            return
        lean = 0 if len(keys) == self._table.frames else 1
        at = np.searchsorted(keys, wanted, side="right") - 1 - lean
        begin = np.where(at >= 0, keys[np.maximum(at, 0)], 0)
        # going there is worth it only where that skips frames
        cuts = np.flatnonzero(begin[1:] > wanted[:-1] + 1) + 1
        for part in np.split(np.arange(len(wanted)), cuts):
            start = int(begin[part[0]])
            yield wanted[part], start or None

    def _run(self, key: int | None, first: int = 0) -> Iterator[tuple[int, "VideoFrame"]]:
        """Yield (number, frame) from a key frame on, from the beginning for None.

        Where seeking leads behind the first frame wanted, it begins at the beginning after all.
        """
        shown = self._table.shown
        with self._opened() as (container, stream):
            if key is not None and shown is not None:
                container.seek(int(shown[key]), stream=stream)
            count = -1
            for frame in _frames(container, stream):
                count += 1
                number = count if shown is None else self._numbered(frame)
                if number is None:
                    continue
                if key is not None and number > first:
                    break
                key = None  # arrived safely
                yield number, frame
            if key is None:
                return
        yield from self._run(None)

    def _numbered(self, frame: "VideoFrame") -> int | None:
        """Return a frame's number by its time."""
        assert self._table.shown is not None
        if frame.pts is None:
            return None
        at = int(np.searchsorted(self._table.shown, frame.pts))
        known = at < self._table.frames and int(self._table.shown[at]) == frame.pts
        return at if known else None

    def _require_whole(self) -> None:
        """Raise PictureError where the file has gone, or is shorter than when it was opened."""
        with open_regular(self.path) as file:
            length = os.fstat(file.fileno()).st_size
        if length < self._size:
            raise PictureError(
                f"the file has become shorter while it was read: {length:,} bytes of {self._size:,}"
            )

    def _give_times(self, created: np.datetime64, unit: Fraction) -> None:
        assert self._table.shown is not None
        passed = (self._table.shown - self._table.shown[0]) * float(unit * 10**9)
        self.about.times = created + passed.round().astype("timedelta64[ns]")
        self.about.remarks.append("times are those of its creation and its clock, to a second")


def open_film(path: Path, known: Overrides) -> Film:
    """Open a film; raises PictureError where FFmpeg can't."""
    return Film(path, known)


def _examined(path: Path) -> tuple[int, str, str]:
    """Return a film's length in bytes, its demuxer and its name; raises PictureError."""
    with open_regular(path) as file:
        name = sniff_video(file.read(HEAD_BYTES))
        size = os.fstat(file.fileno()).st_size
    if name not in _DEMUXERS:
        raise PictureError("not a film that can be read")
    return size, _DEMUXERS[name], name


def _table(container: "InputContainer", stream: "VideoStream") -> _Table:
    """Return what the container tells of the frames.

    An index in which all are key frames and there are as many as there should be is believed;
    else all packets are gone through, without decoding them.
    """
    entries = stream.index_entries
    if len(entries) and len(entries) == stream.frames and _all_keys(entries):
        times = np.array([entry.timestamp for entry in entries], dtype=np.int64)
        order = np.arange(len(times), dtype=np.int64)
        return _Table(len(times), times if _rising(times) else None, order)
    told: list[int | None] = []
    keys = []
    for packet in container.demux(stream):
        if packet.size:
            told.append(packet.pts)
            keys.append(packet.is_keyframe)
    at = np.flatnonzero(np.array(keys, dtype=bool))
    known = [time for time in told if time is not None]
    if len(known) < len(told):
        return _Table(len(told), None, at)
    order = np.argsort(np.array(known, dtype=np.int64), kind="stable")
    times = np.array(known, dtype=np.int64)[order]
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.arange(len(order))
    return _Table(len(told), times if _rising(times) else None, np.sort(numbers[at]))


def _all_keys(entries: Any) -> bool:  # noqa: ANN401 -- PyAV's own
    return all(entry.is_keyframe and entry.size and not entry.is_discard for entry in entries)


def _rising(times: NDArray[np.int64]) -> bool:
    return bool((np.diff(times) > 0).all())


def _interval(keys: NDArray[np.int64]) -> int | None:
    """Return the frames between key frames where that is always the same, and more than 1."""
    steps = np.unique(np.diff(keys))
    return int(steps[0]) if len(steps) == 1 and steps[0] > 1 else None


def _frames(container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
    """Yield all frames that can be decoded."""
    from av.error import EOFError as EndOfFile
    from av.error import FFmpegError

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except EndOfFile:
            return
        except FFmpegError:
            continue  # this packet's frame is missing, which `batches` tells


def _created(told: str | None) -> np.datetime64 | None:
    """Return a container's creation time, UTC; None where it tells none, or an impossible one."""
    try:
        time = datetime.fromisoformat(told or "")
    except ValueError:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if not _EARLIEST <= time.year < _LATEST:
        return None
    return np.datetime64(time.replace(tzinfo=None), "ns")


def _short(problem: Exception) -> str:
    text = " ".join(str(getattr(problem, "strerror", None) or problem).split())
    return text[:1].lower() + text[1:120] if text else type(problem).__name__
