"""The 178 bytes at the beginning of a SER file (version 3, 2014), and what its clock says."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PictureError
from .base import Pattern

FILE_ID = b"LUCAM-RECORDER"
HEADER_BYTES = 178
LAYOUT = struct.Struct("<14s7i40s40s40sqq")
"""FileID, LuID, ColorID, LittleEndian, width, height, depth, frames, three texts, two times."""
FRAME_COUNT = struct.Struct("<i")
FRAME_COUNT_AT, DEPTH_AT = 38, 34

MONO, RGB, BGR = 0, 100, 101
PATTERNS: dict[int, Pattern] = {
    8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR", 16: "CMY", 17: "CMY", 18: "CMY", 19: "CMY"
}  # fmt: skip

UNIX_EPOCH = 621_355_968_000_000_000
"""1970 in ticks of 100 ns since the year 1 (.NET, DateTime.Ticks)."""
FILETIME_EPOCH = 504_911_232_000_000_000
"""1601, from which at least two small recorders count."""
TIME_BITS = 0x3FFF_FFFF_FFFF_FFFF
"""The top two bits may say of what kind the time is (.NET, DateTimeKind)."""
_YEAR = 315_569_520_000_000
EARLIEST, LATEST = UNIX_EPOCH, UNIX_EPOCH + 130 * _YEAR


@dataclass(frozen=True, slots=True)
class SerHeader:
    """The header as written; `raw` is all of its bytes."""

    raw: bytes
    file_id: bytes
    camera: int
    color_id: int
    little_endian: int
    width: int
    height: int
    depth: int
    frames: int
    observer: str
    instrument: str
    telescope: str
    date_time: int
    """Start in local time, ticks; 0 or less: not told."""
    date_time_utc: int

    @property
    def planes(self) -> int:
        """3 for RGB and BGR, else 1."""
        return 3 if self.color_id in (RGB, BGR) else 1

    def frame_bytes(self, sample_bytes: int) -> int:
        """Return the bytes of one frame (an int without bounds: products overflow nothing)."""
        return self.width * self.height * self.planes * sample_bytes

    def told(self) -> dict[str, Any]:
        """Return the fields by the names of the specification, JSON-able."""
        return {
            "FileID": self.file_id.decode("latin-1").rstrip("\0 "),
            "LuID": self.camera,
            "ColorID": self.color_id,
            "LittleEndian": self.little_endian,
            "ImageWidth": self.width,
            "ImageHeight": self.height,
            "PixelDepthPerPlane": self.depth,
            "FrameCount": self.frames,
            "Observer": self.observer,
            "Instrument": self.instrument,
            "Telescope": self.telescope,
            "DateTime": iso(self.date_time),
            "DateTime_UTC": iso(self.date_time_utc),
        }


def parse_header(raw: bytes) -> SerHeader:
    """Take the header apart; raises PictureError where it is shorter than 178 bytes."""
    if not raw:
        raise PictureError("empty file (0 bytes)")
    if len(raw) < HEADER_BYTES:
        raise PictureError(f"truncated SER: {len(raw)} bytes, its header alone has {HEADER_BYTES}")
    fields = LAYOUT.unpack(raw[:HEADER_BYTES])
    texts = (_text(field) for field in fields[8:11])
    return SerHeader(raw[:HEADER_BYTES], *fields[:8], *texts, *fields[11:])


def _text(field: bytes) -> str:
    """Return a text padded with NUL or blanks; programs write UTF-8 and Latin-1 there too."""
    field = field.partition(b"\0")[0].strip()
    try:
        text = field.decode("utf-8")
    except UnicodeDecodeError:
        text = field.decode("latin-1")
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def corrected(ticks: int) -> int | None:
    """Return ticks since the year 1, whatever their epoch and flags; None: no plausible time."""
    ticks &= TIME_BITS
    if ticks < EARLIEST:
        ticks += FILETIME_EPOCH
    return ticks if EARLIEST <= ticks < LATEST else None


def iso(ticks: int) -> str | None:
    """Return ticks as ISO 8601 with microseconds; None where they are no plausible time."""
    known = corrected(ticks) if ticks > 0 else None
    if known is None:
        return None
    return str(np.datetime64((known - UNIX_EPOCH) // 10, "us"))
