"""Write SER videos: frame after frame, whole or not at all."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..media.picture import Samples
from .base import Pattern
from .ser_header import (
    BGR,
    DEPTH_AT,
    FILE_ID,
    FRAME_COUNT,
    FRAME_COUNT_AT,
    LAYOUT,
    MONO,
    PATTERNS,
    RGB,
    UNIX_EPOCH,
    parse_header,
)

if TYPE_CHECKING:
    from .ser import Ser

_COLOR_IDS: dict[Pattern | None, int] = {None: MONO}
for _number, _pattern in PATTERNS.items():
    _COLOR_IDS.setdefault(_pattern, _number)


def make_header(
    width: int,
    height: int,
    *,
    planes: Literal[1, 3] = 1,
    depth: int = 8,
    pattern: Pattern | None = None,
    start: int = 0,
    texts: Sequence[str] = ("", "", ""),
) -> bytes:
    """Return the 178 bytes of a new header, for little-endian samples; frames are counted later.

    start: when it began, UTC, in ticks (see `to_ticks`). texts: observer, instrument, telescope,
    of which 40 bytes each are kept.
    """
    color_id = RGB if planes == 3 else _COLOR_IDS[pattern]
    fields = [text.encode("utf-8")[:40] for text in texts]
    # 0 means little-endian in practice, whatever the specification says (the notes, 2.1)
    return LAYOUT.pack(FILE_ID, 0, color_id, 0, width, height, depth, 0, *fields, start, start)


def to_ticks(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return times as ticks of 100 ns since the year 1, 0 for NaT."""
    known = ~np.isnat(times)
    ticks = np.zeros(len(times), dtype=np.int64)
    ticks[known] = times[known].astype("datetime64[ns]").view(np.int64) // 100 + UNIX_EPOCH
    return ticks


class SerWriter:
    """A SER file that is being written, in a `with` block.

    It lies under another name in the same folder until the block ends, and then appears under its
    own, complete and on the disk; after an error nothing is left of it. Raises UsageError where it
    can't be written (the disk is full, the folder is closed).

    header: 178 bytes, copied but for the count of frames and a depth that does not fit the samples.
    byte_order: in which samples of two bytes are written.
    """

    def __init__(
        self, path: Path | str, header: bytes, *, byte_order: Literal["little", "big"] = "little"
    ) -> None:
        self.path = Path(path)
        self.frames = 0
        self._header = parse_header(header)
        self._order = byte_order
        self._depth: int | None = None
        self._ticks: list[NDArray[np.int64]] = []
        self._file: BinaryIO | None = None
        self._part = self.path.with_name(f".{token_hex(8)}.part")

    @classmethod
    def like(cls, path: Path | str, video: "Ser") -> "SerWriter":
        """Make a writer with a video's header and byte order: its frames are copied exactly."""
        order: Literal["little", "big"] = "big" if video.byte_order == "big" else "little"
        return cls(path, video.header.raw, byte_order=order)

    def __enter__(self) -> Self:
        try:
            self._file = self._part.open("xb")
            self._file.write(self._header.raw)
        except OSError as problem:
            self._drop()
            raise self._refused(problem) from problem
        return self

    def write(
        self,
        samples: Samples,
        ticks: NDArray[np.int64] | None = None,
    ) -> None:
        """Append frames: (n, h, w), (n, h, w, 1) or, red green blue, (n, h, w, 3); 8 or 16 bits.

        ticks: int64 (n,), of each frame; given always or never. Raises ShapeError.
        """
        header = self._header
        expected = (header.height, header.width, header.planes)
        if samples.ndim == 3:
            samples = samples[..., None]
        depth = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16}.get(samples.dtype)
        if samples.shape[1:] != expected or depth is None or self._depth not in (None, depth):
            raise ShapeError(f"{samples.shape} {samples.dtype} are no frames of {expected}")
        if ticks is not None and len(ticks) != len(samples):
            raise ShapeError(f"{len(ticks)} times for {len(samples)} frames")
        if self.frames and (ticks is None) != (not self._ticks):
            raise ShapeError("times for all frames or for none")
        self._depth = depth
        if header.color_id == BGR:
            samples = samples[..., ::-1]
        stored = samples
        if depth == 16:
            stored = samples.astype("<u2" if self._order == "little" else ">u2", copy=False)
        try:
            self._open_file().write(np.ascontiguousarray(stored).data)
        except OSError as problem:
            raise self._refused(problem) from problem
        self.frames += len(samples)
        if ticks is not None and len(ticks):
            self._ticks.append(np.asarray(ticks, dtype="<i8"))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._drop()
            return
        file = self._open_file()
        try:
            for ticks in self._ticks:
                file.write(ticks.data)
            file.seek(0)
            file.write(self._final_header())
            file.flush()
            os.fsync(file.fileno())
            file.close()
            self._part.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as problem:
            raise self._refused(problem) from problem
        finally:
            self._drop()

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise UsageError(f"{self.path}: a SerWriter is used in a `with` block")
        return self._file

    def _final_header(self) -> bytes:
        raw = bytearray(self._header.raw)
        raw[FRAME_COUNT_AT : FRAME_COUNT_AT + 4] = FRAME_COUNT.pack(self.frames)
        declared = 8 if self._header.depth <= 8 else 16
        if self._depth is not None and (declared != self._depth or self._header.depth < 1):
            raw[DEPTH_AT : DEPTH_AT + 4] = FRAME_COUNT.pack(self._depth)
        return bytes(raw)

    def _drop(self) -> None:
        """Take the unfinished file away, if there is one."""
        if self._file is not None:
            with suppress(OSError):  # a full disk: what is buffered is not wanted any more
                self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _refused(self, problem: OSError) -> UsageError:
        return UsageError(f"{self.path}: can't be written: {problem.strerror or problem}")


def _sync_folder(folder: Path) -> None:
    """Have the new name itself on the disk; systems that can't open folders do without."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
