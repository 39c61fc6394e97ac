"""Pictures as sixels: six rows of pixels a band, one run of each colour after another."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 256
"""Colour registers that terminals have at least (DEC's VT340 had 16, xterm takes 1024)."""
_BAND = 6
_EMPTY = 63
"""The sixel without a pixel; the letter is 63 + the sum of 2^row of what is set."""
_WORTH = 4
"""A run of so many is shorter written as `!4x`."""
_WIDEST = 65_535
_DIGITS = len(str(_WIDEST))


def sixel(image: "Image") -> bytes:
    """Return a PIL image as one sixel picture, its colours reduced to at most 256.

    The format: DEC, VT330/VT340 Programmer Reference Manual, volume 2, chapter 14: `ESC P 0;1;0 q`
    begins it (what is not set keeps its colour), `"1;1;w;h` gives square pixels and the size,
    `#n;2;r;g;b` a colour in percent, `#n` chooses it, `!n` repeats a sixel, `$` goes back to the
    left, `-` down to the next band; the string terminator (ST) ends it.
    """
    reduced = image.convert("RGB").quantize(COLOURS)
    places = np.asarray(reduced, dtype=np.uint8)
    height, width = places.shape
    palette = np.asarray(reduced.getpalette()[: 3 * COLOURS], dtype=np.float64)  # type: ignore[index]
    percent = np.rint(palette.reshape(-1, 3) / 2.55).astype(int)
    parts = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    parts += [b"#%d;2;%d;%d;%d" % (n, *percent[n]) for n in np.unique(places).tolist()]
    bands = [_band(places[top : top + _BAND]) for top in range(0, height, _BAND)]
    return b"".join([*parts, b"-".join(bands), b"\x1b\\"])


def _band(rows: NDArray[np.uint8]) -> bytes:
    """Return up to six rows of colour numbers as sixels: a line for each colour that occurs."""
    numbers, inverse = np.unique(rows, return_inverse=True)
    inverse = inverse.reshape(rows.shape)
    width = rows.shape[1]
    letters = np.full((len(numbers), width), _EMPTY, np.uint8)
    for row, which in enumerate(inverse):
        letters[which, np.arange(width)] += np.uint8(1 << row)
    runs, lines = _runs(letters)
    ends = np.searchsorted(lines, np.arange(len(numbers)), side="right").tolist()
    starts = [0, *ends[:-1]]
    told = [
        b"#%d%b" % (number, _text(runs[start:end]))
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=True)
    ]
    return b"$".join(told)


def _runs(letters: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (letter, length) of each run of equal letters, and the line that each is in.

    Runs of nothing at the end of a line are left out.
    """
    begins = np.ones(letters.shape, bool)
    begins[:, 1:] = letters[:, 1:] != letters[:, :-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, letters.size))
    which = letters.ravel()[starts].astype(np.int64)
    lines = starts // letters.shape[1]
    last = np.append(lines[1:] != lines[:-1], True)
    kept = ~(last & (which == _EMPTY))
    return np.stack([which, lengths], axis=1)[kept], lines[kept]


def _text(runs: NDArray[np.int64]) -> bytes:
    """Return runs as letters, repeated or with a number before them.

    All at once, in arrays: a loop over the runs of a photo takes a second.
    """
    letter, length = runs[:, 0], runs[:, 1]
    long = length >= _WORTH
    wide = _DIGITS + 2
    out = np.zeros((len(runs), wide), np.uint8)
    place = np.arange(wide)
    out[~long] = np.where(place < length[~long, None], letter[~long, None], 0)
    digits = (length[long, None] // 10 ** np.arange(_DIGITS - 1, -1, -1)) % 10
    shown = np.cumsum(digits, axis=1) > 0  # no zeros in front
    out[long, 0] = ord("!")
    out[long, 1:-1] = np.where(shown, digits + ord("0"), 0)
    out[long, -1] = letter[long]
    return out[out > 0].tobytes()
