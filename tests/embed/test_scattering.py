"""Scattering: its wavelets lose nothing, its features are stable and tell textures apart."""

import numpy as np
import pytest

from seeing.embed.builtin import SIDE
from seeing.embed.scattering import ANGLES, OCTAVES, Scattering, _bands, _spectrum, make_octave
from seeing.embed.scattering import morlet as morlet_spectrum
from seeing.samples.textures import KINDS, draw_texture, finish, noise_field


@pytest.fixture(scope="module")
def scattering() -> Scattering:
    return Scattering(SIDE)


# --- wavelets -------------------------------------------------------------------------------------


def test_morlet_wavelets_have_mean_zero() -> None:
    nothing = np.zeros(2)
    for octave in range(OCTAVES):
        for angle in range(ANGLES):
            assert abs(morlet_spectrum(nothing, octave, angle)) < 1e-12


def test_the_wavelets_keep_energy_within_bounds() -> None:
    # Littlewood-Paley sum: at most 1 + eps everywhere (no frequency counted twice), and at least
    # 0.45 between the carriers of the coarsest and just below the finest: none is lost.
    total = np.zeros(SIDE * SIDE)
    for number in range(OCTAVES):
        octave = make_octave(SIDE, number)
        for places, values in zip(octave.places, octave.values, strict=True):
            np.add.at(total, places, (values.ravel() * (SIDE / octave.side) ** 2) ** 2)
    square = total.reshape(SIDE, SIDE)
    square = (square + np.roll(square[::-1, ::-1], 1, axis=(0, 1))) / 2
    frequency = 2 * np.pi * np.fft.fftfreq(SIDE)
    radius = np.hypot(frequency[:, None], frequency[None])
    ring = (radius > 0.75 * np.pi / 2 ** (OCTAVES - 1)) & (radius < 0.9 * np.pi)
    assert square[0, 0] < 1e-12
    assert square.max() < 1.05
    assert square[ring].min() > 0.45


@pytest.mark.parametrize("number", range(OCTAVES))
def test_cut_bands_agree_with_whole_ones(number: int) -> None:
    # against the wavelet on the full grid, all its aliases added, in double precision
    plane = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    octave = make_octave(SIDE, number)
    cut = _bands(_spectrum(plane), octave)
    frequency = 2 * np.pi * np.fft.fftfreq(SIDE)
    for angle in range(ANGLES):
        wavelet = np.zeros((SIDE, SIDE))
        for down in (-2 * np.pi, 0.0, 2 * np.pi):
            for right in (-2 * np.pi, 0.0, 2 * np.pi):
                grid = np.meshgrid(frequency + down, frequency + right, indexing="ij")
                wavelet += morlet_spectrum(np.stack(grid, axis=-1), number, angle)
        whole = np.abs(np.fft.ifft2(np.fft.fft2(plane.astype(np.float64)) * wavelet))
        whole = whole[:: 2**number, :: 2**number]
        error = np.sqrt(np.mean((cut[angle] - whole) ** 2)) / whole.mean()
        assert error < 0.06, error  # what lies beyond 2.5 sd of the wavelet, on white noise


# --- features -------------------------------------------------------------------------------------


def test_scattering_is_stable_under_shifts(scattering: Scattering) -> None:
    fields = [np.random.default_rng([8, seed]) for seed in range(12)]
    squares = [finish(generator, KINDS["noise"](generator, SIDE)) for generator in fields]
    features = np.stack([scattering.features(square) for square in squares])
    spread = np.linalg.norm(features - features.mean(axis=0), axis=1).mean()
    for pixels in (1, 3, 8):
        for square, own in zip(squares, features, strict=True):
            shifted = scattering.features(np.roll(square, pixels, axis=(0, 1)))
            assert np.linalg.norm(shifted - own) < 0.06 * pixels**0.5 * spread


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_scattering_is_blind_to_quarter_turns_and_mirrors(
    scattering: Scattering, turns: int
) -> None:
    square = draw_texture(np.random.default_rng(9))
    own = scattering.features(square)
    turned = scattering.features(np.ascontiguousarray(np.rot90(square, turns)))
    mirrored = scattering.features(np.ascontiguousarray(square[:, ::-1]))
    # not exactly: the pixels of the bands do not lie symmetrically
    assert np.abs(turned - own).max() < 0.1 * own.std()
    assert np.abs(mirrored - own).max() < 0.1 * own.std()


def test_scattering_tells_grain_from_clouds(scattering: Scattering) -> None:
    def features(slope: float, seed: int) -> np.ndarray:
        field = 0.5 + 0.1 * noise_field(np.random.default_rng(seed), SIDE, slope)
        grey = np.repeat(np.clip(field, 0, 1)[:, :, None], 3, axis=2).astype(np.float32)
        return scattering.features(grey)

    same = np.linalg.norm(features(0.5, 0) - features(0.5, 1))
    other = np.linalg.norm(features(0.5, 0) - features(1.5, 0))
    assert other > 3 * same, (same, other)
