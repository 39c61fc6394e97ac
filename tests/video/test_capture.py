"""Several files as one capture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import open_video

Planet = Callable[..., NDArray[Any]]
Write = Callable[..., Path]
Everything = Callable[..., NDArray[Any]]
NOON = 638_000_000_000_000_000


def clock(count: int, start: int) -> NDArray[np.int64]:
    return NOON + 10_000_000 * (start + np.arange(count, dtype=np.int64))


def test_pieces_follow_each_other_by_their_times(
    ser: Write, planet: Planet, everything: Everything
) -> None:
    frames = planet(10)
    last = ser(frames[7:], "a.ser", ticks=clock(3, 700))
    first = ser(frames[:4], "b.ser", ticks=clock(4, 0))
    middle = ser(frames[4:7], "c.ser", ticks=clock(3, 300))
    with open_video([last, first, middle]) as video:
        assert len(video) == 10
        np.testing.assert_array_equal(everything(video, size=3)[..., 0], frames)
        np.testing.assert_array_equal(everything(video, [9, 3, 4, 0])[..., 0], frames[[0, 3, 4, 9]])
        assert video.about.remarks == ["put in the order of their times: b.ser, c.ser, a.ser"]
        assert video.about.times is not None
        assert (np.diff(video.about.times) > np.timedelta64(0)).all()
        assert [video.origin(at).path.name for at in (0, 3, 4, 6, 7, 9)] == [
            "b.ser", "b.ser", "c.ser", "c.ser", "a.ser", "a.ser"
        ]  # fmt: skip
        assert [video.origin(at).frame for at in (0, 3, 4, 6, 7, 9)] == [0, 3, 0, 2, 0, 2]
        np.testing.assert_array_equal(video.frame(8)[..., 0], frames[8])
        with pytest.raises(PictureError, match="it has 10"):
            video.frame(10)


def test_without_times_by_their_names(ser: Write, planet: Planet, everything: Everything) -> None:
    frames = planet(6)
    ten = ser(frames[4:], "mars_10.ser")
    two = ser(frames[:4], "mars_2.ser")
    with open_video([ten, two]) as video:
        np.testing.assert_array_equal(everything(video)[..., 0], frames)
        assert video.about.remarks[0].startswith("put in the order of their names: mars_2.ser")
    with open_video([two, ten]) as video:
        assert video.about.remarks == []
    with open_video(two.parent) as video:  # a folder of nothing but videos
        np.testing.assert_array_equal(everything(video)[..., 0], frames)


def test_times_of_some_pieces_only(ser: Write, planet: Planet) -> None:
    a = ser(planet(2), "a.ser", ticks=clock(2, 50))
    b = ser(planet(3), "b.ser")
    with open_video([a, b]) as video:
        assert video.about.times is not None
        assert np.isnat(video.about.times).tolist() == [False, False, True, True, True]


def test_24_pieces_that_differ_are_refused_with_a_list(ser: Write, planet: Planet) -> None:
    a = ser(planet(2), "a.ser")
    b = ser(planet(2, 40, 64), "b.ser", color=8)
    c = ser(planet(2, depth=16), "c.ser")
    with pytest.raises(PictureError) as caught:
        open_video([a, b, c])
    told = str(caught.value)
    assert "b.ser has height 40, not 48" in told
    assert "b.ser has pattern RGGB, not None" in told
    assert "c.ser has depth 16, not 8" in told
    assert "\n" not in told


def test_a_dark_piece_is_still_of_the_capture(ser: Write, planet: Planet) -> None:
    """12 bits shifted up to 16, of which the first piece shows nothing: the cap was on."""
    dark = ser(np.zeros((2, 48, 64), np.uint16), "a.ser", depth=12)
    bright = ser(planet(2, depth=12) << 4, "b.ser", depth=12)
    with open_video([dark, bright]) as video:
        assert (video.about.depth, video.about.full_scale) == (16, 65535)


def test_remarks_name_their_file(ser: Write, planet: Planet) -> None:
    a = ser(planet(2), "a.ser")
    b = ser(planet(3), "b.ser", counted=9)
    with open_video([a, b]) as video:
        assert video.about.remarks[0].startswith("b.ser: cut short: 3 of 9 frames")


def test_a_piece_that_cannot_be_read_is_named(ser: Write, planet: Planet, tmp_path: Path) -> None:
    a = ser(planet(2), "a.ser")
    b = tmp_path / "b.ser"
    b.write_bytes(b"LUCAM-RECORDER")
    with pytest.raises(PictureError, match=r"b.ser: truncated SER"):
        open_video([a, b])
    with pytest.raises(PictureError, match=r"a.ser is one"):
        open_video([a, tmp_path / "none.ser"])


def test_overrides_go_to_all_pieces(ser: Write, planet: Planet) -> None:
    paths = [ser(planet(2), name) for name in ("a.ser", "b.ser")]
    with open_video(paths, Overrides(bayer="GRBG", depth=7)) as video:
        assert (video.about.pattern, video.about.full_scale) == ("GRBG", 127)
