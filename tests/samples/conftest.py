"""What the tests of simulated nights share: one without noise, its light, and the object itself."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.samples.night import Frames, Night
from seeing.samples.planets import body_of
from seeing.samples.sensor import OFFSET, PEAK


@pytest.fixture(scope="session")
def clean() -> Night:
    """Frames without noise, in 16 bits."""
    return Night("giant", 32, seed=3, noise=False, depth=16, transparency=0.0, drift=0.2)


def electrons_of(night: Night, frames: Frames) -> NDArray[np.float64]:
    full = 2**night.depth - 1
    return np.asarray((frames.astype(np.float64) / full - OFFSET) * night.light / PEAK)


@pytest.fixture(scope="session")
def electrons() -> Callable[[Night, Frames], NDArray[np.float64]]:
    """electrons(night, frames): the light that the samples of its frames stand for."""
    return electrons_of


def drawn_object(kind: str, size: int = 128) -> NDArray[np.float64]:
    canvas = body_of(kind, 0, size).scene(0).light @ np.array([0.25, 0.5, 0.25])
    return np.asarray(canvas[size // 2 : -size // 2, size // 2 : -size // 2], np.float64)


@pytest.fixture(scope="session")
def pristine() -> Callable[..., NDArray[np.float64]]:
    """pristine(kind, size=128): the object as no air and no camera has touched it."""
    return drawn_object
