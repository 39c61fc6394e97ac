"""What the tests of the built-in encoder and of its parts share: a spiral."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.embed.builtin import SIDE


def drawn_spiral(
    *, turn: float = 0.0, size: float = 1.0, light: float = 1.0, mirror: bool = False
) -> NDArray[np.float32]:
    """Draw a two-armed spiral from its formula: turned, sized and lit exactly."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(rows, columns) / size + 1e-9
    angle = np.arctan2(rows, -columns if mirror else columns) - (-turn if mirror else turn)
    arms = 1.0 + 0.7 * np.cos(2 * angle - 5 * np.log(radius + 2)) * np.minimum(radius / 8, 1)
    shine = 0.75 * light * np.exp(-radius / 9) * arms
    tint = np.array([1.0, 0.85, 0.7])
    drawn: NDArray[np.float32] = np.clip(shine[:, :, None] * tint, 0, 1).astype(np.float32)
    return drawn


@pytest.fixture(scope="session")
def spiral() -> Callable[..., NDArray[np.float32]]:
    return drawn_spiral
