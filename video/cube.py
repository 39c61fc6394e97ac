"""FITS cubes: frames, or the three colour planes of one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.picture import Samples
from .base import BATCH, About, Origin, Overrides, Video
from .fits_header import FitsUnit, first_picture, mosaic_of
from .raw import RawFile, RawFrames, spread

_COLOUR_KEYWORDS = ("CTYPE3", "COLORTYP", "COLORTYPE", "COLORSPC", "COLORSPA", "CSPACE")
_COLOURS = ("RGB", "COLOR", "COLOUR")
_LOOKED_AT = 16
"""Frames in which the largest value of floats is looked for."""


class Cube(Video):
    """Frames of a FITS cube, read by position: nothing is loaded as a whole.

    8 bits stay uint8, 16 bits with BZERO 32768 uint16; all others become float32 by BSCALE and
    BZERO, NaN stays NaN, and BLANK becomes it.
    """

    def __init__(self, file: RawFile, unit: FitsUnit, known: Overrides) -> None:
        self.path = file.path
        self._file = file
        self._unit = unit
        width, height = unit.axes[:2]
        planes, frames, remark = _meaning(unit)
        self._turned = unit.text("ROWORDER") != "TOP-DOWN"
        self._type = np.dtype({-32: ">f4", -64: ">f8"}.get(unit.bits, f">i{unit.bits // 8}"))
        if unit.bits == 8:
            self._type = np.dtype(np.uint8)
        self._scale, self._zero = unit.number("BSCALE", 1), unit.number("BZERO", 0)
        self._frames = RawFrames(file, width * height * planes * self._type.itemsize, unit.start)
        depth = {(8, 0.0): 8, (16, 32768.0): 16}.get((unit.bits, self._zero), 32)
        depth = depth if self._scale == 1 else 32
        self._kind = {8: np.uint8, 16: np.uint16}.get(depth, np.float32)
        pattern = mosaic_of(unit.cards, height, turned=self._turned) if planes == 1 else None
        if known.bayer is not None and planes == 1:
            pattern = None if known.bayer == "none" else known.bayer
        self.about = About(
            "FITS", frames, height, width, planes, depth, float(2**depth - 1), pattern,
            header=unit.cards, remarks=[remark] if remark else [],
        )  # fmt: skip
        if known.depth:
            self.about.depth, self.about.full_scale = known.depth, float(2**known.depth - 1)
        elif depth == 32:
            self.about.full_scale = self._largest()

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        for some in self._cut(numbers, size, self._frames.length):
            yield some, self._samples(self._frames.read(some))

    def _samples(self, stored: NDArray[np.uint8]) -> Samples:
        """Return stored bytes (n, length) as samples (n, h, w, planes)."""
        about = self.about
        shape = (len(stored), about.planes, about.height, about.width)
        raw = stored.view(self._type).reshape(shape)
        samples = np.moveaxis(self._meant(raw), 1, -1)
        return samples[:, ::-1] if self._turned else samples

    def _meant(self, raw: NDArray[Any]) -> Samples:
        """Apply BSCALE, BZERO and BLANK (FITS standard 4.0, 4.4.2.5 and 5.3)."""
        if self._kind is np.uint8:
            return raw
        if self._kind is np.uint16:  # adding 32768 to 16 bits turns the topmost
            return raw.astype(np.uint16) ^ np.uint16(0x8000)
        if raw.dtype.kind == "f" and (self._scale, self._zero) == (1, 0):
            with np.errstate(over="ignore", invalid="ignore"):
                return raw.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            values = (raw.astype(np.float64) * self._scale + self._zero).astype(np.float32)
        blank = self._unit.cards.get("BLANK")
        if raw.dtype.kind == "i" and isinstance(blank, int):
            values[raw == blank] = np.nan
        return values

    def _largest(self) -> float:
        """Return 1 where no value of some frames is above, else the largest finite one."""
        most = 1.0
        for _, samples in self.batches(spread(len(self), _LOOKED_AT), size=1):
            finite = samples[np.isfinite(samples)]
            most = max(most, float(finite.max(initial=1.0)))
        return most

    def origin(self, number: int) -> Origin:
        """Return the file and the number."""
        return Origin(self.path, number)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def _meaning(unit: FitsUnit) -> tuple[Literal[1, 3], int, str]:
    """Return planes, frames, and a remark on which of the two the third axis was taken for.

    It is frames where a mosaic is told (BAYERPAT), three colours where a keyword says so, and else
    three colours where it is just 3 long. With a fourth axis that one counts the frames.
    """
    _, _, *more = unit.axes
    frames = 1
    for length in more:
        frames *= length
    if not more or more[0] != 3:
        return 1, frames, ""
    if mosaic_of(unit.cards, unit.axes[1], turned=False):
        return 1, frames, "three planes taken as frames, since it has a mosaic (BAYERPAT)"
    said = any(word in unit.text(key) for key in _COLOUR_KEYWORDS for word in _COLOURS)
    if unit.text("CTYPE3") and not said:
        kind = unit.text("CTYPE3")
        return 1, frames, f"three planes taken as frames, since their axis is {kind}"
    why = "as its header says" if said else "since there are three; nothing says so"
    return 3, frames // 3, f"three planes taken as red, green, blue, {why}"


def open_cube(path: Path, known: Overrides) -> Cube:
    """Open a FITS cube; raises PictureError where it is none, is cut, or compressed."""
    file = RawFile(path)
    try:
        if file.head(0, 2) == b"\x1f\x8b":
            raise PictureError("a gzipped FITS file; unfold it first with: gunzip FILE")
        return Cube(file, first_picture(file), known)
    except BaseException:
        file.close()
        raise


def is_cube(path: Path) -> bool:
    """Tell whether a FITS file has more than one frame; False where it can't be read."""
    try:
        file = RawFile(path)
    except PictureError:
        return False
    try:
        return _meaning(first_picture(file))[1] > 1
    except PictureError:
        return False
    finally:
        file.close()
