"""A damaged file of any kind is a picture or a reason, never a crash."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from seeing.errors import PictureError
from seeing.media.read import read

Files = Any  # see conftest.py


def _fits(files: Files, compressed: bool) -> bytes:
    from astropy.io import fits

    pixels = files.drawn(12, 12, 1, np.uint16)[:, :, 0]
    unit = fits.CompImageHDU(pixels) if compressed else fits.ImageHDU(pixels)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(file)
    return file.getvalue()


def _tiff(files: Files, **options: Any) -> bytes:
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(file, files.drawn(24, 24, 3), photometric="rgb", **options)
    return file.getvalue()


def _with_exif(files: Files, format_name: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:07:04 23:59:58"
    image, profile = Image.fromarray(files.drawn(16, 20, 3)), files.adobe_like()
    return bytes(files.saved(image, format_name, exif=exif, icc_profile=profile))


def _animated(files: Files, format_name: str) -> bytes:
    frames = [Image.fromarray(files.drawn(8, 8, 3) + np.uint8(40 * n)) for n in range(3)]
    return bytes(files.saved(frames[0], format_name, save_all=True, append_images=frames[1:]))


def _heic(files: Files) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(files.drawn(32, 32, 3))).save(file)
    return file.getvalue()


VALID: dict[str, Callable[[Files], bytes]] = {
    "JPEG": lambda files: _with_exif(files, "JPEG"),
    "PNG": lambda files: _with_exif(files, "PNG"),
    "PNG 16": lambda files: files.encoded("png_encode", files.drawn(9, 9, 4, np.uint16)),
    "PNG palette": lambda files: files.saved(
        Image.fromarray(files.drawn(9, 9, 3)).quantize(8), "PNG"
    ),
    "GIF": lambda files: _animated(files, "GIF"),
    "WebP": lambda files: _animated(files, "WebP"),
    "AVIF": lambda files: files.saved(Image.fromarray(files.drawn(16, 16, 3)), "AVIF"),
    "BMP": lambda files: files.saved(Image.fromarray(files.drawn(9, 9, 3)), "BMP"),
    "TIFF": _tiff,
    "TIFF deflate": lambda files: _tiff(files, compression="zlib", predictor=True),
    "TIFF LZW": lambda files: _tiff(files, compression="lzw"),
    "TIFF JPEG": lambda files: _tiff(files, compression="jpeg", tile=(16, 16)),
    "FITS": lambda files: _fits(files, compressed=False),
    "FITS tiled": lambda files: _fits(files, compressed=True),
    "JPEG 2000": lambda files: files.encoded("jpeg2k_encode", files.drawn(16, 16, 3), level=0),
    "JPEG XL": lambda files: files.encoded("jpegxl_encode", files.drawn(16, 16, 3)),
    "HEIC": _heic,
}


@pytest.mark.parametrize("kind", VALID)
def test_a_damaged_file_is_a_picture_or_a_reason(
    kind: str, capfd: pytest.CaptureFixture[str], files: Files
) -> None:
    whole = VALID[kind](files)

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
