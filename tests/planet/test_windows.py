"""Registration against known shifts, and against an upsampled transform written here."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.planet.band import Band
from seeing.planet.scene import REGISTER_BAND, Kind
from seeing.planet.surface import FINE_BAND
from seeing.planet.windows import REACH, Register, cut, taper
from seeing.samples.planets import body_of

SIDE = 112
"""As a survey takes it of a disc of 88 pixels."""


def drawn(kind: str) -> NDArray[np.float64]:
    """The object as it is, without air, band-limited to 0.3 cycles a pixel: (128, 128)."""
    canvas = body_of(kind, 0, 128).scene(0).light @ np.array([0.25, 0.5, 0.25])
    shown = np.asarray(canvas[64:-64, 64:-64], np.float64)
    k = np.fft.fftfreq(128)
    gain = np.exp(-0.5 * (np.hypot(k[:, None], k) / 0.12) ** 4)
    return np.asarray(np.fft.ifft2(np.fft.fft2(shown) * gain).real)


def moved(picture: NDArray[np.float64], dy: float, dx: float) -> NDArray[np.float64]:
    ky, kx = (np.fft.fftfreq(n) for n in picture.shape)
    ramp = np.exp(-2j * np.pi * (ky[:, None] * dy + kx * dx))
    return np.asarray(np.fft.ifft2(np.fft.fft2(picture) * ramp).real)


def windows_of(kind: Kind, name: str, shifts: NDArray[np.float64]) -> NDArray[np.float32]:
    shown = drawn(name)
    edge = (128 - SIDE) // 2
    found = np.stack([moved(shown, *s)[edge:-edge, edge:-edge] for s in shifts])
    if kind == "surface":
        found = (found - found.mean((1, 2), keepdims=True)) * taper(SIDE)
    return found.astype(np.float32)


SHIFTS = np.random.default_rng(4).uniform(-4, 4, (40, 2))


@pytest.mark.parametrize("name", ["giant", "rocky"])
def test_pure_shifts_of_planets_are_found_to_a_fiftieth_of_a_pixel(name: str) -> None:
    band = Band(SIDE)
    (template,) = band.coefficients(windows_of("planet", name, np.zeros((1, 2))))[0]
    register = Register(band, template, band.filter(*REGISTER_BAND))
    found = register.shifts(band.coefficients(windows_of("planet", name, SHIFTS))[0])
    errors = np.hypot(found.dy - SHIFTS[:, 0], found.dx - SHIFTS[:, 1])
    assert errors.max() < 0.02, errors.max()  # the notes 4.2
    assert found.peak.min() > 0.999
    assert not found.edge.any()


def test_pure_shifts_of_a_surface_are_found_once_the_taper_follows() -> None:
    """As a survey does: cut again at the whole pixel found, and the rest is under half a pixel."""
    band = Band(SIDE)
    rest = np.random.default_rng(5).uniform(-0.5, 0.5, (40, 2))
    (template,) = band.coefficients(windows_of("surface", "moon", np.zeros((1, 2))))[0]
    register = Register(band, template, band.filter(*FINE_BAND))
    found = register.shifts(band.coefficients(windows_of("surface", "moon", rest))[0])
    errors = np.hypot(found.dy - rest[:, 0], found.dx - rest[:, 1])
    # the taper stays where it is while the ground moves under it: 0.021 at half a pixel
    assert errors.max() < 0.025, errors.max()
    assert np.median(errors) < 0.02, np.median(errors)


def upsampled_shift(
    one: NDArray[np.complex128], other: NDArray[np.complex128], reach: int
) -> tuple[float, float]:
    """Guizar-Sicairos, Thurman & Fienup 2008: cross-correlation by matrix DFT, 1/200 pixel."""
    side = one.shape[0]
    k = np.fft.fftfreq(side)
    product = one * other.conj()
    middle = np.zeros(2)
    for step, width in ((1.0, float(reach)), (0.1, 1.0), (0.005, 0.1)):
        offsets = np.arange(-width, width + step / 2, step)
        down = np.exp(2j * np.pi * np.outer(middle[0] + offsets, k))
        across = np.exp(2j * np.pi * np.outer(k, middle[1] + offsets))
        surface = (down @ product @ across).real
        row, column = np.unravel_index(int(surface.argmax()), surface.shape)
        middle = middle + np.array([offsets[row], offsets[column]])
    return float(middle[0]), float(middle[1])


def test_noisy_shifts_agree_with_an_upsampled_transform() -> None:
    band, edges = Band(SIDE), REGISTER_BAND
    random = np.random.default_rng(6)
    clean = windows_of("planet", "giant", SHIFTS)
    noisy = (clean + random.normal(0, 0.1 * clean.max(), clean.shape)).astype(np.float32)
    shown = windows_of("planet", "giant", np.zeros((1, 2)))
    (template,) = band.coefficients(shown)[0]
    found = Register(band, template, band.filter(*edges)).shifts(band.coefficients(noisy)[0])
    k = np.fft.fftfreq(SIDE)
    f = np.hypot(k[:, None], k) / band.cutoff
    weight = (1 - np.exp(-0.5 * (f / edges[0]) ** 4)) * np.exp(-0.5 * (f / edges[1]) ** 4)
    weight *= np.hypot(k[:, None], k) * SIDE <= band.reach
    reference = np.fft.fft2(shown[0].astype(np.float64)) * weight
    for number, frame in enumerate(noisy):
        spectrum = np.fft.fft2(frame.astype(np.float64)) * weight
        dy, dx = upsampled_shift(spectrum, reference, REACH)
        # the grid of the other ends at 1/200 pixel
        assert abs(found.dy[number] - dy) < 0.006, (number, found.dy[number], dy)
        assert abs(found.dx[number] - dx) < 0.006, (number, found.dx[number], dx)
        cosine = float(
            np.vdot(moved_spectrum(reference, dy, dx), spectrum).real
            / np.linalg.norm(reference)
            / np.linalg.norm(spectrum)
        )
        assert abs(found.peak[number] - cosine) < 1e-3


def moved_spectrum(
    spectrum: NDArray[np.complex128], dy: float, dx: float
) -> NDArray[np.complex128]:
    k = np.fft.fftfreq(spectrum.shape[0])
    return np.asarray(spectrum * np.exp(-2j * np.pi * (k[:, None] * dy + k * dx)))


def test_what_lies_out_of_reach_is_told() -> None:
    band = Band(SIDE)
    (template,) = band.coefficients(windows_of("planet", "giant", np.zeros((1, 2))))[0]
    register = Register(band, template, band.filter(*REGISTER_BAND))
    far = np.array([[9.0, 0.0], [0.0, -11.0]])
    assert register.shifts(band.coefficients(windows_of("planet", "giant", far))[0]).edge.all()


def test_nothing_to_register_is_no_error() -> None:
    band = Band(32)
    empty = np.zeros((3, band.dimension // 2), np.complex64)
    found = Register(band, empty[0], band.filter(0.03, 0.4)).shifts(empty)
    assert np.isfinite(found.dy).all()
    assert np.isfinite(found.dx).all()
    assert (found.peak == 0).all()


@pytest.mark.parametrize("at", [(-5, -7), (0, 0), (10, 20), (30, 3), (60, 60), (-40, 2)])
def test_windows_over_the_border_are_filled_with_the_background(at: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    frames = random.integers(0, 255, (2, 40, 50), dtype=np.uint8)
    top, left = at
    side = 16
    padded = np.full((2, 200, 200), 7, np.float32)
    padded[:, 80:120, 80:130] = frames
    found = cut(
        frames, np.full(2, top), np.full(2, left), side, np.full(2, 7, np.float32)
    )  # fmt: skip
    expected = padded[:, 80 + top : 80 + top + side, 80 + left : 80 + left + side]
    assert np.array_equal(found, expected)
