"""Read a picture, whatever its format, and say in one short line why when that fails."""

import io
import re
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..errors import PictureError
from .digest import open_regular, reason
from .picture import Picture
from .request import Request
from .sniff import HEAD_BYTES, sniff, sniff_video

LIMIT_PIXELS = 512_000_000
_WHOLE_UP_TO = 64 * 1024 * 1024
"""Bytes; larger files are decoded from the file itself instead of from memory."""


_CUT_SHORT = re.compile(
    r"truncat|premature|incomplete|unexpected end|\beof\b|end of file|need_more", re.I
)


class Reader(NamedTuple):
    """Who decodes a format, and whether it has named parts."""

    function: str
    """"module:function" in this folder; called as function(source, request) -> Picture."""
    parts: bool = False


READERS: dict[str, Reader] = {
    "JPEG": Reader("raster:read_raster"),
    "PNG": Reader("raster:read_raster"),
    "GIF": Reader("raster:read_raster"),
    "WebP": Reader("raster:read_raster"),
    "AVIF": Reader("raster:read_raster"),
    "BMP": Reader("raster:read_raster"),
    "HEIC": Reader("raster:read_raster"),
    "TIFF": Reader("tiff:read_tiff"),
    "FITS": Reader("fits:read_fits", parts=True),
    "JPEG 2000": Reader("codecs:read_codec"),
    "JPEG XL": Reader("codecs:read_codec"),
}


def read(
    path: Path | str | bytes,
    *,
    part: str | None = None,
    frame: int | None = None,
    at_least: int | None = None,
    content: bytes | None = None,
    limit_pixels: int = LIMIT_PIXELS,
) -> Picture:
    """Decode one picture, upright; the format is told from the content, not from the name.

    part: a FITS extension: "SCI", "SCI,2" or its number; None takes the first with a picture.
    frame: of an animation, a TIFF's pages or a cube's planes, counted from 0; None takes the first.
    at_least: the shorter side in pixels that the caller needs. A JPEG is then decoded at 1/2, 1/4
    or 1/8 where its shorter side stays at least that long; all others in full.
    content: the file's bytes, where the caller has them already.
    limit_pixels: larger pictures are refused before they are decoded.

    Raises PictureError with one short reason, without the path, whatever is wrong with the file.
    Prints nothing and warns of nothing. May be called from several threads at once.
    """
    at_least = max(1, at_least) if at_least else None
    asked = Request("", part, frame, at_least, limit_pixels)
    if content is not None:
        return _read(io.BytesIO(content), len(content), asked)
    with open_regular(path) as file:
        try:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            source = io.BytesIO(file.read()) if size <= _WHOLE_UP_TO else io.BufferedReader(file)
        except OSError as problem:
            raise PictureError(reason(problem)) from problem
        return _read(source, size, asked)


def _read(source: BinaryIO, size: int, asked: Request) -> Picture:
    """Decode from an open source of `size` bytes."""
    if size == 0:
        raise PictureError("empty file (0 bytes)")
    head = source.read(HEAD_BYTES)
    source.seek(0)
    name = sniff(head)
    if name is None:
        raise PictureError(_why_not(head))
    reader = READERS[name]
    if asked.part is not None and not reader.parts:
        raise PictureError(f"no part {asked.part}: a {name} file has no named parts")
    request = replace(asked, format=name)
    try:
        with _QUIET.kept():
            picture = _function(reader)(source, request)
    except PictureError:
        raise
    except (MemoryError, OverflowError) as problem:
        raise PictureError(f"too large for this machine's memory ({name})") from problem
    except Exception as problem:  # decoders fail in as many ways as files are damaged
        raise PictureError(_told(name, problem)) from problem
    if picture.samples.size == 0:
        raise PictureError(f"damaged {name}: no samples in it")
    return picture


def _function(reader: Reader) -> Callable[[BinaryIO, Request], Picture]:
    module, _, name = reader.function.partition(":")
    found: Callable[[BinaryIO, Request], Picture] = getattr(
        import_module(f"{__package__}.{module}"), name
    )
    return found


def _why_not(head: bytes) -> str:
    video = sniff_video(head)
    if video:
        return f"a video ({video}); only still pictures are read here"
    return f"not a picture that can be read (starts with {head[:4].hex()})"


def _told(name: str, problem: Exception) -> str:
    """Return one short line from what a decoder said."""
    text = " ".join(str(problem).split())
    cut_short = isinstance(problem, EOFError | struct.error) or _CUT_SHORT.search(text)
    kind = "truncated" if cut_short else "damaged"
    from_code = isinstance(problem, LookupError | TypeError | AttributeError)
    if isinstance(problem, struct.error):
        text = "it ends in the middle"
    elif from_code or not text or "<" in text or "/" in text:  # says nothing about the picture
        text = f"its data can't be decoded ({type(problem).__name__})"
    return f"{kind} {name}: {text[:120]}"


class _Quiet:
    """Keeps decoders' warnings from leaking, in several threads at once.

    Warning filters belong to the process: `catch_warnings` in two threads that overlap would leave
    the wrong ones behind. So the first to come in sets them and the last to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught: Any = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Ignore all warnings inside the block."""
        if getattr(sys.flags, "context_aware_warnings", False):  # Python 3.14: each thread its own
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
            return
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._caught.__exit__(None, None, None)
                    self._caught = None


_QUIET = _Quiet()
