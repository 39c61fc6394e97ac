"""Colour features: a histogram of length one."""

import numpy as np
import pytest

from seeing.embed.builtin import SIDE
from seeing.embed.colour import colour_features
from seeing.samples.textures import draw_texture


def test_a_plain_colour_fills_one_bin() -> None:
    red = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    red[:, :, 0] = 1.0
    features = colour_features(red)
    # luminance 0.299 -> bin 1; red - green 1 -> bin 5; blue - mean -0.5 -> bin 0 of six each
    assert np.flatnonzero(features).tolist() == [1 * 36 + 5 * 6 + 0]
    assert features.max() == 1.0


def test_colour_features_have_length_one() -> None:
    features = colour_features(draw_texture(np.random.default_rng(10)))
    assert np.linalg.norm(features) == pytest.approx(1.0, abs=1e-6)
