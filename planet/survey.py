"""One pass over a video: each frame's place, shift, flux and in-band vector, in few numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..video.mark import marks
from .locate import Located, small
from .scene import Scene, mend, shrunk
from .surface import Follower
from .windows import Cutter

STEPS = 32767 / 8
"""Vectors are kept as 16-bit integers; 8 standard deviations of a coefficient fill the scale."""


def row_type(dimension: int) -> np.dtype[Any]:
    """Return the type of one frame's row in a survey.

    y, x: where the template's middle stands, pixels of the luminance frame. peak: agreement with
    the template in the band, -1..1. flux: sum over the window less the background, in values of
    the file. area, skew, roundness: of the object's mask (see `locate.Located`). top: share of
    pixels at full scale. mark: checksum of the frame as stored (`mark`). lost: no shift was found
    within reach.
    vector: in-band coefficients of unit flux, registered, in steps of `scale`.
    """
    return np.dtype(
        [
            ("number", "<i8"), ("mark", "<u8"),
            ("y", "<f4"), ("x", "<f4"), ("peak", "<f4"), ("flux", "<f4"), ("background", "<f4"),
            ("noise", "<f4"), ("area", "<f4"), ("skew", "<f4"), ("roundness", "<f4"),
            ("top", "<f4"),
            ("cut", "?"), ("absent", "?"), ("lost", "?"), ("vector", "<i2", (dimension,)),
        ]
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a video gives: the scene, and a row for each frame (`row_type`)."""

    scene: Scene
    rows: NDArray[Any]
    scale: NDArray[np.float32]
    """(d,) what one step of a vector's entry is worth."""
    pixels: int
    """Of a luminance frame."""

    def __len__(self) -> int:
        """Return of how many frames it tells."""
        return len(self.rows)


def scale_of(scene: Scene, coefficients: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return what one step of each entry is worth, from the coefficients of a sample."""
    if not len(coefficients):  # no frame shows anything
        return np.full(2 * coefficients.shape[1], 1 / STEPS, np.float32)
    spread = np.sqrt(np.mean(np.abs(coefficients) ** 2, axis=0) / 2)
    spread = np.maximum(spread, 1e-6 * float(spread.max(initial=0.0))) + 1e-30
    return np.repeat(spread / STEPS, 2).astype(np.float32)


class Surveyor:
    """Measures batches of frames; may be used from several threads at once."""

    def __init__(self, scene: Scene, scale: NDArray[np.float32], *, top: float) -> None:
        self.scene = scene
        self._type = row_type(scene.band.dimension)
        surface = scene.kind == "surface"
        self._cutter = Cutter(scene.band, tapered=surface)
        self._follower = Follower(self._cutter, scene.template) if surface else None
        self._register = scene.register
        self._steps = (1 / scale).astype(np.float32)
        self._top = top
        self._middle = (scene.side - 1) / 2

    def __call__(
        self, numbers: NDArray[np.int64], stored: NDArray[Any], frames: NDArray[Any]
    ) -> NDArray[Any]:
        """Return rows for frames.

        stored: as in the file, (n, ...). frames: their luminance, (n, height, width).
        """
        scene = self.scene
        rows = np.empty(len(frames), self._type)
        rows["number"] = numbers
        rows["mark"] = marks(stored)
        frames = mend(frames, scene.hot)  # first: a hot pixel is not an overexposed object
        full = frames.max((1, 2)) >= self._top
        rows["top"] = 0
        for number in np.flatnonzero(full):
            rows["top"][number] = np.mean(frames[number] >= self._top)
        frames = shrunk(frames, scene.shrink)
        means = small(frames, scene.locator.side)
        found = scene.locator.locate(means)
        for name in ("background", "noise", "area", "skew", "roundness", "cut", "absent"):
            rows[name] = getattr(found, name)
        coefficients, y, x, peak, edge, flux = self.placed(numbers, frames, found)
        rows["y"] = (y + 0.5) * scene.shrink - 0.5
        rows["x"] = (x + 0.5) * scene.shrink - 0.5
        rows["peak"], rows["lost"], rows["flux"] = peak, edge, flux * scene.shrink**2
        sound = np.isfinite(peak) & (flux != 0)
        coefficients[~sound] = 0
        steps = coefficients.view(np.float32)
        steps *= np.divide(1, flux, out=np.zeros_like(flux), where=sound)[:, None]
        steps *= self._steps
        np.rint(np.clip(steps, -32767, 32767, out=steps), out=steps)
        rows["vector"] = steps
        return rows

    def placed(
        self, numbers: NDArray[np.int64], frames: NDArray[Any], found: Located
    ) -> tuple[NDArray[Any], ...]:
        """Return registered coefficients, y, x, peak, edge and flux of frames."""
        scene, middle = self.scene, self._middle
        if self._follower is not None:
            at, ys, xs = scene.path
            here = self._follower(frames, np.interp(numbers, at, ys), np.interp(numbers, at, xs))
            return here.coefficients, here.y, here.x, here.peak, here.lost, here.flux
        y, x, level = found.y.astype(float), found.x.astype(float), found.background
        coefficients, top, left, flux = self._cutter(frames, y, x, level)
        shifts = self._register.shifts(coefficients)
        coefficients *= scene.band.ramp(-shifts.dy, -shifts.dx)
        y, x = top + middle + shifts.dy, left + middle + shifts.dx
        return coefficients, y, x, shifts.peak, shifts.edge, flux
