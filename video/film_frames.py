"""From FFmpeg's frames to samples, losing nothing that they hold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .base import Pattern

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

_BAYER: dict[str, Pattern] = {
    "rggb": "RGGB", "grbg": "GRBG", "gbrg": "GBRG", "bggr": "BGGR"
}  # fmt: skip
_LIMITED, _FULL = 1, 2  # FFmpeg's AVColorRange
_PLANAR = (2, 0, 1)
"""Where red, green and blue lie in "gbrp"."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How frames of one pixel format become samples.

    name: FFmpeg's of the format. way: "plain": the first plane is the samples; "planar": green,
    blue, red planes; "ramp": a palette of greys; else the format into which libswscale converts.
    depth: of the samples; bits: of the film.
    """

    name: str
    way: str
    planes: Literal[1, 3]
    kind: type[np.uint8] | type[np.uint16] | type[np.float32]
    depth: int
    bits: int
    pattern: Pattern | None = None
    swapped: bool = False
    remarks: tuple[str, ...] = ()

    def write(self, frame: "VideoFrame", out: NDArray[Any]) -> None:
        """Put a frame's samples into an array (h, w, planes) of `kind`."""
        if self.way == "plain":
            out[...] = self._plane(frame, 0, self.planes)
        elif self.way == "planar":
            for place, plane in enumerate(_PLANAR):
                out[..., place] = self._plane(frame, plane, 1)[..., 0]
        elif self.way == "ramp":
            ramp = _palette(frame)[:, 1]
            out[...] = ramp[_rows(frame.planes[0], frame.width, np.dtype(np.uint8), 1)]
        else:
            converted = _converted(frame, self.way)
            out[...] = _rows(converted.planes[0], frame.width, np.dtype(self.kind), self.planes)

    def _plane(self, frame: "VideoFrame", number: int, channels: int) -> NDArray[Any]:
        kind = np.dtype(self.kind)
        kind = kind.newbyteorder(">") if self.swapped else kind.newbyteorder("<")
        return _rows(frame.planes[number], frame.width, kind, channels)


def conversion_of(frame: "VideoFrame") -> Conversion:
    """Return how a frame's samples are had from it.

    Grey stays grey, mosaics stay mosaics, RGB stays as it is. YUV becomes full-range RGB once, by
    libswscale with exact rounding and full chroma: of 8 bits where it has 8, else of 16 (whose
    white is then 65283: every level of 10 and 12 bits stays its own).
    """
    name = frame.format.name
    bits = max(part.bits for part in frame.format.components)
    own = _of_one_plane(frame, name, bits)
    if own is not None:
        return own
    if name.startswith("gbrp") and "f" not in name:
        kind = np.uint8 if bits <= 8 else np.uint16
        return Conversion(name, "planar", 3, kind, bits, bits, swapped=name.endswith("be"))
    if name == "rgb24":
        return Conversion(name, "plain", 3, np.uint8, 8, 8)
    remarks: tuple[str, ...] = ()
    if not frame.format.is_rgb:
        remarks = ("colours converted from YUV to full-range RGB",)
    if bits <= 8:
        return Conversion(name, "rgb24", 3, np.uint8, 8, bits, remarks=remarks)
    return Conversion(name, "rgb48le", 3, np.uint16, 16, bits, remarks=remarks)


def _of_one_plane(frame: "VideoFrame", name: str, bits: int) -> Conversion | None:
    """Return the conversion of grey and of mosaics, None for all else."""
    swapped = name.endswith("be")
    if name.startswith("gray") and "f16" not in name:
        kind: Any = np.float32 if "f32" in name else np.uint8 if bits <= 8 else np.uint16
        remark = "grey of limited range, kept as it is: black is 16 of 255"
        remarks = (remark,) if frame.color_range == _LIMITED else ()
        return Conversion(name, "plain", 1, kind, bits, bits, swapped=swapped, remarks=remarks)
    if name.startswith("bayer_"):
        kind = np.uint16 if "16" in name else np.uint8
        depth = 8 * np.dtype(kind).itemsize
        pattern = _BAYER[name.split("_")[1][:4]]
        return Conversion(name, "plain", 1, kind, depth, depth, pattern, swapped)
    if name == "pal8":
        palette = _palette(frame)
        if bool((palette == palette[:, :1]).all()):
            return Conversion(name, "ramp", 1, np.uint8, 8, 8)
    if name in ("monow", "monob"):
        return Conversion(name, "gray", 1, np.uint8, 8, 1)
    return None


def _rows(plane: "VideoPlane", width: int, kind: np.dtype[Any], channels: int) -> NDArray[Any]:
    """Return a plane's samples (h, width, channels), without what pads its rows."""
    height, pitch = plane.height, plane.line_size
    stored = np.frombuffer(memoryview(plane), dtype=np.uint8)[: height * pitch]
    used = stored.reshape(height, pitch)[:, : width * channels * kind.itemsize]
    if used.shape[1] != pitch and kind.itemsize > 1:
        used = np.ascontiguousarray(used)
    return used.view(kind).reshape(height, width, channels)


def _palette(frame: "VideoFrame") -> NDArray[np.uint8]:
    """Return the colours of a palette, (256, 3) red, green, blue."""
    words = np.frombuffer(memoryview(frame.planes[1]), dtype=np.uint32)[:256]  # 0xAARRGGBB
    return np.stack([words >> 16 & 255, words >> 8 & 255, words & 255], axis=1).astype(np.uint8)


def _converted(frame: "VideoFrame", name: str) -> "VideoFrame":
    from av.video.reformatter import Interpolation

    told = frame.color_range
    if told not in (_LIMITED, _FULL):
        told = _FULL if frame.format.name.startswith("yuvj") or frame.format.is_rgb else _LIMITED
    flags = (
        Interpolation.BILINEAR
        | Interpolation.ACCURATE_RND
        | Interpolation.FULL_CHR_H_INT
        | Interpolation.FULL_CHR_H_INP
    )
    return frame.reformat(
        format=name, interpolation=flags, src_color_range=told, dst_color_range=_FULL, threads=1
    )
