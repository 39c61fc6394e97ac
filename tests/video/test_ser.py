"""Odd SER files: the 25 cases of the notes 2.2, by their numbers, and real ones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import is_video, open_video
from seeing.video.ser import Ser, open_ser

Planet = Callable[..., NDArray[Any]]
Write = Callable[..., Path]
Everything = Callable[..., NDArray[Any]]

NOON = 638_000_000_000_000_000  # ticks of 100 ns since the year 1; by datetime: 2022-09-28 22:13:20
HOUR = 36_000_000_000
SECOND = 10_000_000
EVERY = SECOND // 10
FILETIME = 504_911_232_000_000_000


OPEN: list[Ser] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def opened(path: Path, **known: Any) -> Ser:
    OPEN.append(open_ser(path, Overrides(**known)))
    return OPEN[-1]


def why(path: Path, **known: Any) -> str:
    with pytest.raises(PictureError) as caught:
        opened(path, **known)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def told(video: Ser) -> str:
    return "\n".join(video.about.remarks)


def clock(count: int, start: int = NOON) -> NDArray[np.int64]:
    return start + EVERY * np.arange(count, dtype=np.int64)


# --- a good file --------------------------------------------------------------------------------


def test_a_good_file_says_what_it_is(ser: Write, planet: Planet, everything: Everything) -> None:
    frames = planet(7)
    path = ser(frames, ticks=clock(7), local=NOON + 2 * HOUR, utc=NOON, observer=b"Ann Bell ")
    video = opened(path)
    about = video.about
    assert (about.format, about.frames, about.height, about.width) == ("SER", 7, 48, 64)
    assert (about.planes, about.depth, about.full_scale, about.pattern) == (1, 8, 255.0, None)
    assert about.remarks == []
    assert about.header["Observer"] == "Ann Bell"
    assert about.header["DateTime_UTC"] == "2022-09-28T22:13:20.000000"
    assert about.times is not None
    assert about.times[:2].astype(str).tolist() == [
        "2022-09-28T22:13:20.000000000", "2022-09-28T22:13:20.100000000"
    ]  # fmt: skip
    np.testing.assert_array_equal(everything(video)[..., 0], frames)


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_batches_of_any_size_and_of_some_frames(
    ser: Write, planet: Planet, everything: Everything, size: int
) -> None:
    frames = planet(9)
    video = opened(ser(frames))
    np.testing.assert_array_equal(everything(video, size=size)[..., 0], frames)
    some = [0, 3, 4, 5, 8]
    found = everything(video, [5, 3, 0, 8, 4, 4], size=size)
    np.testing.assert_array_equal(found[..., 0], frames[some])
    np.testing.assert_array_equal(video.frame(6)[..., 0], frames[6])
    assert list(video.batches([])) == []


@pytest.mark.parametrize("number", [-1, 9, 2**40])
def test_there_is_no_frame_beyond_the_last(ser: Write, planet: Planet, number: int) -> None:
    video = opened(ser(planet(9)))
    with pytest.raises(PictureError, match="it has 9"):
        video.frame(number)
    with pytest.raises(PictureError, match="it has 9"):
        list(video.batches([0, number]))


def test_the_raw_header_and_trailer_are_kept(ser: Write, planet: Planet) -> None:
    path = ser(planet(3), ticks=clock(3), telescope=b"C14\0rubbish")
    video = opened(path)
    assert video.header.raw == path.read_bytes()[:178]
    assert video.header.telescope == "C14"
    assert video.ticks.tolist() == clock(3).tolist()


def test_frames_of_large_sensors_come_in_small_batches(ser: Write) -> None:
    frames = np.zeros((4, 3000, 4000), dtype=np.uint8)
    sizes = [len(some) for some, _ in opened(ser(frames)).batches()]
    assert sizes == [2, 2]  # at most 32 MiB at once


# --- case by case -------------------------------------------------------------------------------


def test_1_another_file_id_is_read_where_the_sizes_fit(
    ser: Write, planet: Planet, tmp_path: Path
) -> None:
    path = ser(planet(3), file_id=b"JSOLEX-TRIMMED", ticks=clock(3))
    assert "JSOLEX-TRIMMED" in told(opened(path))
    assert is_video(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert why(path) == "not a SER file (neither its FileID nor its sizes)"
    assert not is_video(path)


@pytest.mark.parametrize("length", [0, 1, 14, 177])
def test_2_a_file_shorter_than_its_header(ser: Write, planet: Planet, length: int) -> None:
    path = ser(planet(3))
    path.write_bytes(path.read_bytes()[:length])
    expected = "empty file (0 bytes)" if not length else f"truncated SER: {length} bytes"
    assert why(path).startswith(expected)


@pytest.mark.parametrize("count", [0, -5])
def test_3_no_count_after_a_crash(
    ser: Write, planet: Planet, everything: Everything, count: int
) -> None:
    frames = planet(5)
    path = ser(frames, counted=count)
    before = path.read_bytes()
    video = opened(path)
    np.testing.assert_array_equal(everything(video)[..., 0], frames)
    assert f"its header counts {count} frames; 5 found" in told(video)
    assert path.read_bytes() == before


def test_4_no_count_but_a_trailer(ser: Write, planet: Planet) -> None:
    video = opened(ser(planet(5), counted=0, ticks=clock(5)))
    assert len(video) == 5
    assert video.about.times is not None
    assert "5 found, with times" in told(video)
    small = opened(ser(planet(300, 1, 8), counted=0, ticks=range(300)))
    assert len(small) == 600  # numbers that are no times are frames


def test_5_and_6_more_frames_counted_than_there_are(ser: Write, planet: Planet) -> None:
    frames = planet(5)
    path = ser(frames, counted=9)
    assert "5 of 9 frames; the next lacks 3,072 bytes" in told(opened(path))
    path.write_bytes(path.read_bytes()[:-100])
    video = opened(path)
    assert len(video) == 4
    assert "4 of 9 frames; the next lacks 100 bytes" in told(video)


def test_6_a_truncated_last_frame_is_dropped(ser: Write, planet: Planet) -> None:
    path = ser(planet(5))
    path.write_bytes(path.read_bytes()[:-3071])
    video = opened(path)
    assert len(video) == 4
    assert "the next lacks 3,071 bytes" in told(video)


def test_7_fewer_frames_counted_than_there_are(ser: Write, planet: Planet) -> None:
    video = opened(ser(planet(5), counted=2))
    assert len(video) == 5
    assert "counts 2 frames; 5 found" in told(video)
    # what lies behind is exactly a trailer: the count is right, whatever the numbers say
    exact = opened(ser(planet(40, 4, 8), ticks=np.zeros(40)))
    assert len(exact) == 40
    cut = opened(ser(planet(40, 4, 8), ticks=clock(39)))  # 312 bytes, nearly ten frames
    assert (len(cut), len(cut.ticks)) == (40, 39)
    both = opened(ser(planet(40, 4, 8), counted=30, ticks=clock(40)))
    assert (len(both), len(both.ticks)) == (40, 40)


def test_8_no_trailer_though_the_start_is_told(ser: Write, planet: Planet) -> None:
    video = opened(ser(planet(3), local=NOON, utc=NOON))
    assert video.about.times is None
    assert video.about.remarks == []


@pytest.mark.parametrize("start", [0, -1])
def test_9_a_trailer_though_the_start_is_not_told(ser: Write, planet: Planet, start: int) -> None:
    assert opened(ser(planet(3), ticks=clock(3), local=start)).about.times is not None
    rubbish = opened(ser(planet(3), ticks=[1, 2, 3], local=start))
    assert rubbish.about.times is None


def test_10_a_short_trailer_moves_no_time(ser: Write, planet: Planet) -> None:
    video = opened(ser(planet(5), ticks=clock(3)))
    times = video.about.times
    assert times is not None
    assert np.isnat(times).tolist() == [False, False, False, True, True]
    assert "times for the first 3 of 5 frames only" in told(video)
    path = ser(planet(5), ticks=clock(5))
    path.write_bytes(path.read_bytes()[:-3])
    odd = opened(path)
    assert (len(odd), len(odd.ticks)) == (5, 4)


@pytest.mark.parametrize("ticks", [[0, 0, 0], [NOON, NOON, NOON], [-1, -1, -1]])
def test_11_times_all_alike_are_none(ser: Write, planet: Planet, ticks: list[int]) -> None:
    video = opened(ser(planet(3), ticks=ticks))
    assert video.about.times is None
    assert "no usable times" in told(video)


def test_11_a_single_frame_has_its_time(ser: Write, planet: Planet) -> None:
    assert opened(ser(planet(1), ticks=clock(1))).about.times is not None


def test_12_times_that_step_back(ser: Write, planet: Planet, everything: Everything) -> None:
    frames, ticks = planet(5), clock(5)[[0, 2, 1, 4, 3]]
    video = opened(ser(frames, ticks=ticks))
    assert "times step back 2 times" in told(video)
    np.testing.assert_array_equal(everything(video)[..., 0], frames)
    assert video.about.times is not None
    assert video.about.times[2] < video.about.times[1]


@pytest.mark.parametrize("zone", [2 * HOUR, -7 * HOUR, 5 * HOUR + HOUR // 2])
def test_13_a_trailer_in_local_time(ser: Write, planet: Planet, zone: int) -> None:
    local = opened(ser(planet(3), ticks=clock(3, NOON + zone), local=NOON + zone, utc=NOON))
    right = opened(ser(planet(3), ticks=clock(3), local=NOON + zone, utc=NOON))
    assert local.about.times is not None
    assert right.about.times is not None
    assert local.about.times.tolist() == right.about.times.tolist()
    assert "a guess" in told(local)
    assert right.about.remarks == []


def test_14_times_since_1601_and_with_flags(ser: Write, planet: Planet) -> None:
    plain = opened(ser(planet(3), ticks=clock(3))).about.times
    assert plain is not None
    since_1601 = opened(ser(planet(3), ticks=clock(3) - FILETIME))
    assert since_1601.about.times is not None
    assert since_1601.about.times.tolist() == plain.tolist()
    assert "1601" in told(since_1601)
    for flag in (1 << 62, -(1 << 63), -(1 << 62)):
        flagged = opened(ser(planet(3), ticks=clock(3) | np.int64(flag)))
        assert flagged.about.times is not None
        assert flagged.about.times.tolist() == plain.tolist()
        assert flagged.ticks.tolist() == (clock(3) | np.int64(flag)).tolist()


def test_14_single_absurd_times_are_left_out(ser: Write, planet: Planet) -> None:
    ticks = clock(4)
    ticks[2] = 2**61
    video = opened(ser(planet(4), ticks=ticks))
    assert video.about.times is not None
    assert np.isnat(video.about.times).tolist() == [False, False, True, False]
    assert "1 of 4 times are no times" in told(video)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("flag", [0, 1, 2, -1])
def test_15_the_pixels_decide_the_byte_order(
    ser: Write, planet: Planet, everything: Everything, order: str, flag: int
) -> None:
    frames = planet(5, depth=12)
    stored = frames.astype("<u2" if order == "little" else ">u2")
    video = opened(ser(stored, depth=12, endian=flag))
    assert video.byte_order == order
    np.testing.assert_array_equal(everything(video)[..., 0], frames)
    usual = flag == (0 if order == "little" else 1)
    assert (f"its flag is {flag}" in told(video)) == (not usual)
    other = "big" if order == "little" else "little"
    assert opened(ser(stored, depth=12, endian=flag), endian=other).byte_order == other


@pytest.mark.parametrize(("flag", "order"), [(0, "little"), (1, "big"), (7, "little")])
def test_15_black_frames_are_read_by_convention(ser: Write, flag: int, order: str) -> None:
    video = opened(ser(np.zeros((3, 8, 8), np.uint16), endian=flag))
    assert video.byte_order == order
    assert f"{order}-endian by convention" in told(video)


@pytest.mark.parametrize("aligned", ["low", "high"])
@pytest.mark.parametrize("electrons", [10000, 400])
@pytest.mark.parametrize("depth", range(9, 17))
def test_15_byte_order_over_all_depths(
    ser: Write, planet: Planet, depth: int, aligned: str, electrons: float
) -> None:
    frames = planet(4, 64, 64, depth=depth, electrons=electrons, seed=depth)
    frames = frames << (16 - depth if aligned == "high" else 0)
    for order, kind in (("little", "<u2"), ("big", ">u2")):
        video = opened(ser(frames.astype(kind), depth=depth, endian=0))
        assert video.byte_order == order, told(video)


def test_15_a_dark_beginning_does_not_mislead(ser: Write, planet: Planet) -> None:
    frames = planet(60, depth=14)
    frames[:45] = np.random.default_rng(1).integers(0, 3, frames[:45].shape)
    video = opened(ser(frames.astype(">u2"), depth=16))
    assert video.byte_order == "big"
    assert video.about.effective_depth == 14


@pytest.mark.parametrize("bits", [10, 12])
def test_16_fewer_bits_than_declared(ser: Write, planet: Planet, bits: int) -> None:
    frames = planet(40, depth=bits)
    frames[:35] //= 16  # the beginning is dark: it is looked at the whole file
    path = ser(frames, depth=16)
    video = opened(path)
    about = video.about
    assert (about.depth, about.full_scale, about.effective_depth) == (16, 65535.0, bits)
    assert f"{bits} bits used" in told(video) or f"16 bits declared, {bits} used" in told(video)
    known = opened(path, depth=bits).about
    assert (known.depth, known.full_scale) == (bits, 2.0**bits - 1)


def test_16_bits_shifted_up_are_no_fault(ser: Write, planet: Planet) -> None:
    about = opened(ser(planet(4, depth=12) << 4, depth=16)).about
    assert (about.depth, about.effective_depth) == (16, 12)
    assert "the lowest 4 are 0" in about.remarks[0]


def test_17_more_bits_than_declared(ser: Write, planet: Planet) -> None:
    shifted = opened(ser(planet(4, depth=12) << 4, depth=12))
    assert (shifted.about.depth, shifted.about.full_scale) == (16, 65535.0)
    assert shifted.about.effective_depth == 12
    assert "12 bits declared, but shifted up" in told(shifted)
    beyond = opened(ser(planet(4, depth=16), depth=12))
    assert beyond.about.depth == 16
    assert "12 bits declared, but values reach" in told(beyond)
    dark = opened(ser((planet(4, depth=12) // 32) << 4, depth=12))  # never above 4095
    assert dark.about.depth == 16
    plain = opened(ser(planet(4, depth=12), depth=12))
    assert (plain.about.depth, plain.about.remarks) == (12, [])


@pytest.mark.parametrize(("real", "declared"), [(8, 16), (8, 12), (12, 8), (16, 5)])
def test_18_the_size_decides_the_bytes_of_a_sample(
    ser: Write, planet: Planet, everything: Everything, real: int, declared: int
) -> None:
    frames = planet(5, depth=real)
    for ticks in ((), clock(5)):
        video = opened(ser(frames, depth=declared, ticks=ticks))
        np.testing.assert_array_equal(everything(video)[..., 0], frames)
        assert "its size fits only" in told(video)
        assert video.about.full_scale == (255 if real == 8 else 65535)


@pytest.mark.parametrize("depth", [0, -8, 17, 2**31 - 1])
def test_19_a_depth_that_is_none_must_be_said(ser: Write, planet: Planet, depth: int) -> None:
    path = ser(planet(5, depth=12), depth=depth)
    assert why(path) == f"damaged SER: a depth of {depth} bits; say what it is"
    video = opened(path, depth=12)
    assert (len(video), video.about.full_scale) == (5, 4095)


@pytest.mark.parametrize(
    ("width", "height"), [(0, 4), (4, 0), (-1, 5), (5, -2147483648), (2**31 - 1, 2**31 - 1)]
)
def test_19_sizes_that_are_none(ser: Write, planet: Planet, width: int, height: int) -> None:
    reason = why(ser(planet(5), width=width, height=height))
    assert reason.startswith(("damaged SER: a size of", "truncated SER: 15,360 bytes of the"))


def test_19_files_above_4_gb(tmp_path: Path, ser_bytes: Callable[..., bytes]) -> None:
    """A sparse file: 5 GB that take no place on the disk."""
    side, count = 1024, 5000
    path = tmp_path / "large.ser"
    blank = np.zeros((0, side, side), dtype=np.uint8)
    last = np.arange(side * side, dtype=np.uint32).astype(np.uint8)
    with path.open("wb") as file:
        file.write(ser_bytes(blank, counted=count))
        file.seek(178 + (count - 1) * side * side)
        file.write(last.tobytes())
        file.write(clock(count).tobytes())
    video = opened(path)
    assert len(video) == count
    assert len(video.ticks) == count
    np.testing.assert_array_equal(video.frame(count - 1).reshape(-1), last)


@pytest.mark.parametrize("color", [1, 255, -3])
def test_20_an_unknown_color_id_is_grey(ser: Write, planet: Planet, color: int) -> None:
    video = opened(ser(planet(3), color=color))
    assert (video.about.planes, video.about.pattern) == (1, None)
    assert f"its ColorID {color} is unknown" in told(video)


@pytest.mark.parametrize("color", [16, 17, 18, 19])
def test_20_cmy_mosaics_are_brightness_only(ser: Write, planet: Planet, color: int) -> None:
    video = opened(ser(planet(3), color=color))
    assert video.about.pattern == "CMY"
    assert "brightness only" in told(video)


@pytest.mark.parametrize(
    ("color", "pattern"), [(8, "RGGB"), (9, "GRBG"), (10, "GBRG"), (11, "BGGR")]
)
def test_bayer_patterns(ser: Write, planet: Planet, color: int, pattern: str) -> None:
    path = ser(planet(3), color=color)
    assert opened(path).about.pattern == pattern
    assert opened(path).about.remarks == []
    assert opened(path, bayer="GBRG").about.pattern == "GBRG"
    assert opened(path, bayer="none").about.pattern is None


def mosaic(frames: NDArray[Any], red: float, blue: float) -> NDArray[Any]:
    weights = np.ones(frames.shape[1:])
    weights[0::2, 0::2], weights[1::2, 1::2] = red, blue
    return (frames * weights).astype(frames.dtype)


def test_21_a_mosaic_saved_as_grey_is_told(ser: Write, planet: Planet) -> None:
    for depth in (8, 12):
        path = ser(mosaic(planet(8, 64, 64, depth=depth), 0.9, 0.7), depth=depth)
        video = opened(path)
        assert "chequered like a colour mosaic" in told(video)
        assert video.about.pattern is None
        assert opened(path, bayer="RGGB").about.pattern == "RGGB"
        assert "chequered" not in told(opened(path, bayer="none"))


@pytest.mark.parametrize("electrons", [10000, 400, 60])
def test_21_grey_planets_are_not_taken_for_mosaics(
    ser: Write, planet: Planet, electrons: float
) -> None:
    for seed in range(5):
        video = opened(ser(planet(8, 64, 64, electrons=electrons, seed=seed)))
        assert "chequered" not in told(video)


def test_22_odd_sizes_keep_their_pattern(ser: Write, planet: Planet) -> None:
    video = opened(ser(planet(3, 47, 63), color=8))
    assert (video.about.pattern, video.about.height, video.about.width) == ("RGGB", 47, 63)


def test_23_planes_come_red_first(ser: Write, planet: Planet, everything: Everything) -> None:
    grey = planet(4)
    colours = np.stack([grey, grey // 2, grey // 4], axis=-1)
    rgb = opened(ser(colours, color=100))
    bgr = opened(ser(colours[..., ::-1], "bgr.ser", color=101))
    np.testing.assert_array_equal(everything(rgb), colours)
    np.testing.assert_array_equal(everything(bgr), colours)
    confused = opened(ser(colours[..., ::-1], "c.ser", color=100), colours="BGR")
    np.testing.assert_array_equal(everything(confused), colours)
    assert "pattern that was given is not used" in told(opened(ser(colours, "d.ser"), bayer="RGGB"))


def test_23_sixteen_bits_in_three_colours(
    ser: Write, planet: Planet, everything: Everything
) -> None:
    grey = planet(4, depth=12)
    colours = np.stack([grey, grey // 2, grey // 4], axis=-1)
    video = opened(ser(colours[..., ::-1].astype(">u2"), color=101, depth=12))
    np.testing.assert_array_equal(everything(video), colours)


@pytest.mark.parametrize("depth", [8, 12])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_25_one_frame_or_all_alike(
    ser: Write, everything: Everything, depth: int, value: int
) -> None:
    for count in (1, 5):
        frames = np.full((count, 20, 20), value, np.uint8 if depth == 8 else np.uint16)
        video = opened(ser(frames, depth=depth))
        np.testing.assert_array_equal(everything(video)[..., 0], frames)
        assert video.about.effective_depth == {0: 0, 7: 3, 255: 8}[value]


# --- real files ---------------------------------------------------------------------------------


def test_jupiter_in_green(planets: Path, everything: Everything) -> None:
    path = planets / "jupiter_dslr_green_100.ser"
    with open_video(path) as video:
        about = video.about
        assert (about.frames, about.width, about.height, about.planes) == (100, 224, 192, 1)
        assert (about.depth, about.times, about.pattern, about.remarks) == (8, None, None, [])
        stored = np.fromfile(path, dtype=np.uint8, offset=178).reshape(100, 192, 224)
        np.testing.assert_array_equal(everything(video)[..., 0], stored)


def test_jupiter_in_colour_is_the_same_in_green(planets: Path, everything: Everything) -> None:
    """Both files were cut from the same frames, so that their green planes are equal."""
    grey = opened(planets / "jupiter_dslr_green_100.ser")
    colours = opened(planets / "jupiter_dslr_bgr_12.ser")
    found = everything(colours)
    np.testing.assert_array_equal(found[..., 1], everything(grey, range(12))[..., 0])
