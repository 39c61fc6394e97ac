"""What a caller of `read` asked for, as the decoders of each format see it."""

from dataclasses import dataclass

from ..errors import PictureError


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `read`; see there for what the fields mean."""

    format: str
    part: str | None
    frame: int | None
    at_least: int | None
    limit_pixels: int

    def check_size(self, width: int, height: int) -> None:
        """Raise PictureError for a picture without pixels, or with more than the limit."""
        if width < 1 or height < 1:
            raise PictureError(f"damaged {self.format}: a size of {width} x {height} pixels")
        if width * height > self.limit_pixels:
            raise PictureError(
                f"{width * height / 1e6:,.0f} million pixels; the limit is "
                f"{self.limit_pixels / 1e6:,.0f} million (raise it with limit_pixels)"
            )

    def check_frame(self, frames: int) -> int:
        """Return the frame asked for (0 when none was); PictureError when there is no such."""
        frame = self.frame or 0
        if not 0 <= frame < frames:
            has = "1 frame" if frames == 1 else f"{frames} frames"
            raise PictureError(f"no frame {frame}: it has {has}, counted from 0")
        return frame
