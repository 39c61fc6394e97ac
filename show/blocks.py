"""Pictures made of letters: in each cell an upper half block, two pixels one above the other."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image

Colours = Literal["full", "256", "full-grey", "256-grey", "16-grey"]
"""What letters can be coloured with: 24 bits, xterm's 256 colours, or their greys."""

_HALF = "▀"
_CUBE = (0, 95, 135, 175, 215, 255)
"""Levels of the 6 x 6 x 6 colours from 16 on; 24 greys from 232 on are 8, 18, ... 238 (xterm)."""
_GREYS = [(16, 0), *((232 + step, 8 + 10 * step) for step in range(24)), (231, 255)]
_SIXTEEN = [(30, 0), (90, 127), (37, 192), (97, 255)]
"""Black, bright black, white and bright white: the only ones whose grey is about known."""
_FULL = ("truecolor", "24bit")
_FULL_TERMS = ("kitty", "ghostty", "foot", "alacritty", "wezterm", "-direct")


def colours_of(environment: "Mapping[str, str]") -> Colours:
    """Return what a terminal's letters can be coloured with, as its environment says.

    COLORTERM and TERM as terminals set them; NO_COLOR (https://no-color.org) leaves greys.
    """
    term = environment.get("TERM", "")
    if environment.get("COLORTERM", "").lower() in _FULL or any(n in term for n in _FULL_TERMS):
        depth = "full"
    elif "256color" in term:
        depth = "256"
    else:
        return "16-grey"
    return f"{depth}-grey" if environment.get("NO_COLOR") else depth  # type: ignore[return-value]


def blocks(image: "Image", colours: Colours) -> list[bytes]:
    """Return a PIL image of (columns, 2 x rows) pixels as `rows` lines of letters.

    An odd last row of pixels stands on the ground of the terminal. The colours are SGR of
    ECMA-48 8.3.117 and, for 38 and 48, ITU-T T.416 as xterm writes them: 38;2;r;g;b, 38;5;n.
    """
    codes, fore, back = _coded(image, colours)
    height, width = codes.shape
    lines = []
    for top in range(0, height, 2):
        upper = codes[top].tolist()
        lower = codes[top + 1].tolist() if top + 1 < height else [None] * width
        told, ink, ground = [], -1, None
        for one, other in zip(upper, lower, strict=True):
            change = []
            if one != ink:
                change.append(fore(one))
            if other != ground and other is not None:
                change.append(back(other))
            ink, ground = one, other
            told.append(f"\x1b[{';'.join(change)}m{_HALF}" if change else _HALF)
        lines.append(("".join(told) + "\x1b[0m").encode())
    return lines


def _coded(
    image: "Image", colours: Colours
) -> "tuple[NDArray[np.int64], Callable[[int], str], Callable[[int], str]]":
    """Return a number for each pixel, and what writes it as the colour of letters and of ground."""
    if colours in ("full", "full-grey"):
        shown = image.convert("L").convert("RGB") if colours == "full-grey" else image
        red, green, blue = np.moveaxis(np.asarray(shown.convert("RGB"), dtype=np.int64), 2, 0)

        def triple(number: int) -> str:
            return f"{number >> 16};{number >> 8 & 255};{number & 255}"

        packed: NDArray[np.int64] = red << 16 | green << 8 | blue
        return packed, lambda n: f"38;2;{triple(n)}", lambda n: f"48;2;{triple(n)}"
    if colours == "16-grey":
        return _nearest(image.convert("L"), _SIXTEEN, dither=True), str, lambda n: str(n + 10)
    if colours == "256-grey":
        found = _nearest(image.convert("L"), _GREYS)
    else:
        cube = [(r, g, b) for r in _CUBE for g in _CUBE for b in _CUBE]
        greys = [(grey, grey, grey) for _, grey in _GREYS[1:-1]]
        found = _places(image, [*cube, *greys]) + 16
    return found, lambda n: f"38;5;{n}", lambda n: f"48;5;{n}"


def _nearest(
    image: "Image", greys: list[tuple[int, int]], *, dither: bool = False
) -> NDArray[np.int64]:
    codes = np.asarray([code for code, _ in greys])
    return codes[_places(image, [(grey, grey, grey) for _, grey in greys], dither=dither)]


def _places(
    image: "Image", palette: list[tuple[int, int, int]], *, dither: bool = False
) -> NDArray[np.int64]:
    """Return for each pixel the place of its colour in a palette.

    dither: spread the errors to the neighbours. Right for four greys; of more colours it leaves
    less to be seen, in pixels as large as these.
    """
    from PIL import Image

    holder = Image.new("P", (1, 1))
    # what is left of 256 repeats the last colour: else it would be black, at another place
    filled = palette + palette[-1:] * (256 - len(palette))
    holder.putpalette([level for colour in filled for level in colour])
    way = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    reduced = image.convert("RGB").quantize(palette=holder, dither=way)
    return np.minimum(np.asarray(reduced, dtype=np.int64), len(palette) - 1)
