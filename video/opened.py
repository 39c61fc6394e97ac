"""Videos kept open while single frames are asked of them, from several threads."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from ..errors import PictureError
from ..media.picture import Picture, Samples
from .base import Video
from .mark import marks
from .open import open_video
from .picture import frame_picture, picture_of

_MOST_OPEN = 4
_NEAR = 256
"""A frame of a film that lies as far ahead is reached by decoding on, not by beginning anew."""
_REMEMBERED = 32
"""Frames of a film that threads may ask for a little out of order."""


class _Opened:
    """A video that stays open; films are decoded on from where they are."""

    def __init__(self, path: Path) -> None:
        self.video: Video = open_video(path)
        weakref.finalize(self, self.video.close)  # when the last who reads it lets it go
        self.lock = threading.Lock()
        self._frames: OrderedDict[int, Samples] = OrderedDict()
        self._stream: Iterator[tuple[int, Samples]] | None = None
        self._next = 0

    def picture(self, number: int) -> Picture:
        with self.lock:
            if self.video.about.format == "SER":
                return frame_picture(self.video, number)
            return picture_of(self.video, number, self._film_frame(number))

    def mark(self, number: int) -> int | None:
        """Return the checksum of a frame, None where there is only one."""
        with self.lock:
            if len(self.video) == 1 or not 0 <= number < len(self.video):
                return None
            return int(marks(self.video.frame(number)[None])[0])

    def _film_frame(self, number: int) -> Samples:
        if number in self._frames:
            return self._frames[number]
        if not 0 <= number < len(self.video):
            return self.video.frame(number)  # which says what is wrong
        if self._stream is None or not self._next <= number < self._next + _NEAR:
            wanted = range(number, len(self.video))
            self._stream = (
                (int(which), samples[row].copy())
                for numbers, samples in self.video.batches(wanted, size=8)
                for row, which in enumerate(numbers)
            )
        for which, samples in self._stream:
            self._next = which + 1
            self._frames[which] = samples
            while len(self._frames) > _REMEMBERED:
                self._frames.popitem(last=False)
            if which == number:
                return samples
            if which > number:
                break
        raise PictureError(f"frame {number} can't be decoded")


class OpenVideos:
    """The videos that were read last, kept open; a changed file is opened anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, int, int], _Opened] = OrderedDict()

    def picture(self, path: Path, frame: int) -> Picture:
        """Return a frame; raises PictureError."""
        return self._opened(path).picture(frame)

    def mark(self, path: Path, frame: int) -> int | None:
        """Return the checksum of a frame of a file that stills are read from too.

        None where it holds no video.
        """
        try:
            return self._opened(path).mark(frame)
        except PictureError:
            return None

    def _opened(self, path: Path) -> _Opened:
        try:
            status = path.stat()
        except OSError as problem:
            raise PictureError("no such file") from problem
        key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
        with self._lock:
            if key not in self._open:
                self._open[key] = _Opened(path)
            self._open.move_to_end(key)
            opened = self._open[key]
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return opened


VIDEOS = OpenVideos()
