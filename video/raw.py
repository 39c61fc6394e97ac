"""Frames that lie in a file as they are: read by position, never mapped, never written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.digest import open_regular, reason
from ..media.picture import Samples


class RawFile:
    """A file read by position, at the length that it had when it was opened.

    Not a memory map: touching a page of a map whose file was cut meanwhile ends the process with
    SIGBUS, reading only comes short. What a map would gain is told at `Ser`.
    """

    def __init__(self, path: Path | str | bytes) -> None:
        self._file = open_regular(path)
        self.path = Path(os.fsdecode(path))
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes; raises PictureError where the file fails or has become shorter."""
        if offset + length > self.size:  # asks for no memory that the file could not fill
            raise PictureError(f"truncated: {self.size:,} bytes of {offset + length:,}")
        content = np.empty(length, dtype=np.uint8)
        self.fill(content, offset)
        return content.tobytes()

    def head(self, offset: int, length: int) -> bytes:
        """Return bytes, fewer where the file ends; raises PictureError where it fails."""
        return self.read(offset, max(0, min(length, self.size - offset)))

    def fill(self, buffer: NDArray[np.uint8], offset: int) -> None:
        """Read as many bytes as `buffer` (contiguous) has into it; raises PictureError."""
        rest = memoryview(buffer.reshape(-1).data)
        try:
            self._file.seek(offset)
            while rest:
                count = self._file.readinto(rest)
                if not count:
                    length = os.fstat(self._file.fileno()).st_size
                    raise PictureError(
                        f"the file has become shorter while it was read: {length:,} bytes "
                        f"of {self.size:,}"
                    )
                rest = rest[count:]
        except OSError as problem:
            raise PictureError(reason(problem)) from problem
        except ValueError as problem:
            raise PictureError("the video has been closed") from problem

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


@dataclass(slots=True)
class RawFrames:
    """Frames of `length` bytes each in a file, by number.

    They lie one after the other from `first` on, or, where `starts` is given, each at its own
    place; -1 is a frame that is not there.
    """

    file: RawFile
    length: int
    first: int = 0
    starts: NDArray[np.int64] | None = None
    _buffer: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), dtype=np.uint8))

    def read(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the bytes of some frames, (n, length); the same buffer every time."""
        if len(self._buffer) < len(numbers):
            self._buffer = np.empty((len(numbers), self.length), dtype=np.uint8)
        buffer = self._buffer[: len(numbers)]
        starts = self.starts[numbers] if self.starts is not None else self._side_by_side(numbers)
        # what lies side by side is read at once
        ends = [*(np.flatnonzero(np.diff(starts) != self.length) + 1).tolist(), len(numbers)]
        begin = 0
        for end in ends:
            if end > begin:
                self.file.fill(buffer[begin:end], int(starts[begin]))
            begin = end
        return buffer

    def _side_by_side(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.first + numbers * self.length


def stacked(frames: Sequence[Samples]) -> Samples:
    """Return frames of one shape and type, each (h, w, planes), as (n, h, w, planes)."""
    together: Any = np.stack(frames)
    samples: Samples = together
    return samples


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of `count` numbers from 0, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
