"""SER videos of planetary cameras, with all that recorders get wrong in them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..media.picture import Samples
from .base import BATCH, About, Origin, Overrides, Pattern, Video
from .probe import (
    DECISIVE,
    MOSAIC,
    Used,
    brightest_window,
    little_over_big,
    mosaic_contrast,
    used_bits,
)
from .raw import RawFile, RawFrames, spread
from .ser_header import BGR, HEADER_BYTES, MONO, PATTERNS, SerHeader, parse_header
from .ser_layout import Layout, fits, lay_out
from .ser_times import read_times

_LOOKED_AT = 32
"""Frames, spread over the whole file (the first seconds are often dark), that depth and byte order
are judged by; fewer of large ones, up to 64 MiB."""
_LOOK_BYTES = 1 << 26
_AVERAGED = 8
_LEAST_UNUSED = 2
"""Unused bits of a depth that are worth a remark: 1 is only a dim picture."""


class Ser(Video):
    """Frames of a SER file. What it guesses is told in `about.remarks`, and Overrides change it.

    header, ticks: as stored, for an exact copy; ticks of the first frames, perhaps of none.
    byte_order: of samples of two bytes, "little" otherwise.

    Read by position into a buffer that is used again, 64 frames at once. Of 128 x 128 bytes, from
    the page cache, that gives 900,000 frames/s; looking at every byte 700,000, through a memory map
    1,300,000. Either is far more than scoring needs, and only this is safe when the file is cut.
    """

    def __init__(self, file: RawFile, header: SerHeader, layout: Layout, known: Overrides) -> None:
        self.path = file.path
        self.header = header
        self.ticks = layout.ticks
        self.byte_order = "little"
        self._file = file
        self._frames = RawFrames(file, layout.frame_bytes, HEADER_BYTES)
        self._type = np.dtype("<u2" if layout.sample_bytes == 2 else np.uint8)
        planes: Literal[1, 3] = 3 if header.planes == 3 else 1
        self._reversed = planes == 3 and (known.colours or _colours(header)) == "BGR"
        times, remarks = read_times(layout.ticks, header, layout.frames)
        self.about = About(
            "SER", layout.frames, header.height, header.width, planes,
            depth=8 * layout.sample_bytes, full_scale=255.0, times=times,
            header=header.told(), remarks=[*layout.remarks, *remarks],
        )  # fmt: skip
        looks = self._look()
        if layout.sample_bytes == 2:
            self._settle_order(looks, known)
        self._settle_depth(used_bits(self._native(frame) for frame in looks), known)
        self._settle_pattern(looks, known)

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        for some in self._cut(numbers, size, self._frames.length):
            samples = self._native(self._shaped(self._frames.read(some)))
            yield some, samples[..., ::-1] if self._reversed else samples

    def origin(self, number: int) -> Origin:
        """Return the file and the number."""
        return Origin(self.path, number)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _shaped(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return bytes (n, length) as samples (n, h, w, planes), two bytes as little-endian."""
        about = self.about
        shape = (len(stored), about.height, about.width, about.planes)
        return stored.view(self._type).reshape(shape)

    def _native(
        self, samples: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Swap the bytes of samples where the file is big-endian: in place, the buffer is ours."""
        return samples.byteswap(inplace=True) if self.byte_order == "big" else samples

    def _look(self) -> "_Looks":
        most = max(1, min(_LOOKED_AT, _LOOK_BYTES // self._frames.length))
        return _Looks(self, spread(len(self), most))

    def _settle_order(self, looks: "_Looks", known: Overrides) -> None:
        """Choose the byte order by the pixels, by convention where they don't tell."""
        flag = self.header.little_endian
        custom = "big" if flag == 1 else "little"  # most programs write it the wrong way round
        if known.endian:
            self.byte_order = known.endian
            return
        smoother = little_over_big(looks)
        if smoother >= DECISIVE or smoother <= 1 / DECISIVE:
            self.byte_order = "little" if smoother > 1 else "big"
            if self.byte_order != custom or flag not in (0, 1):
                self._remark(
                    f"read as {self.byte_order}-endian, as its pixels say; its flag is {flag}"
                )
            return
        self.byte_order = custom
        self._remark(f"its pixels don't tell the byte order; {custom}-endian by convention")

    def _settle_depth(self, used: Used, known: Overrides) -> None:
        """Choose the scale by the declared depth and the bits that are used."""
        about, stored = self.about, self.about.depth
        about.effective_depth = used.bits
        declared = self.header.depth
        if not stored - 8 < declared <= stored:  # impossible with samples of this size
            declared = stored
        shifted = used.bits > 0 and used.low >= stored - declared > 0
        if known.depth:
            about.depth = known.depth
        elif declared < stored and (shifted or used.high > declared):
            how = "shifted up" if shifted else f"values reach {2**used.high - 1}"
            self._remark(f"{declared} bits declared, but {how}; white is that of {stored} bits")
        else:
            about.depth = declared
            if stored == declared == 16 and 0 < used.bits <= stored - _LEAST_UNUSED:
                how = f"the lowest {used.low} are 0" if used.low else f"up to {2**used.high - 1}"
                self._remark(f"16 bits declared, {used.bits} used ({how}); white is that of 16")
        about.full_scale = float(2**about.depth - 1)

    def _settle_pattern(self, looks: "_Looks", known: Overrides) -> None:
        """Choose the mosaic; warn of one in a video that is declared to be grey."""
        color = self.header.color_id
        pattern: Pattern | None = PATTERNS.get(color)
        if self.about.planes == 3:
            if known.bayer not in (None, "none"):
                self._remark("has three colours already: the pattern that was given is not used")
            return
        if color != MONO and pattern is None:
            self._remark(f"its ColorID {color} is unknown; taken as grey")
        if pattern == "CMY" and known.bayer is None:
            self._remark("a mosaic of cyan, magenta and yellow: used for its brightness only")
        if known.bayer is not None:
            pattern = None if known.bayer == "none" else known.bayer
        elif pattern is None and mosaic_contrast(looks.mean()) > MOSAIC:
            self._remark("grey by its header, but chequered like a colour mosaic; say which it is")
        self.about.pattern = pattern

    def _remark(self, text: str) -> None:
        self.about.remarks.append(text)


class _Looks:
    """Some frames of a SER file, read one by one, as often as they are gone through."""

    def __init__(self, video: Ser, numbers: NDArray[np.int64]) -> None:
        self._video = video
        self._numbers = numbers

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Yield frames (h, w, planes), two bytes as little-endian."""
        return map(self._one, self._numbers)

    def mean(self) -> NDArray[np.float32]:
        """Return the mean of some of them, (h, w), around where the middle one is brightest."""
        native = self._video._native
        middle = native(self._one(self._numbers[len(self._numbers) // 2]))[..., 0]
        window = brightest_window(middle)
        some = self._numbers[:: max(1, len(self._numbers) // _AVERAGED)]
        total = np.zeros(middle[window].shape, dtype=np.float32)
        for number in some:
            total += native(self._one(number))[..., 0][window]
        return total / np.float32(len(some))

    def _one(self, number: np.int64) -> NDArray[Any]:
        video = self._video
        frames: NDArray[Any] = video._shaped(video._frames.read(np.array([number])))
        found: NDArray[Any] = frames[0]
        return found


def _colours(header: SerHeader) -> str:
    return "BGR" if header.color_id == BGR else "RGB"


def open_ser(path: Path, known: Overrides) -> Ser:
    """Open a SER file; raises PictureError where it is none, or not one frame is whole."""
    file = RawFile(path)
    try:
        header = parse_header(file.head(0, HEADER_BYTES))
        return Ser(file, header, lay_out(file, header, known.depth), known)
    except BaseException:
        file.close()
        raise


def is_ser(path: Path) -> bool:
    """Tell whether a file is a SER of whatever FileID: whether its size is what its header says."""
    file = RawFile(path)
    try:
        raw = file.head(0, HEADER_BYTES)
        return len(raw) == HEADER_BYTES and fits(parse_header(raw), file.size)
    finally:
        file.close()
