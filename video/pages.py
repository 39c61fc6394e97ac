"""TIFF files of many pages: each page a frame."""

import io
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.digest import open_regular
from ..media.picture import Samples
from .base import BATCH, About, Origin, Overrides, Video
from .raw import spread, stacked

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6  # TIFF 6.0, PhotometricInterpretation
_MOST_PIXELS = 512_000_000
_FIRST_PAGES = 4
_LOOKED_AT = 16
"""Pages in which the largest value of floats is looked for."""


class Pages(Video):
    """Pages of a TIFF that have the size and type of the first; others are told and left out."""

    def __init__(self, path: Path, source: io.FileIO, file: "TiffFile", known: Overrides) -> None:
        self.path = path
        self._source = source
        self._file = file
        self._size = os.fstat(source.fileno()).st_size
        first = next((page for page in file.pages if not page.is_reduced), None)
        if first is None:
            raise PictureError("a TIFF without a page")
        _check(first, self._size)
        self._pages = [
            number for number, page in enumerate(file.pages)
            if (page.shape, page.dtype, page.photometric) == _alike(first)
        ]  # fmt: skip
        channels = first.samplesperpixel
        planes: Literal[1, 3] = 3 if first.photometric in (_RGB, _YCBCR) else 1
        whole = first.dtype in (np.uint8, np.uint16)
        depth = int(first.bitspersample) if whole else 32
        self._white_is_zero = first.photometric == _WHITE_IS_ZERO
        self.about = About(
            "TIFF", len(self._pages), first.imagelength, first.imagewidth, planes,
            depth, float(2**depth - 1),
        )  # fmt: skip
        others = len(file.pages) - len(self._pages)
        if others:
            self.about.remarks.append(f"{others} pages of another size or kind left out")
        if channels > planes:
            self.about.remarks.append(f"{channels - planes} more channels (alpha) left out")
        if known.bayer is not None and planes == 1:
            self.about.pattern = None if known.bayer == "none" else known.bayer
        if known.depth:
            self.about.depth, self.about.full_scale = known.depth, float(2**known.depth - 1)
        elif not whole:
            self.about.full_scale = self._largest()

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        about = self.about
        for some in self._cut(numbers, size, about.height * about.width * about.planes * 4):
            found: list[int] = []
            samples: list[Samples] = []
            for number in some.tolist():
                page = self._page(number)
                if page is not None:
                    found.append(number)
                    samples.append(page)
            if found:
                yield np.array(found, dtype=np.int64), stacked(samples)

    def _page(self, number: int) -> Samples | None:
        """Return one page, (h, w, planes); None and a remark where it can't be decoded."""
        try:
            stored: Any = self._file.pages[self._pages[number]].asarray(maxworkers=1)
        except Exception as problem:  # decoders fail in as many ways as files are damaged
            if os.fstat(self._source.fileno()).st_size < self._size:
                raise PictureError("the file has become shorter while it was read") from problem
            self.about.remarks.append(f"frame {number} can't be decoded; left out")
            return None
        about = self.about
        if stored.ndim == 3 and stored.shape[0] < min(stored.shape[1:]) and stored.shape[2] > 4:
            stored = np.moveaxis(stored, 0, -1)  # planes one after the other
        stored = stored.reshape(about.height, about.width, -1)[:, :, : about.planes]
        samples: Samples = stored
        if stored.dtype not in (np.uint8, np.uint16):
            with np.errstate(over="ignore", invalid="ignore"):
                samples = stored.astype(np.float32)
        elif self._white_is_zero:
            samples = stored.dtype.type(2**about.depth - 1) - stored
        return samples

    def _largest(self) -> float:
        most = 1.0
        for _, samples in self.batches(spread(len(self), _LOOKED_AT), size=1):
            finite = samples[np.isfinite(samples)]
            most = max(most, float(finite.max(initial=1.0)))
        return most

    def origin(self, number: int) -> Origin:
        """Return the file and the page's number."""
        return Origin(self.path, self._pages[number])

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        self._source.close()


def _alike(page: "TiffPage") -> tuple[Any, ...]:
    return page.shape, page.dtype, page.photometric


def _check(page: "TiffPage", size: int) -> None:
    """Refuse what is no grey or colour picture, and sizes that would not fit."""
    kinds = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR)
    if page.photometric not in kinds or page.dtype is None or page.imagedepth != 1:
        raise PictureError("a TIFF of another kind than grey and RGB; save its pages as such")
    if page.dtype.kind not in "uif" or page.samplesperpixel not in (1, 2, 3, 4):
        raise PictureError(f"a TIFF of {page.samplesperpixel} channels of {page.dtype}")
    if page.imagewidth < 1 or page.imagelength < 1:
        raise PictureError("damaged TIFF: sizes that are no sizes in its header")
    if page.imagewidth * page.imagelength > _MOST_PIXELS:
        raise PictureError(f"{page.imagewidth} x {page.imagelength} pixels: more than 512 million")
    if page.compression == 1 and page.nbytes > size:
        raise PictureError(f"truncated TIFF: {size:,} bytes, a page alone has {page.nbytes:,}")


def open_pages(path: Path, known: Overrides) -> Pages:
    """Open a TIFF; raises PictureError where it is damaged or of a kind that is no video."""
    import tifffile

    # without a handler of its own, logging would print the library's warnings on standard error
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    source = open_regular(path)
    try:
        return Pages(path, source, tifffile.TiffFile(source), known)
    except PictureError:
        source.close()
        raise
    except Exception as problem:  # decoders fail in as many ways as files are damaged
        source.close()
        raise PictureError(f"damaged TIFF: {type(problem).__name__}") from problem


def is_paged(path: Path) -> bool:
    """Tell whether a TIFF has more than one page of its first page's size.

    Only the first pages are looked at: that of a thumbnail is one of them.
    """
    import tifffile

    try:
        with open_regular(path) as source, tifffile.TiffFile(source) as file:
            some = [file.pages[at] for at in range(min(len(file.pages), _FIRST_PAGES))]
            sizes = [page.shape for page in some if not page.is_reduced]
            return len(sizes) > 1 and sizes.count(sizes[0]) > 1
    except Exception:  # decoders fail in as many ways as files are damaged
        return False
