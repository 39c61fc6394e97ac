"""TIFF of every depth and layout, written by tifffile and Pillow."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from seeing.errors import PictureError
from seeing.media.picture import Picture
from seeing.media.read import read


def noise(*shape: int, kind: Any = np.uint8) -> NDArray[Any]:
    generator = np.random.default_rng(4)
    if np.dtype(kind).kind == "f":
        return generator.normal(size=shape).astype(kind)
    limits = np.iinfo(kind)
    return generator.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)


def written(pixels: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def back(pixels: NDArray[Any], **options: Any) -> Picture:
    return read("a", content=written(pixels, **options))


def why(content: bytes, **options: Any) -> str:
    with pytest.raises(PictureError) as caught:
        read("a", content=content, **options)
    return str(caught.value)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_colour_comes_back_exactly(kind: type, compression: str | None, tile: Any) -> None:
    pixels = noise(37, 50, 3, kind=kind)
    picture = back(pixels, photometric="rgb", compression=compression, tile=tile)
    np.testing.assert_array_equal(picture.samples, pixels)
    assert picture.samples.dtype == kind
    assert (picture.depth, picture.full_scale) == (pixels.itemsize * 8, float(np.iinfo(kind).max))
    assert (picture.linear, picture.mask, picture.metadata.format) == (False, None, "TIFF")


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"bigtiff": True}, {"rowsperstrip": 5}])
def test_byte_order_and_big_files(options: dict[str, Any]) -> None:
    pixels = noise(12, 13, kind=np.uint16)
    picture = back(pixels, photometric="minisblack", **options)
    np.testing.assert_array_equal(picture.samples[:, :, 0], pixels)
    assert picture.samples.dtype.isnative


def test_planes_lying_apart_are_joined() -> None:
    planes = noise(3, 20, 30)
    picture = back(planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(picture.samples, np.moveaxis(planes, 0, -1))
    assert picture.samples.flags.c_contiguous


@pytest.mark.parametrize("bands", [1, 2, 4, 8, 13])
@pytest.mark.parametrize("layout", ["contig", "separate"])
def test_bands_stay_bands(bands: int, layout: str) -> None:
    pixels = noise(9, 7, bands, kind=np.uint16)
    stored = pixels if layout == "contig" else np.moveaxis(pixels, -1, 0)
    if bands == 1:
        stored = pixels[:, :, 0]
    options = {"planarconfig": layout} if bands > 1 else {}
    extra = {"extrasamples": ["unspecified"] * (bands - 1)} if bands > 1 else {}
    picture = back(np.ascontiguousarray(stored), photometric="minisblack", **options, **extra)
    np.testing.assert_array_equal(picture.samples, pixels)
    assert picture.mask is None


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_are_linear_and_holes_are_masked(kind: type) -> None:
    pixels: NDArray[Any] = np.array([[0.0, 2.0, np.nan], [4.0, 8.0, np.inf]], dtype=kind)
    picture = back(pixels, photometric="minisblack")
    assert picture.samples.dtype == np.float32
    assert picture.samples[:, :, 0].tolist() == [[0, 2, 3], [4, 8, 3]]  # the median of 0 2 4 8
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, False, True], [False, False, True]]
    assert (picture.full_scale, picture.linear) == (8.0, True)
    assert picture.depth == pixels.itemsize * 8


def test_floats_of_nought_to_one_have_full_scale_one() -> None:
    assert back(np.linspace(0, 0.5, 12, dtype=np.float32).reshape(3, 4)).full_scale == 1.0
    assert back(np.full((3, 4), np.nan, np.float32)).full_scale == 1.0
    assert back(np.full((3, 4), -5, np.float32)).full_scale == 1.0


def test_values_that_float32_cannot_hold_are_masked() -> None:
    picture = back(np.array([[1.0, 1e300]]), photometric="minisblack")
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True]]


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint32, np.int32])
def test_other_integers_become_floats(kind: type) -> None:
    pixels = noise(5, 6, kind=kind)
    picture = back(pixels, photometric="minisblack")
    np.testing.assert_array_equal(picture.samples[:, :, 0], pixels.astype(np.float32))
    assert not picture.linear
    assert picture.depth == pixels.itemsize * 8


def test_one_bit_and_white_is_zero() -> None:
    lit = noise(5, 9) > 128
    for photometric, expected in (("minisblack", lit), ("miniswhite", ~lit)):
        picture = back(lit, photometric=photometric)
        np.testing.assert_array_equal(picture.samples[:, :, 0], expected * np.uint8(255))
        assert (picture.depth, picture.full_scale) == (1, 255.0)
    pixels = noise(5, 9)
    picture = back(pixels, photometric="miniswhite")
    np.testing.assert_array_equal(picture.samples[:, :, 0], 255 - pixels)


def test_twelve_bits_have_their_own_full_scale() -> None:
    pixels = (noise(6, 8, kind=np.uint16) >> 4).astype(np.uint16)
    picture = back(pixels, photometric="minisblack", bitspersample=12)
    np.testing.assert_array_equal(picture.samples[:, :, 0], pixels)
    assert (picture.depth, picture.full_scale) == (12, 4095.0)


def test_palette_becomes_colour() -> None:
    table = noise(3, 256, kind=np.uint16)
    indices = noise(8, 9)
    picture = back(indices, photometric="palette", colormap=table)
    np.testing.assert_array_equal(picture.samples, np.moveaxis(table[:, indices] >> 8, 0, -1))
    assert picture.samples.dtype == np.uint8


def test_jpeg_inside() -> None:
    pixels = np.asarray(Image.fromarray(noise(8, 8, 3)).resize((64, 64)))
    for options in ({}, {"subsampling": (1, 1)}, {"tile": (32, 32)}):
        told: dict[str, Any] = {"compression": "jpeg", "compressionargs": {"level": 98}, **options}
        picture = back(pixels, photometric="rgb", **told)
        # at level 98 colour is still halved unless told otherwise: mean error below 4 of 255
        assert float(np.abs(picture.samples.astype(int) - pixels).mean()) < 4, options


@pytest.mark.parametrize("compression", [None, "zlib", "jpeg"])
def test_luminance_and_colour_differences_become_colour(compression: str | None) -> None:
    image = Image.fromarray(noise(4, 4, 3)).resize((64, 64))
    parts = np.asarray(image.convert("YCbCr"))
    picture = back(parts, photometric="ycbcr", compression=compression, subsampling=(1, 1))
    assert float(np.abs(picture.samples.astype(int) - np.asarray(image)).mean()) < 4


def test_alpha_straight_and_multiplied() -> None:
    pixels: NDArray[np.uint8] = np.full((1, 3, 4), 200, dtype=np.uint8)
    pixels[0, :, 3] = [0, 51, 255]
    straight = back(pixels, photometric="rgb", extrasamples=["unassalpha"])
    assert straight.samples[0, :, 1].tolist() == [0, 40, 200]
    pixels[0, :, :3] = [[0], [40], [200]]
    multiplied = back(pixels, photometric="rgb", extrasamples=["assocalpha"])
    assert multiplied.samples[0, :, 1].tolist() == [0, 40, 200]
    for picture in (straight, multiplied):
        assert picture.mask is not None
        assert picture.mask.tolist() == [[True, False, False]]
    grey = back(
        np.array([[[100, 0], [100, 65535]]], np.uint16),
        photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig",
    )  # fmt: skip
    assert grey.samples.tolist() == [[[0], [100]]]


def test_a_fourth_band_that_is_no_alpha_stays() -> None:
    pixels = noise(5, 6, 4)
    picture = back(pixels, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(picture.samples, pixels)


def test_cmyk_becomes_colour() -> None:
    inks = np.array([[[0, 255, 255, 0], [0, 0, 0, 0], [0, 0, 0, 255]]], dtype=np.uint8)
    expected = [[[255, 0, 0], [255, 255, 255], [0, 0, 0]]]
    picture = back(inks, photometric="separated", planarconfig="contig")
    assert picture.samples.tolist() == expected
    picture = back(inks.astype(np.uint16) * 257, photometric="separated", planarconfig="contig")
    assert picture.samples.tolist() == (np.array(expected) * 257).tolist()


def test_a_profile_is_applied() -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noise(5, 5, 3)
    np.testing.assert_array_equal(back(pixels, photometric="rgb", iccprofile=own).samples, pixels)


def test_what_is_called_no_data_is_masked() -> None:
    pixels = np.array([[[1, 2, 3], [0, 0, 0]], [[0, 5, 0], [7, 6, 5]]], dtype=np.uint16)
    picture = back(pixels, photometric="rgb", extratags=[(42113, "s", 0, "0", True)])
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True], [False, False]]
    assert picture.samples[0, 1].tolist() == [1, 5, 3]


def test_pages_are_frames() -> None:
    pages = [noise(4, 5) + np.uint8(n) for n in range(3)]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="minisblack")
    for frame in (None, 0, 1, 2):
        picture = read("a", content=file.getvalue(), frame=frame)
        np.testing.assert_array_equal(picture.samples[:, :, 0], pages[frame or 0])
        assert picture.metadata.frames == 3
    assert why(file.getvalue(), frame=3) == "no frame 3: it has 3 frames, counted from 0"


def test_a_thumbnail_in_front_is_passed_over() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noise(4, 4), photometric="minisblack", subfiletype=1)
        writer.write(noise(40, 50), photometric="minisblack")
    assert read("a", content=file.getvalue()).samples.shape == (40, 50, 1)
    assert read("a", content=file.getvalue(), frame=0).samples.shape == (4, 4, 1)


def test_time_and_tags() -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[34665] = {36867: "2021:07:04 23:59:58", 36881: "+02:00"}
    directory[271] = "Maker"
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "TIFF", tiffinfo=directory)
    told = read("a", content=file.getvalue()).metadata
    assert told.taken_at == "2021-07-04T21:59:58Z"
    assert told.header["Make"] == "Maker"
    assert told.header["DateTimeOriginal"] == "2021:07:04 23:59:58"


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "jpeg"])
def test_a_truncated_file_is_an_error(compression: str | None, tmp_path: Path) -> None:
    content = written(noise(80, 80, 3), photometric="rgb", rowsperstrip=16, compression=compression)
    for missing in (1, 100, len(content) // 2):
        path = tmp_path / "a.tif"
        path.write_bytes(content[: len(content) - missing])
        with pytest.raises(PictureError, match=r"^(truncated|damaged) TIFF"):
            read(path)


def test_what_is_no_finished_picture_is_refused() -> None:
    pixels = noise(8, 8, kind=np.uint16)
    raw = "a camera's raw file; only finished pictures are read here"
    assert why(written(pixels, photometric="cfa")) == raw
    dng = (50706, "B", 4, (1, 4, 0, 0), True)
    assert why(written(pixels, photometric="minisblack", extratags=[dng])) == raw
    assert "CIELAB" in why(written(noise(8, 8, 3), photometric="cielab"))
    assert why(written(noise(50, 50)), limit_pixels=2000).startswith("0 million pixels")


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(written(noise(30, 30, 3), photometric="rgb", compression="lzw"))
    for at in range(8, len(content), 7):
        damaged = bytes(content[:at]) + b"\xff\xff" + bytes(content[at + 2 :])
        try:
            read("a", content=damaged, limit_pixels=100_000)
        except PictureError as problem:
            assert str(problem)
    assert capfd.readouterr() == ("", "")
