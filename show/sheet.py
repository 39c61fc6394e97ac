"""Contact sheets: thumbnails on a dark ground, each with its name and what was found about it."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SeeingError, ShapeError, UsageError
from ..media.whole import whole
from .lettering import Lettering, printable
from .thumbnail import fit

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    Shown = Image | NDArray[Any]

Colour = tuple[int, int, int]
GROUND: Colour = (22, 22, 24)
WELL: Colour = (33, 33, 36)
"""What lies behind a picture that does not fill its square."""
BRIGHT: Colour = (238, 238, 240)
MUTED: Colour = (166, 166, 172)
ACCENT: Colour = (255, 190, 84)
"""Outline of the target."""
AWAY: Colour = (226, 110, 98)
"""Outline of what is unliked."""

_WIDEST = 1500
"""Pixels; a sheet that chooses its own columns is not wider."""
_MOST_LINES = 3
"""Of a title, and of a footer."""


class _Format(NamedTuple):
    name: str
    longest: int
    """The longest side in pixels that the format can hold."""
    options: dict[str, Any]


_FORMATS = {
    ".png": _Format("PNG", 2**31 - 1, {"compress_level": 6}),
    ".jpg": _Format("JPEG", 65_500, {"quality": 92, "subsampling": 0}),
    ".jpeg": _Format("JPEG", 65_500, {"quality": 92, "subsampling": 0}),
    ".webp": _Format("WEBP", 16_383, {"quality": 92}),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet.

    image: a PIL image; an array (height, width), (height, width, 1) or (height, width, 3), uint8
    or float with 1.0 = white; or a function that returns one of these when called with the square's
    side in pixels, and may raise SeeingError: its message is then shown in place of the picture.
    None: there is no picture, `note` says why.
    title: the name below the picture. subtitle: a line below it; parts that two or more spaces
    part are spread over the width. marked: what was asked about; outlined, first on the sheet, and
    called by the word in `mark`: "target", "reference", "unlike".
    """

    image: "Shown | Callable[[int], Shown] | None"
    title: str
    subtitle: str = ""
    note: str | None = None
    marked: bool = False
    mark: str = "target"

    @property
    def colour(self) -> Colour:
        """The colour of its outline."""
        return AWAY if self.mark == "unlike" else ACCENT


@dataclass(frozen=True, slots=True)
class _Layout:
    side: int
    columns: int
    rows: int
    gap: int
    margin: int
    caption: int
    head: int = 0
    foot: int = 0

    @property
    def width(self) -> int:
        return 2 * self.margin + self.columns * self.side + (self.columns - 1) * self.gap

    @property
    def height(self) -> int:
        cells = self.rows * (self.side + self.caption) + max(self.rows - 1, 0) * self.gap
        return 2 * self.margin + self.head + cells + self.foot

    def corner(self, place: int) -> tuple[int, int]:
        row, column = divmod(place, self.columns)
        return (
            self.margin + column * (self.side + self.gap),
            self.margin + self.head + row * (self.side + self.caption + self.gap),
        )


class _Letters(NamedTuple):
    head: Lettering
    name: Lettering
    small: Lettering


def draw_sheet(
    tiles: Sequence[Tile],
    *,
    columns: int | None = None,
    side: int | None = None,
    title: str = "",
    footer: str = "",
) -> "Image":
    """Draw a contact sheet: marked tiles first, then the others in their order.

    columns: pictures in a row; None takes as many as make a sheet of at most 1500 pixels.
    side: pixels of each picture's square (64 to 1024); None takes 208, and more for few pictures.
    Returns an 8-bit RGB PIL image; its text stays readable at half the size.
    Raises UsageError for a number of columns or a side that makes no sense.
    """
    from PIL import Image, ImageDraw

    if columns is not None and columns < 1:
        raise UsageError(f"a sheet has at least 1 column, not {columns}")
    if side is not None and not 64 <= side <= 1024:
        raise UsageError(f"the pictures of a sheet are 64 to 1024 pixels wide, not {side}")
    ordered = sorted(tiles, key=lambda tile: not tile.marked)
    layout = _plan(ordered, columns, side or _side_for(len(ordered)))
    room = layout.width - 2 * layout.margin
    letters = _Letters(_head_for(title, room), *_letters_for(layout.side))
    above = letters.head.able(title).wrapped(title, room, _MOST_LINES)
    below = letters.small.able(footer).wrapped(footer, room, _MOST_LINES)
    step, low = round(1.3 * letters.head.size), round(1.45 * letters.small.size)
    layout = replace(
        layout,
        head=21 + step * len(above) if title else 0, foot=12 + low * len(below) if footer else 0,
    )  # fmt: skip
    sheet = Image.new("RGB", (layout.width, layout.height), GROUND)
    pen = ImageDraw.Draw(sheet)
    for line, text in enumerate(above):
        at = (layout.margin, layout.margin + 24 + step * line)
        pen.text(at, text, BRIGHT, letters.head.able(title).font, anchor="ls")
    for place, tile in enumerate(ordered):
        _draw_tile(sheet, pen, tile, layout.corner(place), layout, letters)
    for line, text in enumerate(reversed(below)):
        at = (layout.margin, layout.height - layout.margin + 4 - low * line)
        pen.text(at, text, MUTED, letters.small.able(footer).font, anchor="ls")
    return sheet


def save_sheet(image: "Image", path: Path | str) -> None:
    """Write a sheet as PNG, JPEG or WebP, as the suffix says; it appears whole or not at all.

    Raises UsageError for an unknown suffix, a folder that is not there or can't be written, and a
    sheet too long for its format.
    """
    path = Path(path)
    form = _format_of(path)
    if max(image.size) > form.longest:
        raise UsageError(
            f"{printable(str(path))}: {form.name} holds {form.longest} pixels a side, this sheet "
            f"has {max(image.size)}; take fewer pictures, more columns, or a name ending in .png"
        )
    try:
        with whole(path) as file:
            image.save(file, form.name, **form.options)
    except OSError as problem:
        why = problem.strerror or problem
        raise UsageError(f"{printable(str(path))}: the sheet can't be written: {why}") from problem


def check_sheet_path(path: Path | str) -> None:
    """Raise the UsageError that `save_sheet` would, before any work is done for a sheet."""
    _format_of(Path(path))


def _format_of(path: Path) -> _Format:
    shown = printable(str(path))
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        found = f"not {printable(path.suffix)}" if path.suffix else "and this name has no suffix"
        raise UsageError(f"{shown}: a sheet is a .png, .jpg, .jpeg or .webp, {found}; rename it")
    if path.is_dir():
        raise UsageError(f"{shown}: this is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{shown}: there is no such folder; make it first")
    return form


def _side_for(count: int) -> int:
    """Few pictures are shown larger: the sheet stays about as wide as a page."""
    if count <= 4:
        return 320
    return 256 if count <= 15 else 208


def _letters_for(side: int) -> tuple[Lettering, Lettering]:
    return (
        Lettering(min(max(round(side * 0.085), 13), 20)),
        Lettering(min(max(round(side * 0.080), 12), 18)),
    )


def _head_for(title: str, room: float) -> Lettering:
    """Return large letters for a title, smaller ones where it would take more than one line."""
    large, *smaller = (Lettering(size) for size in (30, 26, 22))
    for letters in (large, *smaller):
        hand = letters.able(title)
        if hand.width(hand.clean(title)) <= room:
            return letters
    return smaller[-1]


def _plan(tiles: Sequence[Tile], columns: int | None, side: int) -> _Layout:
    gap, margin = max(14, side // 10), 36
    most = max(1, (_WIDEST - 2 * margin + gap) // (side + gap))
    columns = max(1, min(columns or _columns_for(len(tiles), most), len(tiles)))
    lines = 2 if any(tile.subtitle for tile in tiles) else 1
    return _Layout(
        side, columns, math.ceil(len(tiles) / columns), gap, margin,
        caption=_first_line(side) + 27 * lines,
    )  # fmt: skip


def _columns_for(count: int, most: int) -> int:
    """Return how many columns: `most`, or one less where that leaves the last row fuller."""
    if count <= most or most == 1 or count > 4 * most:
        return min(count, most)
    return max((most, most - 1), key=lambda columns: ((count - 1) % columns + 1) / columns)


def _first_line(side: int) -> int:
    """Return how far the letters of the name reach below the picture."""
    return round(side * 0.03) + 7


def _draw_tile(
    sheet: "Image",
    pen: "ImageDraw",
    tile: Tile,
    corner: tuple[int, int],
    layout: _Layout,
    letters: _Letters,
) -> None:
    left, top = corner
    side = layout.side
    pen.rectangle((left, top, left + side - 1, top + side - 1), WELL)
    picture, note = _load(tile, side)
    if picture is not None:
        place = (left + (side - picture.width) // 2, top + (side - picture.height) // 2)
        sheet.paste(picture, place)
    elif note:
        _draw_note(pen, note, corner, side, letters.small)
    if tile.marked:
        _draw_mark(pen, tile, corner, side, letters.small)
    hand = letters.name.able(tile.title)
    base = top + side + _first_line(side) + hand.size
    name = hand.cut_middle(hand.clean(tile.title), side)
    pen.text((left, base), name, tile.colour if tile.marked else BRIGHT, hand.font, anchor="ls")
    lower = base + round(1.35 * letters.small.size)
    _draw_parts(pen, tile.subtitle, (left, lower), side, letters.small)


def _draw_mark(
    pen: "ImageDraw", tile: Tile, corner: tuple[int, int], side: int, small: Lettering
) -> None:
    left, top = corner
    pen.rectangle((left - 4, top - 4, left + side + 3, top + side + 3), None, tile.colour, 4)
    wide, high = small.width(tile.mark) + 20, small.size + 12
    pen.rectangle((left - 4, top - 4, left + wide - 4, top + high - 4), tile.colour)
    middle = (left - 4 + wide / 2, top - 4 + high / 2)
    pen.text(middle, tile.mark, GROUND, small.font, anchor="mm")


def _draw_note(
    pen: "ImageDraw", note: str, corner: tuple[int, int], side: int, small: Lettering
) -> None:
    """Write the reason why there is no picture into the middle of its square."""
    hand = small.able(note)
    step = round(small.size * 1.35)
    lines = hand.wrap(hand.clean(note), side - 24, max(1, (side - 24) // step))
    first = corner[1] + (side - step * (len(lines) - 1)) / 2
    for number, line in enumerate(lines):
        middle = (corner[0] + side / 2, first + number * step)
        pen.text(middle, line, MUTED, hand.font, anchor="mm")


def _draw_parts(
    pen: "ImageDraw", text: str, corner: tuple[int, int], side: int, small: Lettering
) -> None:
    """Spread the parts of a subtitle: the first at the left edge, the last at the right."""
    hand = small.able(text)
    parts = [hand.clean(part) for part in re.split(r" {2,}", text.strip())]
    spare = side - sum(hand.width(part) for part in parts)
    if len(parts) == 1 or spare < 8 * (len(parts) - 1):
        line = hand.cut_end("  ".join(parts), side)
        pen.text(corner, line, MUTED, hand.font, anchor="ls")
        return
    across = float(corner[0])
    for part in parts:
        pen.text((across, corner[1]), part, MUTED, hand.font, anchor="ls")
        across += hand.width(part) + spare / (len(parts) - 1)


def _load(tile: Tile, side: int) -> "tuple[Image | None, str | None]":
    """Return the picture fitted into its square, or the reason why there is none."""
    shown = tile.image
    if callable(shown):
        try:
            shown = shown(side)
        except SeeingError as problem:
            return None, str(problem)
    if shown is None:
        return None, tile.note or "no picture"
    return fit(_as_rgb(shown), side, side), tile.note


def _as_rgb(shown: "Shown") -> "Image":
    """Return an 8-bit RGB image; what is transparent shows the ground of the square."""
    from PIL import Image

    if isinstance(shown, np.ndarray):
        return Image.fromarray(_as_bytes(shown))
    if shown.mode.startswith("I;16"):
        return _as_rgb(np.asarray(shown).astype(np.float32) / 65535)
    if shown.has_transparency_data:
        over = shown.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, (*WELL, 255)), over).convert(
            "RGB"
        )
    return shown.convert("RGB")


def _as_bytes(samples: NDArray[Any]) -> NDArray[np.uint8]:
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.ndim != 3 or samples.shape[2] not in {1, 3} or 0 in samples.shape:
        raise ShapeError(f"a tile shows (h, w), (h, w, 1) or (h, w, 3), not {samples.shape}")
    if samples.dtype != np.uint8:
        finite = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        samples = (255 * np.clip(finite, 0, 1) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(samples, (*samples.shape[:2], 3)))
