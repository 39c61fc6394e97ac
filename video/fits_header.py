"""The header of a FITS file's first picture, read by itself: a cube of 50 GB opens at once."""

import math
import re
from dataclasses import dataclass
from typing import Any

from ..errors import PictureError
from .base import PATTERNS, Pattern
from .raw import RawFile

_BLOCK, _CARD = 2880, 80
_LONGEST = 400
"""Blocks of a header, of 36 cards each: ten times what the longest of observatories have."""
_MOST_UNITS = 1000
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SAMPLE_BITS = (8, 16, 32, 64, -32, -64)
_LEFT_OUT = ("", "COMMENT", "HISTORY", "CONTINUE", "HIERARCH", "END")


@dataclass(frozen=True, slots=True)
class FitsUnit:
    """One image extension: its cards, its axes (fastest first), and where its samples lie."""

    cards: dict[str, Any]
    axes: tuple[int, ...]
    bits: int
    start: int

    def text(self, keyword: str) -> str:
        """Return a card's text in capitals, without blanks around; "" where there is none."""
        return str(self.cards.get(keyword, "")).strip().upper()

    def number(self, keyword: str, default: float) -> float:
        """Return a card's number; the default where it holds none."""
        value = self.cards.get(keyword)
        return float(value) if isinstance(value, int | float) else default


def first_picture(file: RawFile) -> FitsUnit:
    """Return the first unit with a picture of two or more axes.

    Raises PictureError where there is none, where it is compressed, or the file is cut.
    """
    at = 0
    for _ in range(_MOST_UNITS):
        cards, start = _cards(file, at)
        axes = tuple(_integer(cards, f"NAXIS{n + 1}") for n in range(_integer(cards, "NAXIS")))
        bits = _integer(cards, "BITPIX")
        kind = str(cards.get("XTENSION", "IMAGE")).strip()
        values = math.prod(axes) if axes else 0
        if cards.get("ZIMAGE") is True:
            raise PictureError("a compressed FITS cube; unfold it first with: funpack FILE")
        if kind == "IMAGE" and len(axes) >= 2 and values > 0:
            if bits not in _SAMPLE_BITS or min(axes) < 1:
                raise PictureError(f"damaged FITS: samples of {bits} bits, axes {axes}")
            needed = start + values * abs(bits) // 8
            if needed > file.size:
                raise PictureError(f"truncated FITS: {file.size:,} bytes of {needed:,}")
            return FitsUnit(cards, axes, bits, start)
        length = (values + _integer(cards, "PCOUNT")) * abs(bits) // 8
        at = start + -(-max(0, length) // _BLOCK) * _BLOCK
        if at >= file.size:
            break
    raise PictureError("a FITS file without a picture (no image of two or more axes)")


def mosaic_of(cards: dict[str, Any], height: int, *, turned: bool) -> Pattern | None:
    """Return the mosaic as the rows lie once they are turned top first.

    BAYERPAT tells it from the file's first row on (as Siril reads it); it may be quoted with
    blanks. XBAYROFF and YBAYROFF move it.
    """
    told = str(cards.get("BAYERPAT", cards.get("COLORTYP", ""))).strip(" '\"").upper()
    if told not in PATTERNS[:4]:
        return None
    columns, rows = (_integer(cards, key) % 2 for key in ("XBAYROFF", "YBAYROFF"))
    if turned and height % 2 == 0:
        rows = 1 - rows
    return shifted(told, rows, columns)


def shifted(pattern: str, rows: int, columns: int) -> Pattern | None:
    """Return a pattern as it begins some rows and columns (0 or 1) further on."""
    moved = "".join(pattern[(row ^ rows) * 2 + (column ^ columns)]
                    for row in (0, 1) for column in (0, 1))  # fmt: skip
    return next((known for known in PATTERNS if known == moved), None)


def _cards(file: RawFile, at: int) -> tuple[dict[str, Any], int]:
    """Return a header's cards by keyword, the first of several, and where its data begin."""
    cards: dict[str, Any] = {}
    for block in range(_LONGEST):
        content = file.head(at + block * _BLOCK, _BLOCK).decode("latin-1")
        if not block and not content.startswith(("SIMPLE  =", "XTENSION=")):
            break
        for place in range(0, len(content), _CARD):
            card = content[place : place + _CARD]
            keyword = card[:8].rstrip()
            if keyword == "END" and not card[8:].strip():
                return cards, at + (block + 1) * _BLOCK
            if card[8:10] == "= " and keyword not in _LEFT_OUT:
                cards.setdefault(keyword, _value(card[10:]))
        if len(content) < _BLOCK:
            break
    raise PictureError("a FITS file without a picture (no header, or one without an end)")


def _value(field: str) -> str | int | float | bool | None:
    """Return what a card holds (FITS standard 4.0, 4.2)."""
    quoted = _QUOTED.match(field.lstrip())
    if quoted:
        return quoted[1].replace("''", "'").rstrip()
    text = field.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    for kind in (int, float):
        try:
            number = kind(text.replace("D", "E"))
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text or None


def _integer(cards: dict[str, Any], keyword: str) -> int:
    value = cards.get(keyword, 0)
    return int(value) if isinstance(value, int | float) and abs(value) < 2**62 else 0
