"""A planet as its observer shows it: the best of an earlier night, stacked, sharpened, displayed.

What a ranking gets as reference: turned, of another scale and brightness, maybe mirrored, and
taken through other air.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .night import Night, simulate
from .planets import Picture
from .sensor import OFFSET

Field = NDArray[np.float32]

_NIGHT = 900_000_001
"""Added to the seed: no night that anybody simulates has the same air."""


def processed_reference(
    what: str | Picture,
    seed: int,
    *,
    drawing: int = 0,
    size: int = 128,
    turn: float = 7.0,
    scale: float = 1.08,
    mirror: bool = False,
    longitude: float = 0.0,
    frames: int = 400,
) -> NDArray[np.uint8]:
    """Return the processed picture of an object from an earlier night: (size, size) uint8.

    what, drawing, size, longitude: as in `Night`. seed: of the earlier night; it is another
    night than `Night(seed=seed)`. turn: degrees, the top to the left. scale: enlargement. mirror:
    left for right, done last.

    The night: D / r0 4.0, `frames` at 10000 e-. The best eighth by the true fidelity is registered
    by the true shifts, averaged, sharpened; then turned, enlarged, multiplied by 0.85, bent by a
    display curve of 0.85, rounded to 8 bits.
    """
    if not (frames >= 8 and 0.2 <= scale <= 5 and math.isfinite(turn)):
        raise UsageError("a reference needs 8 frames or more, and a scale from 0.2 to 5")
    night = Night(
        what, frames, size, seeing=4.0, light=10000.0, seed=seed + _NIGHT, drawing=drawing,
        drift=0.1, depth=16, longitude=longitude,
    )  # fmt: skip
    picture = _moved(sharpened(_best(night, frames // 8)), turn, scale)
    # white is what one pixel in a thousand exceeds; below it is room for 15 %
    picture /= np.quantile(picture, 0.999)
    picture = np.clip(np.float32(0.85) * picture, 0, 1) ** np.float32(0.85)
    shown = np.rint(255 * picture).astype(np.uint8)
    return np.ascontiguousarray(shown[:, ::-1]) if mirror else shown


def sharpened(picture: Field) -> Field:
    """Return a stack (h, w) sharpened at two scales, as wavelets do, noise and all.

    The spectrum times 1 + 3.2 (1 - exp(-2 (1.2 pi f)^2)) + 2 (1 - exp(-2 (2.5 pi f)^2)), f in
    cycles a pixel, no further than the telescope's cutoff, beyond which there is only noise.
    """
    from scipy.fft import irfft2, rfft2

    height, width = picture.shape
    padded = np.pad(picture, ((height // 4,), (width // 4,)), mode="reflect")
    rows, columns = np.fft.fftfreq(padded.shape[0]), np.fft.rfftfreq(padded.shape[1])
    square = rows[:, None] ** 2 + columns**2
    gain = 1 + 3.2 * (1 - np.exp(-2 * 1.44 * np.pi**2 * square))
    gain += 2 * (1 - np.exp(-2 * 6.25 * np.pi**2 * square))
    gain *= np.exp(-((square / 0.3**2) ** 4))
    sharp = irfft2(rfft2(padded) * gain.astype(np.float32), padded.shape, workers=1)
    return np.asarray(sharp[height // 4 :, width // 4 :][:height, :width], np.float32)


def _best(night: Night, count: int) -> Field:
    """Return the mean of a night's best frames, registered by the truth; 0 is the empty sky."""
    kept: list[tuple[float, int, Field]] = []
    for frames, truth in simulate(night):
        for place in np.argsort(-truth.fidelity, kind="stable")[:count]:
            shift = np.array([truth.shift_y[place], truth.shift_x[place]], np.float64)
            worse = -float(truth.fidelity[place])
            kept.append((worse, int(truth.number[place]), _centred(frames[place], shift)))
        kept = sorted(kept, key=lambda row: row[:2])[:count]
    both = np.mean([frame for _, _, frame in kept], axis=0)
    sky = np.float32(OFFSET * (2**night.depth - 1))
    return np.asarray(both[0] / both[1] - sky, np.float32)


def _centred(frame: NDArray[np.generic], shift: NDArray[np.float64]) -> Field:
    """Return a frame moved back by its shift down and right, and how much each pixel counts.

    (2, h, w): the frame times its weights, and the weights: 0 where nothing was seen.
    """
    from scipy.ndimage import shift as moved

    light = moved(frame.astype(np.float32), -shift, order=3, mode="nearest")
    weight = moved(np.ones(frame.shape, np.float32), -np.rint(shift), order=0, cval=0.0)
    # a trace of what lies outside, so that a border that no frame shows continues its neighbours
    weight = np.maximum(weight, np.float32(1e-3))
    return np.stack([light * weight, weight])


def _moved(picture: Field, turn: float, scale: float) -> Field:
    """Return a picture turned by degrees (the top to the left) and enlarged around its middle."""
    from scipy.ndimage import affine_transform

    angle = math.radians(turn)
    back = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    back /= scale
    middle = (np.array(picture.shape) - 1) / 2
    return np.asarray(
        affine_transform(
            picture, back, middle - back @ middle, order=3, mode="nearest", prefilter=True
        ),
        np.float32,
    )
