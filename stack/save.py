"""Write files whole or not at all: pictures with their full depth, tables, whatever is written."""

import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from textwrap import wrap
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..media import whole as media_whole

DEEP = (".tif", ".tiff", ".png", ".fits", ".fit", ".fts")
FLAT = (".jpg", ".jpeg")
_FITS = (".fits", ".fit", ".fts")
_LINE = 70
_CARD = 40
"""Letters of a card's text, so that its comment has room (the header texts of a SER have 40)."""


def save_picture(
    picture: NDArray[Any],
    path: Path | str,
    *,
    white: float,
    flat: bool = False,
    force: bool = False,
    history: Sequence[str] = (),
    begin: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    unit: str = "adu",
    cards: Mapping[str, tuple[str | int, str]] | None = None,
) -> float:
    """Write a picture as its name's ending says; return the share of samples that were cut off.

    picture: (h, w) or (h, w, 1 or 3), red green blue, the top row first; `white` is full scale.
    .tif .tiff .png: 16 bits, 0 to `white` as 0 to 65535; .fits .fit .fts: 32-bit floats on the
    picture's own scale, nothing cut off, rows from the bottom up as FITS counts them, planes last;
    .jpg .jpeg, and .png where `flat`: 8 bits. history, begin, end, unit: for the header of a FITS,
    the description of a TIFF. cards: values with comments for the header of a FITS. Raises
    UsageError where it can't or, without `force`, may not be written.
    """
    path = Path(path)
    check_output(path, force=force)
    planes = np.atleast_3d(picture)
    if planes.ndim != 3 or planes.shape[2] not in (1, 3) or 0 in planes.shape:
        raise ShapeError(f"a picture is (h, w), (h, w, 1) or (h, w, 3), not {picture.shape}")
    suffix = _ending(path)
    if suffix in _FITS:
        content = _fits(planes, history, begin, end, unit, cards or {})
        return _written(path, content, 0.0)
    eight = suffix in FLAT or flat
    samples, cut = _whole_numbers(planes, white, 255 if eight else 65535)
    if suffix in (".tif", ".tiff"):
        return _written(path, _tiff(samples, history, begin), cut)
    return _written(path, _flat(samples, suffix) if eight else encode_png(samples), cut)


def encode_png(samples: NDArray[Any]) -> bytes:
    """Return samples (h, w, 1 or 3), uint8 or uint16, as a PNG of their depth."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(np.ascontiguousarray(_squeezed(samples))))


def encode_tiff(samples: NDArray[Any], history: Sequence[str] = ()) -> bytes:
    """Return samples (h, w, 1 or 3), uint8, uint16 or float32, as a TIFF of their depth."""
    return _tiff(samples, history, None)


def check_output(path: Path, *, force: bool) -> None:
    """Raise the UsageError that writing a picture would, before any work is done for it."""
    _ending(path)
    check_free(path, force=force)


def check_free(path: Path, *, force: bool) -> None:
    """Raise UsageError where a file can't be made at a path, or is there and may not be lost."""
    try:
        if path.is_dir():
            raise UsageError(f"{path}: this is a folder; give the name of a file in it")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no such folder; make it first")
        if not force and (path.exists() or path.is_symlink()):
            raise UsageError(f"{path}: it is there already; --force writes over it")
    except (OSError, ValueError) as problem:  # a link in a circle, a NUL in the name
        raise refused(path, problem) from problem


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, as `media.whole` does, and sync its folder.

    Raises UsageError where the disk is full or the folder closed.
    """
    try:
        with media_whole.whole(path) as file:
            yield file
        sync_folder(path.parent)
    except (OSError, ValueError) as problem:
        raise refused(path, problem) from problem


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write to; what is in it appears in `folder` when all is complete.

    After an error nothing of it is left. Raises UsageError where it can't be written.
    """
    scratch = folder.parent / f".{token_hex(8)}.part"
    try:
        scratch.mkdir()
        yield scratch
        if folder.exists():
            for file in sorted(scratch.iterdir()):
                file.replace(folder / file.name)
        else:
            scratch.rename(folder)
        sync_folder(folder)
        sync_folder(folder.parent)
    except OSError as problem:
        raise refused(folder, problem) from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; systems that can't open folders do without."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refused(path: Path, problem: Exception) -> UsageError:
    """Return the error that tells why a file can't be written."""
    why = getattr(problem, "strerror", None) or problem
    return UsageError(f"{path}: can't be written: {why}")


def _written(path: Path, content: bytes, cut: float) -> float:
    with whole(path) as file:
        file.write(content)
    return cut


def _ending(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in DEEP + FLAT:
        found = f"not {path.suffix}" if path.suffix else "and this name has no ending"
        raise UsageError(f"{path}: a picture is .tif, .png, .fits or .jpg, {found}; rename it")
    return suffix


def _whole_numbers(
    planes: NDArray[Any], white: float, top: int
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], float]:
    """Return samples of 0 to top, rounded, and the share of those that lay outside."""
    scaled = np.nan_to_num(planes.astype(np.float64), nan=0.0) * (top / white)
    outside = float(np.mean((scaled > top + 0.5) | (scaled < -0.5)))
    rounded = np.rint(np.clip(scaled, 0, top))
    return rounded.astype(np.uint8) if top == 255 else rounded.astype(np.uint16), outside


def _squeezed(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[..., 0] if samples.ndim == 3 and samples.shape[2] == 1 else samples


def _flat(samples: NDArray[Any], suffix: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(_squeezed(samples)))
    if suffix in FLAT:
        image.save(out, "JPEG", quality=95, subsampling=0)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def _tiff(samples: NDArray[Any], history: Sequence[str], begin: np.datetime64 | None) -> bytes:
    import tifffile

    out = io.BytesIO()
    when = None if begin is None else str(begin.astype("datetime64[s]")).replace("-", ":")
    colours = samples.ndim == 3 and samples.shape[2] == 3
    tifffile.imwrite(
        out, np.ascontiguousarray(_squeezed(samples)),
        photometric="rgb" if colours else "minisblack", compression="zlib",
        predictor=samples.dtype != np.float32, metadata=None, software="seeing",
        description=_ascii("\n".join(history)) or None,
        datetime=None if when is None else when.replace("T", " "),
    )  # fmt: skip
    return out.getvalue()


def _fits(
    planes: NDArray[Any],
    history: Sequence[str],
    begin: np.datetime64 | None,
    end: np.datetime64 | None,
    unit: str,
    cards: Mapping[str, tuple[str | int, str]],
) -> bytes:
    from astropy.io import fits

    # from the bottom up: every viewer then shows the top above, whether it knows ROWORDER or not
    turned = np.moveaxis(planes[::-1].astype(np.float32), 2, 0)
    hdu = fits.PrimaryHDU(turned[0] if len(turned) == 1 else turned)
    hdu.header["ROWORDER"] = ("BOTTOM-UP", "first row stored is the lowest")
    if len(turned) > 1:
        hdu.header["CTYPE3"] = ("RGB", "planes are red, green, blue, not frames")
    hdu.header["BUNIT"] = unit
    for name, when in (("DATE-OBS", begin), ("DATE-END", end)):
        if when is not None and not np.isnat(when):
            hdu.header[name] = (str(when.astype("datetime64[us]")), "UTC")
    hdu.header["CREATOR"] = "seeing"
    for name, (value, comment) in cards.items():
        hdu.header[name] = (_ascii(value)[:_CARD] if isinstance(value, str) else value, comment)
    for line in history:
        for text in wrap(_ascii(line), _LINE) or [""]:
            hdu.header.add_history(text)
    out = io.BytesIO()
    hdu.writeto(out)
    return out.getvalue()


def _ascii(text: str) -> str:
    """Return text as headers take it: printable ASCII and line ends, anything else as "?"."""
    return "".join(c if c == "\n" or (c.isascii() and c.isprintable()) else "?" for c in text)
