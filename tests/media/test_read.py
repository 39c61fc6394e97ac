"""Reading JPEG, PNG, GIF, WebP, AVIF, BMP, HEIC, JPEG 2000 and JPEG XL: samples and masks."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seeing.errors import PictureError
from seeing.media.read import read

Files = Any  # see conftest.py
Why = Callable[..., str]


# --- PNG, BMP, JPEG -------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "WebP"])
def test_8_bit_colour_comes_back_exactly(tmp_path: Path, format_name: str, files: Files) -> None:
    pixels = files.drawn(30, 41, 3)
    path = tmp_path / "a.bin"
    path.write_bytes(files.saved(Image.fromarray(pixels), format_name, lossless=True))
    picture = read(path)
    np.testing.assert_array_equal(picture.samples, pixels)
    assert picture.samples.dtype == np.uint8
    assert (picture.full_scale, picture.depth, picture.linear) == (255.0, 8, False)
    assert picture.mask is None
    assert picture.samples.flags.writeable
    told = picture.metadata
    assert (told.format, told.width, told.height, told.frames) == (format_name, 41, 30, 1)


def test_a_jpeg_is_decoded_as_pillow_does(tmp_path: Path, files: Files) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(files.drawn(40, 60, 3)).save(path, quality=90)
    np.testing.assert_array_equal(read(path).samples, np.asarray(Image.open(path)))
    np.testing.assert_array_equal(read(os.fsencode(path)).samples, np.asarray(Image.open(path)))


def test_grey_stays_one_channel(files: Files) -> None:
    pixels = files.drawn(9, 11, 1)
    for format_name in ("PNG", "BMP"):
        picture = read("a", content=files.saved(Image.fromarray(pixels[:, :, 0]), format_name))
        np.testing.assert_array_equal(picture.samples, pixels)
    assert read("a", content=files.saved(Image.fromarray(pixels[:, :, 0]), "JPEG")).channels == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_keeps_16_bits(channels: int, files: Files) -> None:
    pixels = files.drawn(8, 9, channels, np.uint16) + np.uint16(7)
    picture = read("a", content=files.encoded("png_encode", pixels))
    assert picture.samples.dtype == np.uint16
    np.testing.assert_array_equal(picture.samples, pixels)
    assert (picture.full_scale, picture.depth) == (65535.0, 16)


def test_palette_becomes_colour(files: Files) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 0, 255])
    image.putdata([0, 1, 2])
    picture = read("a", content=files.saved(image, "PNG"))
    assert picture.samples.tolist() == [[[10, 20, 30], [200, 100, 50], [0, 0, 255]]]
    picture = read("a", content=files.saved(image, "PNG", transparency=1))
    assert picture.samples.tolist() == [[[10, 20, 30], [0, 0, 0], [0, 0, 255]]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True, False]]


def test_one_bit_becomes_black_and_white(files: Files) -> None:
    image = Image.fromarray(np.array([[True, False, True]]))
    for format_name in ("PNG", "BMP"):
        picture = read("a", content=files.saved(image, format_name))
        assert picture.samples[0, :, 0].tolist() == [255, 0, 255]
        assert picture.depth == 1


def test_cmyk_jpeg_has_the_right_sense(files: Files) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK")
    colour = read("a", content=files.saved(red, "JPEG", quality=95)).samples[8, 8].astype(int)
    assert colour[0] > 245
    assert max(colour[1], colour[2]) < 10


def test_ycck_jpeg_has_the_right_sense(files: Files) -> None:
    red = np.asarray(Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK"))
    # Adobe writes inverted inks, as YCCK: colour transform 2 in its marker
    plain = files.encoded(
        "jpeg8_encode", 255 - red, colorspace="CMYK", outcolorspace="YCCK", level=95
    )
    colour = read("a", content=plain).samples[8, 8].astype(int)
    np.testing.assert_allclose(colour, [255, 0, 0], atol=10)


# --- transparency ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_laid_on_black_and_masks_where_clear(
    kind: type, full: int, channels: int, files: Files
) -> None:
    pixels: NDArray[Any] = np.full((1, 3, channels + 1), full, dtype=kind)
    pixels[0, :, -1] = [0, full // 5, full]
    picture = read("a", content=files.encoded("png_encode", pixels))
    assert picture.channels == channels
    assert picture.samples[0, :, 0].tolist() == [0, full // 5, full]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[True, False, False]]


def test_opaque_alpha_makes_no_mask(files: Files) -> None:
    pixels = files.drawn(5, 6, 4)
    pixels[:, :, 3] = 255
    picture = read("a", content=files.encoded("png_encode", pixels))
    assert picture.mask is None
    np.testing.assert_array_equal(picture.samples, pixels[:, :, :3])


@pytest.mark.parametrize(
    ("depth", "colour_type", "row", "trns", "expected"),
    [
        (8, 0, bytes([7, 9, 200]), b"\0\x09", [7, 0, 200]),
        (16, 0, bytes([7, 1, 9, 1, 200, 1]), b"\x09\x01", [0x701, 0, 0xC801]),
        (1, 0, bytes([0b10100000]), b"\0\0", [255, 0, 255]),
        (8, 2, bytes([1, 1, 1, 2, 2, 2, 3, 3, 3]), b"\0\2\0\2\0\2", [1, 0, 3]),
        (16, 2, bytes([1, 1] * 3 + [2, 2] * 3 + [3, 3] * 3), b"\2\2" * 3, [257, 0, 771]),
    ],
)
def test_a_colour_key_in_a_png_masks(
    depth: int, colour_type: int, row: bytes, trns: bytes, expected: list[int], files: Files
) -> None:
    picture = read("a", content=files.png((3, 1), depth, colour_type, b"\0" + row, trns))
    assert picture.samples[0, :, 0].tolist() == expected
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True, False]]


def test_a_transparent_gif_is_masked(files: Files) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    picture = read("a", content=files.saved(image, "GIF", transparency=1))
    assert picture.samples.tolist() == [[[255, 0, 0], [0, 0, 0]]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True]]


# --- animations and newer formats -----------------------------------------------------------------


def test_gif_and_animations_give_the_frame_asked_for(files: Files, why: Why) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    for format_name in ("GIF", "WebP", "PNG"):
        options = {"lossless": True} if format_name == "WebP" else {}
        content = files.saved(
            frames[0], format_name, save_all=True, append_images=frames[1:], duration=40, **options
        )
        assert read("a", content=content).metadata.frames == 3, format_name
        assert read("a", content=content).samples[0, 0].tolist() == [255, 0, 0]
        assert read("a", content=content, frame=2).samples[0, 0].tolist() == [0, 0, 255]
        assert why(content, frame=3) == "no frame 3: it has 3 frames, counted from 0"


def test_avif_and_heic_come_close_to_what_was_written(files: Files) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    pixels = np.repeat(np.repeat(files.drawn(4, 4, 3), 16, axis=0), 16, axis=1)
    avif = files.saved(Image.fromarray(pixels), "AVIF", quality=95)
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic, quality=95)
    for content, name in ((avif, "AVIF"), (heic.getvalue(), "HEIC")):
        picture = read("a", content=content)
        assert picture.metadata.format == name
        # mean error of 3 of 255 at quality 95: both subsample colour
        assert float(np.abs(picture.samples.astype(int) - pixels).mean()) < 3


def test_heic_without_its_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, why: Why
) -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "pillow_heif"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert why(head) == "HEIC needs one more package: pip install 'seeing[heic]'"


def test_avif_of_10_bits_keeps_them(files: Files) -> None:
    pixels = (np.add.outer(np.arange(32), np.arange(32)).astype(np.uint16) * 16)[:, :, None]
    pixels = np.ascontiguousarray(np.repeat(pixels, 3, axis=2))
    picture = read("a", content=files.encoded("avif_encode", pixels, level=100, bitspersample=10))
    assert (picture.depth, picture.full_scale) == (10, 1023.0)
    np.testing.assert_allclose(picture.samples.astype(int), pixels.astype(int), atol=4)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_and_xl_come_back_exactly(
    kind: type, channels: int, files: Files, why: Why
) -> None:
    pixels = files.drawn(24, 40, channels, kind)
    flat = pixels[:, :, 0] if channels == 1 else pixels
    for content, name in (
        (files.encoded("jpeg2k_encode", flat, level=0), "JPEG 2000"),
        (files.encoded("jpegxl_encode", flat, lossless=True), "JPEG XL"),
    ):
        picture = read("a", content=content)
        assert picture.metadata.format == name
        np.testing.assert_array_equal(picture.samples, pixels)
        assert picture.full_scale == np.iinfo(kind).max
        assert "million pixels" in why(content, limit_pixels=900)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (257, 3), (3, 900), (120, 80)])
def test_the_size_of_a_jpeg_xl_is_known_before_decoding(
    size: tuple[int, int], files: Files
) -> None:
    from seeing.media.codecs import jpegxl_size

    content = files.encoded("jpegxl_encode", np.zeros(size, np.uint8), lossless=True)
    assert jpegxl_size(content) == size[::-1]


# --- any format -----------------------------------------------------------------------------------


def test_one_pixel_is_a_picture(files: Files) -> None:
    for format_name in ("PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF"):
        picture = read("a", content=files.saved(Image.new("RGB", (1, 1), "white"), format_name))
        assert picture.samples.shape[:2] == (1, 1), format_name
        assert int(picture.samples.min()) >= 250
        assert (
            read("a", content=files.saved(Image.new("L", (1, 1)), format_name), at_least=64).width
            == 1
        )


def test_content_decides_and_not_the_name(tmp_path: Path, files: Files) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(files.saved(Image.new("RGB", (4, 4), "red"), "PNG"))
    assert read(path).metadata.format == "PNG"


def test_content_given_spares_reading(tmp_path: Path, files: Files) -> None:
    content = files.saved(Image.new("RGB", (4, 4), "red"), "PNG")
    assert read(tmp_path / "not there.png", content=content).width == 4


def test_large_files_are_read_from_the_file_itself(tmp_path: Path) -> None:
    import tifffile
    from astropy.io import fits

    pixels = np.random.default_rng(3).integers(0, 65535, (5800, 5800), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    fits.PrimaryHDU(pixels[::-1]).writeto(tmp_path / "a.fits")
    colours = pixels.view(np.uint8)[:, :11598].reshape(5800, 3866, 3)
    Image.fromarray(colours).save(tmp_path / "a.bmp")
    for name, expected in (("a.tif", pixels), ("a.fits", pixels), ("a.bmp", colours)):
        assert (tmp_path / name).stat().st_size > 64 * 1024**2
        samples = read(tmp_path / name).samples
        np.testing.assert_array_equal(samples.reshape(expected.shape), expected, err_msg=name)
        os.truncate(tmp_path / name, 67_109_000)
        with pytest.raises(PictureError, match=r"^(truncated|damaged)"):
            read(tmp_path / name)


def test_importing_stays_light() -> None:
    code = (
        "import sys, seeing.media.read, seeing.media.walk, seeing.media.address\n"
        "heavy = {'astropy', 'tifffile', 'imagecodecs', 'scipy', 'torch', 'PIL.ImageCms'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
