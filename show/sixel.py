"""Pictures as sixels: six rows of pixels a band, one run of each colour after another."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 128
"""Of terminals' 256 colour registers at least (DEC's VT340 had 16, xterm takes 1024): dithered,
256 look no better, and take a quarter more bytes."""
_PALETTE_SIDE = 256
"""The palette of larger pictures is taken from a copy of so many pixels a side."""
_BAND = 6
_EMPTY = 63
"""The sixel without a pixel; the letter is 63 + the sum of 2^row of what is set."""
_WORTH = 4
"""A run of so many is shorter written as `!4x`."""
_DIGITS = 4
_WIDEST = 10**_DIGITS - 1
_AT_ONCE = 32
"""Bands: so that numbers of sixels fit in 32 bits, and arrays in the cache."""


def sixel(image: "Image") -> bytes:
    """Return a PIL image as one sixel picture, its colours reduced to at most 128.

    The format: DEC, VT330/VT340 Programmer Reference Manual, volume 2, chapter 14: `ESC P 0;1;0 q`
    begins it (what is not set keeps its colour), `"1;1;w;h` gives square pixels and the size,
    `#n;2;r;g;b` a colour in percent, `#n` chooses it, `!n` repeats a sixel, `$` goes back to the
    left, `-` down to the next band; the string terminator (ST) ends it. Raises ValueError for
    pictures wider than 9,999 pixels.
    """
    if image.width > _WIDEST:
        raise ValueError(f"{image.width} pixels wide: sixels take {_WIDEST}")
    reduced = _reduced(image.convert("RGB"))
    places = np.asarray(reduced, dtype=np.uint8)
    height, width = places.shape
    palette = np.asarray(reduced.getpalette()[: 3 * COLOURS], dtype=np.float64)  # type: ignore[index]
    percent = np.rint(palette.reshape(-1, 3) / 2.55).astype(int)
    parts = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    used = np.flatnonzero(np.bincount(places.ravel())).tolist()
    parts += [b"#%d;2;%d;%d;%d" % (n, *percent[n]) for n in used]
    step = _AT_ONCE * _BAND
    bands = b"".join(_bands(places[top : top + step]) for top in range(0, height, step))
    return b"".join([*parts, bands[1:], b"\x1b\\"])  # nothing to go down from at the top


def _reduced(image: "Image") -> "Image":
    """Return an RGB image with a palette of its own, larger ones dithered: skies show no steps."""
    from PIL import Image

    if max(image.size) <= _PALETTE_SIDE:
        return image.quantize(COLOURS)
    copy = image.copy()
    copy.thumbnail((_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.BOX)
    return image.quantize(palette=copy.quantize(COLOURS), dither=Image.Dither.FLOYDSTEINBERG)


def _bands(rows: NDArray[np.uint8]) -> bytes:
    """Return rows of colour numbers as sixels: in each band a line for each colour that occurs.

    Sorted by band, colour, column and row, pixels come in the order in which they are written.
    """
    height, width = rows.shape
    row = np.arange(height, dtype=np.int32)[:, None]
    order = (row // _BAND * COLOURS + rows) * np.int32(width) + np.arange(width, dtype=np.int32)
    pixels: NDArray[np.int32] = np.sort((order * np.int32(8) + row % _BAND).ravel())
    place, bit = pixels >> 3, np.left_shift(1, pixels & 7, dtype=np.int32)
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    place = place[begins]
    letter = np.add.reduceat(bit, begins) + _EMPTY
    line, column = place // width, place % width
    # runs: of the same letter, side by side in one line
    same = np.zeros(len(place), bool)
    same[1:] = (np.diff(place) == 1) & (line[1:] == line[:-1]) & (letter[1:] == letter[:-1])
    starts = np.flatnonzero(~same)
    length = np.diff(starts, append=len(place))
    line, column, letter = line[starts], column[starts], letter[starts]
    first = np.diff(line, prepend=-1) != 0
    before = np.where(first, 0, np.roll(column + length, 1))
    return _text(line, first, column - before, length, letter)


def _text(
    line: NDArray[np.int32], first: NDArray[np.bool_], gap: NDArray[np.int64],
    length: NDArray[np.int64], letter: NDArray[np.int32],
) -> bytes:  # fmt: skip
    """Return runs, each after a gap, as sixels.

    All at once, in arrays with a column for each byte that there may be, 0 where there is none: a
    loop over the runs of a photo takes a second.
    """
    head = np.zeros((len(line), 5), np.uint8)
    lead = np.flatnonzero(first)
    band, colour = np.divmod(line[lead], COLOURS)
    down = np.diff(band, prepend=-1)  # the first of all begins the part: a band down, or the top
    head[lead, 0] = np.where(down > 0, ord("-"), ord("$"))
    head[lead, 1] = ord("#")
    head[lead, 2:] = _digits(colour, 3, zero=True)
    out = np.concatenate([head, _runs(gap, np.full_like(letter, _EMPTY)), _runs(length, letter)], 1)
    return out[out > 0].tobytes()


def _runs(length: NDArray[np.int64], letter: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return letters, repeated or with a number before them."""
    out = np.zeros((len(length), _DIGITS + 2), np.uint8)
    for place in range(_WORTH - 1):
        out[:, place] = np.where((length > place) & (length < _WORTH), letter, 0)
    long = np.flatnonzero(length >= _WORTH)
    out[long, 0] = ord("!")
    out[long, 1:-1] = _digits(length[long], _DIGITS)
    out[long, -1] = letter[long]
    return out


def _digits(numbers: NDArray[np.integer], count: int, *, zero: bool = False) -> NDArray[np.uint8]:
    """Return the digits of numbers, without zeros in front; zero: 0 is one."""
    digits = (numbers[:, None] // 10 ** np.arange(count - 1, -1, -1)) % 10
    shown = np.cumsum(digits, axis=1) > 0
    shown[:, -1] |= zero
    return np.where(shown, digits + ord("0"), 0).astype(np.uint8)
