"""Contact sheets: every tile shown, text that fits, files whole or not at all."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seeing.errors import PictureError, ShapeError, UsageError
from seeing.show.lettering import ELLIPSIS, Lettering, printable
from seeing.show.names import telling_names
from seeing.show.sheet import (
    ACCENT,
    AWAY,
    GROUND,
    WELL,
    Tile,
    check_sheet_path,
    draw_sheet,
    save_sheet,
)

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.new("RGB", size, colour)


def box_of(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of all pixels of exactly this colour."""
    here = (np.asarray(sheet) == colour).all(axis=2)
    rows, columns = np.flatnonzero(here.any(axis=1)), np.flatnonzero(here.any(axis=0))
    assert rows.size, f"no pixel of colour {colour}"
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("count", [1, 2, 5, 13, 30, 100])
def test_every_tile_is_shown_and_the_sheet_is_no_wider_than_a_page(count: int) -> None:
    colours = [(255 - place, 2 * place, 7) for place in range(count)]
    tiles = [Tile(plain(c), f"{c[0]}.jpg", "1   0.9  98 %") for c in colours]
    sheet = draw_sheet(tiles, title="like target.png", footer="builtin")
    assert sheet.mode == "RGB"
    assert sheet.width <= 1500
    coded = np.asarray(sheet).astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    seen, first = np.unique(coded, return_index=True)
    at = dict(zip(seen.tolist(), first.tolist(), strict=True))
    places = [at[65536 * red + 256 * green + blue] for red, green, blue in colours]
    assert places == sorted(places), "in rows, from the left"


def test_a_page_full_of_pictures_is_about_as_wide_as_a_page() -> None:
    for count in (13, 24, 60, 100):
        assert 1200 <= draw_sheet([Tile(None, "x")] * count).width <= 1600, count


@pytest.mark.parametrize(("columns", "rows"), [(1, 7), (2, 4), (7, 1), (50, 1)])
def test_columns_are_taken_at_their_word(columns: int, rows: int) -> None:
    sheet = draw_sheet([Tile(plain(RED), "a")] * 7, columns=columns, side=100)
    tops = (np.asarray(sheet) == RED).all(axis=2).any(axis=1)
    assert np.count_nonzero(np.diff(tops.astype(int)) == 1) == rows


def test_an_empty_sheet_is_a_sheet() -> None:
    assert draw_sheet([], title="nothing").getpixel((0, 0)) == GROUND


@pytest.mark.parametrize("call", [{"columns": 0}, {"columns": -3}, {"side": 10}, {"side": 5000}])
def test_senseless_sizes_are_refused(call: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        draw_sheet([], **call)  # type: ignore[arg-type]


def test_the_target_comes_first_and_is_outlined() -> None:
    tiles = [Tile(plain(RED), "a"), Tile(plain(GREEN), "b"), Tile(plain(BLUE), "t", marked=True)]
    sheet = draw_sheet(tiles, side=100)
    target, first, second = (box_of(sheet, colour) for colour in (BLUE, RED, GREEN))
    assert target[0] < first[0] < second[0]
    outline = box_of(sheet, ACCENT)
    assert outline[0] < target[0]
    assert outline[2] > target[0] + 100
    unmarked = draw_sheet([Tile(plain(RED), "a")])
    assert not (np.asarray(unmarked) == ACCENT).all(axis=2).any()


@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (2000, 50), (100, 100), (9, 12), (1, 900)]
)
def test_proportions_are_kept_and_the_picture_sits_in_the_middle(size: tuple[int, int]) -> None:
    sheet = draw_sheet([Tile(plain(RED, size), "a")], side=200)
    left, top, right, bottom = box_of(sheet, RED)
    wide, high = right - left, bottom - top
    assert max(wide, high) <= 200
    assert max(wide, high) >= (200 if max(size) >= 50 else 180)
    assert wide == max(1, round(size[0] * max(wide, high) / max(size))) or abs(
        wide / high - size[0] / size[1]
    ) < 1 / min(wide, high)
    assert abs((left - 36) - (36 + 200 - right)) <= 1
    assert abs((top - 36) - (36 + 200 - bottom)) <= 1


def test_tiny_pictures_show_their_pixels() -> None:
    checks = np.indices((8, 8)).sum(axis=0) % 2 * np.uint8(255)
    sheet = draw_sheet([Tile(checks.astype(np.uint8), "checks")], side=200)
    square = np.asarray(sheet)[36:236, 36:236].reshape(-1, 3)
    assert {tuple(colour) for colour in square.tolist()} == {(0, 0, 0), (255, 255, 255)}


@pytest.mark.parametrize(
    "shown",
    [
        np.full((50, 40), 0.5, np.float32),
        np.full((50, 40, 1), 128, np.uint8),
        np.full((50, 40, 3), 0.5, np.float64),
        Image.new("L", (40, 50), 128),
        Image.new("RGBA", (40, 50), (128, 128, 128, 255)),
        Image.fromarray(np.full((50, 40), 32896, np.uint16)),
        lambda side: Image.new("RGB", (side, side), (128, 128, 128)),
    ],
    ids=["float grey", "byte grey", "double", "L", "RGBA", "I;16", "function"],
)
def test_pictures_of_every_sort_look_the_same(shown: object) -> None:
    sheet = draw_sheet([Tile(shown, "grey")], side=100)  # type: ignore[arg-type]
    assert sheet.getpixel((36 + 50, 36 + 50)) == (128, 128, 128)


def test_undefined_values_and_transparency_show_the_ground() -> None:
    holes = draw_sheet([Tile(np.full((9, 9), np.nan), "nan")], side=100)
    assert holes.getpixel((80, 80)) == (0, 0, 0)
    clear = draw_sheet([Tile(Image.new("RGBA", (90, 90), (255, 0, 0, 0)), "clear")], side=100)
    assert clear.getpixel((80, 80)) == WELL


def test_an_array_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(5, 5, 7\)"):
        draw_sheet([Tile(np.zeros((5, 5, 7)), "bands")])


def test_what_can_not_be_read_gets_a_tile_with_the_reason() -> None:
    def broken(side: int) -> Image.Image:
        raise PictureError("cut short: 12 of 900 bytes")

    sheets = [
        np.asarray(draw_sheet([Tile(image, "a.jpg", note=note)]))
        for image, note in ((broken, None), (None, "cut short: 12 of 900 bytes"), (None, None))
    ]
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[1], sheets[2])
    lettered = (sheets[0][36:356, 36:356] != WELL).any(axis=2)
    assert 0.002 < lettered.mean() < 0.1, "some letters on a neutral tile"


def test_an_error_of_the_program_is_not_hidden() -> None:
    def wrong(side: int) -> Image.Image:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        draw_sheet([Tile(wrong, "a")])


def test_the_same_tiles_give_the_same_sheet() -> None:
    tiles = [Tile(plain(RED), "a-long-name-" * 9, "3   0.912  98.1 %", marked=True)]
    first, second = (draw_sheet(tiles, title="t", footer="f").tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("side", [64, 96, 160, 208, 320, 640])
def test_no_letter_leaves_its_tile(side: int) -> None:
    tiles = [Tile(None, "W" * 300, "W" * 300, note="W" * 4000), Tile(None, "", "")]
    pixels = np.asarray(draw_sheet(tiles, side=side, columns=1, title="W" * 900, footer="W" * 900))
    lettered = (pixels != GROUND).any(axis=2) & (pixels != WELL).any(axis=2)
    assert not lettered[:, :35].any()
    assert not lettered[:, 36 + side + 1 :].any()
    assert not lettered[-12:].any()


@given(st.text(max_size=120), st.integers(20, 400))
@settings(deadline=None, max_examples=60)
def test_text_is_cut_to_its_room(text: str, room: int) -> None:
    letters = LETTERS
    for cut in (letters.cut_middle, letters.cut_end):
        shown = cut(letters.clean(text), room)
        assert shown.isprintable()
        assert letters.width(shown) <= room
    for line in letters.wrap(letters.clean(text), room, 3):
        assert letters.width(line) <= room


LETTERS = Lettering(16)


def test_a_cut_name_keeps_its_beginning_and_its_end() -> None:
    name = "a-very-long-file-name-of-a-picture-0017.jpeg"
    shown = LETTERS.cut_middle(name, 180)
    start, end = shown.split(ELLIPSIS)
    assert name.startswith(start)
    assert name.endswith(end)
    assert "0017.jpeg".endswith(end) or end.endswith("0017.jpeg")
    assert abs(len(start) - len(end)) <= 1
    assert LETTERS.width(shown) > 180 * 0.85


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("two\nlines\t.jpg", "two\\nlines\\t.jpg"),
        ("\x1b[31mred.jpg", "\\x1b[31mred.jpg"),
        ("back\u202egpj.exe", "back\\u202egpj.exe"),
        ("bytes\udcff\udc80.jpg", "bytes\\xff\\x80.jpg"),
        ("e\u0301te\u0301.jpg", "été.jpg"),
        ("\U000e0041.jpg", "\\U000e0041.jpg"),
    ],
)
def test_names_are_printable_and_unmistakable(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_letters_that_no_font_has_are_told() -> None:
    assert LETTERS.clean("a\U0001f52d.jpg") == r"a\U0001f52d.jpg"
    assert LETTERS.clean("ö") in {"ö", "o"}
    assert LETTERS.able("plain.jpg") is LETTERS
    assert "\\" not in LETTERS.able("größe.jpg").clean("größe.jpg")
    one, other = (LETTERS.able(name).clean(name) for name in ("日本.jpg", "写真.jpg"))
    assert one != other, "different names stay different, whatever fonts there are"


def test_names_on_a_sheet_tell_pictures_apart() -> None:
    paths = ["a/one/x.jpg", "a/two/x.jpg", "b/two/x.jpg", "y.jpg", "y.jpg", "c/z.jpg"]
    assert telling_names(paths) == ["one/x.jpg", "a/two/x.jpg", "b/two/x.jpg", "y.jpg", "y.jpg",
                                    "z.jpg"]  # fmt: skip
    assert telling_names(["x.jpg", "a/x.jpg"]) == ["x.jpg", "a/x.jpg"]
    assert telling_names([]) == []


def test_what_is_unliked_is_marked_in_another_colour() -> None:
    tiles = [
        Tile(plain(GREEN), "a"), Tile(plain(BLUE), "t", marked=True, mark="reference"),
        Tile(plain(RED), "u", marked=True, mark="unlike"),
    ]  # fmt: skip
    sheet = draw_sheet(tiles, side=100)
    wanted, away = box_of(sheet, ACCENT), box_of(sheet, AWAY)
    assert wanted[2] <= away[0], "side by side, each with an outline of its own"


@pytest.mark.parametrize(("suffix", "kind"), [("png", "PNG"), ("JPG", "JPEG"), ("jpeg", "JPEG"),
                                              ("webp", "WEBP")])  # fmt: skip
def test_sheets_are_written_as_their_suffix_says(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"sheet.{suffix}"
    sheet = draw_sheet([Tile(plain(RED), "a")], title="q")
    save_sheet(sheet, path)
    with Image.open(path) as again:
        again.load()
        assert again.format == kind
        error = np.abs(np.asarray(again.convert("RGB"), float) - np.asarray(sheet, float)).mean()
    assert error <= (0 if kind == "PNG" else 2), f"mean error {error:.2f} of 255"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    beside = tmp_path / "beside"
    beside.touch()
    assert path.stat().st_mode == beside.stat().st_mode, "readable as any other file made here"


def test_a_sheet_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    for colour in (RED, GREEN):
        save_sheet(draw_sheet([Tile(plain(colour), "a")]), path)
    with Image.open(path) as again:
        box_of(again, GREEN)


def test_a_failure_leaves_the_older_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "sheet.jpg"
    path.write_bytes(b"older")
    with pytest.raises(UsageError, match="can't be written: cannot write mode RGBA"):
        save_sheet(Image.new("RGBA", (9, 9)), path)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_wrong_names_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, told in {
        "sheet.gif": "a sheet is a .png, .jpg, .jpeg or .webp, not .gif",
        "sheet": "this name has no suffix",
        "missing/sheet.png": "there is no such folder; make it first",
        "folder.png": "this is a folder",
        "two\nlines": "this name has no suffix",
    }.items():
        for refuse in (check_sheet_path, lambda path: save_sheet(plain(RED), path)):
            with pytest.raises(UsageError) as problem:
                refuse(tmp_path / name)
            assert told in str(problem.value)
            assert "\n" not in str(problem.value)


def test_a_sheet_too_long_for_webp_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"16383 .* more columns, or a name ending in \.png"):
        save_sheet(Image.new("RGB", (8, 20_000)), tmp_path / "long.webp")
    assert not list(tmp_path.iterdir())


def test_real_pictures_fill_their_squares(seeing_data: Path) -> None:
    paths = sorted((seeing_data / "data/photos").glob("*.jpg"))[:6]

    def opened(path: Path) -> Image.Image:
        with Image.open(path) as image:
            return image.convert("RGB")

    sheet = draw_sheet([Tile(opened(path), path.name) for path in paths], side=200, columns=3)
    for place in range(6):
        row, column = divmod(place, 3)
        left, height = 36 + column * 220, (sheet.height - 72 + 20) / 2
        middle = np.asarray(sheet)[math.ceil(36 + row * height) + 70 :, left : left + 200][:60]
        assert middle.std() > 8, f"{paths[place].name} is not there"


def test_a_narrow_sheet_shows_all_of_its_title() -> None:
    """Smaller first, then in lines: the sheet grows, and nothing is left out."""
    tiles = [Tile(plain(RED), "a")]
    heights = [
        draw_sheet(tiles, side=128, title=title, footer=footer).height
        for title, footer in (
            ("Mars by self", ""), ("mars.ser best by self", ""),
            ("mars.ser best by the reference", ""), ("", "short"), ("", "many words " * 6),
        )
    ]  # fmt: skip
    one, two, three, short, long = heights
    assert one < two < three
    assert short < long
    wide = [draw_sheet(tiles, side=512, title=t).height for t in ("t", "mars.ser best by self")]
    assert wide[0] == wide[1]
    name = Lettering(22)
    lines = name.wrapped("mars.ser best by the reference", 128, 3)
    assert " ".join(lines) == "mars.ser best by the reference"
    assert all(name.width(line) <= 128 for line in lines)
