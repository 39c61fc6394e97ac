"""Drawn textures, tiles seen from above, and photo-like scenes: statistics without any licence.

Nothing here is meant to look real. The generators are chosen so that together they cover what
natural pictures vary in: the slope of the spectrum, edges and occlusion, direction, regularity,
scale, colour.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float32]
Plane = NDArray[np.float64]


def draw_texture(generator: np.random.Generator, side: int = 128) -> Colours:
    """Draw one picture of a random kind: (side, side, 3) float32 in 0..1.

    Drawn at a random place between sharp and soft, with a random tone curve and a little noise, as
    pictures come from cameras.
    """
    kinds = list(KINDS.values())
    picture = kinds[generator.integers(len(kinds))](generator, side)
    return finish(generator, picture)


def finish(generator: np.random.Generator, picture: NDArray[np.float64]) -> Colours:
    """Blur a little, bend the tones, add noise: what happens to any picture on its way."""
    if generator.random() < 0.5:
        picture = blur(picture, generator.uniform(0.3, 1.2))
    low, high = generator.uniform(0.0, 0.25), generator.uniform(0.65, 1.0)
    picture = low + (high - low) * np.clip(picture, 0.0, 1.0) ** generator.uniform(0.7, 1.4)
    picture = picture + generator.normal(0.0, generator.uniform(0.0, 0.015), picture.shape)
    return np.clip(picture, 0.0, 1.0).astype(np.float32)


def blur(picture: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return a picture (side, side, ...) convolved with a Gaussian of `sigma` pixels, periodic."""
    side = picture.shape[0]
    bell = np.exp(-2.0 * (np.pi * sigma * np.fft.fftfreq(side)) ** 2)
    filter_ = np.outer(bell, bell[: side // 2 + 1])
    if picture.ndim == 3:
        filter_ = filter_[:, :, None]
    waves = np.fft.rfft2(picture, axes=(0, 1)) * filter_
    blurred: NDArray[np.float64] = np.fft.irfft2(waves, s=picture.shape[:2], axes=(0, 1))
    return blurred


def noise_field(
    generator: np.random.Generator, side: int, slope: float, *, stretch: float = 1.0
) -> Plane:
    """Draw a random field whose amplitude falls as frequency^-slope; mean 0, sd 1.

    slope: 0 is white, 1 that of natural pictures (Field 1987), 2 like clouds.
    stretch: how much longer its grain is along a random direction than across it.
    """
    frequency = np.fft.fftfreq(side)
    turn = generator.uniform(0, np.pi)
    rows, columns = frequency[:, None], frequency[None, : side // 2 + 1]
    along = rows * np.sin(turn) + columns * np.cos(turn)
    across = rows * np.cos(turn) - columns * np.sin(turn)
    length = np.hypot(along * stretch, across / stretch)
    length[0, 0] = 1.0
    waves = np.fft.rfft2(generator.normal(size=(side, side))) * length**-slope
    waves[0, 0] = 0.0
    field = np.fft.irfft2(waves, s=(side, side))
    return np.asarray(field / field.std())


def colour(generator: np.random.Generator, *, grey: float = 0.5) -> NDArray[np.float64]:
    """Draw a colour (3,): a brightness and a tint, earth and leaf more often than purple."""
    light = generator.uniform(0.1, 0.9)
    warmth = generator.normal(0.0, 0.06) * np.array([1.0, 0.2, -1.0])
    tint = generator.normal(0.0, 0.12 * (1 - grey) + 0.02, 3) + warmth
    drawn: NDArray[np.float64] = np.clip(light * (1.0 + tint - tint.mean()), 0.0, 1.0)
    return drawn


def tinted(generator: np.random.Generator, field: Plane) -> NDArray[np.float64]:
    """Turn a field of mean 0, sd 1 into colours between two of a random pair."""
    dark, bright = colour(generator), colour(generator)
    share = 0.5 + field * generator.uniform(0.08, 0.3)
    colours: NDArray[np.float64] = dark + (bright - dark) * np.clip(share, 0, 1)[:, :, None]
    return colours


def draw_noise(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw power-law noise, grains of any length and direction, two layers of colour."""
    field = noise_field(
        generator, side, generator.uniform(0.3, 2.0), stretch=generator.choice([1.0, 1.5, 2.5])
    )
    picture = tinted(generator, field)
    if generator.random() < 0.5:
        second = noise_field(generator, side, generator.uniform(1.0, 2.5))
        edge = 1 / (1 + np.exp(-second * generator.uniform(1, 20)))[:, :, None]
        other = tinted(generator, noise_field(generator, side, generator.uniform(0.3, 2.0)))
        picture = picture * edge + other * (1 - edge)
    return picture


def draw_leaves(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw opaque shapes over one another, sizes as a power law (dead leaves; Lee et al. 2001).

    Each is a disc or a box with its own colour, grain and shading: edges, corners, occlusion.
    """
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    picture = tinted(generator, noise_field(generator, side, 1.2))
    grains = [noise_field(generator, side, slope) for slope in (0.5, 1.0, 1.5)]
    boxes = generator.random()
    smallest = generator.uniform(2.0, 12.0)
    count = int(np.clip(9000 / smallest**1.5, 60, 500) * (side / 128) ** 2)
    palette = [colour(generator) for _ in range(generator.integers(2, 9))]
    for _ in range(count):
        size = min(smallest / np.sqrt(1 - generator.random() * 0.98), side / 2.5)
        row, column = generator.uniform(0, side, 2)
        top, left = max(0, int(row - 1.5 * size)), max(0, int(column - 1.5 * size))
        here = np.s_[top : int(row + 1.5 * size) + 1, left : int(column + 1.5 * size) + 1]
        down, right = rows[here] - row, columns[here] - column
        turn = generator.uniform(0, np.pi)
        along = down * np.sin(turn) + right * np.cos(turn)
        across = (down * np.cos(turn) - right * np.sin(turn)) * generator.uniform(1.0, 2.5)
        if generator.random() < boxes:
            inside = np.maximum(np.abs(along), np.abs(across)) < size * 0.8
        else:
            inside = np.hypot(along, across) < size
        tone = palette[generator.integers(len(palette))] * generator.uniform(0.8, 1.2)
        grain = grains[generator.integers(3)][here] * generator.uniform(0.0, 0.08)
        shade = 1 + generator.normal(0, 0.15) * along / size + grain
        picture[here][inside] = (tone * shade[:, :, None])[inside]
    return picture


def draw_stripes(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw rows of a field, waves on a beach, or a lattice, bent a little."""
    rows, columns = np.mgrid[:side, :side] / side
    bend = noise_field(generator, side, 2.5) * generator.uniform(0.0, 0.03)
    grain = noise_field(generator, side, generator.uniform(0.5, 1.5))
    turn = generator.uniform(0, np.pi)
    count = generator.uniform(4, 45)
    wave = np.sin(2 * np.pi * count * (rows * np.sin(turn) + columns * np.cos(turn) + bend))
    if generator.random() < 0.4:
        turn += generator.choice([np.pi / 2, generator.uniform(0.3, 2.8)])
        second = np.sin(2 * np.pi * count * (rows * np.sin(turn) + columns * np.cos(turn) + bend))
        wave = wave * second if generator.random() < 0.5 else np.maximum(wave, second)
    wave = np.tanh(wave * generator.uniform(0.5, 5.0))
    return tinted(generator, wave * generator.uniform(0.4, 2.0) + grain * generator.uniform(0.1, 1))


def draw_town(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw roads, roofs with shadows, trees, cars or parked boats, seen from above."""
    picture = tinted(generator, 0.5 * noise_field(generator, side, generator.uniform(0.6, 1.5)))
    turn = generator.uniform(0, np.pi)
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    along = (rows - side / 2) * np.sin(turn) + (columns - side / 2) * np.cos(turn)
    across = (rows - side / 2) * np.cos(turn) - (columns - side / 2) * np.sin(turn)
    grain = 1 + 0.05 * noise_field(generator, side, 0.7)[:, :, None]
    bend = along + 4 * generator.random() * np.sin(across / side * generator.uniform(1, 6))
    asphalt = colour(generator, grey=1.0)
    width, apart = generator.uniform(3, 14), generator.uniform(30, 90)
    road = (np.abs((bend + generator.uniform(0, apart)) % apart - apart / 2) < width / 2) & (
        generator.random() < 0.8
    )
    if generator.random() < 0.4:
        road |= np.abs((across + generator.uniform(0, apart)) % apart - apart / 2) < width / 2
    picture[road] = (asphalt * grain)[road]
    cell = generator.uniform(6, 34)
    long = cell * generator.uniform(1.0, 2.2)
    fill, jitter = generator.uniform(0.2, 0.95), generator.uniform(0.0, 0.3)
    palette = [colour(generator, grey=0.8) for _ in range(generator.integers(1, 6))]
    sun = generator.uniform(0, 2 * np.pi)
    cast = generator.uniform(0.0, 0.25) * cell
    for a in np.arange(-side * 0.72, side * 0.72, cell):
        for b in np.arange(-side * 0.72, side * 0.72, long):
            if generator.random() > fill:
                continue
            wide, deep = cell * generator.uniform(0.25, 0.42), long * generator.uniform(0.25, 0.45)
            x, y = a + generator.normal(0, jitter * cell), b + generator.normal(0, jitter * long)
            row = side / 2 + x * np.sin(turn) + y * np.cos(turn)
            column = side / 2 + x * np.cos(turn) - y * np.sin(turn)
            if not (-long < row < side + long and -long < column < side + long):
                continue
            reach = wide + deep + cast + 1
            here = np.s_[
                max(0, int(row - reach)) : max(0, int(row + reach)),
                max(0, int(column - reach)) : max(0, int(column + reach)),
            ]
            u, v = along[here] - x, across[here] - y
            shadow = (np.abs(u - cast * np.cos(sun)) < wide) & (
                np.abs(v - cast * np.sin(sun)) < deep
            )
            roof = (np.abs(u) < wide) & (np.abs(v) < deep)
            tone = palette[generator.integers(len(palette))] * generator.uniform(0.8, 1.2)
            patch = picture[here]
            patch[shadow] *= 0.45
            slope = np.where(u > 0, 1.0, generator.uniform(0.7, 1.0))[:, :, None]
            patch[roof] = (tone * slope * grain[here])[roof]
    return _with_trees(generator, picture)


def _with_trees(
    generator: np.random.Generator, picture: NDArray[np.float64]
) -> NDArray[np.float64]:
    side = picture.shape[0]
    field = noise_field(generator, side, generator.uniform(0.8, 1.6))
    field = blur(field, generator.uniform(0.8, 2.5))
    field /= field.std()
    threshold = generator.uniform(0.0, 3.0)
    trees = 1 / (1 + np.exp(-8 * (field - threshold)))[:, :, None]
    shaded = 0.25 + 0.15 * noise_field(generator, side, 0.8)[:, :, None]
    leaf = np.array([0.75, 1.0, 0.65]) * generator.uniform(0.5, 1.2)
    return picture * (1 - trees) + np.clip(shaded, 0.02, 1) * leaf * trees


def draw_blobs(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw soft round things of one size at random places: bushes, pebbles, crowns of trees."""
    size = generator.uniform(1.2, 7.0)
    dots = (generator.random((side, side)) < generator.uniform(0.05, 0.5) / size**2).astype(float)
    dots *= generator.uniform(0.4, 1.0, dots.shape)
    field = blur(dots, size)
    field = (field - field.mean()) / (field.std() + 1e-9)
    shadow = np.roll(field, int(1 + size / 2), axis=(0, 1))
    ground = noise_field(generator, side, generator.uniform(0.5, 1.6))
    bent = np.tanh(field * generator.uniform(0.5, 3)) - generator.uniform(0, 0.8) * shadow
    return tinted(generator, bent + generator.uniform(0.1, 0.6) * ground)


def draw_shore(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Draw two or three smooth or grainy regions, a gradient in each: water, sky, sand, lawn."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    border = noise_field(generator, side, generator.uniform(1.8, 3.0))
    turn = generator.uniform(0, 2 * np.pi)
    height = rows * np.sin(turn) + columns * np.cos(turn) + border * generator.uniform(0, 0.12)
    picture = np.zeros((side, side, 3))
    levels = np.sort(generator.uniform(-0.4, 0.4, generator.integers(1, 3)))
    for low, high in zip([-9, *levels], [*levels, 9], strict=True):
        inside = (height >= low) & (height < high)
        grain = noise_field(generator, side, generator.uniform(0.3, 2.0))
        slope = generator.normal(0, 0.3) * rows + generator.normal(0, 0.3) * columns
        region = (
            colour(generator)
            * (1 + slope + grain * generator.choice([0.0, 0.01, 0.03, 0.1, 0.2]))[:, :, None]
        )
        picture[inside] = region[inside]
    return picture


KINDS: dict[str, Callable[[np.random.Generator, int], NDArray[np.float64]]] = {
    "noise": draw_noise,
    "leaves": draw_leaves,
    "stripes": draw_stripes,
    "town": draw_town,
    "blobs": draw_blobs,
    "shore": draw_shore,
}
