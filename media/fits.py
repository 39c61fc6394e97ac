"""FITS pictures: an image extension, upright, with its place on the sky."""

import io
import math
import re
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from .colour import Mask, fill_invalid, floats
from .picture import Metadata, Picture
from .request import Request
from .sky import place_on_sky

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header
    from astropy.io.fits.hdu.base import _BaseHDU as Unit

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20
_BYTES_A_PIXEL = 8
"""The widest FITS sample; a gzip stream may unfold to that many bytes for each allowed pixel."""
_OLD_DATE = re.compile(r"(\d\d)/(\d\d)/(\d\d)")
_COLOUR_KEYWORDS = ("CTYPE3", "COLORTYP", "COLORTYPE", "COLORSPC", "COLORSPA", "CSPACE")
_COLOURS = ("RGB", "COLOR", "COLOUR")
_LONGEST_TEXT = 4000
_LOOK_AT = 64 * 1024 * 1024
"""Unfolded bytes after which it is looked at whether the headers promise that many."""
_BLOCK = 2880
_LONGEST_HEADER = 400
"""Blocks, of 36 cards each: ten times what the longest headers of observatories have."""
_SIZES = re.compile(rb"BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT")
_INTEGER = re.compile(rb"[+-]?\d{1,18}")


def read_fits(source: BinaryIO, request: Request) -> Picture:
    """Decode one image extension of a FITS file, plain, gzipped or tile-compressed (.fz).

    Row 0 of a FITS image is its bottom, so the rows are turned round, unless ROWORDER says
    TOP-DOWN. A cube is a colour picture only where a keyword says RGB; else its planes are frames.
    Unsigned 8-bit and 16-bit integers (BZERO 32768) stay so; all others become float32. Raises
    PictureError, or whatever astropy raises on damaged files (`read` translates it).
    """
    from astropy.io import fits

    if source.read(2) == _GZIP:
        source.seek(0)
        source = io.BytesIO(_unzipped(source, request.limit_pixels))
    size = source.seek(0, io.SEEK_END)
    _check_units(source, size)
    source.seek(0)
    with fits.open(source, memmap=False, do_not_scale_image_data=True) as units:
        unit = _chosen(units, request.part, size)
        shape = tuple(int(length) for length in unit.shape)
        height, width = shape[-2:]
        header = unit.header
        colour = len(shape) == 3 and shape[0] == 3 and _says_colour(header)
        request.check_size(width, height)
        frames = 1 if colour else math.prod(shape[:-2])
        if frames < 1:
            raise PictureError("damaged FITS: a cube without planes")
        frame = request.check_frame(frames)
        _check_length(unit, size)
        lead = () if colour else np.unravel_index(frame, shape[:-2]) if shape[:-2] else ()
        place = tuple(int(index) for index in lead)
        stored = np.asarray(unit.section[(*place, ...)])
        primary = units[0].header if unit is not units[0] else None
        part = None if unit is _first(units) else str(units.index_of(unit))
    stored = np.moveaxis(stored, 0, -1) if colour else stored.reshape(height, width, 1)
    cards = _cards(primary) | _cards(header) if primary is not None else _cards(header)
    if str(header.get("ROWORDER", "")).strip().upper() != "TOP-DOWN":
        stored = stored[::-1]
    samples, full_scale, depth, mask = _scaled(stored, header)
    ra, dec, field_deg = place_on_sky(header, width, height)
    metadata = Metadata(
        "FITS", width, height, frames, _taken_at(cards), ra, dec, field_deg, cards, part
    )
    return Picture(samples, full_scale, depth, linear=True, mask=mask, metadata=metadata)


def _unzipped(source: BinaryIO, limit_pixels: int) -> bytes:
    """Return what a gzip file holds; refuse one that is cut, is no FITS or unfolds without end."""
    limit = limit_pixels * _BYTES_A_PIXEL
    unfolded = bytearray()
    looked_at = False
    stream = zlib.decompressobj(wbits=31)
    pending = source.read(_CHUNK)
    while pending:
        try:
            unfolded += stream.decompress(pending, _CHUNK)
        except zlib.error as problem:
            raise PictureError(f"damaged gzip: {problem}") from problem
        if not unfolded.startswith(b"SIMPLE  =") and len(unfolded) >= 9:
            raise PictureError("a gzip file without a FITS picture")
        if not looked_at and len(unfolded) > _LOOK_AT:
            looked_at = True
            _check_units(io.BytesIO(unfolded), len(unfolded))
        if len(unfolded) > limit:
            raise PictureError(
                f"unfolds to more than {limit / 1e6:,.0f} MB (raise it with limit_pixels)"
            )
        pending = stream.unconsumed_tail
        if stream.eof:
            pending = stream.unused_data or source.read(_CHUNK)
            if not pending.startswith(_GZIP):  # the end, or padding
                break
            stream = zlib.decompressobj(wbits=31)
        pending = pending or source.read(_CHUNK)
    if not stream.eof:
        raise PictureError("truncated gzip: it ends in the middle")
    return bytes(unfolded)


def _check_units(source: BinaryIO, size: int) -> None:
    """Refuse what astropy would search for hours: a header that never ends.

    Only sizes are read (FITS standard 4.0, sections 4.4.1 and 7.1.1): headers of at most 400
    blocks, each followed by its data, each next one beginning with XTENSION.
    """
    at = 0
    while at < size:
        source.seek(at)
        if at and not source.read(8).startswith(b"XTENSION"):
            if size - at > _LONGEST_HEADER * _BLOCK:
                raise PictureError(f"damaged FITS: {size - at} bytes behind its last picture")
            return
        source.seek(at)
        numbers: dict[bytes, int] = {}
        for _ in range(_LONGEST_HEADER):
            block = source.read(_BLOCK)
            cards = [block[i : i + 80] for i in range(0, len(block), 80)]
            for card in cards:
                key, value = card[:8].strip(), card[10:].partition(b"/")[0].strip()
                if card[8:10] == b"= " and _SIZES.fullmatch(key) and _INTEGER.fullmatch(value):
                    numbers.setdefault(key, int(value))
            at += _BLOCK
            if len(block) < _BLOCK or any(card.rstrip() == b"END" for card in cards):
                break
        else:
            raise PictureError("damaged FITS: a header without an end")
        axes = [numbers.get(b"NAXIS%d" % n, 0) for n in range(1, numbers.get(b"NAXIS", 0) + 1)]
        values = math.prod(axes[1:] if axes[:1] == [0] else axes) if axes else 0
        values = numbers.get(b"GCOUNT", 1) * (numbers.get(b"PCOUNT", 0) + values)
        length = values * abs(numbers.get(b"BITPIX", 8)) // 8
        at += -(-max(length, 0) // _BLOCK) * _BLOCK


def _chosen(units: "HDUList", part: str | None, size: int) -> "Unit":
    """Return the header-and-data unit that `part` names, the first with a picture for None."""
    if part is None:
        first = _first(units)
        if first is not None:
            return first
        if size % 2880:  # astropy passes over a last unit that is cut
            raise PictureError(f"truncated FITS: {size:,} bytes are no whole blocks of 2,880")
        raise PictureError("a FITS file without a picture (no image of two or more axes)")
    name, _, version = part.partition(",")
    name = name.strip()
    if version.strip() and not version.strip().isdecimal():
        raise PictureError(f"no part {part}: after the comma comes a number, as in SCI,2")
    wanted: Any = (name, int(version)) if version.strip() else name
    if name.isdecimal() and not version.strip():
        wanted = int(name)
    try:
        unit = units[wanted]
    except (KeyError, IndexError) as problem:
        known = ", ".join(f"{at} {unit.name}".strip() for at, unit in enumerate(units))
        raise PictureError(f"no part {part}; it has: {known[:200]}") from problem
    if not _is_picture(unit):
        raise PictureError(f"part {part} is not a picture")
    return unit


def _first(units: "HDUList") -> "Unit | None":
    return next((unit for unit in units if _is_picture(unit)), None)


def _is_picture(unit: "Unit") -> bool:
    shape = getattr(unit, "shape", None)
    return bool(getattr(unit, "is_image", False) and shape and len(shape) >= 2 and min(shape) > 0)


def _says_colour(header: "Header") -> bool:
    words = (str(header.get(keyword, "")).upper() for keyword in _COLOUR_KEYWORDS)
    return any(colour in word for word in words for colour in _COLOURS)


def _check_length(unit: "Unit", size: int) -> None:
    info = unit.fileinfo()
    # the last block may lack its padding (2,880 bytes) and still be whole
    least = info["datLoc"] + max(0, info["datSpan"] - 2879)
    if size < least:
        raise PictureError(f"truncated FITS: {size:,} bytes of at least {least:,}")


def _scaled(
    stored: NDArray[Any],
    header: "Header",
) -> tuple[NDArray[Any], float, int, Mask | None]:
    """Apply BSCALE, BZERO and BLANK (FITS standard 4.0, 4.4.2.5 and 5.3).

    stored: (h, w, c) as in the file. Returns samples, full scale, depth in bits, mask.
    """
    scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    depth = stored.dtype.itemsize * 8
    if stored.dtype.kind == "f":
        values = stored if (scale, zero) == (1, 0) else stored.astype(np.float64) * scale + zero
        samples, full_scale, mask = floats(values)
        return samples, full_scale, depth, mask
    blank = header.get("BLANK")
    mask = (stored == blank).any(axis=2) if isinstance(blank, int) else None
    if mask is not None and not mask.any():
        mask = None
    unsigned: NDArray[Any] | None = None
    if depth == 8 and (scale, zero) == (1, 0):
        unsigned = stored.astype(np.uint8)
    elif depth == 16 and (scale, zero) == (1, 32768):
        unsigned = (stored.astype(np.int32) + 32768).astype(np.uint16)
    if unsigned is not None:
        filled = unsigned if mask is None else fill_invalid(unsigned, mask)
        return filled, float(2**depth - 1), depth, mask
    samples, full_scale, mask = floats(stored.astype(np.float64) * scale + zero, mask)
    return samples, full_scale, depth, mask


def _cards(header: "Header") -> dict[str, Any]:
    """Return the cards by keyword as JSON can hold them; the first of several counts."""
    from astropy.io.fits.verify import VerifyError

    cards: dict[str, Any] = {}
    for card in header.cards:
        try:
            keyword, value = card.keyword, card.value
        except (ValueError, VerifyError):
            continue  # an unreadable card; the picture does not depend on it
        if keyword in ("COMMENT", "HISTORY"):
            text = f"{cards[keyword]}\n{value}" if keyword in cards else str(value)
            cards[keyword] = text[:_LONGEST_TEXT]
        elif keyword and keyword not in cards:
            cards[keyword] = _plain(value)
    return cards


def _plain(value: Any) -> str | int | float | None:  # noqa: ANN401 -- whatever a card holds
    if isinstance(value, str):
        return value.strip()[:_LONGEST_TEXT]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(value)
    return str(value) if isinstance(value, complex) else None


def _taken_at(cards: dict[str, Any]) -> str | None:
    """Return DATE-OBS as ISO 8601; with "Z" where it has a time, in UTC (which is the default)."""
    date = str(cards.get("DATE-OBS", "")).strip()
    old = _OLD_DATE.fullmatch(date)
    if old:  # before 1999: day/month/year of the 20th century
        date = f"19{old[3]}-{old[2]}-{old[1]}"
    if "T" not in date:
        time = next((cards[key] for key in ("TIME-OBS", "UT", "UTC") if cards.get(key)), None)
        date = f"{date}T{time}" if isinstance(time, str) and date else date
    date = date.rstrip("Z")
    try:
        datetime.fromisoformat(date)
    except ValueError:
        try:
            datetime.fromisoformat(date := date.partition("T")[0])
        except ValueError:
            return None
    universal = str(cards.get("TIMESYS", "UTC")).strip().upper() in ("UTC", "")
    return f"{date}Z" if "T" in date and universal else date
