"""Resize and crop a picture to what a network was trained on: one pass, in 8 bits where it can."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..embed.prepare import display, needs_stretch
from ..media.picture import Picture

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


READS_AT = 2
"""Sides of the resized picture that a reduced decode must keep. Measured with MobileNetV2 on 240
mosaics of photos, 1024 to 2048 pixels a side: with 2, the ten nearest change only among near ties
(a similarity 0.001 lower), cosines to the full decode stay above 0.996; with 1 they fall to 0.96.
"""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a network's own library resizes, crops and scales a picture.

    size: (height, width) in pixels that the network sees, cut from the middle of the resized
    picture, or padded with `fill` where that is smaller.
    resize_to: (height, width) that the sides are brought to, as `resize` says: "shorter" keeps the
    shape and covers it, "longer" keeps the shape and fits into it, "squash" does not keep it.
    rounding: of the side that is not given: torchvision cuts, timm and open_clip round.
    mean, sd: of each channel, 1.0 = full scale; subtracted and divided in the network's batch.
    fill: 0..255 for each channel.
    """

    size: tuple[int, int]
    resize_to: tuple[int, int]
    resize: Literal["shorter", "longer", "squash"] = "shorter"
    rounding: Literal["down", "nearest"] = "down"
    interpolation: Interpolation = "bicubic"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    sd: tuple[float, ...] = (1.0, 1.0, 1.0)
    fill: tuple[int, ...] = (0, 0, 0)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON-able dictionary: part of an encoder's identity."""
        told = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
        return {**told, "reads_at": self.reads_at}

    @property
    def reads_at(self) -> int:
        """The shorter side in pixels below which a reduced decode would show in the vectors."""
        return READS_AT * max(self.resize_to)

    def __call__(self, picture: Picture) -> NDArray[Any]:
        """Return (height, width, 3), 0..255: uint8 of 8-bit grey and colour, else float32.

        All others are first made displayable (`prepare.display`), and not cut to 8 bits.
        """
        samples = picture.samples
        if samples.dtype == np.uint8 and picture.channels in (1, 3) and not needs_stretch(picture):
            fitted = self._fitted_bytes(np.ascontiguousarray(samples))
            return self._padded(np.repeat(fitted, 3, axis=2) if picture.channels == 1 else fitted)
        planes = np.moveaxis(display(picture) * np.float32(255), 2, 0)
        resized = [self._fitted(Image.fromarray(np.ascontiguousarray(plane))) for plane in planes]
        # The cubic filters overshoot; 8 bits would be cut at both ends too.
        return self._padded(np.clip(np.stack(resized, axis=2), 0, 255))

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that a picture of this size has before it is cut."""
        to_height, to_width = self.resize_to
        if self.resize == "squash":
            return to_height, to_width
        if self.rounding == "down":  # torchvision.transforms.Resize with one number
            short = to_height
            if height <= width:
                return short, int(short * width / height)
            return int(short * height / width), short
        ratios = (height / to_height, width / to_width)  # timm's and open_clip's ResizeKeepRatio
        ratio = min(ratios) if self.resize == "shorter" else max(ratios)
        return max(1, round(height / ratio)), max(1, round(width / ratio))

    def _fitted_bytes(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize and cut (height, width, 1 or 3) bytes.

        torch has Pillow's filters, equal to 1/255, five times as quick (0.35 ms instead of 1.9
        from 512 to 224 pixels); but it computes also what is cut off.
        """
        height, width = self.resized(*samples.shape[:2])
        wasteful = height * width > 3 * self.size[0] * self.size[1]
        if wasteful or self.interpolation not in ("bilinear", "bicubic"):
            channels = samples.shape[2]
            fitted = self._fitted(Image.fromarray(samples if channels == 3 else samples[..., 0]))
            return fitted.reshape(*fitted.shape[:2], channels)
        import torch

        if not samples.flags.writeable:  # torch warns of arrays that it could not write to
            samples = samples.copy()
        resized = torch.nn.functional.interpolate(
            torch.from_numpy(samples)[None].permute(0, 3, 1, 2),
            size=(height, width),
            mode=self.interpolation,
            antialias=True,
        )
        top, rows = _cut(height, self.size[0])
        left, columns = _cut(width, self.size[1])
        cut = resized[0, :, top : top + rows, left : left + columns]
        return np.ascontiguousarray(cut.permute(1, 2, 0).numpy())

    def _fitted(self, image: Image.Image) -> NDArray[Any]:
        """Resize and cut at once: only what is seen is computed."""
        height, width = self.resized(image.height, image.width)
        top, rows = _cut(height, self.size[0])
        left, columns = _cut(width, self.size[1])
        across, down = image.width / width, image.height / height
        box = (
            left * across,
            top * down,
            min((left + columns) * across, image.width),
            min((top + rows) * down, image.height),
        )
        return np.asarray(image.resize((columns, rows), _FILTERS[self.interpolation], box=box))

    def _padded(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Put a picture smaller than `size` into the middle of the fill colour."""
        if pixels.shape[:2] == self.size:
            return pixels
        padded = np.empty((*self.size, 3), dtype=pixels.dtype)
        padded[:] = np.array(self.fill)
        top = (self.size[0] - pixels.shape[0]) // 2
        left = (self.size[1] - pixels.shape[1]) // 2
        padded[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        return padded


def _cut(side: int, wanted: int) -> tuple[int, int]:
    """Return (first, count) of a cut from the middle; all of a side that is too short."""
    if side <= wanted:
        return 0, side
    return round((side - wanted) / 2), wanted
