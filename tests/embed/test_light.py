"""Where the light of a picture lies, and the gate between lone galaxies and textures."""

import numpy as np

from seeing.embed.builtin import SIDE
from seeing.embed.light import find_light, loneliness
from seeing.embed.prepare import LUMINANCE
from seeing.samples.galaxies import sample
from seeing.samples.textures import draw_texture


def test_the_light_is_found_where_it_is() -> None:
    square = np.zeros((SIDE, SIDE), dtype=np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    square += 0.8 * np.exp(-((rows - 70) ** 2 + (columns - 55) ** 2) / (2 * 6.0**2))
    light = find_light(square)
    assert abs(light.row - 70) < 0.1 and abs(light.column - 55) < 0.1
    # mean radius of a Gaussian's light: sigma * sqrt(pi / 2) = 7.5; the faintest rim is cut off
    assert 6.5 < light.radius < 7.6


def test_the_gate_is_open_for_galaxies_and_shut_for_textures() -> None:
    galaxies = [loneliness(drawn.picture @ LUMINANCE) for drawn in sample(60, seed=5)]
    assert np.mean(np.array(galaxies) > 0.5) >= 0.95
    generators = [np.random.default_rng([6, seed]) for seed in range(60)]
    textures = [loneliness(draw_texture(generator) @ LUMINANCE) for generator in generators]
    assert np.mean(np.array(textures) > 0.5) <= 0.10


def test_noise_hardly_moves_the_gate() -> None:
    moved = []
    for number, drawn in enumerate(sample(30, seed=7)):
        noise = np.random.default_rng(number).normal(0, 4 / 255, drawn.picture.shape)
        noisy = np.clip(drawn.picture + noise, 0, 1).astype(np.float32)
        moved.append(abs(loneliness(drawn.picture @ LUMINANCE) - loneliness(noisy @ LUMINANCE)))
    assert np.quantile(moved, 0.95) < 0.02, moved
