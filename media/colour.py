"""From what a file's channels mean to grey or sRGB, and from holes to a mask."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]


def composite(
    samples: NDArray[Any], alpha: NDArray[Any], full_scale: int
) -> tuple[NDArray[Any], Mask | None]:
    """Lay a picture on black by its alpha.

    samples: (h, w, c) uint8 or uint16, not multiplied by alpha; alpha: (h, w), 0..full_scale.
    Returns the samples and the mask, True where alpha is 0; None where it never is.
    """
    if bool((alpha == full_scale).all()):
        return samples, None
    # rounded to the nearest; uint32 holds 65535 * 65535 + 32767
    weighted = samples.astype(np.uint32) * alpha[:, :, None].astype(np.uint32)
    laid = ((weighted + full_scale // 2) // full_scale).astype(samples.dtype)
    mask = alpha == 0
    return laid, mask if bool(mask.any()) else None


def fill_invalid(samples: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Put each channel's median of the valid samples where the mask is True (0 where none is).

    samples: (h, w, c). Returns a new array of the same type.
    """
    filled = samples.copy()
    valid = ~mask
    for channel in range(samples.shape[2]):
        kept = samples[:, :, channel][valid]
        filled[:, :, channel][mask] = np.median(kept).astype(samples.dtype) if kept.size else 0
    return filled


def floats(
    samples: NDArray[Any], mask: Mask | None = None
) -> tuple[NDArray[np.float32], float, Mask | None]:
    """Return linear values as float32 with their full scale and mask.

    samples: (h, w, c) of any real type; values that float32 can't hold count as invalid.
    mask: what is known to be invalid already. A sample that is NaN or infinite in any channel
    makes its pixel invalid. The full scale is 1.0 when all valid values lie in 0..1 (and where no
    value is above 0), else the largest.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = samples.astype(np.float32)
    holes: Mask = np.asarray(~np.isfinite(values).all(axis=2))
    if mask is not None:
        holes |= mask
    if not holes.any():
        return values, _full_scale(values), None
    values = fill_invalid(values, holes)
    valid = values[~holes]
    return values, _full_scale(valid), holes


def turn(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an array (h, w, ...) upright, as EXIF tag 274 says (EXIF 2.32, 4.6.4): 1..8."""
    if orientation in (2, 3, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7):
        array = array[::-1]
    if orientation in (5, 7):
        array = array.swapaxes(0, 1)
    elif orientation in (6, 8):
        array = np.rot90(array, -1 if orientation == 6 else 1)
    return array


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an 8-bit L, RGB, RGBA, LA or CMYK image in sRGB: L, RGB, RGBA, LA.

    profile: the ICC profile in the file. A broken one, or one that does not fit, is ignored.
    Grey stays grey.
    """
    mode = image.mode
    if profile is not None:
        alpha = image.getchannel("A") if mode in ("LA", "RGBA") else None
        base = mode.removesuffix("A")
        transform = _transform(profile, base)
        if transform is not None:
            from PIL import ImageCms

            plain = image if alpha is None else image.convert(base)
            image = ImageCms.applyTransform(plain, transform) or plain
            if base == "L":
                image = image.getchannel(1)
            if alpha is not None:
                image.putalpha(alpha)
    return image.convert("RGB") if image.mode == "CMYK" else image


def is_srgb(profile: bytes) -> bool:
    """Tell whether an ICC profile changes no RGB colour by more than 2 of 255 (or is broken)."""
    return _transform(profile, "RGB") is None


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:  # noqa: ANN401 -- Pillow's, untyped
    """Return Pillow's transform from a profile to sRGB, None where there is nothing to do."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        trial = _trial(mode)
        result = ImageCms.applyTransform(trial, transform)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    if mode == "CMYK" or result is None:
        return transform
    before = np.asarray(trial.convert("RGB"), dtype=np.int16)
    change = np.abs(np.asarray(result, dtype=np.int16) - before)
    return transform if int(change.max()) > 2 else None


def _trial(mode: str) -> Image.Image:
    """Return an image whose colours spread over all of the mode's range."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None, :])
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    image = Image.fromarray(np.ascontiguousarray(cube.reshape(27, 27, 3)))
    return image.convert(mode)


def _full_scale(values: NDArray[np.float32]) -> float:
    if values.size == 0:
        return 1.0
    low, high = float(values.min()), float(values.max())
    # far below float32's smallest normal number a division by it would overflow
    return 1.0 if high <= 1e-30 or (low >= 0.0 and high <= 1.0) else high
