"""What a video is: frames in order, of one size, with what its container says about them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.picture import Samples

Pattern = Literal["RGGB", "GRBG", "GBRG", "BGGR", "CMY"]
"""A mosaic of colour filters, named from its first row; "CMY" stands for all four CMY mosaics,
of which only the luminance (mean of 2 x 2) is used."""
PATTERNS: tuple[Pattern, ...] = ("RGGB", "GRBG", "GBRG", "BGGR", "CMY")

BATCH = 64
"""Frames at once: 128 x 128 in float32 then stay in the second-level cache."""
MOST_BYTES = 1 << 25
"""Bytes that a batch has at most (but always one frame): 64 frames of a large sensor are 3 GB."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user knows better than the file; None leaves the reader's own guess.

    bayer: a pattern, or "none" for a picture without a mosaic.
    depth: bits a sample: what value is white (2**depth - 1).
    endian: of SER samples of two bytes. colours: order of the planes in a SER file of three.
    """

    bayer: Pattern | Literal["none"] | None = None
    depth: int | None = None
    endian: Literal["little", "big"] | None = None
    colours: Literal["RGB", "BGR"] | None = None


@dataclass(slots=True)
class About:
    """What is known of a video.

    planes: 1 (grey, or a mosaic) or 3 (red, green, blue, in this order whatever the file has).
    depth: bits of the scale that samples have: `full_scale` = 2**depth - 1 means white. Of floats
    it is 32, and their full scale 1, or the largest value found where that is more.
    effective_depth: bits that the samples really use, found over the whole file; None: not looked.
    times: of each frame, UTC, NaT where unknown; None when the file has none that can be used.
    key_interval: frames from one key frame of a compressed film to the next, where regular.
    header: what the container says, JSON-able.
    remarks: what the user should know about how the file was understood, one line each.
    """

    format: str
    frames: int
    height: int
    width: int
    planes: Literal[1, 3]
    depth: int
    full_scale: float
    pattern: Pattern | None = None
    effective_depth: int | None = None
    times: NDArray[np.datetime64] | None = None
    key_interval: int | None = None
    header: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a frame comes from: the file, and its number there (None: the file is the frame)."""

    path: Path
    frame: int | None


class Video(ABC):
    """Frames in order. Used from one thread; close it, or use it in a `with` block."""

    path: Path
    """The file or folder; of several files as one capture, the first."""
    about: About

    def __len__(self) -> int:
        """Return how many frames it has."""
        return self.about.frames

    @abstractmethod
    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order.

        numbers: int64 (n,), rising, n <= size. samples: (n, height, width, planes), as stored:
        uint8, uint16 or float32; red, green, blue; the top row first. They may be a view of the
        file: never written to, and valid until the next batch. Frames that can't be decoded are
        left out and told in `about.remarks`. Raises PictureError when the file has gone or fails,
        and for a number that the video does not have.
        """

    @abstractmethod
    def origin(self, number: int) -> Origin:
        """Return where a frame comes from."""

    def frame(self, number: int) -> Samples:
        """Return one frame, (height, width, planes); raises PictureError where there is none."""
        if not 0 <= number < len(self):
            raise PictureError(f"no frame {number}: it has {len(self)}, counted from 0")
        for _, samples in self.batches([number], size=1):
            frame: Samples = samples[0]
            return frame
        raise PictureError(f"frame {number} can't be decoded")

    def close(self) -> None:  # noqa: B027 -- pictures of a folder hold nothing open
        """Let the file go."""

    def _cut(
        self, numbers: Sequence[int] | NDArray[np.int64] | None, size: int, frame_bytes: int
    ) -> Iterator[NDArray[np.int64]]:
        """Cut the numbers asked for into batches of at most `size` frames and 32 MiB.

        They come in rising order, each once. Raises PictureError for one that is not there.
        """
        size = max(1, min(size, MOST_BYTES // max(1, frame_bytes)))
        count = len(self)
        if numbers is None:
            for start in range(0, count, size):
                yield np.arange(start, min(start + size, count), dtype=np.int64)
            return
        wanted = np.unique(np.asarray(numbers, dtype=np.int64))
        if wanted.size and not (wanted[0] >= 0 and wanted[-1] < count):
            wrong = int(wanted[0] if wanted[0] < 0 else wanted[-1])
            raise PictureError(f"no frame {wrong}: it has {count}, counted from 0")
        for start in range(0, len(wanted), size):
            yield wanted[start : start + size]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
