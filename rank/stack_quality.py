"""What the best frames of a ranking are worth when they are stacked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..planet.band import Band
from ..planet.windows import Register
from ..stack.resolution import split_half
from ..stack.stack import stack
from .agreement import fitted, psnr, ssim
from .frame_ranking import FrameRanking
from .frame_stacks import chosen_of

_REACH = 16


@dataclass(frozen=True, slots=True)
class StackQuality:
    """Of a stack: how many frames, the split-half resolution (cycles a pixel at 1/7 and 1/2).

    psnr (dB), ssim: to the true picture, after a linear fit of brightness and a shift; None
    without one.
    """

    frames: int
    seventh: float
    half: float
    psnr: float | None = None
    ssim: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name."""
        told = {"stacked": self.frames, "stack_seventh": self.seventh, "stack_half": self.half,
                "stack_psnr": self.psnr, "stack_ssim": self.ssim}  # fmt: skip
        return {k: round(v, 5) if isinstance(v, float) else v for k, v in told.items()}


def stack_quality(
    ranking: FrameRanking, numbers: Sequence[int], truth: NDArray[np.float32] | None
) -> StackQuality:
    """Stack frames by their numbers, best first, and judge the stack.

    ranking: of the same video, for shifts and light. truth: (h, w), of the stack's size: the
    object without air and noise. Raises UsageError for frames that the video has not, or a truth
    of another size.
    """
    row_of = {int(number): row for row, number in enumerate(ranking.survey.rows["number"])}
    missing = [number for number in numbers if number not in row_of]
    if missing:
        raise UsageError(f"{ranking.video.path} has no frame {missing[0]}: is it another video's?")
    chosen = chosen_of(ranking.only(np.array([row_of[number] for number in numbers], np.int64)))
    resolution = split_half(ranking.video, chosen)[0]
    quality = StackQuality(len(chosen), resolution.seventh, resolution.half)
    if truth is None:
        return quality
    made = stack(ranking.video, chosen).picture.mean(2)
    if made.shape != truth.shape:
        raise UsageError(
            f"the true picture is {truth.shape[1]} x {truth.shape[0]} pixels, the stack "
            f"{made.shape[1]} x {made.shape[0]}"
        )
    near = fitted(_onto(made, truth), truth)
    return StackQuality(
        quality.frames, quality.seventh, quality.half, psnr(near, truth), ssim(near, truth)
    )


def _onto(picture: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture moved by fractions of a pixel to where the truth stands."""
    from scipy import fft, ndimage

    side = min(truth.shape) // 2 * 2
    band = Band(side)
    windows = np.stack([picture[:side, :side], truth[:side, :side]]).astype(np.float32)
    coefficients, _ = band.coefficients(windows)
    register = Register(band, coefficients[1], band.filter(0.03, 0.4), reach=_REACH)
    found = register.shifts(coefficients[:1])
    spectrum = ndimage.fourier_shift(fft.fft2(picture), (-float(found.dy[0]), -float(found.dx[0])))
    return np.asarray(fft.ifft2(spectrum).real, np.float32)
