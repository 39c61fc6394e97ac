"""In-band vectors against a direct Fourier transform; inner products, and shifts that are exact."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.planet.band import Band, as_vectors


def pictures(count: int, side: int, *, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(3, 1, (count, side, side)).astype(np.float32)


def band_limited(side: int, reach: int, *, seed: int = 0) -> NDArray[np.complex128]:
    """A half-random spectrum (side, side) of a real picture without frequencies beyond `reach`."""
    spectrum = np.fft.fft2(np.random.default_rng(seed).normal(size=(side, side)))
    k = np.fft.fftfreq(side, 1 / side)
    return spectrum * (k[:, None] ** 2 + k**2 <= reach**2)


@pytest.mark.parametrize("side", [16, 30, 31, 64, 96])
def test_coefficients_are_those_of_a_direct_transform(side: int) -> None:
    band, shown = Band(side), pictures(5, side)
    found, sums = band.coefficients(shown)
    direct = np.fft.fft2(shown.astype(np.float64))
    expected = []
    reach = band.reach
    for ky in range(-reach, reach + 1):
        for kx in range(reach + 1):
            if ky**2 + kx**2 <= reach**2 and (kx > 0 or ky > 0):
                expected.append(direct[:, ky, kx])
    assert found.shape == (5, band.dimension // 2)
    # float32: 1e-6 of the largest coefficient there could be, the sum
    np.testing.assert_allclose(found, np.array(expected).T, atol=1e-6 * float(sums.max()))
    np.testing.assert_allclose(sums, shown.sum((1, 2)), rtol=1e-5)


@pytest.mark.parametrize("cutoff", [0.05, 0.2, 0.375, 0.5])
def test_every_frequency_within_reach_is_there_once(cutoff: float) -> None:
    band = Band(64, cutoff)
    down, across = (np.rint(a * 64 / (2 * np.pi)).astype(int) for a in band.along)
    half = set(zip(down.tolist(), across.tolist(), strict=True))
    both = half | {(-y, -x) for y, x in half}
    disc = {
        (y, x) for y in range(-32, 33) for x in range(-32, 33) if y * y + x * x <= band.reach**2
    }
    assert both == disc - {(0, 0)}
    assert len(both) == 2 * len(half) == band.dimension
    np.testing.assert_allclose(band.frequency, np.hypot(down, across) / 64, rtol=1e-6)


def test_inner_products_are_those_of_the_band_limited_pictures() -> None:
    band = Band(48)
    shown = np.stack(
        [np.fft.ifft2(band_limited(48, band.reach, seed=s)).real for s in range(3)]
    ).astype(np.float32)
    shown -= shown.mean((1, 2), keepdims=True)
    vectors = as_vectors(band.coefficients(shown)[0]).astype(np.float64)
    flat = shown.reshape(3, -1).astype(np.float64)
    # Parseval: the other half of the spectrum doubles, and the transform is not normalised
    np.testing.assert_allclose(2 * vectors @ vectors.T / 48**2, flat @ flat.T, rtol=1e-4, atol=1e-3)


def test_windows_come_back_from_their_coefficients() -> None:
    band = Band(40)
    shown = np.fft.ifft2(band_limited(40, band.reach)).real[None].astype(np.float32)
    shown -= shown.mean()
    back = band.window(band.coefficients(shown)[0])
    np.testing.assert_allclose(back, shown, atol=1e-5)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, -0.25), (3.0, 2.0), (-7.3, 11.9)])
def test_a_ramp_moves_a_band_limited_picture_exactly(shift: tuple[float, float]) -> None:
    band = Band(64)
    spectrum = band_limited(64, band.reach)
    k = np.fft.fftfreq(64)
    dy, dx = shift
    moved = spectrum * np.exp(-2j * np.pi * (k[:, None] * dy + k[None] * dx))
    here, there = (np.fft.ifft2(s).real[None].astype(np.float32) for s in (spectrum, moved))
    by_ramp = band.coefficients(here)[0] * band.ramp(np.array([dy]), np.array([dx]))
    size = float(np.abs(by_ramp).max())
    np.testing.assert_allclose(by_ramp, band.coefficients(there)[0], atol=2e-5 * size)
    if shift == (3.0, 2.0):  # whole pixels: no more than a roll
        rolled = band.coefficients(np.roll(here, (3, 2), (1, 2)))[0]
        np.testing.assert_allclose(by_ramp, rolled, atol=2e-5 * size)


def test_filters_have_the_documented_form() -> None:
    band = Band(64, 0.4)
    f = band.frequency.astype(np.float64) / 0.4
    expected = (1 - np.exp(-0.5 * (f / 0.1) ** 4)) * np.exp(-0.5 * (f / 0.4) ** 4)
    np.testing.assert_allclose(band.filter(0.1, 0.4), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(band.filter(0, 0.6), np.exp(-0.5 * (f / 0.6) ** 4), rtol=1e-5)


def test_no_frames_have_no_coefficients() -> None:
    band = Band(32)
    found, sums = band.coefficients(np.zeros((0, 32, 32), np.float32))
    assert found.shape == (0, band.dimension // 2)
    assert sums.shape == (0,)


@pytest.mark.parametrize("side", [8, 10, 16])
def test_small_windows_have_a_band_too(side: int) -> None:
    band = Band(side, 0.1)
    assert band.reach >= 2
    assert band.coefficients(pictures(2, side))[0].shape == (2, band.dimension // 2)
