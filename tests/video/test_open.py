"""What opens a video: by its content, and one frame of it as a picture."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import PictureError
from seeing.video.base import Overrides
from seeing.video.open import FORMATS, is_video, open_video
from seeing.video.picture import frame_picture

Planet = Callable[..., NDArray[Any]]
Write = Callable[..., Path]
NOON = 638_000_000_000_000_000


def test_the_content_counts_and_not_the_name(ser: Write, planet: Planet, planets: Path) -> None:
    path = ser(planet(3), "a.png")
    assert is_video(path)
    with open_video(str(path)) as video:
        assert video.about.format == "SER"
    copy = path.with_name("b.ser")
    copy.write_bytes((planets / "moon_pss_short_video.avi").read_bytes())
    with open_video(copy) as video:
        assert video.about.format == "AVI"


def test_still_pictures_are_no_videos(planet: Planet, tmp_path: Path, planets: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(planet(1)[0]).save(path)
    for still in (path, planets / "mars_processed.png", tmp_path, tmp_path / "none"):
        assert not is_video(still)
    with pytest.raises(PictureError, match="not a video"):
        open_video(path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF0000AVI ", b"\x1aE\xdf\xa3", bytes(500)])
def test_rubbish_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ser"
    path.write_bytes(content)
    with pytest.raises(PictureError) as caught:
        open_video(path)
    assert "\n" not in str(caught.value)
    assert str(path) not in str(caught.value)


def test_pipes_do_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "a.ser"
    os.mkfifo(path)
    assert not is_video(path)
    with pytest.raises(PictureError, match="pipe"):
        open_video(path)


def test_mixtures_are_refused(ser: Write, planet: Planet, tmp_path: Path) -> None:
    video = ser(planet(3))
    still = tmp_path / "b.png"
    Image.fromarray(planet(1)[0]).save(still)
    with pytest.raises(PictureError, match=r"b.png is no video, a.ser is one"):
        open_video([video, still])
    with pytest.raises(PictureError, match="1 pictures and 1 videos: name the files"):
        open_video(tmp_path)
    with pytest.raises(PictureError, match="is a folder"):
        open_video([video, tmp_path])
    with pytest.raises(PictureError, match="no video given"):
        open_video([])


def test_every_format_has_its_reader() -> None:
    from importlib import import_module

    for place in FORMATS.values():
        module, _, name = place.partition(":")
        assert callable(getattr(import_module(f"seeing.video.{module}"), name))


def test_a_closed_video_says_so(ser: Write, planet: Planet) -> None:
    video = open_video(ser(planet(3)))
    video.close()
    with pytest.raises(PictureError, match="closed"):
        video.frame(0)


# --- pictures -------------------------------------------------------------------------------------


def test_a_frame_as_a_picture(ser: Write, planet: Planet) -> None:
    frames = planet(4, depth=12)
    ticks = NOON + 10_000_000 * np.arange(4)
    with open_video(ser(frames, depth=12, ticks=ticks)) as video:
        picture = frame_picture(video, 2)
        frame_picture(video, 0)  # does not overwrite the other
    np.testing.assert_array_equal(picture.samples[..., 0], frames[2])
    assert (picture.depth, picture.full_scale, picture.mask) == (12, 4095, None)
    told = picture.metadata
    assert (told.format, told.width, told.height, told.frames) == ("SER", 64, 48, 4)
    assert told.taken_at == "2022-09-28T22:13:22.000000Z"
    assert told.header["ImageWidth"] == 64


@pytest.mark.parametrize("depth", [8, 12])
def test_a_mosaic_becomes_a_picture_in_colour(ser: Write, depth: int) -> None:
    kind = np.uint8 if depth == 8 else np.uint16
    frame = np.zeros((12, 16), kind)
    frame[0::2, 0::2], frame[1::2, 1::2] = 200, 50
    frame[0::2, 1::2] = frame[1::2, 0::2] = 100
    with open_video(ser(np.stack([frame] * 3), color=8, depth=depth)) as video:
        picture = frame_picture(video, 1)
    assert picture.samples.dtype == kind
    assert picture.depth == depth
    np.testing.assert_array_equal(
        picture.samples, np.broadcast_to([200, 100, 50], picture.samples.shape)
    )


def test_a_cmy_mosaic_becomes_grey_at_half_the_size(ser: Write, planet: Planet) -> None:
    with open_video(ser(planet(2), color=17)) as video:
        picture = frame_picture(video, 0)
    assert (picture.height, picture.width, picture.channels) == (24, 32, 1)


def test_holes_of_a_cube_are_masked(tmp_path: Path) -> None:
    from astropy.io import fits

    frames = np.full((4, 6, 8), 0.5, np.float32)
    frames[1, 2, 3] = np.nan
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(frames).writeto(path)
    with open_video(path, Overrides()) as video:
        picture = frame_picture(video, 1)
    assert picture.mask is not None
    assert int(picture.mask.sum()) == 1
    assert (picture.samples == 0.5).all()
    assert picture.linear
