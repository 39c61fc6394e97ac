"""From light to a survey's picture: air and telescope, sky, photons, read noise, display."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .profiles import single

Field = NDArray[np.float32]

MOFFAT_BETA = 3.0
"""Wings of the point spread: 2.5 to 4.7 are found; a Gaussian has none (Moffat 1969)."""

_WHITE = 3.0
"""Surface brightness that is shown white."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A survey: how sharp and how deep it sees, and how its pictures are shown."""

    seeing: float = 0.02
    """Full width at half maximum of a star, as a share of the picture's side."""
    depth: float = 1500.0
    """Electrons a pixel for a surface brightness of 1."""
    sky: float = 0.4
    """Surface brightness of the sky, taken off again after it has added its noise."""
    read_noise: float = 6.0
    """Electrons."""
    grain: float = 0.0
    """Standard deviation, in pixels, of the smoothing that resampling does to the noise."""
    stretch: float = 0.12
    """Surface brightness at which the display's asinh turns from linear to logarithmic."""
    pedestal: float = 0.02
    """Display level of the empty sky."""
    saturation: float = 1.0
    """Of the display's colours."""


def point_spread(shape: tuple[int, int], fwhm: float) -> Field:
    """Return a Moffat profile of sum 1, its peak at [0, 0], wrapping around.

    fwhm: in pixels. Moffat 1969 (A&A 3, 455): (1 + (r / a)^2)^-beta, FWHM = 2 a sqrt(2^(1/b) - 1).
    """
    width = fwhm / (2 * math.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    y, x = (np.fft.fftfreq(n, 1 / n).astype(np.float32) / np.float32(width) for n in shape)
    spread = (1 + y[:, None] ** 2 + x**2) ** np.float32(-MOFFAT_BETA)
    return single(spread / spread.sum())


def blur(light: Field, fwhm: float) -> Field:
    """Return light (h, w, c) as seen through air and telescope; edges wrap around."""
    shape = (light.shape[0], light.shape[1])
    transfer = np.fft.rfft2(point_spread(shape, fwhm))
    planes = np.ascontiguousarray(np.moveaxis(light, 2, 0))
    seen = np.fft.irfft2(np.fft.rfft2(planes) * transfer, s=shape)
    return np.moveaxis(seen, 0, 2).astype(np.float32)


def expose(light: Field, camera: Camera, rng: np.random.Generator) -> Field:
    """Return blurred light as a sky-subtracted measurement: with photon noise and read noise.

    Photon noise is the normal approximation of Poisson's: with the sky there are always hundreds
    of electrons in a pixel. Values may be negative.
    """
    variance = np.clip(light + np.float32(camera.sky), 0, None) / np.float32(camera.depth)
    variance += np.float32((camera.read_noise / camera.depth) ** 2)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    if camera.grain > 0:
        noise = _smooth(noise, camera.grain)
    return single(light + noise * np.sqrt(variance))


def show(light: Field, camera: Camera) -> Field:
    """Return a measurement as values of a display, 0..1, its colours kept where it is bright.

    The stretch of Lupton et al. 2004 (PASP 116, 133): one asinh of the mean of the three channels
    for all of them; what would exceed 1 is scaled down as a whole.
    """
    mean = np.clip(light.mean(axis=2, keepdims=True), np.float32(1e-4), None)
    white = math.asinh(_WHITE / camera.stretch)
    shown = np.arcsinh(mean / np.float32(camera.stretch)) / np.float32(white)
    colour = light + np.float32(camera.saturation - 1) * (light - mean)
    # in noise the mean is near 0 or below: there the stretch is its own slope at 0
    slope = np.float32(1 / (camera.stretch * white))
    colour = colour * np.where(mean > np.float32(1e-3), shown / mean, slope)
    colour = colour * np.float32(1 - camera.pedestal) + np.float32(camera.pedestal)
    colour /= np.maximum(colour.max(axis=2, keepdims=True), 1)
    return single(np.clip(colour, 0, 1))


def _smooth(noise: Field, width: float) -> Field:
    """Return noise correlated over `width` pixels, its variance kept."""
    taps = math.ceil(3 * width)
    kernel = np.exp(-0.5 * (np.arange(-taps, taps + 1) / width) ** 2).astype(np.float32)
    kernel /= np.sqrt((kernel**2).sum())
    for axis in (0, 1):
        rolled = (np.roll(noise, step - taps, axis) * tap for step, tap in enumerate(kernel))
        noise = np.sum(list(rolled), axis=0)
    return noise
