"""Polar features: blind to turns and mirrors, nearly so to brightness and size."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.embed.polar import polar_features
from seeing.samples.galaxies import sample

Spiral = Callable[..., NDArray[np.float32]]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_polar_is_blind_to_quarter_turns(turns: int) -> None:
    for drawn in sample(8, seed=3):
        turned = np.ascontiguousarray(np.rot90(drawn.picture, turns))
        same = cosine(polar_features(drawn.picture), polar_features(turned))
        assert same > 0.9999, (drawn.kind, same)


def test_polar_is_blind_to_mirroring() -> None:
    for drawn in sample(8, seed=4):
        mirrored = np.ascontiguousarray(drawn.picture[:, ::-1])
        assert cosine(polar_features(drawn.picture), polar_features(mirrored)) > 0.9999


@pytest.mark.parametrize("degrees", [7, 33, 45, 110, 251])
def test_polar_is_blind_to_any_turn(degrees: float, spiral: Spiral) -> None:
    turned = spiral(turn=np.deg2rad(degrees))
    assert cosine(polar_features(spiral()), polar_features(turned)) > 0.999


@pytest.mark.parametrize("light", [0.4, 0.7, 1.2])
def test_polar_is_nearly_blind_to_brightness(light: float, spiral: Spiral) -> None:
    assert cosine(polar_features(spiral()), polar_features(spiral(light=light))) > 0.99


@pytest.mark.parametrize("size", [0.7, 1.4])
def test_polar_is_nearly_blind_to_size(size: float, spiral: Spiral) -> None:
    same = cosine(polar_features(spiral()), polar_features(spiral(size=size)))
    other = cosine(polar_features(spiral()), polar_features(sample(1)[0].picture))
    assert same > 0.98 and same > other, (same, other)
