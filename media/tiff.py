"""TIFF pictures of all depths, through tifffile and imagecodecs."""

import io
import logging
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import PictureError
from .colour import Mask, composite, fill_invalid, floats, to_srgb, turn
from .exif import plain_tags, taken_at
from .picture import Metadata, Picture
from .request import Request

if TYPE_CHECKING:
    from tifffile import TiffPage

# TIFF 6.0, "PhotometricInterpretation"; 32803 and 34892 from TIFF/EP and DNG
_WHITE_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 2, 3, 5, 6
_LAB = (8, 9, 10)
_RAW = (32803, 34892)
_JPEG_COMPRESSION = (6, 7, 33007, 34892)
"""Decoders turn these into RGB by themselves."""
_PREMULTIPLIED, _STRAIGHT = 1, 2  # ExtraSamples: kinds of alpha
_NODATA, _ICC, _DNG = 42113, 34675, 50706
_TOLD = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright"),
    *("Orientation", "GDAL_NODATA", "ModelPixelScaleTag", "ModelTiepointTag", "GeoAsciiParamsTag"),
)
_MOST_BYTES_A_PIXEL = 16
"""Times the limit of pixels: what a page of many bands may take, 8 GB as the limit stands."""


def read_tiff(source: BinaryIO, request: Request) -> Picture:
    """Decode one page of a TIFF file: 8 or 16 bits, integers, floats, grey, colour, bands.

    Without a frame it is the first page that is no thumbnail. Raises PictureError, or whatever
    tifffile raises on damaged files (`read` translates it).
    """
    import tifffile

    # without a handler of its own, logging would print the library's warnings on standard error
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    with tifffile.TiffFile(source) as file:
        frames = len(file.pages)
        page = file.pages[request.check_frame(frames)]
        if request.frame is None and page.is_reduced:
            page = next((other for other in file.pages if not other.is_reduced), page)
        _check(page, request, size)
        stored = page.asarray(maxworkers=1)
        if page.axes == "SYX":
            stored = np.moveaxis(stored, 0, -1)
        stored = stored.reshape(page.imagelength, page.imagewidth, -1)
        samples, full_scale, mask = _meant(page, stored)
        header = _tags(page)
        depth = int(page.bitspersample)
    orientation = header.get("Orientation")
    orientation = orientation if isinstance(orientation, int) else 1
    samples = np.ascontiguousarray(turn(samples, orientation))
    mask = None if mask is None else np.ascontiguousarray(turn(mask, orientation))
    height, width = samples.shape[:2]
    metadata = Metadata("TIFF", width, height, frames, taken_at(header), header=header)
    linear = stored.dtype.kind == "f"
    return Picture(samples, full_scale, depth, linear=linear, mask=mask, metadata=metadata)


def _check(page: "TiffPage", request: Request, size: int) -> None:
    """Refuse what would not fit, what is cut, and what is not a finished picture."""
    told = (page.imagewidth, page.imagelength, page.bitspersample, page.samplesperpixel)
    if not all(isinstance(number, int) and number > 0 for number in told):
        raise PictureError("damaged TIFF: sizes that are no sizes in its header")
    request.check_size(page.imagewidth, page.imagelength)
    if page.is_tiled:
        request.check_size(page.tilewidth, page.tilelength)
    if page.nbytes > request.limit_pixels * _MOST_BYTES_A_PIXEL or page.imagedepth != 1:
        raise PictureError(f"too many values: {page.shape} of {page.dtype}")
    if page.photometric in _RAW or _DNG in page.tags:
        raise PictureError("a camera's raw file; only finished pictures are read here")
    if page.photometric in _LAB:
        raise PictureError("a TIFF in CIELAB colours; save it as RGB")
    ends = [at + n for at, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if not ends or not any(page.databytecounts):
        raise PictureError("damaged TIFF: it says nowhere where its samples lie")
    if max(ends) > size:
        raise PictureError(f"truncated TIFF: {size:,} bytes of {max(ends):,}")


def _meant(
    page: "TiffPage",
    stored: NDArray[Any],
) -> tuple[NDArray[Any], float, Mask | None]:
    """Return samples as a Picture holds them, with full scale and mask.

    stored: (h, w, samples a pixel) as tifffile decodes them.
    """
    if page.photometric == _PALETTE and page.colormap is not None:
        return _coloured(stored, page.colormap), 255.0, None
    if stored.dtype == bool:
        lit = ~stored if page.photometric == _WHITE_IS_ZERO else stored
        return lit.astype(np.uint8) * np.uint8(255), 255.0, None
    missing = _missing(page, stored)
    if stored.dtype not in (np.uint8, np.uint16):
        return _meant_floats(page, stored, missing)
    full = 2 ** int(page.bitspersample) - 1
    if page.photometric == _WHITE_IS_ZERO:
        stored = full - stored
    colours, alpha, premultiplied = _split_alpha(page, stored)
    colours, changed = _to_rgb(page, colours, full)
    if alpha is not None and not premultiplied:
        colours, mask = composite(colours, alpha, full)
    else:
        mask = alpha == 0 if alpha is not None else None
        mask = mask if mask is not None and mask.any() else None
    if missing is not None:
        colours = fill_invalid(colours, missing)
        mask = missing if mask is None else mask | missing
    return colours, 255.0 if changed else float(full), mask


def _meant_floats(
    page: "TiffPage",
    stored: NDArray[Any],
    missing: Mask | None,
) -> tuple[NDArray[Any], float, Mask | None]:
    """Return floats, signed and wide integers as float32."""
    colours, alpha, _ = _split_alpha(page, stored)
    samples, full_scale, mask = floats(colours, missing)
    if alpha is not None:
        clear = alpha == 0
        samples[clear] = 0
        mask = clear if mask is None else mask | clear
    return samples, full_scale, mask if mask is not None and mask.any() else None


def _coloured(indices: NDArray[Any], colormap: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Look palette indices (h, w, 1) up in a colormap (3, n) of 16 bits; (h, w, 3) of 8 bits."""
    if int(indices.max(initial=0)) >= colormap.shape[1]:
        raise PictureError("damaged TIFF: a colour outside its palette")
    # some writers fill the table with 0..255
    table = colormap if int(colormap.max(initial=0)) < 256 else colormap >> 8
    return np.ascontiguousarray(table.astype(np.uint8).T[indices[:, :, 0]])


def _missing(page: "TiffPage", stored: NDArray[Any]) -> Mask | None:
    """Return where all samples are what GDAL's tag calls no data; None where nowhere."""
    tag = page.tags.get(_NODATA)
    try:
        value = None if tag is None else float(str(tag.value).strip(" \0"))
    except ValueError:
        return None
    if value is None:
        return None
    missing: Mask = np.asarray((stored == value).all(axis=2))
    return missing if missing.any() else None


def _split_alpha(
    page: "TiffPage",
    stored: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any] | None, bool]:
    """Return the channels without alpha, alpha (h, w), and whether it is multiplied in."""
    kinds = [int(kind) for kind in page.extrasamples]
    for place, kind in enumerate(kinds):
        if kind in (_PREMULTIPLIED, _STRAIGHT):
            at = stored.shape[2] - len(kinds) + place
            if at > 0:
                rest = np.delete(stored, at, axis=2)
                return rest, stored[:, :, at], kind == _PREMULTIPLIED
    return stored, None, False


def _to_rgb(page: "TiffPage", colours: NDArray[Any], full: int) -> tuple[NDArray[Any], bool]:
    """Turn CMYK and YCbCr to RGB and apply the ICC profile; also tell whether it is 8 bits now."""
    channels = colours.shape[2]
    if full != 255:
        if page.photometric != _CMYK or channels < 4:
            return colours, False
        ink, black = colours[:, :, :3].astype(np.uint32), colours[:, :, 3:4].astype(np.uint32)
        return ((full - ink) * (full - black) // full).astype(colours.dtype), False
    mode = {1: "L", 3: "RGB"}.get(channels)
    if page.photometric == _CMYK and channels >= 4:
        mode, colours = "CMYK", colours[:, :, :4]
    elif page.photometric == _YCBCR and channels == 3:
        mode = "RGB" if int(page.compression) in _JPEG_COMPRESSION else "YCbCr"
    tag = page.tags.get(_ICC)
    profile = tag.value if tag is not None and isinstance(tag.value, bytes) else None
    if mode is None or (profile is None and mode in ("L", "RGB")):
        return colours, True
    height, width = colours.shape[:2]
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(colours).tobytes())
    image = image.convert("RGB") if mode == "YCbCr" else image
    return np.array(to_srgb(image, profile)).reshape(height, width, -1), True


def _tags(page: "TiffPage") -> dict[str, Any]:
    """Return the tags worth keeping by name, EXIF's and GPS's among them."""
    told: dict[str, Any] = {}
    for name in (*_TOLD, "ExifTag", "GPSTag"):
        tag = page.tags.get(name)
        if tag is None:
            continue
        if isinstance(tag.value, dict):
            told |= {str(key): value for key, value in tag.value.items() if key != "MakerNote"}
        else:
            told[name] = tag.value
    return plain_tags(told)
