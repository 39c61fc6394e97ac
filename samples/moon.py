"""A lunar landscape: hills, plains of lava and craters, lit by a low sun."""

import math

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Relief = NDArray[np.float64]

CRATERS = 170
SUN = 17.0
"""Degrees above the horizon, on the left."""

_FINE = 2
_WALL = 0.17
"""Depth by diameter of a fresh crater seen at this scale (fresh small ones on the Moon: 0.2)."""


def draw_moon(seed: int, side: int = 256) -> Field:
    """Draw a landscape that repeats at its borders: (side, side, 3) float32, linear, 0..1.

    Cast shadows are those of a point-like sun; what shines back follows Lommel and Seeliger,
    mu0 / (mu0 + mu).
    """
    rng = np.random.default_rng([seed, 13])
    fine = side * _FINE
    unit = fine / 256  # craters are given in pixels of a canvas of 256
    relief = 1.5 * unit * _hills(rng, fine, 2.6)
    plain = _lava(rng, fine)
    relief *= 1 - 0.85 * plain
    rays = np.zeros((fine, fine))
    for radius, age, row, column in _craters(rng, unit, fine, plain):
        _dig(relief, rays, radius, age, row, column)
    relief += 0.10 * unit * _hills(rng, fine, 1.8) * (1 - 0.7 * plain)
    light = _shine(relief)
    soil = 1 + 0.06 * _hills(rng, fine, 1.7) - 0.38 * plain + 0.5 * np.clip(rays, 0, 0.6)
    light *= soil
    grey = light.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))
    grey = np.clip(grey / np.quantile(grey, 0.999), 0, 1.15) / 1.15
    return np.asarray(grey[..., None] * np.array([1.0, 0.965, 0.91]), np.float32)


def _hills(rng: np.random.Generator, side: int, slope: float) -> Relief:
    """Return a fractal relief, mean 0, sd 1; it repeats. Amplitude falls as frequency^-slope."""
    from scipy.fft import irfft2

    rows, columns = np.fft.fftfreq(side, 1 / side)[:, None], np.arange(side // 2 + 1)
    radius = np.maximum(np.hypot(rows, columns), 3)
    waves = rng.standard_normal((side, side // 2 + 1, 2)).view(np.complex128)[..., 0]
    waves[0, 0] = 0
    field = irfft2(waves * radius**-slope, (side, side), workers=1)
    return np.asarray(field / field.std())


def _lava(rng: np.random.Generator, side: int) -> Relief:
    """Return where lava has flooded the land: 0 to 1, a third of it."""
    field = _hills(rng, side, 2.9)
    return np.asarray(1 / (1 + np.exp(-9 * (field - np.quantile(field, 0.68)))))


def _craters(
    rng: np.random.Generator, unit: float, side: int, plain: Relief
) -> list[tuple[float, float, float, float]]:
    """Return (radius, age 0..1, row, column) of craters, in points; the old and large come first.

    Numbers fall as radius^-1.8 (cumulative), as between 1 and 50 km on the Moon.
    """
    radii = np.minimum(1.7 * (1 - rng.random(CRATERS)) ** (-1 / 1.8), 22.0) * unit
    radii[0] = 23.0 * unit  # one walled plain at least
    ages = rng.random(CRATERS) ** 1.3
    places = rng.uniform(0, side, (CRATERS, 2))
    kept = [
        (float(r), float(age), float(y), float(x))
        for r, age, (y, x) in zip(radii, ages, places, strict=True)
        # lava has buried what was there before it
        if plain[int(y), int(x)] < 0.6 or rng.random() < 0.45
    ]
    return sorted(kept, key=lambda crater: -crater[0] * (0.5 + crater[1]))


def _dig(
    relief: Relief, rays: Relief, radius: float, age: float, row: float, column: float
) -> None:
    """Add a crater: bowl or flat floor, rim, ejecta that thin out, and a peak in large ones."""
    side = len(relief)
    reach = min(int(3.2 * radius) + 2, side // 2 - 1)
    rows = np.arange(int(row) - reach, int(row) + reach + 1)
    columns = np.arange(int(column) - reach, int(column) + reach + 1)
    down, right = (rows - row)[:, None] / radius, (columns - column) / radius
    angle = np.arctan2(down, right)
    away = np.hypot(down, right)
    wobble = 0.035 * np.sin(3 * angle + row) + 0.025 * np.sin(5 * angle + column)
    away = away * (1 + wobble * np.minimum(away, 1) ** 2)
    wide = 2 * radius
    large = min(1.0, radius / (16 * side / 256))
    fresh = 1 - 0.75 * age
    depth = _WALL * wide * fresh * (1 - 0.72 * large)
    rim = 0.04 * wide * fresh * (1 - 0.45 * large)
    # from the rim down: a wall that is steepest halfway, then a floor, wide in large ones
    floor = 0.15 + 0.5 * large
    wall = np.clip((away - floor) / (1 - floor), 0, 1)
    inner = depth * (wall**2 * (2.2 - 1.2 * wall) - 1) + rim * wall**4
    outer = rim * np.maximum(away, 1e-3) ** -3.2
    shape = np.where(away < 1, inner, outer)
    if large > 0.5 and age < 0.75:
        shape = shape + 0.6 * depth * np.exp(-((away / 0.13) ** 2))
    shape *= np.clip((3.2 - away) / 1.2, 0, 1)
    here = np.ix_(rows % side, columns % side)
    # a crater levels the ground that it falls on
    level = np.clip((1.3 - away) / 0.6, 0, 1)
    level = level**2 * (3 - 2 * level)
    ground = relief[here]
    middle = (level * ground).sum() / level.sum()
    relief[here] = ground + 0.8 * level * (middle - ground) + shape
    if age < 0.12:
        spokes = 0.5 + 0.5 * np.cos(9 * angle + 3 * np.sin(2 * angle + row))
        rays[here] += np.exp(-away / 0.9) * spokes * (1 - age / 0.12)


def _shine(relief: Relief) -> Relief:
    """Return what a relief (heights and distances in points) shines back; it repeats."""
    slope_y = (np.roll(relief, -1, 0) - np.roll(relief, 1, 0)) / 2
    slope_x = (np.roll(relief, -1, 1) - np.roll(relief, 1, 1)) / 2
    up = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    height = math.radians(SUN)
    lit = np.maximum((math.sin(height) - math.cos(height) * slope_x) * up, 0)
    bright = lit / (lit + up)
    # in shadow is what lies lower than a ray over anything on its left, once around
    fall = math.tan(height)
    twice = np.concatenate([relief, relief], axis=1) + fall * np.arange(2 * relief.shape[1])
    skyline = np.maximum.accumulate(twice, axis=1)[:, relief.shape[1] :]
    dark = np.clip((skyline - twice[:, relief.shape[1] :]) / 0.8, 0, 1)
    return np.asarray(bright * (1 - 0.97 * dark))
