"""Texture: how strong the waves of each length are, and how waves of waves follow them.

Scattering transform with Morlet wavelets (Mallat 2012, Comm. Pure Appl. Math. 65, 1331; Bruna and
Mallat 2013, IEEE TPAMI 35, 1872), made blind to turning by averaging over the first angle (after
Sifre and Mallat 2013, CVPR). Everything is computed in the Fourier domain: a wavelet's spectrum
fills a small box, so each band is cut out of the picture's spectrum and transformed back at the
resolution it needs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .prepare import LUMINANCE, Colours

OCTAVES = 4
ANGLES = 8
WINDOWS = (0.15, 0.6)
"""Widths (sd, in units of the side) of the two Gaussian windows, around the middle."""
FLOOR = 0.02
"""Added under the logarithms: below it, differences are noise."""

_SIGMA = 0.8
_CARRIER = 0.75 * np.pi
_SLANT = 0.5
_HALF = ANGLES // 2
_PAIRS = OCTAVES * (OCTAVES - 1) // 2

DIMENSION = len(WINDOWS) * (3 + 3 * (3 * OCTAVES - 2) + (_HALF + 1) * _PAIRS)
"""Means of three planes; three numbers over the angles for each octave and plane, but not for the
two colour planes in the finest octave; five differences of angle for each pair of octaves."""

Spectra = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Octave:
    """The wavelets of one octave, cut to the box of the spectrum that they fill.

    side: of the bands made with them, pixels. places: (angles, side * side), where the box lies in
    a flattened spectrum of the whole picture. values: (angles, side, side) float32.
    windows: (side * side, windows), columns add up to 1.
    """

    side: int
    places: NDArray[np.intp]
    values: NDArray[np.float32]
    windows: NDArray[np.float32]


def morlet(frequencies: NDArray[np.float64], octave: int, angle: int) -> NDArray[np.float64]:
    """Return the spectrum of a Morlet wavelet at (..., 2) frequencies, radians per pixel.

    exp(-|w - x|^2 / 2) minus the share of exp(-|w|^2 / 2) that makes the mean zero, lengths
    measured by the wavelet's own ellipse: sd 0.8 * 2^octave pixels along the wave, twice that
    across it; x = 0.75 pi / 2^octave along it.
    """
    turn = np.pi * angle / ANGLES
    along = frequencies[..., 0] * np.sin(turn) + frequencies[..., 1] * np.cos(turn)
    across = frequencies[..., 0] * np.cos(turn) - frequencies[..., 1] * np.sin(turn)
    sigma, carrier = _SIGMA * 2.0**octave, _CARRIER / 2.0**octave
    apart = (across * sigma / _SLANT) ** 2

    def bell(centre: float) -> NDArray[np.float64]:
        height: NDArray[np.float64] = np.exp(-0.5 * (((along - centre) * sigma) ** 2 + apart))
        return height

    return bell(carrier) - float(np.exp(-0.5 * (carrier * sigma) ** 2)) * bell(0.0)


def make_octave(side: int, octave: int) -> Octave:
    """Make the wavelets of one octave for squares of `side` pixels (a multiple of 2^octave)."""
    small = side >> octave
    places = np.empty((ANGLES, small * small), dtype=np.intp)
    values = np.empty((ANGLES, small, small), dtype=np.float32)
    steps = np.arange(small)
    for angle in range(ANGLES):
        turn = np.pi * angle / ANGLES
        centre = _CARRIER / 2.0**octave * side / (2 * np.pi)
        # Of all frequencies that fold onto one, the nearest to the carrier is taken.
        rows = steps + small * np.rint((centre * np.sin(turn) - steps) / small)
        columns = steps + small * np.rint((centre * np.cos(turn) - steps) / small)
        grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
        values[angle] = morlet(grid * (2 * np.pi / side), octave, angle) * (small / side) ** 2
        flat = grid[..., 0] % side * side + grid[..., 1] % side
        places[angle] = flat.astype(np.intp).ravel()
    return Octave(small, places, values, _windows(small))


def _windows(side: int) -> NDArray[np.float32]:
    axis = (np.arange(side) + 0.5) / side - 0.5
    columns = []
    for width in WINDOWS:
        bell = np.exp(-0.5 * (axis / width) ** 2)
        flat = np.outer(bell, bell).ravel()
        columns.append(flat / flat.sum())
    return np.stack(columns, axis=1).astype(np.float32)


class Scattering:
    """The transform for squares of one size; holds its filters and nothing that changes."""

    def __init__(self, side: int) -> None:
        self.side = side
        # _from[a][b]: wavelets of octave a + b, for bands made at the resolution of octave a
        self._from = [
            [make_octave(side >> first, step) for step in range(OCTAVES - first)]
            for first in range(OCTAVES)
        ]
        self._light = _windows(side)

    def features(self, rgb: Colours) -> NDArray[np.float32]:
        """Return (126,) float32 of a square (side, side, 3) in 0..1."""
        luminance = rgb @ LUMINANCE
        red_green = rgb[:, :, 0] - rgb[:, :, 1]
        blue_yellow = rgb[:, :, 2] - (rgb[:, :, 0] + rgb[:, :, 1]) / 2
        planes = np.stack([luminance, red_green, blue_yellow])
        means = planes.reshape(3, -1) @ self._light  # (3, windows)
        light = means[0] + np.float32(0.02)
        spectra = [_spectrum(plane) for plane in planes]
        parts = [means[0], means[1], means[2]]
        for number, octave in enumerate(self._from[0]):
            again = []  # spectra of each angle's modulus, at the resolution of this octave
            pooled = np.empty((3, ANGLES, len(WINDOWS)), dtype=np.float32)
            for angle in range(ANGLES):
                band = _bands(spectra[0], octave, angle)
                pooled[0, angle] = band.ravel() @ octave.windows
                again.append(_spectrum(band))
            kept = pooled[:1]
            if number:  # cameras and JPEG keep no colour in the finest octave
                pooled[1:] = [_pool(spectrum, octave) for spectrum in spectra[1:]]
                kept = pooled
            parts.append(_over_angles(np.log(kept / light + FLOOR)).ravel())
            for later in self._from[number][1:]:
                waves = np.stack([_pool(spectrum, later) for spectrum in again])
                ratio = waves / (pooled[0][:, None] + np.float32(1e-3))  # (first, second, windows)
                parts.append(_by_difference(np.log(ratio + FLOOR)).ravel())
        return np.concatenate(parts).astype(np.float32)


# All below works on pieces of at most 256 KiB: larger ones were given back to the system and
# fetched anew for each picture, which took a third of the time.


def _spectrum(plane: NDArray[np.float32]) -> Spectra:
    """Return the flattened spectrum (side * side,) of a real plane (side, side)."""
    spectrum = plane.astype(np.complex64)
    # numpy computes in single precision; its type stubs know double precision only
    np.fft.fft2(spectrum, out=spectrum)  # type: ignore[arg-type]
    return spectrum.ravel()


def _bands(
    spectrum: Spectra, octave: Octave, angles: int | slice = slice(None)
) -> NDArray[np.float32]:
    """Return the moduli (angles, side, side) of an octave's bands, or that of one angle."""
    values = octave.values[angles]
    bands = spectrum.take(octave.places[angles]).reshape(values.shape)
    bands *= values
    for axis in (-1, -2):  # ifft2 of numpy 2.4 pays no heed to `out`
        np.fft.ifft(bands, axis=axis, out=bands)  # type: ignore[arg-type]
    return np.abs(bands)


def _pool(spectrum: Spectra, octave: Octave) -> NDArray[np.float32]:
    """Return the windows' means (angles, windows) of an octave's moduli."""
    return _bands(spectrum, octave).reshape(ANGLES, -1) @ octave.windows


def _over_angles(logs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return mean and magnitudes of orders 1 and 2 over angles: (n, angles, w) to (n, 3, w)."""
    waves = np.fft.rfft(logs, axis=1)
    three = np.concatenate([waves[:, :1].real, np.abs(waves[:, 1:3])], axis=1) / ANGLES
    return three.astype(np.float32, copy=False)


def _by_difference(logs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means by angle between first and second wave, mirror images alike.

    logs: (first, second, w); the answer is (angles / 2 + 1, w).
    """
    first, second = np.meshgrid(np.arange(ANGLES), np.arange(ANGLES), indexing="ij")
    apart = (second - first) % ANGLES
    apart = np.minimum(apart, ANGLES - apart)
    return np.stack([logs[apart == step].mean(axis=0) for step in range(_HALF + 1)])
