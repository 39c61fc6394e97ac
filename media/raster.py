"""Pictures that Pillow decodes: JPEG, PNG, GIF, WebP, AVIF, BMP and (with its plugin) HEIC."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import PictureError
from .colour import Mask, composite, is_srgb, to_srgb, turn
from .exif import read_exif
from .picture import Metadata, Picture
from .request import Request

# Decoder classes are called directly: Image.open would judge the size by its own, process-wide
# limit, and import six plugins to open one file.
_PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin:JpegImageFile",
    "PNG": "PIL.PngImagePlugin:PngImageFile",
    "GIF": "PIL.GifImagePlugin:GifImageFile",
    "WebP": "PIL.WebPImagePlugin:WebPImageFile",
    "AVIF": "PIL.AvifImagePlugin:AvifImageFile",
    "BMP": "PIL.BmpImagePlugin:BmpImageFile",
    "HEIC": "pillow_heif.as_plugin:HeifImageFile",
}
_WITH_EXIF = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_GREY_ALPHA = 4  # PNG's colour type
_AVIF_HEAD = 1 << 16
"""Bytes in which an AVIF's properties lie."""
_STRIP_PIXELS = 4_000_000
"""Larger pictures are copied out of Pillow in strips, else they lie in memory three times."""


class Decoded(NamedTuple):
    """Samples (h, w, c) as stored, not yet turned upright."""

    samples: NDArray[Any]
    full_scale: int
    depth: int
    mask: Mask | None = None
    remark: str | None = None


def read_raster(source: BinaryIO, request: Request) -> Picture:
    """Decode one picture that Pillow knows; `source` stands at its beginning.

    Raises PictureError, or whatever Pillow raises on damaged files (`read` translates it).
    """
    image = _plugin(request.format)(source)
    width, height = image.size
    request.check_size(width, height)
    frames = _frames(image, request)
    if request.at_least is not None and request.format == "JPEG":
        image.draft(None, (request.at_least, request.at_least))
    decoded = _decode(image, source, request)
    orientation, taken = 1, None
    header: dict[str, Any] = {}
    if not _WITH_EXIF.isdisjoint(image.info):
        orientation, taken, header = read_exif(image)
    if decoded.remark:
        header = {**header, "remark": decoded.remark}
    samples, mask = decoded.samples, decoded.mask
    if orientation != 1:
        samples = np.ascontiguousarray(turn(samples, orientation))
        mask = None if mask is None else np.ascontiguousarray(turn(mask, orientation))
        if orientation >= 5:
            width, height = height, width
    metadata = Metadata(request.format, width, height, frames, taken, header=header)
    return Picture(samples, float(decoded.full_scale), decoded.depth, mask=mask, metadata=metadata)


def _plugin(format_name: str) -> Callable[[BinaryIO], Any]:
    module, _, name = _PLUGINS[format_name].partition(":")
    try:
        found: Callable[[BinaryIO], Any] = getattr(import_module(module), name)
    except ImportError as problem:
        raise PictureError(
            f"{format_name} needs one more package: pip install 'seeing[heic]'"
        ) from problem
    return found


def _frames(image: Any, request: Request) -> int:  # noqa: ANN401 -- n_frames is the plugins' own
    """Return how many pictures there are, and go to the one asked for."""
    frames = 1
    if request.format not in ("JPEG", "BMP"):
        try:
            frames = int(getattr(image, "n_frames", 1))
        except (EOFError, OSError, SyntaxError, ValueError):
            frames = 1  # an animation that breaks off later still has its first picture
    frame = request.check_frame(frames)
    if frame:
        image.seek(frame)
    return frames


def _decode(image: Image.Image, source: BinaryIO, request: Request) -> Decoded:
    if request.format == "PNG":
        depth, colour_type = _png_header(source)
        if depth == 16 and colour_type != 0:
            return _decode_png16(image, source, colour_type)
    if request.format == "AVIF":
        depth = _avif_depth(source)
        if depth > 8:
            return _decode_avif(source, request, depth)
    image.load()
    if image.mode.startswith("I"):
        return _grey16(image)
    profile = image.info.get("icc_profile")
    depth = 1 if image.mode == "1" else 8
    image = to_srgb(_plain(image), profile)
    if image.mode in ("L", "RGB"):
        return Decoded(_array(image), 255, depth)
    both = _array(image)
    samples, mask = composite(both[:, :, :-1], both[:, :, -1], 255)
    return Decoded(np.ascontiguousarray(samples), 255, depth, mask)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image as L, LA, RGB, RGBA or CMYK."""
    mode = image.mode
    if mode in ("RGB", "L", "1") and "transparency" not in image.info:
        return image.convert("L") if mode == "1" else image
    if mode in ("LA", "RGBA", "CMYK"):
        return image
    if mode in ("L", "1"):
        return image.convert("LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _array(image: Image.Image) -> NDArray[Any]:
    """Return a writable copy of an image's samples, (h, w, c)."""
    width, height = image.size
    if width * height <= _STRIP_PIXELS:
        samples = np.array(image)
        return samples[:, :, None] if samples.ndim == 2 else samples
    samples = np.empty((height, width, len(image.getbands())), dtype=np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = np.asarray(image.crop((0, top, width, min(top + rows, height))))
        samples[top : top + rows] = strip[:, :, None] if strip.ndim == 2 else strip
    return samples


def _grey16(image: Image.Image) -> Decoded:
    samples = np.array(image).astype(np.uint16)[:, :, None]
    key = image.info.get("transparency")
    if key is None:
        return Decoded(samples, 65535, 16)
    mask = samples[:, :, 0] == key
    samples[mask] = 0
    return Decoded(samples, 65535, 16, mask if mask.any() else None)


def _png_header(source: BinaryIO) -> tuple[int, int]:
    """Return bit depth and colour type of a PNG (ISO/IEC 15948, 11.2.2)."""
    here = source.tell()
    source.seek(24)
    depth, colour_type = source.read(2)
    source.seek(here)
    return depth, colour_type


def _avif_depth(source: BinaryIO) -> int:
    """Return bits a sample from the first "pixi" box (ISO/IEC 23008-12, 6.5.6); 8 without one."""
    source.seek(0)
    head = source.read(_AVIF_HEAD)
    source.seek(0)
    at = head.find(b"pixi")
    return head[at + 9] if 0 <= at < len(head) - 9 and head[at + 9] in (10, 12) else 8


def _decode_avif(source: BinaryIO, request: Request, depth: int) -> Decoded:
    """Decode an AVIF of 10 or 12 bits, which Pillow would cut to 8 bits."""
    import imagecodecs

    both = imagecodecs.avif_decode(source.read(), index=request.frame or 0)
    both = both[:, :, None] if both.ndim == 2 else both
    full = 2**depth - 1
    if both.shape[2] in (2, 4):
        samples, mask = composite(both[:, :, :-1], both[:, :, -1], full)
        return Decoded(np.ascontiguousarray(samples), full, depth, mask)
    return Decoded(both, full, depth)


def _decode_png16(image: Image.Image, source: BinaryIO, colour_type: int) -> Decoded:
    """Decode a PNG of 16 bits with colour or alpha, of which Pillow keeps the upper 8 bits.

    It is unpacked twice by Pillow: as big-endian numbers, which gives the upper bytes, and as
    little-endian ones, which gives the lower. libpng would do it once, but prints its warnings.
    """
    if colour_type == _GREY_ALPHA:
        quads = _array(_unpacked(source, "RGBA")).astype(np.uint16)  # upper, lower, upper, lower
        both = quads[:, :, 0::2] << 8 | quads[:, :, 1::2]
    else:
        upper = _array(_unpacked(source, f"{image.mode};16B")).astype(np.uint16)
        both = upper << 8 | _array(_unpacked(source, f"{image.mode};16L"))
    profile = image.info.get("icc_profile")
    remark = None
    if profile is not None and not is_srgb(profile):
        remark = "its ICC profile is not sRGB; colours kept as they are, to keep all 16 bits"
    if both.shape[2] in (2, 4):
        samples, mask = composite(both[:, :, :-1], both[:, :, -1], 65535)
        return Decoded(np.ascontiguousarray(samples), 65535, 16, mask, remark)
    key = image.info.get("transparency")
    mask = None if key is None else (both == np.array(key, dtype=np.uint16)).all(axis=2)
    if mask is not None:
        both[mask] = 0
        mask = mask if mask.any() else None
    return Decoded(both, 65535, 16, mask, remark)


def _unpacked(source: BinaryIO, raw_mode: str) -> Image.Image:
    """Return a PNG's pixels, taken from its bytes by one of Pillow's raw modes."""
    source.seek(0)
    image = _plugin("PNG")(source)
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    assert isinstance(image, Image.Image)
    return image
