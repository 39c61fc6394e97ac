"""A decoded picture, with its depth, its mask and what is known about it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says about its picture; whatever it does not say is None."""

    format: str = ""
    """The container as the field names it: "JPEG", "PNG", "TIFF", "FITS", ..."""
    width: int = 0
    """Width in pixels of the picture as stored upright (a reduced decode does not change it)."""
    height: int = 0
    frames: int = 1
    """Pictures in the file: frames of an animation, pages, planes of a FITS cube."""
    taken_at: str | None = None
    """When it was taken, ISO 8601 (UTC where the file says so)."""
    ra: float | None = None
    """Right ascension of the middle, degrees, ICRS (from a FITS WCS)."""
    dec: float | None = None
    field_deg: float | None = None
    """Length of the picture's diagonal on the sky, degrees."""
    header: dict[str, Any] = field(default_factory=dict)
    """EXIF tags or FITS cards by name, JSON-able."""
    part: str | None = None
    """Which part of the file it is, whatever name it was asked by: None for the part that is read
    when none is named, else its number ("2")."""
    mark: int | None = None
    """Of a frame of a video: 64-bit checksum of its samples as stored (`video.mark`), the same in
    whatever file the frame lies."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, upright, as stored: nothing is cut to 8 bits.

    samples: (height, width, channels), uint8, uint16 or float32; 1 channel is grey, 3 are R, G, B
    in sRGB, any other number are bands without a colour meaning. No alpha: see `mask`.
    full_scale: the sample value that means 1.0 (255 for 8 bits, 65535 for 16; for floats 1.0 when
    all values lie in 0..1, else the largest finite value).
    depth: bits per sample in the file (8, 16, 32, ...).
    linear: True when values are proportional to light (FITS, float TIFF).
    mask: (height, width), True where there is no valid value (NaN, Inf, FITS BLANK, alpha 0);
    there the samples hold the median of the valid ones of their channel (0 where none is valid;
    black where alpha is 0).
    """

    samples: Samples
    full_scale: float
    depth: int
    linear: bool = False
    mask: NDArray[np.bool_] | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def height(self) -> int:
        """Rows of the samples (after a reduced decode fewer than `metadata.height`)."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """Columns of the samples."""
        return int(self.samples.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour, else the number of bands."""
        return int(self.samples.shape[2])

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see: one value everywhere, or no valid one at all."""
        samples = self.samples
        first = samples[0, 0]
        # a few samples tell nearly always
        return bool((samples[::37, ::37] == first).all() and (samples == first).all())

    def pixels(self) -> NDArray[np.float32]:
        """Return the samples as (height, width, channels) float32, 1.0 = full scale."""
        return self.samples.astype(np.float32) / np.float32(self.full_scale)
