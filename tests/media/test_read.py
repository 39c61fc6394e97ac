"""Reading JPEG, PNG, GIF, WebP, AVIF, BMP, HEIC, JPEG 2000 and JPEG XL; what is refused and how."""

import io
import os
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps

from seeing.errors import PictureError
from seeing.media.read import read


def drawn(height: int, width: int, channels: int, kind: type = np.uint8) -> NDArray[Any]:
    """Smooth, different in every direction and channel, the same in every run."""
    top = np.iinfo(kind).max
    down, across = np.mgrid[0:height, 0:width]
    planes = [(down * (c + 1) + across * 3 + c * 40) % 256 for c in range(channels)]
    return (np.stack(planes, axis=-1) * (top // 255)).astype(kind)


def saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def encoded(codec: str, pixels: NDArray[Any], **options: Any) -> bytes:
    """What imagecodecs writes."""
    return bytes(getattr(imagecodecs, codec)(pixels, **options))


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size: tuple[int, int], depth: int, colour_type: int, rows: bytes, trns: bytes) -> bytes:
    """A PNG written by hand, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *([(b"tRNS", trns)] if trns else [])]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def why(content: bytes, **options: Any) -> str:
    with pytest.raises(PictureError) as caught:
        read("x", content=content, **options)
    return str(caught.value)


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "WebP"])
def test_8_bit_colour_comes_back_exactly(tmp_path: Path, format_name: str) -> None:
    pixels = drawn(30, 41, 3)
    path = tmp_path / "a.bin"
    path.write_bytes(saved(Image.fromarray(pixels), format_name, lossless=True))
    picture = read(path)
    np.testing.assert_array_equal(picture.samples, pixels)
    assert picture.samples.dtype == np.uint8
    assert (picture.full_scale, picture.depth, picture.linear) == (255.0, 8, False)
    assert picture.mask is None
    assert picture.samples.flags.writeable
    told = picture.metadata
    assert (told.format, told.width, told.height, told.frames) == (format_name, 41, 30, 1)


def test_a_jpeg_is_decoded_as_pillow_does(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(drawn(40, 60, 3)).save(path, quality=90)
    np.testing.assert_array_equal(read(path).samples, np.asarray(Image.open(path)))
    np.testing.assert_array_equal(read(os.fsencode(path)).samples, np.asarray(Image.open(path)))


def test_grey_stays_one_channel() -> None:
    pixels = drawn(9, 11, 1)
    for format_name in ("PNG", "BMP"):
        picture = read("a", content=saved(Image.fromarray(pixels[:, :, 0]), format_name))
        np.testing.assert_array_equal(picture.samples, pixels)
    assert read("a", content=saved(Image.fromarray(pixels[:, :, 0]), "JPEG")).channels == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_keeps_16_bits(channels: int) -> None:
    pixels = drawn(8, 9, channels, np.uint16) + np.uint16(7)
    picture = read("a", content=encoded("png_encode", pixels))
    assert picture.samples.dtype == np.uint16
    np.testing.assert_array_equal(picture.samples, pixels)
    assert (picture.full_scale, picture.depth) == (65535.0, 16)


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_laid_on_black_and_masks_where_clear(kind: type, full: int, channels: int) -> None:
    pixels: NDArray[Any] = np.full((1, 3, channels + 1), full, dtype=kind)
    pixels[0, :, -1] = [0, full // 5, full]
    picture = read("a", content=encoded("png_encode", pixels))
    assert picture.channels == channels
    assert picture.samples[0, :, 0].tolist() == [0, full // 5, full]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[True, False, False]]


def test_opaque_alpha_makes_no_mask() -> None:
    pixels = drawn(5, 6, 4)
    pixels[:, :, 3] = 255
    picture = read("a", content=encoded("png_encode", pixels))
    assert picture.mask is None
    np.testing.assert_array_equal(picture.samples, pixels[:, :, :3])


def test_palette_becomes_colour() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 0, 255])
    image.putdata([0, 1, 2])
    picture = read("a", content=saved(image, "PNG"))
    assert picture.samples.tolist() == [[[10, 20, 30], [200, 100, 50], [0, 0, 255]]]
    picture = read("a", content=saved(image, "PNG", transparency=1))
    assert picture.samples.tolist() == [[[10, 20, 30], [0, 0, 0], [0, 0, 255]]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True, False]]


def test_one_bit_becomes_black_and_white() -> None:
    image = Image.fromarray(np.array([[True, False, True]]))
    for format_name in ("PNG", "BMP"):
        picture = read("a", content=saved(image, format_name))
        assert picture.samples[0, :, 0].tolist() == [255, 0, 255]
        assert picture.depth == 1


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
    depth: int, colour_type: int, row: bytes, trns: bytes, expected: list[int]
) -> None:
    picture = read("a", content=png((3, 1), depth, colour_type, b"\0" + row, trns))
    assert picture.samples[0, :, 0].tolist() == expected
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True, False]]


def test_cmyk_jpeg_has_the_right_sense() -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK")
    colour = read("a", content=saved(red, "JPEG", quality=95)).samples[8, 8].astype(int)
    assert colour[0] > 245
    assert max(colour[1], colour[2]) < 10


def test_ycck_jpeg_has_the_right_sense() -> None:
    red = np.asarray(Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK"))
    # Adobe writes inverted inks, as YCCK: colour transform 2 in its marker
    plain = encoded("jpeg8_encode", 255 - red, colorspace="CMYK", outcolorspace="YCCK", level=95)
    colour = read("a", content=plain).samples[8, 8].astype(int)
    np.testing.assert_allclose(colour, [255, 0, 0], atol=10)


def test_gif_and_animations_give_the_frame_asked_for() -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    for format_name in ("GIF", "WebP", "PNG"):
        options = {"lossless": True} if format_name == "WebP" else {}
        content = saved(
            frames[0], format_name, save_all=True, append_images=frames[1:], duration=40, **options
        )
        assert read("a", content=content).metadata.frames == 3, format_name
        assert read("a", content=content).samples[0, 0].tolist() == [255, 0, 0]
        assert read("a", content=content, frame=2).samples[0, 0].tolist() == [0, 0, 255]
        assert why(content, frame=3) == "no frame 3: it has 3 frames, counted from 0"


def test_a_transparent_gif_is_masked() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    picture = read("a", content=saved(image, "GIF", transparency=1))
    assert picture.samples.tolist() == [[[255, 0, 0], [0, 0, 0]]]
    assert picture.mask is not None
    assert picture.mask.tolist() == [[False, True]]


def test_avif_and_heic_come_close_to_what_was_written() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    pixels = np.repeat(np.repeat(drawn(4, 4, 3), 16, axis=0), 16, axis=1)
    avif = saved(Image.fromarray(pixels), "AVIF", quality=95)
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic, quality=95)
    for content, name in ((avif, "AVIF"), (heic.getvalue(), "HEIC")):
        picture = read("a", content=content)
        assert picture.metadata.format == name
        # mean error of 3 of 255 at quality 95: both subsample colour
        assert float(np.abs(picture.samples.astype(int) - pixels).mean()) < 3


def test_heic_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "pillow_heif"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert why(head) == "HEIC needs one more package: pip install 'seeing[heic]'"


def test_avif_of_10_bits_keeps_them() -> None:
    pixels = (np.add.outer(np.arange(32), np.arange(32)).astype(np.uint16) * 16)[:, :, None]
    pixels = np.ascontiguousarray(np.repeat(pixels, 3, axis=2))
    picture = read("a", content=encoded("avif_encode", pixels, level=100, bitspersample=10))
    assert (picture.depth, picture.full_scale) == (10, 1023.0)
    np.testing.assert_allclose(picture.samples.astype(int), pixels.astype(int), atol=4)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_and_xl_come_back_exactly(kind: type, channels: int) -> None:
    pixels = drawn(24, 40, channels, kind)
    flat = pixels[:, :, 0] if channels == 1 else pixels
    for content, name in (
        (encoded("jpeg2k_encode", flat, level=0), "JPEG 2000"),
        (encoded("jpegxl_encode", flat, lossless=True), "JPEG XL"),
    ):
        picture = read("a", content=content)
        assert picture.metadata.format == name
        np.testing.assert_array_equal(picture.samples, pixels)
        assert picture.full_scale == np.iinfo(kind).max
        assert "million pixels" in why(content, limit_pixels=900)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (257, 3), (3, 900), (120, 80)])
def test_the_size_of_a_jpeg_xl_is_known_before_decoding(size: tuple[int, int]) -> None:
    from seeing.media.codecs import jpegxl_size

    content = encoded("jpegxl_encode", np.zeros(size, np.uint8), lossless=True)
    assert jpegxl_size(content) == size[::-1]


def test_one_pixel_is_a_picture() -> None:
    for format_name in ("PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF"):
        picture = read("a", content=saved(Image.new("RGB", (1, 1), "white"), format_name))
        assert picture.samples.shape[:2] == (1, 1), format_name
        assert int(picture.samples.min()) >= 250
        assert read("a", content=saved(Image.new("L", (1, 1)), format_name), at_least=64).width == 1


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(saved(Image.new("RGB", (4, 4), "red"), "PNG"))
    assert read(path).metadata.format == "PNG"


def test_content_given_spares_reading(tmp_path: Path) -> None:
    content = saved(Image.new("RGB", (4, 4), "red"), "PNG")
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


# --- reduced decoding -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_least", "expected"),
    [(None, (512, 768)), (512, (512, 768)), (300, (512, 768)), (256, (256, 384)), (255, (256, 384)),
     (128, (128, 192)), (64, (64, 96)), (1, (64, 96)), (5000, (512, 768))],
)  # fmt: skip
def test_a_jpeg_is_decoded_no_larger_than_needed(
    at_least: int | None, expected: tuple[int, int]
) -> None:
    content = saved(Image.fromarray(drawn(512, 768, 3)), "JPEG")
    picture = read("a", content=content, at_least=at_least)
    assert (picture.height, picture.width) == expected
    assert (picture.metadata.width, picture.metadata.height) == (768, 512)


def test_a_reduced_jpeg_shows_the_same(seeing_data: Path) -> None:
    path = seeing_data / "data" / "photos" / "kodim07.jpg"
    whole, half = read(path), read(path, at_least=256)
    averaged = whole.pixels().reshape(256, 2, 384, 2, 3).mean(axis=(1, 3))
    assert float(np.abs(averaged - half.pixels()).mean()) < 0.01


@pytest.mark.slow
def test_a_jpeg_of_400_million_pixels_is_read_reduced(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("L", (20_000, 20_000), 90).save(path, quality=50)
    picture = read(path, at_least=256)
    assert (picture.height, picture.width) == (2500, 2500)
    assert (picture.metadata.height, picture.metadata.width) == (20_000, 20_000)
    whole = read(path)
    assert whole.samples.shape == (20_000, 20_000, 1)
    assert (int(whole.samples.min()), int(whole.samples.max())) == (90, 90)


# --- orientation, time, colour --------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WebP", "TIFF"])
def test_orientation_is_applied(orientation: int, format_name: str) -> None:
    image = Image.fromarray(drawn(16, 40, 3))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = saved(image, format_name, exif=exif, lossless=True)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    picture = read("a", content=content)
    np.testing.assert_array_equal(picture.samples, upright)
    assert (picture.metadata.height, picture.metadata.width) == upright.shape[:2]
    assert picture.samples.flags.c_contiguous


def test_orientation_is_applied_to_a_reduced_jpeg() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = saved(Image.fromarray(drawn(400, 800, 3)), "JPEG", exif=exif)
    picture = read("a", content=content, at_least=100)
    assert (picture.height, picture.width) == (200, 100)
    assert (picture.metadata.height, picture.metadata.width) == (800, 400)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(None, "2021-07-04T23:59:58"), ("+02:00", "2021-07-04T21:59:58Z"),
     ("-05:30", "2021-07-05T05:29:58Z"), ("rubbish", "2021-07-04T23:59:58")],
)  # fmt: skip
def test_time_of_taking(offset: str | None, expected: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2021:07:04 23:59:58"
    inner[ExifTags.Base.ExposureTime] = 0.004
    if offset:
        inner[ExifTags.Base.OffsetTimeOriginal] = offset
    for format_name in ("JPEG", "PNG", "WebP"):
        told = read("a", content=saved(Image.new("L", (8, 8)), format_name, exif=exif)).metadata
        assert told.taken_at == expected, format_name
        assert told.header["Make"] == "Maker"


def test_broken_exif_does_not_harm_the_picture() -> None:
    for exif in (
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\x08\0\0\0\xff",
    ):
        content = saved(Image.new("RGB", (8, 8), "red"), "JPEG", exif=exif)
        picture = read("a", content=content)
        assert picture.metadata.taken_at is None
        assert picture.samples.shape == (8, 8, 3)


def adobe_like() -> bytes:
    """A profile with primaries wider than sRGB's: sRGB's own with red and green exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def test_a_foreign_colour_profile_is_applied() -> None:
    image = Image.new("RGB", (4, 4), (200, 40, 10))
    for format_name in ("PNG", "JPEG", "WebP", "TIFF"):
        content = saved(image, format_name, icc_profile=adobe_like(), lossless=True, quality=100)
        got = read("a", content=content).samples[0, 0].astype(int)
        np.testing.assert_allclose(got, [40, 200, 10], atol=4, err_msg=format_name)


def test_a_profile_keeps_alpha() -> None:
    image = Image.new("RGBA", (1, 1), (200, 40, 10, 51))
    picture = read("a", content=saved(image, "PNG", icc_profile=adobe_like()))
    np.testing.assert_allclose(picture.samples[0, 0], [8, 40, 2], atol=1)


def test_srgb_and_broken_profiles_change_nothing() -> None:
    pixels = drawn(20, 20, 3)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (own, own[:200], b"rubbish", own[:-40] + bytes(40)):
        content = saved(Image.fromarray(pixels), "PNG", icc_profile=profile)
        np.testing.assert_array_equal(read("a", content=content).samples, pixels)


def test_a_grey_profile_leaves_grey_one_channel() -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read("a", content=saved(Image.new("L", (3, 3), 77), "PNG", icc_profile=own))
    assert picture.samples.shape == (3, 3, 1)
    assert int(picture.samples[0, 0, 0]) == 77


def test_16_bits_are_kept_though_the_profile_is_foreign() -> None:
    pixels = drawn(4, 4, 3, np.uint16)
    plain = encoded("png_encode", pixels)
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(adobe_like()))
    picture = read("a", content=plain[:33] + profile + plain[33:])
    np.testing.assert_array_equal(picture.samples, pixels)
    assert "ICC profile is not sRGB" in picture.metadata.header["remark"]


# --- what is refused, and how ---------------------------------------------------------------------


def test_reasons_are_short_and_without_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "text.jpg").write_text("%PDF-1.7 and so on")
    (tmp_path / "tiny.jpg").write_bytes(b"x")
    expected = {
        "empty.jpg": "empty file (0 bytes)",
        "folder.jpg": "a folder, not a picture",
        "loop.jpg": "a link that leads in a circle",
        "text.jpg": "not a picture that can be read (starts with 25504446)",
        "tiny.jpg": "not a picture that can be read (starts with 78)",
        "none.jpg": "no such file",
        "text.jpg/x.jpg": "no such file",
        "nul\0.jpg": "no such file",
        "long" * 100: "file name too long",
    }
    for name, reason in expected.items():
        with pytest.raises(PictureError) as caught:
            read(f"{tmp_path}/{name}")
        assert str(caught.value) == reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_never_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    started = time.monotonic()
    for path, reason in ((tmp_path / "pipe.jpg", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(PictureError, match=reason):
            read(path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"LUCAM-RECORDER" + bytes(200), "SER"), (b"RIFF\0\0\0\0AVI LIST" + bytes(99), "AVI"),
     (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "MP4"), (b"\x1aE\xdf\xa3" + bytes(50), "Matroska"),
     (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "QuickTime")],
)  # fmt: skip
def test_videos_are_named(head: bytes, name: str) -> None:
    assert why(head) == f"a video ({name}); only still pictures are read here"


def test_real_videos_are_named(seeing_data: Path) -> None:
    folder = seeing_data / "data" / "planets"
    with pytest.raises(PictureError, match=r"a video \(AVI\)"):
        read(folder / "moon_pss_short_video.avi")
    with pytest.raises(PictureError, match=r"a video \(SER\)"):
        read(folder / "jupiter_dslr_bgr_12.ser")


def test_the_limit_is_checked_before_decoding() -> None:
    rows = b"\0" + bytes(1)
    content = png((63_246, 63_246), 1, 0, rows, b"")
    started = time.monotonic()
    reason = why(content)
    assert reason == "4,000 million pixels; the limit is 512 million (raise it with limit_pixels)"
    assert time.monotonic() - started < 1


def test_pictures_beyond_pillows_own_limit_are_read_without_a_warning() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    side = int(Image.MAX_IMAGE_PIXELS**0.5) + 500
    content = saved(Image.new("1", (side, side)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("a", content=content).samples.shape == (side, side, 1)


def test_warnings_neither_leak_nor_stay_silenced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(Image.fromarray(drawn(64, 64, 3)), "PNG"))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [read(path) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning):
        warnings.warn("still heard", UserWarning, stacklevel=1)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "GIF", "WebP", "AVIF", "BMP", "TIFF"])
def test_half_a_file_is_an_error(format_name: str, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = saved(Image.fromarray(noise), format_name)
    for length in (len(content) // 2, len(content) - 200, 40):
        reason = why(content[:length])
        assert reason.startswith(("truncated", "damaged")), reason
        assert format_name in reason
        assert "\n" not in reason
        assert len(reason) < 160
    assert capfd.readouterr() == ("", "")


def test_a_frame_or_part_that_is_not_there_is_refused() -> None:
    content = saved(Image.new("L", (4, 4)), "JPEG")
    assert why(content, frame=1) == "no frame 1: it has 1 frame, counted from 0"
    assert why(content, part="SCI") == "no part SCI: a JPEG file has no named parts"


_AS_NOBODY = """
import os, sys
sys.path[:0] = {path!r}
from seeing.media.read import read
from seeing.errors import PictureError
import pwd
if os.getuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
try:
    read({file!r})
except PictureError as problem:
    print(problem)
"""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")
def test_a_file_that_may_not_be_read_says_so(open_tmp_path: Path) -> None:
    path = open_tmp_path / "secret.png"
    path.write_bytes(saved(Image.new("L", (4, 4)), "PNG"))
    path.chmod(0)
    # imported as the user who may read the packages, then becoming one who may not read the file
    code = _AS_NOBODY.format(path=sys.path, file=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("permission denied\n", "")


def test_importing_stays_light() -> None:
    code = (
        "import sys, seeing.media.read, seeing.media.walk, seeing.media.address\n"
        "heavy = {'astropy', 'tifffile', 'imagecodecs', 'scipy', 'torch', 'PIL.ImageCms'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- damaged files of every kind ------------------------------------------------------------------


def _fits(compressed: bool) -> bytes:
    from astropy.io import fits

    pixels = drawn(12, 12, 1, np.uint16)[:, :, 0]
    unit = fits.CompImageHDU(pixels) if compressed else fits.ImageHDU(pixels)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(file)
    return file.getvalue()


def _tiff(**options: Any) -> bytes:
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(file, drawn(24, 24, 3), photometric="rgb", **options)
    return file.getvalue()


def _with_exif(format_name: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:07:04 23:59:58"
    return saved(
        Image.fromarray(drawn(16, 20, 3)), format_name, exif=exif, icc_profile=adobe_like()
    )


def _animated(format_name: str) -> bytes:
    frames = [Image.fromarray(drawn(8, 8, 3) + np.uint8(40 * n)) for n in range(3)]
    return saved(frames[0], format_name, save_all=True, append_images=frames[1:])


def _heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(drawn(32, 32, 3))).save(file)
    return file.getvalue()


VALID: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: _with_exif("JPEG"),
    "PNG": lambda: _with_exif("PNG"),
    "PNG 16": lambda: encoded("png_encode", drawn(9, 9, 4, np.uint16)),
    "PNG palette": lambda: saved(Image.fromarray(drawn(9, 9, 3)).quantize(8), "PNG"),
    "GIF": lambda: _animated("GIF"),
    "WebP": lambda: _animated("WebP"),
    "AVIF": lambda: saved(Image.fromarray(drawn(16, 16, 3)), "AVIF"),
    "BMP": lambda: saved(Image.fromarray(drawn(9, 9, 3)), "BMP"),
    "TIFF": _tiff,
    "TIFF deflate": lambda: _tiff(compression="zlib", predictor=True),
    "TIFF LZW": lambda: _tiff(compression="lzw"),
    "TIFF JPEG": lambda: _tiff(compression="jpeg", tile=(16, 16)),
    "FITS": lambda: _fits(compressed=False),
    "FITS tiled": lambda: _fits(compressed=True),
    "JPEG 2000": lambda: encoded("jpeg2k_encode", drawn(16, 16, 3), level=0),
    "JPEG XL": lambda: encoded("jpegxl_encode", drawn(16, 16, 3)),
    "HEIC": _heic,
}


@pytest.mark.parametrize("kind", VALID)
def test_a_damaged_file_is_a_picture_or_a_reason(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = VALID[kind]()

    @settings(max_examples=60, deadline=20_000)
    @given(st.data())
    def damage(data: st.DataObject) -> None:
        content = bytearray(whole)
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(whole))) :]
        # headers come first: half of the flips fall there
        near = min(len(content), 200)
        for last in data.draw(st.lists(st.sampled_from([near, len(content)]), max_size=6)):
            if last:
                content[data.draw(st.integers(0, last - 1))] = data.draw(st.integers(0, 255))
        try:
            picture = read("a", content=bytes(content), limit_pixels=1_000_000)
        except PictureError as problem:
            assert 0 < len(str(problem)) < 400
            assert "\n" not in str(problem)
        else:
            assert picture.samples.ndim == 3
            assert min(picture.samples.shape) >= 1
            assert picture.samples.dtype in (np.uint8, np.uint16, np.float32)
            assert picture.full_scale > 0
            assert np.isfinite(picture.pixels()).all()

    damage()
    assert capfd.readouterr() == ("", "")
