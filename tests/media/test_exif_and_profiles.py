"""What EXIF and colour profiles say of a picture: orientation, time of taking, colour."""

import io
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from seeing.media.read import read

Files = Any  # see conftest.py


# --- EXIF -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WebP", "TIFF"])
def test_orientation_is_applied(orientation: int, format_name: str, files: Files) -> None:
    image = Image.fromarray(files.drawn(16, 40, 3))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = files.saved(image, format_name, exif=exif, lossless=True)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    picture = read("a", content=content)
    np.testing.assert_array_equal(picture.samples, upright)
    assert (picture.metadata.height, picture.metadata.width) == upright.shape[:2]
    assert picture.samples.flags.c_contiguous


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(None, "2021-07-04T23:59:58"), ("+02:00", "2021-07-04T21:59:58Z"),
     ("-05:30", "2021-07-05T05:29:58Z"), ("rubbish", "2021-07-04T23:59:58")],
)  # fmt: skip
def test_time_of_taking(offset: str | None, expected: str, files: Files) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2021:07:04 23:59:58"
    inner[ExifTags.Base.ExposureTime] = 0.004
    if offset:
        inner[ExifTags.Base.OffsetTimeOriginal] = offset
    for format_name in ("JPEG", "PNG", "WebP"):
        told = read(
            "a", content=files.saved(Image.new("L", (8, 8)), format_name, exif=exif)
        ).metadata
        assert told.taken_at == expected, format_name
        assert told.header["Make"] == "Maker"


def test_broken_exif_does_not_harm_the_picture(files: Files) -> None:
    for exif in (
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\x08\0\0\0\xff",
    ):
        content = files.saved(Image.new("RGB", (8, 8), "red"), "JPEG", exif=exif)
        picture = read("a", content=content)
        assert picture.metadata.taken_at is None
        assert picture.samples.shape == (8, 8, 3)


# --- colour profiles ------------------------------------------------------------------------------


def test_a_foreign_colour_profile_is_applied(files: Files) -> None:
    image = Image.new("RGB", (4, 4), (200, 40, 10))
    for format_name in ("PNG", "JPEG", "WebP", "TIFF"):
        content = files.saved(
            image, format_name, icc_profile=files.adobe_like(), lossless=True, quality=100
        )
        got = read("a", content=content).samples[0, 0].astype(int)
        np.testing.assert_allclose(got, [40, 200, 10], atol=4, err_msg=format_name)


def test_a_profile_keeps_alpha(files: Files) -> None:
    image = Image.new("RGBA", (1, 1), (200, 40, 10, 51))
    picture = read("a", content=files.saved(image, "PNG", icc_profile=files.adobe_like()))
    np.testing.assert_allclose(picture.samples[0, 0], [8, 40, 2], atol=1)


def test_srgb_and_broken_profiles_change_nothing(files: Files) -> None:
    pixels = files.drawn(20, 20, 3)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (own, own[:200], b"rubbish", own[:-40] + bytes(40)):
        content = files.saved(Image.fromarray(pixels), "PNG", icc_profile=profile)
        np.testing.assert_array_equal(read("a", content=content).samples, pixels)


def test_a_grey_profile_leaves_grey_one_channel(files: Files) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read("a", content=files.saved(Image.new("L", (3, 3), 77), "PNG", icc_profile=own))
    assert picture.samples.shape == (3, 3, 1)
    assert int(picture.samples[0, 0, 0]) == 77


def test_16_bits_are_kept_though_the_profile_is_foreign(files: Files) -> None:
    pixels = files.drawn(4, 4, 3, np.uint16)
    plain = files.encoded("png_encode", pixels)
    profile = files.png_chunk(b"iCCP", b"x\0\0" + zlib.compress(files.adobe_like()))
    picture = read("a", content=plain[:33] + profile + plain[33:])
    np.testing.assert_array_equal(picture.samples, pixels)
    assert "ICC profile is not sRGB" in picture.metadata.header["remark"]
