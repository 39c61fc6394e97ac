"""Text on a picture: fonts, names made printable, lines cut to a width."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

ELLIPSIS = "\u2026"
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_BYTE_ESCAPE, _LAST_BYTE_ESCAPE = 0xDC80, 0xDCFF
"""Bytes of a file name that are no UTF-8, as os.fsdecode hands them on."""


_INSTALLED = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "Arial Unicode.ttf",
    "segoeui.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJK-VF.otf.ttc",
    "SourceHanSans.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
    "msgothic.ttc",
    "malgun.ttf",
)
"""Fonts that may be on this machine, for letters that Pillow's own does not have."""


def printable(text: str) -> str:
    r"""Return the text on one line, with whatever can't be seen written as an escape.

    Line breaks, controls, direction marks and other invisible characters become \n, \x1b,
    \u202e; bytes of a file name that are no UTF-8 become \xff. Accents are composed (NFC).
    """
    return "".join(
        letter if letter.isprintable() else _escape(letter)
        for letter in unicodedata.normalize("NFC", text)
    )


def _escape(letter: str) -> str:
    if letter in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[letter]
    code = ord(letter)
    if _FIRST_BYTE_ESCAPE <= code <= _LAST_BYTE_ESCAPE:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class Lettering:
    """One font at one size: measures, cuts and wraps lines that it can draw.

    Without `font` it is Pillow's own, so that a sheet looks the same on every machine; a text with
    letters which that does not have is drawn by the first installed font that does: see `able`.
    """

    def __init__(self, size: int, font: "Font | None" = None) -> None:
        from PIL import ImageFont

        self.font = font or ImageFont.load_default(size=size)
        self.size = size
        self._others: list[Lettering] | None = [] if font else None
        self._drawable: dict[str, bool] = {" ": True}
        self._missing = self._ink("\uffff")

    def able(self, text: str) -> "Lettering":
        """Return the lettering here that has most letters of the text: this one where it can."""
        wanted = set(printable(text))
        if all(map(self._draws, wanted)):
            return self
        if self._others is None:
            self._others = list(_installed(self.size))
        return max([self, *self._others], key=lambda one: sum(map(one._draws, wanted)))

    def clean(self, text: str) -> str:
        """Return the text made printable; a letter the font lacks loses its accents.

        One that has none is written as an escape, so that names stay different.
        """
        return "".join(c if self._draws(c) else self._instead(c) for c in printable(text))

    def width(self, text: str) -> float:
        """Return how far the text reaches, in pixels."""
        return float(self.font.getlength(text))

    def cut_end(self, text: str, limit: float) -> str:
        """Return the text, its end left out where it is wider than `limit` pixels."""
        return self._longest(text, limit, lambda kept: text[:kept].rstrip() + ELLIPSIS)

    def cut_middle(self, text: str, limit: float) -> str:
        """Return the text, its middle left out where it is wider than `limit` pixels.

        Of a file name the beginning and the end (number and suffix) tell most.
        """

        def join(kept: int) -> str:
            tail = kept // 2
            return text[: kept - tail] + ELLIPSIS + (text[-tail:] if tail else "")

        return self._longest(text, limit, join)

    def wrap(self, text: str, limit: float, lines: int) -> list[str]:
        """Return at most `lines` lines, broken between words; the last one cut where it must."""
        words = text.split()
        done: list[str] = []
        while words and len(done) < lines - 1:
            taken = 1
            while taken < len(words) and self.width(" ".join(words[: taken + 1])) <= limit:
                taken += 1
            done.append(self.cut_middle(" ".join(words[:taken]), limit))
            words = words[taken:]
        return [*done, self.cut_end(" ".join(words), limit)] if words else done

    def wrapped(self, text: str, limit: float, lines: int) -> list[str]:
        """Return text made printable: as it is where it fits, else in lines as `wrap` does."""
        clean = self.clean(text)
        return [clean] if self.width(clean) <= limit else self.wrap(clean, limit, lines)

    def _longest(self, text: str, limit: float, shorten: Callable[[int], str]) -> str:
        if self.width(text) <= limit:
            return text
        low, high = 0, len(text) - 1  # letters kept; low always fits, or nothing does
        while low < high:
            kept = (low + high + 1) // 2
            if self.width(shorten(kept)) <= limit:
                low = kept
            else:
                high = kept - 1
        return shorten(low)

    def _draws(self, letter: str) -> bool:
        if letter not in self._drawable:
            self._drawable[letter] = self._ink(letter) != self._missing
        return self._drawable[letter]

    def _instead(self, letter: str) -> str:
        plain = unicodedata.normalize("NFKD", letter)
        return "".join(c for c in plain if self._draws(c) and not unicodedata.combining(c)) or (
            _escape(letter)
        )

    def _ink(self, letter: str) -> tuple[tuple[int, int], bytes]:
        mask = self.font.getmask(letter)
        return mask.size, bytes(mask)


def _installed(size: int) -> Iterator[Lettering]:
    from PIL import ImageFont

    for name in _INSTALLED:
        with suppress(OSError):  # it is not on this machine
            yield Lettering(size, ImageFont.truetype(name, size))
