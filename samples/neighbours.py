"""What else is in the field: stars, some with spikes, and smaller galaxies."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .galaxy import Bulge, Galaxy, light, scatter

Field = NDArray[np.float32]

_SPIKES_FROM = 0.012
"""Flux from which on a star shows the telescope's spikes."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Places are shares of the side, to the right of and above the middle; fluxes as a galaxy's."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]
    """(n, 3) of each star."""
    galaxies: tuple[Galaxy, ...]
    turn: float
    """Degrees by which the spikes are turned."""


def roll_neighbours(rng: np.random.Generator) -> Neighbours:
    """Return a random field: faint stars are common, bright ones rare; none hides the middle."""
    n = int(rng.poisson(2.6))
    angle, away = rng.uniform(0, math.tau, n), np.sqrt(rng.uniform(0.2**2, 0.72**2, n))
    # counts of stars rise by about 0.3 dex a magnitude: N(> flux) ~ flux^-0.75
    flux = np.minimum(0.00012 * rng.random(n) ** (-1 / 0.75), 0.04)
    warm = rng.normal(0, 0.25, n)
    tint = np.exp(np.stack([0.5 * warm, np.zeros(n), -0.6 * warm], axis=1))
    others = tuple(_small(rng) for _ in range(int(rng.poisson(0.8))))
    return Neighbours(
        away * np.cos(angle), away * np.sin(angle), flux[:, None] * tint, others, rng.uniform(0, 90)
    )


def add_neighbours(scene: Field, neighbours: Neighbours, side: int, margin: int) -> None:
    """Add stars, as points, and galaxies to the light of a scene, before it is blurred."""
    scatter(scene, neighbours.x, neighbours.y, neighbours.flux, side, margin)
    for other in neighbours.galaxies:
        scene += light(other, side, margin=margin)


def add_spikes(seen: Field, neighbours: Neighbours, seeing: float) -> None:
    """Add four faint spikes to each bright star of a blurred picture (h, w, 3)."""
    side = seen.shape[0]
    pixels = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    turn = math.radians(neighbours.turn)
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    width = np.float32(max(0.3 * seeing, 0.5 / side))
    for x, y, flux in zip(neighbours.x, neighbours.y, neighbours.flux, strict=True):
        if flux.mean() < _SPIKES_FROM:
            continue
        right, up = (pixels - np.float32(x))[None, :], (-pixels - np.float32(y))[:, None]
        one, two = right * cosine + up * sine, up * cosine - right * sine
        length = np.float32(0.05)
        spikes = np.exp(-((two / width) ** 2) - np.abs(one) / length)
        spikes += np.exp(-((one / width) ** 2) - np.abs(two) / length)
        seen += spikes[..., None] * (6 * flux).astype(np.float32)


def _small(rng: np.random.Generator) -> Galaxy:
    angle, away = rng.uniform(0, math.tau), rng.uniform(0.3, 0.62)
    bulge = Bulge(
        float(0.0006 * math.exp(rng.exponential(0.7))), rng.uniform(0.008, 0.025),
        rng.uniform(1.0, 2.5), rng.uniform(0.35, 1.0), rng.uniform(0.2, 1.2),
    )  # fmt: skip
    return Galaxy(
        bulge=bulge, position_angle=rng.uniform(0, 180),
        across=away * math.cos(angle), up=away * math.sin(angle),
    )  # fmt: skip
