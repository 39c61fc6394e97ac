"""JPEG 2000 and JPEG XL, through imagecodecs."""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .colour import composite, floats
from .picture import Metadata, Picture
from .request import Request

_HEAD_BYTES = 1 << 20
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZE_BITS = (9, 13, 18, 30)


def read_codec(source: BinaryIO, request: Request) -> Picture:
    """Decode a JPEG 2000 or JPEG XL picture at its own depth.

    Raises PictureError, or whatever imagecodecs raises on damaged files (`read` translates it).
    """
    import imagecodecs

    head = source.read(_HEAD_BYTES)
    source.seek(0)
    if request.format == "JPEG XL":
        request.check_size(*jpegxl_size(head))
        stored = np.asarray(imagecodecs.jpegxl_decode(source.read()))
        has_alpha = stored.ndim >= 3 and stored.shape[-1] in (2, 4)
        bits = stored.dtype.itemsize * 8
    else:
        width, height, bits = jpeg2k_size(head)
        request.check_size(width, height)
        stored = np.asarray(imagecodecs.jpeg2k_decode(source.read()))
        has_alpha = _has_opacity(head)
    frames = 1
    if stored.ndim == 4:  # an animation
        frames = stored.shape[0]
        stored = stored[request.check_frame(frames)]
    else:
        request.check_frame(1)
    stored = stored[:, :, None] if stored.ndim == 2 else stored
    return _picture(stored, bits, has_alpha, frames, request.format)


def jpeg2k_size(head: bytes) -> tuple[int, int, int]:
    """Return width, height and bits a sample from the SIZ marker (ISO/IEC 15444-1, A.5.1)."""
    at = head.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(head) < at + 43:
        raise PictureError("damaged JPEG 2000: no size in its header")
    right, bottom, left, top = (
        int.from_bytes(head[at + start : at + start + 4], "big") for start in (8, 12, 16, 20)
    )
    return right - left, bottom - top, (head[at + 42] & 127) + 1


def jpegxl_size(head: bytes) -> tuple[int, int]:
    """Return width and height from the size header of a codestream (ISO/IEC 18181-1, D.2)."""
    at = 0 if head.startswith(b"\xff\x0a") else _codestream(head)
    bits = int.from_bytes(head[at + 2 : at + 18], "little")

    def take(count: int) -> int:
        nonlocal bits
        taken = bits & ((1 << count) - 1)
        bits >>= count
        return taken

    def length(small: int) -> int:
        return (take(5) + 1) * 8 if small else take(_SIZE_BITS[take(2)]) + 1

    small = take(1)
    height = length(small)
    ratio = take(3)
    if ratio == 0:
        return length(small), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


def _codestream(head: bytes) -> int:
    """Return where the codestream begins in a container: in its "jxlc" or first "jxlp" box."""
    for name, skipped in ((b"jxlc", 4), (b"jxlp", 8)):
        at = head.find(name)
        if at >= 0 and head[at + skipped : at + skipped + 2] == b"\xff\x0a":
            return at + skipped
    raise PictureError("damaged JPEG XL: no size in its header")


def _has_opacity(head: bytes) -> bool:
    """Tell whether the last channel of a JP2 file is alpha (ISO/IEC 15444-1, I.5.3.6)."""
    at = head.find(b"cdef")
    if at < 0:
        return False
    count = int.from_bytes(head[at + 4 : at + 6], "big")
    kinds = {
        int.from_bytes(head[start : start + 2], "big"): int.from_bytes(
            head[start + 2 : start + 4], "big"
        )
        for start in range(at + 6, at + 6 + 6 * min(count, 64), 6)
    }
    return bool(kinds) and kinds[max(kinds)] == 1


def _picture(
    stored: NDArray[Any], bits: int, has_alpha: bool, frames: int, format_name: str
) -> Picture:
    height, width = stored.shape[:2]
    metadata = Metadata(format_name, width, height, frames)
    if stored.dtype not in (np.uint8, np.uint16):
        samples, full_scale, mask = floats(stored[:, :, :3] if has_alpha else stored)
        return Picture(samples, full_scale, bits, mask=mask, metadata=metadata)
    full = 2**bits - 1
    if not has_alpha or stored.shape[2] < 2:
        return Picture(np.ascontiguousarray(stored), float(full), bits, metadata=metadata)
    samples, mask = composite(stored[:, :, :-1], stored[:, :, -1], full)
    samples = np.ascontiguousarray(samples)
    return Picture(samples, float(full), bits, mask=mask, metadata=metadata)
