"""Maps of planets that nobody has seen: clouds in belts, deserts and dark lands, from a seed.

Maps are (512, 1024, 3) float32, linear light, the north pole on top, read-only. The last few are
kept: one takes a second.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Rng = np.random.Generator

HEIGHT, WIDTH = 512, 1024

_BELTS = (
    # latitude, degrees; red, green, blue. Cream zones, brown belts, grey poles
    (-90, 0.40, 0.37, 0.36), (-72, 0.46, 0.42, 0.40), (-60, 0.52, 0.47, 0.43),
    (-53, 0.60, 0.55, 0.50), (-48, 0.52, 0.46, 0.41), (-42, 0.70, 0.65, 0.58),
    (-37, 0.56, 0.49, 0.42), (-33, 0.76, 0.72, 0.65), (-27, 0.92, 0.88, 0.80),
    (-22, 0.90, 0.85, 0.76), (-18.5, 0.58, 0.43, 0.32), (-15, 0.62, 0.47, 0.36),
    (-12, 0.70, 0.57, 0.46), (-9.5, 0.52, 0.37, 0.27), (-6.5, 0.86, 0.79, 0.68),
    (-2, 0.95, 0.90, 0.80), (1.5, 0.88, 0.80, 0.67), (5.5, 0.93, 0.88, 0.78),
    (8, 0.56, 0.39, 0.28), (13, 0.50, 0.33, 0.23), (17, 0.62, 0.47, 0.36),
    (20, 0.90, 0.86, 0.78), (25, 0.86, 0.81, 0.73), (28, 0.60, 0.50, 0.42),
    (31.5, 0.66, 0.58, 0.50), (35, 0.84, 0.79, 0.71), (40, 0.62, 0.56, 0.50),
    (45, 0.70, 0.65, 0.58), (52, 0.55, 0.51, 0.47), (65, 0.47, 0.44, 0.42),
    (90, 0.38, 0.36, 0.36),
)  # fmt: skip


@lru_cache(maxsize=4)
def giant_map(seed: int) -> Field:
    """Draw the clouds of a giant: belts with torn edges, ovals, festoons and one great spot."""
    rng = np.random.default_rng([seed, 11])
    latitude, longitude = _grid()
    belts = np.array(_BELTS)
    belts[1:-1, 0] += rng.normal(0, 0.6, len(belts) - 2)
    belts[:, 1:] *= 1 + rng.normal(0, 0.03, (len(belts), 1))
    spot = (-22.0, rng.uniform(-40, 40))
    ovals = _ovals(rng)
    # belts are bent by eddies, and flow around what floats in them
    eddies = 1.1 * streaks(rng, 4, 2.5) + 0.5 * streaks(rng, 1.5, 2.0)
    bent = latitude + eddies * np.exp(-((np.abs(latitude) / 50) ** 4))
    bent += _around(latitude, longitude, *spot, 8.5, 5.6)
    for where, lon, wide, _ in ovals:
        rows = np.abs(latitude[:, 0] - where) < 4 * wide
        bent[rows] += _around(latitude[rows], longitude[rows], where, lon, wide, 0.7 * wide)
    light = np.stack([np.interp(bent, belts[:, 0], belts[:, 1 + c]) for c in range(3)], axis=2)
    light *= (1 + 0.05 * streaks(rng, 8, 2.1) + 0.035 * streaks(rng, 2.5, 1.9))[..., None]
    light = _festoons(rng, light, latitude + eddies, longitude)
    light = _wake(rng, light, latitude, longitude, spot)
    for where, lon, wide, colour in ovals:
        light = _oval(light, latitude, longitude, where, lon, wide, 0.62 * wide, colour)
    light = _oval(light, latitude, longitude, *spot, 9.0, 5.9, (0.93, 0.88, 0.80))
    light = _oval(light, latitude, longitude, *spot, 7.2, 4.6, (0.78, 0.42, 0.27))
    light = _oval(light, latitude, longitude, *spot, 3.2, 1.8, (0.70, 0.33, 0.20))
    return _finished(light)


@lru_cache(maxsize=4)
def rocky_map(seed: int) -> Field:
    """Draw a desert planet: ochre plains, dark lands, craters, a white cap, some clouds."""
    rng = np.random.default_rng([seed, 12])
    latitude, _ = _grid()
    broad, rough, fine = (ball_noise(rng, slope) for slope in (2.6, 1.9, 1.45))
    # dark lands lie in a band south of the equator, and one sea far in the north
    south = 1.25 * np.exp(-(((latitude + 20) / 21) ** 2))
    north = 0.75 * np.exp(-(((latitude - 50) / 10) ** 2))
    lands = 0.85 * broad + 0.55 * rough + 0.3 * fine + south + north - 1.0
    dark = 0.92 / (1 + np.exp(-5.5 * lands)) * (1 + 0.14 * rough).clip(0.5, 1.2)
    bright = np.array([0.86, 0.53, 0.29]) * (1 + 0.06 * rough + 0.05 * fine)[..., None]
    basalt = np.array([0.29, 0.205, 0.155]) * (1 + 0.12 * fine + 0.1 * rough)[..., None]
    light = bright * (1 - dark[..., None]) + basalt * dark[..., None]
    # basins filled with bright dust, plains with a pale rim
    light = _basin(light, rng, -44.0, 0.88, np.array([0.93, 0.66, 0.42]))
    cap = 1 / (1 + np.exp(-1.1 * (-(latitude + 73) + 2.4 * rough + 1.2 * fine)))
    collar = np.exp(-(((latitude + 68 - 2.4 * rough) / 4) ** 2))
    light *= (1 - 0.35 * collar)[..., None]
    light = light * (1 - cap[..., None]) + np.array([0.98, 0.97, 0.96]) * cap[..., None]
    hood = 0.75 / (1 + np.exp(-0.35 * (latitude - 66 + 7 * broad)))
    clouds = 0.35 / (1 + np.exp(-7 * (ball_noise(rng, 2.0) - 1.5)))
    veil = np.maximum(hood, clouds)[..., None]
    light = light * (1 - veil) + np.array([0.80, 0.83, 0.90]) * veil
    return _finished(light)


def streaks(rng: Rng, stretch: float, slope: float) -> NDArray[np.float64]:
    """Return a random field on the map, drawn out along the parallels; mean 0, sd 1.

    slope: amplitude falls as frequency^-slope from 2 degrees on; coarser is as strong as that of
    25 degrees.
    """
    from scipy.fft import irfft2

    rows = np.fft.fftfreq(2 * HEIGHT, 1 / (2 * HEIGHT))[:, None]
    columns = np.fft.rfftfreq(WIDTH, 1 / WIDTH)
    radius = np.hypot(np.hypot(rows, stretch * columns), 14)
    waves = rng.standard_normal((2 * HEIGHT, WIDTH // 2 + 1, 2)).view(np.complex128)[..., 0]
    # twice the height, so that the poles don't meet
    field = irfft2(waves * radius**-slope, workers=1)[:HEIGHT]
    return np.asarray((field - field.mean()) / field.std())


def ball_noise(rng: Rng, slope: float) -> NDArray[np.float64]:
    """Return a random field on the map without poles or seam: a ball cut from a cube of noise.

    slope: amplitude of a plane cut falls as frequency^-slope. Mean 0, sd 1.
    """
    from scipy.fft import irfftn
    from scipy.ndimage import map_coordinates

    side, radius = 112, 40.0
    axis = np.fft.fftfreq(side, 1 / side)
    square = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis[: side // 2 + 1] ** 2
    waves = rng.standard_normal((side, side, side // 2 + 1, 2), np.float32).view(np.complex64)
    waves = waves[..., 0] * np.maximum(square, 2.0).astype(np.float32) ** np.float32(
        -slope / 2 - 0.25
    )
    cube = irfftn(waves, (side, side, side), workers=1)
    latitude, longitude = (np.radians(angle) for angle in _grid())
    ball = radius * np.stack(
        [np.sin(latitude), np.cos(latitude) * np.sin(longitude),
         np.cos(latitude) * np.cos(longitude)]
    ) + side / 2  # fmt: skip
    field = map_coordinates(cube, ball, np.float32, order=1, mode="grid-wrap").astype(np.float64)
    return np.asarray((field - field.mean()) / field.std())


def _finished(light: NDArray[np.float64]) -> Field:
    kept = np.clip(light, 0, 1).astype(np.float32)
    kept.flags.writeable = False
    return kept


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return latitude (90 to -90) and longitude (0 to 360) of the map's points, degrees."""
    latitude = 90 - (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT
    longitude = (np.arange(WIDTH) + 0.5) * 360 / WIDTH
    return tuple(np.broadcast_arrays(latitude[:, None], longitude))  # type: ignore[return-value]


def _aside(
    longitude: NDArray[np.float64], middle: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return degrees east of a meridian, -180 to 180."""
    return np.asarray((longitude - middle + 180) % 360 - 180)


def _ovals(rng: Rng) -> list[tuple[float, float, float, tuple[float, float, float]]]:
    """Return white ovals in a string in the south, brown barges in the north."""
    white, brown = (0.88, 0.85, 0.79), (0.42, 0.27, 0.19)
    first = rng.uniform(0, 360)
    string = [(-37.0, first + 41 * n + rng.normal(0, 5), rng.uniform(2.4, 3.4), white)
              for n in range(7)]  # fmt: skip
    barges = [(15.0 + rng.normal(0, 0.7), rng.uniform(0, 360), rng.uniform(2.2, 3.4), brown)
              for _ in range(5)]  # fmt: skip
    rest = [(rng.choice([-48.0, 42.0]), rng.uniform(0, 360), rng.uniform(1.8, 2.6), white)
            for _ in range(9)]  # fmt: skip
    return string + barges + rest


def _around(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], lat: float, lon: float,
    wide: float, high: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Return the degrees by which a belt gives way to an oval."""
    x = _aside(longitude, lon) / (1.5 * wide)
    y = (latitude - lat) / high
    return np.asarray(-0.55 * high * np.tanh(2 * y) * np.exp(-(x**2) - 0.5 * y**2))


def _oval(
    light: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64],
    lat: float, lon: float, wide: float, high: float, colour: tuple[float, float, float],
) -> NDArray[np.float64]:  # fmt: skip
    """Lay an oval on a map, soft at its rim; return the map."""
    rows = np.abs(latitude[:, 0] - lat) < 2.5 * high  # further away is nothing to be seen of it
    x, y = _aside(longitude[rows], lon) / wide, (latitude[rows] - lat) / high
    share = 1 / (1 + np.exp(np.clip(7 * (np.hypot(x, y) - 1), -40, 40)))[..., None]
    light[rows] += share * (np.array(colour) - light[rows])
    return light


def _festoons(
    rng: Rng, light: NDArray[np.float64], latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Return a map with blue-grey plumes that hang from the northern belt into the zone."""
    blue = np.array([0.45, 0.46, 0.50])
    total = np.zeros(latitude.shape)
    for n in range(11):
        lon = 33 * n + rng.normal(0, 6)
        length, strength = rng.uniform(6, 11), rng.uniform(0.35, 0.75)
        depth = np.clip((7.5 - latitude) / length, 0, 1)
        x = _aside(longitude, lon + 16 * depth**1.5)
        inside = (latitude < 8.5) & (latitude > 8 - length)
        plume = np.exp(-((x / (1.2 + 3.0 * (1 - depth) ** 3)) ** 2)) * (1 - depth) ** 0.6
        total = np.maximum(total, strength * plume * inside)
    share = total[..., None]
    return np.asarray(light * (1 - share) + blue * share)


def _wake(
    rng: Rng, light: NDArray[np.float64], latitude: NDArray[np.float64],
    longitude: NDArray[np.float64], spot: tuple[float, float],
) -> NDArray[np.float64]:  # fmt: skip
    """Return a map with the turbulent wake that trails west of the spot, in the belt beside it."""
    behind = (spot[1] - longitude - 8) % 360
    there = np.exp(-(((latitude + 14.5) / 3.2) ** 2)) * np.exp(-behind / 32) * (behind < 150)
    curls = np.tanh(1.6 * streaks(rng, 1.4, 1.8))
    return np.asarray(light * (1 + 0.34 * there * curls)[..., None])


def _basin(
    light: NDArray[np.float64], rng: Rng, lat: float, depth: float, colour: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a map with a round plain, a thousand kilometres and more across."""
    latitude, longitude = _grid()
    x = _aside(longitude, rng.uniform(0, 360)) * np.cos(np.radians(latitude))
    away = np.hypot(x / 15, (latitude - lat) / 11)
    share = (depth / (1 + np.exp(np.clip(9 * (away - 1), -40, 40))))[..., None]
    return np.asarray(light * (1 - share) + colour * share)
