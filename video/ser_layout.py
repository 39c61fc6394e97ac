"""Where the frames and the times of a SER file lie, however wrong its header is about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .raw import RawFile
from .ser_header import FILE_ID, HEADER_BYTES, SerHeader
from .ser_times import are_plausible

_TICK_BYTES = 8
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a SER file is divided.

    ticks: the trailer as stored, one number for each of the first frames; may be empty.
    """

    sample_bytes: int
    frame_bytes: int
    frames: int
    ticks: NDArray[np.int64]
    remarks: list[str]


def lay_out(file: RawFile, header: SerHeader, depth: int | None) -> Layout:
    """Find the frames and the trailer by the header and the file's size.

    depth: what the user says of it. Sizes are compared before anything is allocated. Raises
    PictureError where sizes are no sizes, where not one frame is whole, and for a file of another
    maker whose sizes do not fit.
    """
    body = file.size - HEADER_BYTES
    if header.width < 1 or header.height < 1:
        raise PictureError(f"damaged SER: a size of {header.width} x {header.height} pixels")
    if header.file_id != FILE_ID and not fits(header, file.size):
        raise PictureError("not a SER file (neither its FileID nor its sizes)")
    sample_bytes, remarks = _sample_bytes(header, body, depth)
    frame = header.frame_bytes(sample_bytes)
    whole = body // frame
    if whole < 1:
        raise PictureError(f"truncated SER: {body:,} bytes of the {frame:,} of its first frame")
    if header.file_id != FILE_ID:
        told = header.file_id.decode("latin-1").rstrip("\0 ")
        remarks.append(f"its FileID is {told!r}, not {FILE_ID.decode()!r}; read as SER")
    count, trailer = _count(file, header, frame, remarks)
    ticks = _ticks(file, HEADER_BYTES + count * frame, trailer)
    return Layout(sample_bytes, frame, count, ticks, remarks)


def fits(header: SerHeader, size: int) -> bool:
    """Tell whether a file's size is exactly what its header says, with or without a trailer."""
    if header.width < 1 or header.height < 1 or not 1 <= header.depth <= 16:
        return False
    return any(_is_exact(header, size - HEADER_BYTES, n) for n in (1, 2))


def _is_exact(header: SerHeader, body: int, sample_bytes: int) -> bool:
    frame = header.frame_bytes(sample_bytes)
    return header.frames > 0 and body in (
        header.frames * frame,
        header.frames * (frame + _TICK_BYTES),
    )


def _sample_bytes(header: SerHeader, body: int, depth: int | None) -> tuple[int, list[str]]:
    """Return bytes a sample: by the depth, or by the file's size where only the other fits."""
    said = header.depth if 1 <= header.depth <= 16 else depth
    if said is None or not 1 <= said <= 16:
        raise PictureError(f"damaged SER: a depth of {header.depth} bits; say what it is")
    wanted = 1 if max(said, depth or 0) <= 8 else 2
    if not _is_exact(header, body, wanted) and _is_exact(header, body, 3 - wanted):
        return 3 - wanted, [
            f"its header says {header.depth} bits, its size fits only samples of "
            f"{3 - wanted} bytes; taken so"
        ]
    return wanted, []


def _count(file: RawFile, header: SerHeader, frame: int, remarks: list[str]) -> tuple[int, int]:
    """Return how many frames there are and how many times behind them."""
    body, told = file.size - HEADER_BYTES, header.frames
    whole = body // frame
    if told > whole:
        missing = (whole + 1) * frame - body
        remarks.append(f"cut short: {whole} of {told} frames; the next lacks {missing:,} bytes")
        return whole, 0
    rest = body - told * frame
    if told > 0:
        times = min(rest // _TICK_BYTES, told)
        whole_trailer = rest == told * _TICK_BYTES
        if whole_trailer or _has_times(file, HEADER_BYTES + told * frame, times):
            return told, times
        if rest < frame:
            if rest:
                remarks.append(f"{rest:,} bytes behind the last frame that are no times; left out")
            return told, 0
    both, left = divmod(body, frame + _TICK_BYTES)
    if not left and _has_times(file, HEADER_BYTES + both * frame, both):
        remarks.append(f"its header counts {told} frames; {both} found, with times")
        return both, both
    remarks.append(f"its header counts {told} frames; {whole} found, all taken")
    return whole, 0


def _has_times(file: RawFile, offset: int, count: int) -> bool:
    return are_plausible(_ticks(file, offset, count))


def _ticks(file: RawFile, offset: int, count: int) -> NDArray[np.int64]:
    if not count:
        return _NONE
    stored = np.frombuffer(file.read(offset, count * _TICK_BYTES), dtype="<i8")
    return stored.astype(np.int64)
