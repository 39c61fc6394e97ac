"""FITS cubes written by astropy."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from seeing.errors import PictureError
from seeing.media.read import read
from seeing.video.base import Overrides
from seeing.video.cube import Cube, open_cube
from seeing.video.open import is_video, open_video

Planet = Callable[..., NDArray[Any]]
Everything = Callable[..., NDArray[Any]]


@pytest.fixture
def cube(tmp_path: Path) -> Callable[..., Path]:
    def write(pixels: NDArray[Any], **cards: Any) -> Path:
        unit = fits.PrimaryHDU(pixels)
        unit.header.update(cards)
        unit.writeto(tmp_path / "a.fits", overwrite=True)
        return tmp_path / "a.fits"

    return write


Write = Callable[..., Path]


def looked(path: Path, everything: Everything, **known: Any) -> tuple[NDArray[Any], Any]:
    with open_cube(path, Overrides(**known)) as video:
        assert isinstance(video, Cube)
        return everything(video, size=3), video.about


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP", None])
def test_unsigned_integers_stay_as_they_are(
    cube: Write, planet: Planet, everything: Everything, depth: int, order: str | None
) -> None:
    frames = planet(7, depth=depth)
    path = cube(frames, **({"ROWORDER": order} if order else {}))
    found, about = looked(path, everything)
    assert found.dtype == frames.dtype
    expected = frames if order == "TOP-DOWN" else frames[:, ::-1]
    np.testing.assert_array_equal(found[..., 0], expected)
    assert (about.format, about.planes, about.depth, about.remarks) == ("FITS", 1, depth, [])
    assert about.full_scale == 2**depth - 1
    assert is_video(path)
    # a frame is what `read` sees of the same file
    np.testing.assert_array_equal(read(path, frame=5).samples, found[5])


@pytest.mark.parametrize("kind", [">i2", ">i4", ">f4", ">f8"])
def test_all_else_becomes_float32(
    cube: Write, planet: Planet, everything: Everything, kind: str
) -> None:
    frames = planet(5, depth=12).astype(kind) - 100
    found, about = looked(cube(frames, ROWORDER="TOP-DOWN"), everything)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 0], frames.astype(np.float32))
    assert about.full_scale == frames.max()
    assert (about.depth, looked(cube(frames), everything, depth=12)[1].full_scale) == (32, 4095)


def test_nan_stays_nan_and_blank_becomes_it(cube: Write, everything: Everything) -> None:
    frames = np.ones((4, 6, 8), np.float32) / 2
    frames[2, 3, 4], frames[1, 0, 0] = np.nan, np.inf
    found, about = looked(cube(frames, ROWORDER="TOP-DOWN"), everything)
    np.testing.assert_array_equal(found[..., 0], frames)
    assert about.full_scale == 1
    whole = np.arange(4 * 48, dtype=np.int32).reshape(4, 6, 8)
    found, about = looked(cube(whole, ROWORDER="TOP-DOWN", BLANK=7), everything)
    assert np.flatnonzero(np.isnan(found)).tolist() == [7]


def test_bscale_and_bzero(cube: Write, everything: Everything) -> None:
    path = cube(np.arange(96, dtype=np.int16).reshape(4, 4, 6), ROWORDER="TOP-DOWN")
    content = path.read_bytes()
    end = content.index(b"END     ")
    cards = b"BSCALE  =                  0.5".ljust(80) + b"BZERO   =               1.0D+1".ljust(
        80
    )
    path.write_bytes(content[:end] + cards + content[end : 2880 - 160] + content[2880:])
    found, _ = looked(path, everything)
    np.testing.assert_array_equal(found.reshape(-1), np.arange(96) * 0.5 + 10)


def test_three_planes_and_what_they_are(
    cube: Write, planet: Planet, everything: Everything
) -> None:
    planes = planet(3)
    for cards, colours, why in (
        ({"CTYPE3": "RGB"}, True, "as its header says"),
        ({}, True, "since there are three"),
        ({"BAYERPAT": "'RGGB    '"}, False, "since it has a mosaic"),
        ({"CTYPE3": "TIME"}, False, "since their axis is TIME"),
    ):
        path = cube(planes, ROWORDER="TOP-DOWN", **cards)
        found, about = looked(path, everything)
        assert why in about.remarks[0]
        expected = np.moveaxis(planes, 0, -1)[None] if colours else planes[..., None]
        np.testing.assert_array_equal(found, expected)
        assert is_video(path) is not colours
    many = np.stack([planes, planes // 2])
    found, about = looked(cube(many, ROWORDER="TOP-DOWN"), everything)
    assert (about.frames, about.planes) == (2, 3)
    np.testing.assert_array_equal(found, np.moveaxis(many, 1, -1))


@pytest.mark.parametrize(
    ("told", "height", "order", "cards", "expected"),
    [
        ("RGGB", 48, "TOP-DOWN", {}, "RGGB"),
        ("'GRBG '", 48, "TOP-DOWN", {}, "GRBG"),
        ("RGGB", 48, "BOTTOM-UP", {}, "GBRG"),
        ("RGGB", 47, "BOTTOM-UP", {}, "RGGB"),
        ("GRBG", 48, "BOTTOM-UP", {}, "BGGR"),
        ("RGGB", 48, "TOP-DOWN", {"XBAYROFF": 1}, "GRBG"),
        ("RGGB", 48, "TOP-DOWN", {"YBAYROFF": 1}, "GBRG"),
        ("RGGB", 48, "TOP-DOWN", {"XBAYROFF": 1, "YBAYROFF": 3}, "BGGR"),
        ("MONO", 48, "TOP-DOWN", {}, None),
    ],
)
def test_the_mosaic_is_turned_with_the_rows(
    cube: Write, planet: Planet, told: str, height: int, order: str, cards: Any, expected: Any
) -> None:
    """Each colour of the file is marked by a value of its own, and found where it is said to be."""
    frames = np.zeros((4, height, 64), np.uint8)
    path = cube(frames, BAYERPAT=told, ROWORDER=order, **cards)
    with open_video(path) as video:
        assert video.about.pattern == expected
    with open_video(path, Overrides(bayer="none")) as video:
        assert video.about.pattern is None


def test_a_turned_mosaic_has_its_colours_where_it_says(cube: Write) -> None:
    frame = np.zeros((6, 8), np.uint8)
    frame[0::2, 0::2], frame[1::2, 1::2] = 1, 3  # RGGB: red 1, blue 3, green 2
    frame[0::2, 1::2] = frame[1::2, 0::2] = 2
    with open_video(cube(np.stack([frame] * 4), BAYERPAT="RGGB")) as video:
        found = video.frame(0)[..., 0]
        letters = np.array(["?", "R", "G", "B"])[found[:2, :2]]
        assert "".join(letters.reshape(-1)) == video.about.pattern


def test_a_picture_in_an_extension(planet: Planet, tmp_path: Path, everything: Everything) -> None:
    frames = planet(4)
    path = tmp_path / "a.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))])
    fits.HDUList([fits.PrimaryHDU(), table, fits.ImageHDU(frames)]).writeto(path)
    found, _ = looked(path, everything)
    np.testing.assert_array_equal(found[..., 0], frames[:, ::-1])


def test_what_is_no_cube_says_so(planet: Planet, tmp_path: Path, cube: Write) -> None:
    path = tmp_path / "b.fits"
    compressed = fits.CompImageHDU(planet(4, depth=16), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(path)
    with pytest.raises(PictureError, match="funpack"):
        open_video(path)
    assert not is_video(path)
    single = cube(planet(1)[0])
    assert not is_video(single)
    content = cube(planet(4)).read_bytes()
    for length in (0, 9, 100, 2879, 2880, 5000):
        path.write_bytes(content[:length])
        with pytest.raises(PictureError) as caught:
            open_video(path)
        assert "\n" not in str(caught.value)
        assert not is_video(path)
    path.write_bytes(
        content.replace(b"NAXIS3  =                    4", b"NAXIS3  = 99999999999999999999")
    )
    with pytest.raises(PictureError):
        open_video(path)


def test_any_changed_byte_of_the_header_is_at_most_one_line(cube: Write, planet: Planet) -> None:
    path = cube(planet(4, 8, 8))
    content = path.read_bytes()
    for at in range(0, 700, 3):
        path.write_bytes(content[:at] + b"9" + content[at + 1 :])
        try:
            with open_video(path) as video:
                list(video.batches())
        except PictureError as problem:
            assert "\n" not in str(problem)


def test_only_what_is_asked_for_is_read(cube: Write, tmp_path: Path) -> None:
    """A cube of 6 GB, sparse."""
    path = cube(np.zeros((2, 1000, 1000), np.uint16), ROWORDER="TOP-DOWN")
    content = path.read_bytes()[:2880]
    large = tmp_path / "large.fits"
    with large.open("wb") as file:
        file.write(
            content.replace(b"NAXIS3  =                    2", b"NAXIS3  =                 3000")
        )
        file.truncate(2880 + 3000 * 2_000_000)
    with open_video(large) as video:
        assert len(video) == 3000
        assert int(video.frame(2999).max()) == 32768
    shutil.rmtree(tmp_path)
