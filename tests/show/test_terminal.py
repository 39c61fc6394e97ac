"""What is sent to a terminal is the picture: small decoders of the tests decode it again."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import UsageError
from seeing.show.blocks import blocks, colours_of
from seeing.show.sixel import sixel
from seeing.show.terminal import (
    QUESTION,
    Terminal,
    asked,
    chosen,
    erase,
    iterm2,
    kitty,
    protocol_of,
    show,
    understood,
)

Pixels = NDArray[np.uint8]
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))
PIXELS = arrays(np.uint8, SIZES)
FEW = st.sampled_from([0, 1, 127, 128, 200, 254, 255])
POSTERS = arrays(np.uint8, SIZES, elements=FEW)


# --- decoders ---------------------------------------------------------------------------------


def from_png(text: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text, validate=True))))


def from_kitty(sent: bytes) -> tuple[dict[str, str], Pixels]:
    parts = re.findall(rb"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", sent)
    assert b"".join(b"\x1b_G%b;%b\x1b\\" % part for part in parts) == sent
    assert all(len(payload) <= 4096 for _, payload in parts)
    assert all(len(payload) % 4 == 0 for _, payload in parts[:-1])
    keys = [dict(pair.split("=") for pair in told.decode().split(",")) for told, _ in parts]
    assert [one["m"] for one in keys] == ["1"] * (len(keys) - 1) + ["0"]
    assert all(one["q"] == "2" for one in keys), "answers would come as keys"
    return keys[0], from_png(b"".join(payload for _, payload in parts))


def from_sixel(sent: bytes) -> Pixels:
    """Draw sixels as a terminal does; a pixel that nothing sets is an error."""
    inside = re.fullmatch(rb"\x1bP[0-9;]*q(.*)\x1b\\", sent, re.DOTALL)
    assert inside
    raster = re.match(rb'"1;1;(\d+);(\d+)', inside[1])
    assert raster
    width, height = int(raster[1]), int(raster[2])
    tall = -(-height // 6) * 6
    drawn = np.full((tall, width, 3), -1.0)
    colours: dict[int, list[float]] = {}
    colour, x, top, place = 0, 0, 0, raster.end()
    token = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)")
    while place < len(inside[1]):
        found = token.match(inside[1], place)
        assert found, inside[1][place : place + 20]
        place = found.end()
        if found[1]:
            colours[int(found[1])] = [2.55 * int(found[n]) for n in (2, 3, 4)]
            assert max(colours[int(found[1])]) <= 255
        elif found[5]:
            colour = int(found[5])
        elif found[9]:
            x = 0
        elif found[10]:
            x, top = 0, top + 6
        else:
            times, letter = (int(found[6]), found[7]) if found[6] else (1, found[8])
            for row in range(6):
                if ord(letter) - 63 >> row & 1:
                    drawn[top + row, x : x + times] = colours[colour]
            x += times
            assert x <= width
    assert (drawn[height:] == -1).all(), "below the picture"
    assert (drawn[:height] >= 0).all(), "a pixel is left out"
    pixels: Pixels = np.rint(drawn[:height]).astype(np.uint8)
    return pixels


def from_blocks(lines: list[bytes]) -> list[list[tuple[str, str]]]:
    """Return the colours (upper, lower) of the cells, as they are written."""
    rows = []
    for line in lines:
        ink = ground = ""
        row = []
        for codes, letter in re.findall(r"\x1b\[([0-9;]*)m|(▀)", line.decode()):
            if letter:
                row.append((ink, ground))
                continue
            for part in re.findall(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+", codes):
                if part == "0":
                    ink = ground = ""
                elif part.startswith(("38", "3", "9")) and not part.startswith("48"):
                    ink = part
                else:
                    ground = part
        rows.append(row)
    return rows


# --- the picture comes through ------------------------------------------------------------------


@given(PIXELS)
def test_kitty_carries_the_picture(pixels: Pixels) -> None:
    keys, got = from_kitty(kitty(Image.fromarray(pixels)))
    assert (got == pixels).all()
    assert keys["a"] == "T" and keys["f"] == "100" and "c" not in keys
    keys, _ = from_kitty(kitty(Image.fromarray(pixels), (7, 3)))
    assert (keys["c"], keys["r"]) == ("7", "3")


def test_kitty_cuts_a_large_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    sent = kitty(Image.fromarray(pixels))
    assert sent.count(b"\x1b_G") > 40
    assert (from_kitty(sent)[1] == pixels).all()


@given(PIXELS)
def test_iterm2_carries_the_picture(pixels: Pixels) -> None:
    sent = iterm2(Image.fromarray(pixels), 7, 3)
    found = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07", sent)
    assert found
    told = dict(pair.split("=") for pair in found[1].decode().split(";"))
    assert told["inline"] == "1" and (told["width"], told["height"]) == ("7", "3")
    assert int(told["size"]) == len(base64.b64decode(found[2]))
    assert (from_png(found[2]) == pixels).all()


@given(POSTERS)
def test_sixels_are_the_picture_with_its_colours_reduced(pixels: Pixels) -> None:
    image = Image.fromarray(pixels)
    reduced = np.asarray(image.quantize(128).convert("RGB")).astype(int)
    got = from_sixel(sixel(image)).astype(int)
    assert got.shape == pixels.shape
    # percents: half of 255 / 100, and a rounding
    assert np.abs(got - reduced).max() <= 2


@given(st.integers(1, 30), st.integers(1, 30), arrays(np.uint8, (16, 3)), st.integers(0, 9))
def test_sixels_of_few_colours_are_the_picture(
    width: int, height: int, palette: Pixels, seed: int
) -> None:
    pixels = palette[np.random.default_rng(seed).integers(0, 16, (height, width))]
    got = from_sixel(sixel(Image.fromarray(pixels))).astype(int)
    assert np.abs(got - pixels).mean() <= 2, "PIL keeps 16 colours, but for rounding"


def test_sixels_of_a_photo() -> None:
    ramp = np.linspace(0, 255, 640)[None, :, None] * np.ones((481, 1, 3))
    pixels = (
        (ramp + np.random.default_rng(1).normal(0, 3, ramp.shape)).clip(0, 255).astype(np.uint8)
    )
    got = from_sixel(sixel(Image.fromarray(pixels))).astype(int)
    assert np.abs(got - pixels).mean() < 4


@settings(max_examples=25, deadline=None)
@given(PIXELS)
def test_half_blocks_are_the_pixels(pixels: Pixels) -> None:
    lines = blocks(Image.fromarray(pixels), "full")
    height, width = pixels.shape[:2]
    cells = from_blocks(lines)
    assert len(cells) == -(-height // 2) and all(len(row) == width for row in cells)
    for y in range(height):
        for x in range(width):
            told = cells[y // 2][x][y % 2]
            assert told == f"{'34'[y % 2]}8;2;" + ";".join(map(str, pixels[y, x]))
    assert all(line.endswith(b"\x1b[0m") for line in lines)


@settings(max_examples=25, deadline=None)
@given(PIXELS)
def test_half_blocks_in_256_colours_are_near(pixels: Pixels) -> None:
    levels = [0, 95, 135, 175, 215, 255]
    colours = {16 + 36 * r + 6 * g + b: (levels[r], levels[g], levels[b])
               for r in range(6) for g in range(6) for b in range(6)}  # fmt: skip
    colours |= {232 + n: (8 + 10 * n,) * 3 for n in range(24)}
    every = np.array(list(colours.values()))
    cells = from_blocks(blocks(Image.fromarray(pixels), "256"))
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            number = int(cells[y // 2][x][y % 2].rpartition(";")[2])
            here = np.abs(np.array(colours[number]) - pixels[y, x].astype(int)).sum()
            best = np.abs(every - pixels[y, x].astype(int)).sum(axis=1).min()
            assert here <= best + 48, "PIL looks for the nearest in steps of 4 levels"


@pytest.mark.parametrize("colours", ["full-grey", "256-grey", "16-grey"])
def test_grey_half_blocks_are_grey(colours: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 20, 3), dtype=np.uint8)
    cells = from_blocks(blocks(Image.fromarray(pixels), colours))  # type: ignore[arg-type]
    for told in {colour for row in cells for pair in row for colour in pair if colour}:
        if colours == "full-grey":
            assert len(set(told.split(";")[2:])) == 1
        elif colours == "256-grey":
            assert int(told.rpartition(";")[2]) in {16, 231, *range(232, 256)}
        else:
            assert int(told) in {30, 90, 37, 97, 40, 100, 47, 107}


@given(
    st.integers(1, 300), st.integers(1, 300), st.integers(1, 60), st.integers(1, 30),
    st.sampled_from(["kitty", "iterm2", "sixel", "blocks"]), st.sampled_from([(10, 20), (9, 17)]),
)  # fmt: skip
def test_a_picture_stays_in_its_room_and_keeps_its_proportions(
    width: int, height: int, columns: int, rows: int, protocol: str, cell: tuple[int, int]
) -> None:
    from seeing.show.terminal import cells, scaled

    terminal = Terminal(protocol, 80, 40, cell)  # type: ignore[arg-type]
    image = Image.new("RGB", (width, height))
    shown = scaled(image, terminal, columns, rows)
    wide, high = cells(shown.size, terminal)
    assert 1 <= wide <= columns and 1 <= high <= rows
    pixel = (cell[0], cell[1] / 2) if protocol == "blocks" else (1, 1)
    # to one pixel of the shorter side
    seen = shown.width * pixel[0], shown.height * pixel[1]
    assert (
        abs(seen[0] * height - seen[1] * width) <= max(height * pixel[0], width * pixel[1]) * 1.01
    )


def test_the_picture_stands_in_the_middle() -> None:
    terminal = Terminal("blocks", 80, 24)
    sent = show(np.zeros((10, 10, 3), np.uint8), terminal, at=(3, 1), room=(80, 20))
    rows, columns = zip(*re.findall(rb"\x1b\[(\d+);(\d+)H", sent), strict=True)
    assert [int(row) for row in rows] == list(range(3, 23))
    assert {int(column) for column in columns} == {21}
    assert erase(terminal) == b""
    assert erase(Terminal("kitty", 80, 24)).startswith(b"\x1b_Ga=d")


def test_grey_arrays_are_pictures_too() -> None:
    for protocol in ("kitty", "iterm2", "sixel", "blocks"):
        terminal = Terminal(protocol, 80, 24)
        assert show(np.zeros((5, 9), np.uint8), terminal, at=(1, 1), room=(20, 10))


# --- which way ----------------------------------------------------------------------------------

WAYS: list[tuple[dict[str, str], str | None]] = [
    ({"TERM": "xterm-kitty"}, "kitty"),
    ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
    ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
    ({"TERM": "xterm-256color", "KONSOLE_VERSION": "220401"}, "kitty"),
    ({"TERM": "xterm-256color", "KONSOLE_VERSION": "210800"}, None),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
    ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "blocks"),
    ({"TERM": "linux"}, "blocks"),
    ({"TERM": "foot"}, None),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, None),
    ({"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0", "KITTY_WINDOW_ID": "1"}, None),
    ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, None),
    ({}, "blocks"),
]


@pytest.mark.parametrize(("environment", "way"), WAYS)
def test_the_environment_tells_the_way(environment: dict[str, str], way: str | None) -> None:
    assert protocol_of(environment) == way


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "full"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit", "NO_COLOR": "1"}, "full-grey"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "256-grey"),
        ({"TERM": "xterm-kitty"}, "full"),
        ({"TERM": "xterm"}, "16-grey"),
        ({}, "16-grey"),
    ],
)
def test_the_environment_tells_the_colours(environment: dict[str, str], colours: str) -> None:
    assert colours_of(environment) == colours


def test_a_terminal_says_what_it_can() -> None:
    kitten = understood(b"\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1b[?62;c")
    assert kitten.kitty and not kitten.sixel and kitten.cell == (9, 18)
    xterm = understood(b"\x1b[6;20;10t\x1b[?63;1;2;4;6;9;15;22c")
    assert xterm.sixel and not xterm.kitty
    # 4 in front is the class of the device, no sixels; a refusal is none either
    assert not understood(b"\x1b[?4;6c").sixel
    assert not understood(b"\x1b_Gi=31;ENOENT:no\x1b\\\x1b[?1;2c").kitty
    assert understood(b"\x1b[6;0;0t\x1b[?1;2c").cell is None


def test_asking_ends_with_the_last_answer_or_with_patience() -> None:
    sent: list[bytes] = []
    answers = [b"\x1b[6;2", b"0;10t\x1b[?62", b";4c", b"never asked for"]
    told = asked(sent.append, lambda _: answers.pop(0))
    assert sent == [QUESTION] and told.sixel and told.cell == (10, 20)
    assert answers == [b"never asked for"]
    assert not asked(sent.append, lambda _: b"").sixel


def test_a_way_by_name() -> None:
    assert chosen("Kitty") == "kitty"
    with pytest.raises(UsageError, match="did you mean sixel"):
        chosen("sixels")
