"""Uncompressed AVI: grey, mosaic, palette and BGR frames, found by walking the chunks.

The index is not used at all: it is what old and crashed recorders leave broken, and walking the
headers of 50,000 chunks takes well under a second.
"""

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.picture import Samples
from .base import BATCH, About, Origin, Overrides, Pattern, Video
from .raw import RawFile, RawFrames, spread

_CHUNK = struct.Struct("<4sI")
_STREAM_HEADER = struct.Struct("<4s16xII")  # of AVISTREAMHEADER: fccType, dwScale, dwRate
_BITMAP = struct.Struct("<IiiHH4sIiiII")  # BITMAPINFOHEADER
_LISTS = (b"RIFF", b"LIST")
_LONGEST_PALETTE = 256
_MOST_STREAMS = 32
_MOST_HEADERS = 10_000
"""Chunks before the first frame; a file with more is none that a recorder wrote."""

# bits a pixel and mosaic by FourCC; the names are also FFmpeg's (libavcodec/raw.c)
_GREY: dict[bytes, tuple[int, Pattern | None]] = {
    b"Y800": (8, None), b"Y8  ": (8, None), b"GREY": (8, None), b"Y16 ": (16, None),
    b"BA81": (8, "BGGR"), b"RGGB": (8, "RGGB"), b"GRBG": (8, "GRBG"), b"GBRG": (8, "GBRG"),
}  # fmt: skip
_PLAIN = (b"\0\0\0\0", b"DIB ", b"RGB ", b"RAW ")
_PLAIN_BITS = (8, 24, 32)


@dataclass(slots=True)
class _Stream:
    """The video stream of a file: its number, the shape of its frames, and where they lie."""

    number: int
    width: int
    height: int
    bits: int
    upside_down: bool
    palette: NDArray[np.uint8] | None
    """(256, 3) red, green, blue; None: samples are what they are."""
    pattern: Pattern | None
    fps: float
    code: str
    starts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Of each frame; -1 where it can't be read."""

    @property
    def row_bytes(self) -> int:
        """Bytes that one row's pixels take."""
        return self.width * self.bits // 8

    @property
    def padded(self) -> int:
        """Bytes that one row takes in a DIB: a multiple of 4."""
        return -(-self.row_bytes // 4) * 4


class RawAvi(Video):
    """Frames of an uncompressed AVI; the top row first however they are stored."""

    def __init__(self, file: RawFile, stream: _Stream, pitch: int, remarks: list[str]) -> None:
        self.path = file.path
        self._file = file
        self._stream = stream
        self._pitch = pitch
        starts = stream.starts
        self._frames = RawFrames(file, pitch * stream.height, starts=starts)
        self._there = starts >= 0
        if not self._there.all():
            remarks.append(f"{int((~self._there).sum())} of {len(starts)} frames can't be read")
        # a mosaic that was stored as colour is the same three times
        coloured = (stream.bits > 16 and stream.pattern is None) or _coloured(stream.palette)
        depth = 16 if stream.bits == 16 else 8
        header = {"codec": stream.code, "fps": stream.fps}
        self.about = About(
            "AVI", len(starts), stream.height, stream.width, 3 if coloured else 1, depth,
            float(2**depth - 1), stream.pattern, depth, header=header, remarks=remarks,
        )  # fmt: skip

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        for some in self._cut(numbers, size, self._frames.length * self.about.planes):
            there = some[self._there[some]]
            if len(there):
                yield there, self._samples(self._frames.read(there))

    def _samples(self, stored: NDArray[np.uint8]) -> Samples:
        """Return stored bytes (n, length) as samples (n, h, w, planes)."""
        stream = self._stream
        rows = stored.reshape(len(stored), stream.height, self._pitch)[:, :, : stream.row_bytes]
        if stream.upside_down:
            rows = rows[:, ::-1]
        if stream.bits == 16:
            rows = np.ascontiguousarray(rows)
            return rows.view("<u2").reshape(*rows.shape[:2], stream.width, 1)
        pixels = rows.reshape(*rows.shape[:2], stream.width, -1)
        if stream.bits > 8:
            return pixels[..., 2::-1] if self.about.planes == 3 else pixels[..., 1:2]
        if stream.palette is None:
            return pixels
        return stream.palette[pixels[..., 0]][..., : self.about.planes]

    def origin(self, number: int) -> Origin:
        """Return the file and the number."""
        return Origin(self.path, number)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def open_raw_avi(path: Path, known: Overrides) -> RawAvi | None:
    """Open an AVI whose frames are not compressed; None where they are, or it has no video.

    Raises PictureError where the file can't be read, or has no whole frame.
    """
    file = RawFile(path)
    try:
        stream, at = _headers(file)
        if stream is None:
            file.close()
            return None
        remarks: list[str] = []
        pitch = _find_frames(file, stream, at, remarks)
        if known.bayer is not None:
            stream.pattern = None if known.bayer == "none" else known.bayer
        video = RawAvi(file, stream, pitch, remarks)
        if known.depth:
            video.about.depth, video.about.full_scale = known.depth, float(2**known.depth - 1)
        _warn_of_three_equal(video)
    except BaseException:
        file.close()
        raise
    return video


def _chunks(file: RawFile, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, place of its content, its length) of the chunks from a place on.

    Lists are gone into, whatever length they claim: it is 0 after a crash, and wrong above 4 GB.
    """
    while at + _CHUNK.size <= file.size:
        name, length = _CHUNK.unpack(file.read(at, _CHUNK.size))
        at += _CHUNK.size
        if name in _LISTS:
            at += 4
            continue
        yield name, at, length
        at += length + length % 2


def _headers(file: RawFile) -> tuple[_Stream | None, int]:
    """Return the first video stream, None where it is compressed, and where its frames begin."""
    number, kind, fps = -1, b"", 0.0
    stream = None
    for count, (name, at, length) in enumerate(_chunks(file, 0)):
        if count > _MOST_HEADERS:
            break
        if name == b"strh" and length >= _STREAM_HEADER.size:
            number += 1
            content = file.head(at, _STREAM_HEADER.size)
            if len(content) < _STREAM_HEADER.size:
                break
            kind, scale, rate = _STREAM_HEADER.unpack(content)
            fps = rate / scale if scale else 0.0
        elif name == b"strf" and kind == b"vids" and stream is None:
            stream = _format(file.head(at, min(length, 1 << 16)), number, fps)
            if stream is None:
                break
        elif name[2:] in (b"db", b"dc") and stream is not None:
            return stream, at - _CHUNK.size
    return None, 0


def _format(content: bytes, number: int, fps: float) -> _Stream | None:
    """Return what a BITMAPINFO says, None where the frames are compressed or of another kind."""
    if len(content) < _BITMAP.size:
        return None
    size, width, height, _, bits, code, _, _, _, colours, _ = _BITMAP.unpack_from(content)
    if width < 1 or height == 0 or number >= _MOST_STREAMS:
        return None
    told = code.decode("latin-1").strip("\0 ") or "BI_RGB"
    if code in _GREY:
        bits, pattern = _GREY[code]
        return _Stream(number, width, abs(height), bits, False, None, pattern, fps, told)
    if code not in _PLAIN or bits not in _PLAIN_BITS:
        return None
    palette = None
    if bits == 8:
        table = content[size:][: 4 * min(colours or _LONGEST_PALETTE, _LONGEST_PALETTE)]
        palette = _palette(table[: len(table) // 4 * 4])
    return _Stream(number, width, abs(height), bits, height > 0, palette, None, fps, told)


def _palette(table: bytes) -> NDArray[np.uint8] | None:
    """Return blue, green, red, 0 of each colour as (256, 3) red, green, blue.

    None for the grey ramp, and where there is none at all: then samples are grey values.
    """
    colours = np.frombuffer(table, dtype=np.uint8).reshape(-1, 4)[:, 2::-1]
    if not colours.any():
        return None
    palette = np.zeros((_LONGEST_PALETTE, 3), dtype=np.uint8)
    palette[: len(colours)] = colours
    ramp = np.arange(len(colours), dtype=np.uint8)[:, None]
    return None if bool((colours == ramp).all()) and len(colours) == len(palette) else palette


def _coloured(palette: NDArray[np.uint8] | None) -> bool:
    return palette is not None and not bool((palette == palette[:, :1]).all())


def _find_frames(file: RawFile, stream: _Stream, at: int, remarks: list[str]) -> int:
    """Note where each frame lies; return the bytes from one row to the next."""
    names = {b"%02d%s" % (stream.number, kind) for kind in (b"db", b"dc")}
    starts, lengths = array("q"), array("q")
    for name, start, length in _chunks(file, at):
        if name in names:
            if start + length > file.size:
                remarks.append(f"its last frame lacks {start + length - file.size:,} bytes")
                break
            starts.append(start)
            lengths.append(length)
        elif not _is_name(name):
            remarks.append(f"no chunk at byte {start - _CHUNK.size:,}; frames behind it not found")
            break
    if max(lengths, default=0) < stream.row_bytes * stream.height:
        raise PictureError(f"not one whole frame of {stream.width} x {stream.height} in this AVI")
    # writers that do not pad leave chunks too short for it
    pitch = stream.padded if max(lengths) >= stream.padded * stream.height else stream.row_bytes
    sizes = np.frombuffer(lengths, dtype=np.int64)
    whole = np.where(sizes >= pitch * stream.height, np.frombuffer(starts, dtype=np.int64), -1)
    # a chunk of no bytes: the frame before it is shown again
    shown = np.maximum.accumulate(np.where(sizes > 0, np.arange(len(sizes)), -1))
    stream.starts = np.where(shown >= 0, whole[shown], -1)
    empty = int((sizes == 0).sum())
    if empty:
        remarks.append(f"{empty} empty frames (dropped while recording) repeat the one before")
    return pitch


def _is_name(name: bytes) -> bool:
    return all(0x20 <= sign < 0x7F for sign in name)


def _warn_of_three_equal(video: RawAvi) -> None:
    """Tell where red, green and blue are the same: a grey or mosaic camera's, stored as colour."""
    if video.about.planes != 3:
        return
    looks: list[Any] = [samples for _, samples in video.batches(spread(len(video), 4), size=1)]
    if looks and all(bool((one == one[..., :1]).all()) for one in looks):
        video.about.remarks.append("its three colours are the same: grey, stored as colour")
