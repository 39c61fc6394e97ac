"""Brightness and colours of mosaics, against pictures whose colours are known."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import PictureError, ShapeError
from seeing.video.debayer import colour, luminance

PATTERNS: list[Any] = ["RGGB", "GRBG", "GBRG", "BGGR"]
KINDS: list[Any] = [np.uint8, np.uint16, np.float32]


def mosaic(colours: NDArray[Any], pattern: str) -> NDArray[Any]:
    """What a sensor sees of pictures (n, h, w, 3): (n, h, w, 1)."""
    seen = np.empty((*colours.shape[:3], 1), colours.dtype)
    for at, letter in enumerate(pattern):
        rows, columns = slice(at // 2, None, 2), slice(at % 2, None, 2)
        seen[:, rows, columns, 0] = colours[:, rows, columns, "RGB".index(letter)]
    return seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_plain_colour_comes_back_exactly(pattern: Any, kind: type) -> None:
    full = 1.0 if kind == np.float32 else np.iinfo(kind).max
    plain: NDArray[Any] = (np.array([0.8, 0.5, 0.1]) * full).astype(kind)
    colours = np.broadcast_to(plain, (2, 12, 14, 3))
    found = colour(mosaic(colours, pattern), pattern)
    assert found.dtype == kind
    assert found.shape == colours.shape
    np.testing.assert_array_equal(found, colours)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_gradient_comes_back_but_for_its_border(pattern: Any, kind: type) -> None:
    full = 1.0 if kind == np.float32 else np.iinfo(kind).max
    rows, columns = np.mgrid[0:30, 0:40] / 60
    colours = np.stack([0.1 + rows, 0.2 + columns, 0.9 - rows], axis=-1) * full
    colours = colours[None].astype(kind)
    found = colour(mosaic(colours, pattern), pattern)
    inside = np.s_[:, 3:-3, 3:-3]
    difference = np.abs(found[inside].astype(np.float64) - colours[inside].astype(np.float64))
    step = full / 60
    assert difference.max() <= (1e-5 if kind == np.float32 else 1 + 0.01 * step)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_sixteen_bits_are_not_cut_to_eight(pattern: Any) -> None:
    colours = np.full((1, 10, 10, 3), 257, np.uint16)
    colours[..., 1] = 258
    np.testing.assert_array_equal(colour(mosaic(colours, pattern), pattern), colours)


def test_floats_with_holes() -> None:
    colours = np.ones((1, 12, 12, 3), np.float32)
    seen = mosaic(colours, "RGGB")
    seen[0, 5, 6, 0] = np.nan
    found = colour(seen, "RGGB")
    assert np.isnan(found).sum() == 0
    np.testing.assert_array_equal(found, colours)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pattern", [*PATTERNS, "CMY"])
def test_luminance_is_the_mean_of_2_by_2(pattern: Any, kind: type) -> None:
    full = 1.0 if kind == np.float32 else np.iinfo(kind).max
    samples: NDArray[Any] = (np.random.default_rng(1).random((3, 7, 9, 1)) * full).astype(kind)
    found = luminance(samples, pattern)
    assert found.shape == (3, 3, 4)
    assert found.dtype == np.float32
    cells = samples[:, :6, :8, 0].astype(np.float64).reshape(3, 3, 2, 4, 2)
    np.testing.assert_allclose(found, cells.mean(axis=(2, 4)), rtol=1e-6)


def test_a_wrong_pattern_does_not_change_the_luminance() -> None:
    samples = np.random.default_rng(1).integers(0, 65535, (2, 8, 8, 1)).astype(np.uint16)
    one, *others = (luminance(samples, pattern) for pattern in PATTERNS)
    for other in others:
        np.testing.assert_array_equal(one, other)


def test_colours_weigh_as_in_their_mosaic() -> None:
    """Colours that are the same over each 2 x 2: the mosaic's mean is that of the colours."""
    small = np.random.default_rng(1).integers(0, 255, (2, 6, 8, 3)).astype(np.uint8)
    colours = small.repeat(2, axis=1).repeat(2, axis=2)
    of_mosaic = luminance(mosaic(colours, "GRBG"), "GRBG")
    np.testing.assert_array_equal(luminance(small, None), of_mosaic)


@pytest.mark.parametrize("kind", KINDS)
def test_grey_stays_grey(kind: type) -> None:
    samples: Any = np.arange(2 * 6 * 8).reshape(2, 6, 8, 1).astype(kind)
    np.testing.assert_array_equal(luminance(samples, None), samples[..., 0])
    assert colour(samples, None) is samples


def test_what_has_no_colours() -> None:
    with pytest.raises(PictureError, match="cyan"):
        colour(np.zeros((1, 8, 8, 1), np.uint8), "CMY")
    with pytest.raises(PictureError, match="too small"):
        colour(np.zeros((1, 3, 8, 1), np.uint8), "RGGB")
    for wrong in (np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 2), np.uint8)):
        with pytest.raises(ShapeError):
            luminance(wrong, None)
    assert colour(np.zeros((0, 8, 8, 1), np.uint8), "RGGB").shape == (0, 8, 8, 3)
