"""Pictures in a terminal: which way it can show them, and the bytes that do."""

import base64
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, closest
from .blocks import Colours, blocks
from .sixel import sixel
from .thumbnail import fit, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

Protocol = Literal["kitty", "iterm2", "sixel", "blocks"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
USUAL_CELL = (10, 20)
"""Pixels of a letter, where the terminal does not say."""
_CHUNK = 4096
"""Letters of base64 that one kitty escape may carry."""
_WIDEST_SIXEL = 1000
"""Pixels of either side: xterm cuts off what is beyond, unless it is told otherwise."""
_MOST_SMALLER, _MOST_LARGER = 1_000_000, 300_000
"""Pixels of a PNG that kitty is sent at most, where the picture has more or fewer than the screen:
the rest of the scaling is the terminal's. A photo enlarged to a whole screen would be 3 MB."""
_EXACT = 300_000
"""Pixels up to which iTerm2 is sent a PNG; above, a JPEG, a fifth as long."""
_PATIENCE = 0.5
"""Seconds that a terminal far away may take to say what it can."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal can show. cell: pixels of a letter; known: whether it said so itself."""

    protocol: Protocol
    columns: int
    rows: int
    cell: tuple[int, int] = USUAL_CELL
    known: bool = False
    colours: Colours = "full"

    def pixels(self, columns: int, rows: int) -> tuple[int, int]:
        """Return the pixels (wide, high) that a part of it has, of half blocks its half cells."""
        if self.protocol == "blocks":
            return columns, 2 * rows
        return columns * self.cell[0], rows * self.cell[1]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a terminal answered to `QUESTION`."""

    kitty: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None


# --- which way --------------------------------------------------------------------------------

QUESTION = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Asks for kitty's graphics (one pixel, not shown), the size of a letter, and what the device is.

All terminals answer the last (DA1: ECMA-48 8.3.24; attribute 4 means sixels, xterm's ctlseqs), so
nothing is waited for that will not come; kitty's documents ask in this way. CSI 16 t (ctlseqs,
"Window manipulation") is answered by CSI 6 ; height ; width t.
"""
_PROGRAMS: dict[str, Protocol] = {
    "ghostty": "kitty", "iTerm.app": "iterm2", "iTerm2": "iterm2", "WezTerm": "iterm2",
    "mintty": "iterm2", "Apple_Terminal": "blocks",
}  # fmt: skip
"""By TERM_PROGRAM; Terminal.app would print the question for kitty's graphics as letters."""
_TERMS: dict[str, Protocol] = {"": "blocks", "dumb": "blocks", "linux": "blocks"}
_KONSOLE = 220400
"""Konsole 22.04 brought kitty's graphics."""
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")


def chosen(name: str) -> Protocol:
    """Return the protocol of a name; raises UsageError for another word."""
    for known in PROTOCOLS:
        if name.lower() == known:
            return known
    raise UsageError(
        f"no pictures by {name!r}{closest(name, PROTOCOLS)}: one of {', '.join(PROTOCOLS)}"
    )


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """Return the way of showing pictures that a terminal's environment tells; None: ask it.

    Inside tmux and screen the environment tells of the terminal outside, which gets no pictures
    from there.
    """
    term = environment.get("TERM", "")
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return None
    program = environment.get("TERM_PROGRAM") or environment.get("LC_TERMINAL") or ""
    konsole = environment.get("KONSOLE_VERSION", "")
    if environment.get("KITTY_WINDOW_ID") or term.endswith(("-kitty", "-ghostty")):
        return "kitty"
    if konsole.isdigit() and int(konsole) >= _KONSOLE:
        return "kitty"
    if environment.get("WEZTERM_EXECUTABLE"):
        return "iterm2"
    return _TERMS.get(term) or _PROGRAMS.get(program)


def asked(send: Callable[[bytes], None], receive: Callable[[float], bytes]) -> Reply:
    """Ask a terminal what it can. receive(seconds) returns what came, b"" when nothing did.

    The terminal must not be echoing or waiting for ends of lines.
    """
    send(QUESTION)
    heard = b""
    while not _ATTRIBUTES.search(heard):
        more = receive(_PATIENCE)
        if not more:
            break
        heard += more
    return understood(heard)


def understood(heard: bytes) -> Reply:
    """Return what an answer to `QUESTION` says."""
    attributes = _ATTRIBUTES.search(heard)
    size = _CELL.search(heard)
    cell = (int(size[2]), int(size[1])) if size else None
    return Reply(
        kitty=b"\x1b_Gi=31;OK" in heard,
        sixel=attributes is not None and b"4" in attributes[1].split(b";")[1:],
        cell=cell if cell and all(4 <= side <= 200 for side in cell) else None,
    )


# --- the bytes --------------------------------------------------------------------------------


def show(
    picture: "Image | NDArray[np.uint8]",
    terminal: Terminal,
    *,
    at: tuple[int, int],
    room: tuple[int, int],
) -> bytes:
    """Return what shows a picture in the middle of a part of the screen, as large as fits.

    picture: PIL image, or uint8 (h, w) or (h, w, 3). at: (row, column) of the part's first cell,
    counted from 1. room: its (columns, rows).
    """
    image = _image(picture)
    if terminal.protocol in ("blocks", "sixel"):
        image = scaled(image, terminal, *room)
        columns, rows = cells(image.size, terminal)
    else:
        size = fitted(image.size, room[0] * terminal.cell[0], room[1] * terminal.cell[1])
        columns, rows = cells(size, terminal)
    row, column = at[0] + (room[1] - rows) // 2, at[1] + (room[0] - columns) // 2
    if terminal.protocol == "blocks":
        lines = blocks(image, terminal.colours)
        return b"".join(move(row + n, column) + line for n, line in enumerate(lines))
    there = move(row, column)
    if terminal.protocol == "sixel":
        return there + sixel(image)
    if terminal.protocol == "iterm2":
        # enlarged by the terminal, but where single pixels are to be seen
        return there + iterm2(_light(image, size, size[0] * size[1]), columns, rows)
    light = _light(image, size, _MOST_SMALLER)
    exact = terminal.known and light.size == size
    return there + kitty(light, None if exact else (columns, rows))


def _light(image: "Image", size: tuple[int, int], most: int) -> "Image":
    """Return a picture to be shown in a size with no more pixels than it takes to show it well.

    One that is to be enlarged has at least its own pixels; one that is reduced at most `most`.
    """
    own, shown = image.width * image.height, size[0] * size[1]
    most = max(own, _MOST_LARGER) if own < shown else most
    if shown <= most:
        return fit(image, *size)
    factor = (most / shown) ** 0.5
    return fit(image, max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))


def scaled(image: "Image", terminal: Terminal, columns: int, rows: int) -> "Image":
    """Return a picture as large as fits into so many cells, its proportions kept."""
    wide, high = columns * terminal.cell[0], rows * terminal.cell[1]
    if terminal.protocol == "sixel":
        wide, high = min(wide, _WIDEST_SIXEL), min(high, _WIDEST_SIXEL)
    if terminal.protocol != "blocks":
        return fit(image, wide, high)
    # half cells are not quite square: the proportions are those of the letter
    from PIL import Image

    factor = min(wide / image.width, high / image.height)
    size = (
        min(columns, max(1, round(image.width * factor / terminal.cell[0]))),
        min(2 * rows, max(1, round(image.height * factor * 2 / terminal.cell[1]))),
    )
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def cells(size: tuple[int, int], terminal: Terminal) -> tuple[int, int]:
    """Return the (columns, rows) that a scaled picture of a size takes."""
    if terminal.protocol == "blocks":
        return size[0], -(-size[1] // 2)
    return -(-size[0] // terminal.cell[0]), -(-size[1] // terminal.cell[1])


def kitty(image: "Image", room: tuple[int, int] | None = None) -> bytes:
    """Return a picture for terminals with kitty's graphics; room: cells that it is scaled to.

    https://sw.kovidgoyal.net/kitty/graphics-protocol: APC G, a=T transmits and shows, f=100 is
    PNG, q=2 wants no answers (they would come as keys), C=1 leaves the cursor; base64 in pieces of
    4096, m=1 on all but the last.
    """
    text = base64.b64encode(_png(image))
    pieces = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    place = b",c=%d,r=%d" % room if room else b""
    parts = []
    for number, piece in enumerate(pieces):
        keys = b"a=T,f=100,q=2,C=1" + place + b"," if number == 0 else b"q=2,"
        more = int(number + 1 < len(pieces))
        parts.append(b"\x1b_G%bm=%d;%b\x1b\\" % (keys, more, piece))
    return b"".join(parts)


def iterm2(image: "Image", columns: int, rows: int) -> bytes:
    """Return a picture as iTerm2 and WezTerm take it, fitted into so many cells.

    https://iterm2.com/documentation-images.html: OSC 1337 ; File=..., the file in base64, BEL.
    doNotMoveCursor is WezTerm's and iTerm2's from 3.5; others pass it over.
    """
    content = _png(image) if image.width * image.height <= _EXACT else _jpeg(image)
    return (
        b"\x1b]1337;File=inline=1;size=%d;width=%d;height=%d;preserveAspectRatio=1;"
        b"doNotMoveCursor=1:%b\x07" % (len(content), columns, rows, base64.b64encode(content))
    )


def erase(terminal: Terminal) -> bytes:
    """Return what takes pictures away that do not go with the letters in their place."""
    # kitty, "Deleting images": a capital A frees all that are seen
    return b"\x1b_Ga=d,d=A,q=2\x1b\\" if terminal.protocol == "kitty" else b""


def move(row: int, column: int) -> bytes:
    """Return what moves the cursor, counted from 1 (CUP, ECMA-48 8.3.21)."""
    return b"\x1b[%d;%dH" % (row, column)


def _png(image: "Image") -> bytes:
    out = io.BytesIO()
    # level 1: of a photo that fills the screen 30 ms instead of 250, for a tenth more bytes
    image.convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()


def _jpeg(image: "Image") -> bytes:
    """Return a JPEG in which the eye finds no fault: colours at full resolution."""
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue()


def _image(picture: "Image | NDArray[np.uint8]") -> "Image":
    from PIL import Image

    image: Image.Image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    return image
