"""A planetary camera: photons, electronics, filters, bits, and what spoils frames on their way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Frames = NDArray[np.uint8] | NDArray[np.uint16]

READ_NOISE = 3.0
"""Electrons."""
OFFSET = 0.02
"""Of full scale: what the camera shows of an empty sky."""
PEAK = 0.72
"""Of full scale, above the offset: the brightest of a sharp picture."""

_FILTERS = {"R": 0, "G": 1, "B": 2}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the camera is set; see `Night` for the fields that bear the same names.

    surface: the object fills the frame; a cut frame then has lost its lower part on the way.
    """

    light: float = 10000.0
    depth: int = 8
    size: int = 128
    gamma: float = 1.0
    bayer: str | None = None
    hot_pixels: int = 0
    key_interval: int = 0
    noise: bool = True
    surface: bool = False


class Sensor:
    """Turns light into frames; batches are to be given in order."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._full = 2**settings.depth - 1
        self._last: Field | None = None
        rng = np.random.default_rng([seed, 3])
        size, count = settings.size, settings.hot_pixels
        places = rng.choice(size * size, min(count, size * size), replace=False)
        hot = np.zeros(size * size, np.float32)
        hot[places] = rng.uniform(0.3, 1.0, len(places))
        self._hot: Field = hot.reshape(size, size, 1)

    def expose(
        self, light: Field, transparency: Field, first: int, done: NDArray[np.str_]
    ) -> Frames:
        """Return frames: (n, size, size) or, of three planes without mosaic, (n, size, size, 3).

        light: (n, size, size, planes) float32, 1 the brightest. first: number of the first frame,
        which with the seed decides the noise. done: what befalls the frames.
        """
        settings = self._settings
        rng = np.random.default_rng([self._seed, 4, first])
        if settings.bayer:
            light = mosaic(light, settings.bayer)
        electrons = light * (np.float32(settings.light) * transparency)[:, None, None, None]
        np.maximum(electrons, 0, out=electrons)
        if settings.noise:
            electrons = photons(electrons, rng)
        values = electrons * np.float32(PEAK / settings.light) + np.float32(OFFSET)
        if settings.hot_pixels:
            values += self._hot
        np.clip(values, 0, 1, out=values)
        if settings.gamma != 1:
            values **= np.float32(1 / settings.gamma)
        values *= np.float32(self._full)
        np.rint(values, out=values)
        for place in np.flatnonzero(done != ""):
            self._spoil(values[place], str(done[place]), rng)
        if settings.key_interval:
            values = compress(values, first, settings.key_interval, self._full)
        for place in np.flatnonzero(done == "duplicate"):
            before = values[place - 1] if place else self._last
            if before is not None:
                values[place] = before
        self._last = values[-1].copy()
        stored = values[..., 0] if values.shape[3] == 1 else values
        return stored.astype(np.uint8) if settings.depth == 8 else stored.astype(np.uint16)

    def _spoil(self, frame: Field, done: str, rng: np.random.Generator) -> None:
        """Do to one frame what transfer and recording do at times."""
        side = len(frame)
        if done == "sliced":
            top, rows = rng.integers(side // 4, side // 2), rng.integers(side // 8, side // 4)
            by = int(rng.integers(side // 12, side // 5)) * int(rng.choice([-1, 1]))
            frame[top : top + rows] = np.roll(frame[top : top + rows], by, axis=1)
        elif done == "cut" and self._settings.surface:
            frame[rng.integers(side // 3, 2 * side // 3) :] = 0


def photons(electrons: Field, rng: np.random.Generator) -> Field:
    """Return what is read of expected electrons: Poisson, and read noise of 3 e-.

    Above 1000 electrons the normal distribution stands for Poisson's, whose skewness is then below
    0.03; it takes a third of the time.
    """
    noise = rng.standard_normal(electrons.shape, dtype=np.float32)
    bright = electrons > 1000
    faint = ~bright
    spread = np.sqrt(np.where(bright, electrons, 0) + np.float32(READ_NOISE**2))
    noise *= spread
    noise[bright] += electrons[bright]
    noise[faint] += rng.poisson(electrons[faint])
    return noise


def mosaic(light: Field, pattern: str) -> Field:
    """Return red, green, blue (n, h, w, 3) as seen through a mosaic of filters: (n, h, w, 1)."""
    seen = np.empty((*light.shape[:3], 1), np.float32)
    for place, colour in enumerate(pattern):
        here = np.s_[:, place // 2 :: 2, place % 2 :: 2]
        seen[..., 0][here] = light[..., _FILTERS[colour]][here]
    return seen


def compress(values: Field, first: int, interval: int, full: int) -> Field:
    """Return frames (n, h, w, planes) as a film keeps them: every interval-th sharper.

    Frames between key frames lose fine detail (Gaussian of 0.7 pixels) and have the cosine
    transform of their 8 x 8 blocks rounded to steps of 6 levels of 255; key frames to steps of 2.
    """
    from scipy.fft import dctn, idctn
    from scipy.ndimage import gaussian_filter

    numbers = first + np.arange(len(values))
    between = numbers % interval != 0
    values[between] = gaussian_filter(values[between], (0, 0.7, 0.7, 0))
    count, height, width, planes = values.shape
    blocks = values.reshape(count, height // 8, 8, width // 8, 8, planes)
    waves = dctn(blocks, axes=(2, 4), norm="ortho", workers=1)
    step = np.where(between, 6.0, 2.0).astype(np.float32) * np.float32(full / 255)
    step = step.reshape(-1, 1, 1, 1, 1, 1)
    kept = idctn(np.rint(waves / step) * step, axes=(2, 4), norm="ortho", workers=1)
    return np.asarray(np.clip(np.rint(kept.reshape(values.shape)), 0, full), np.float32)
