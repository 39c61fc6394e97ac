"""What an encoder is shown: grey, deep, linear and broken pictures as colours in 0..1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seeing.embed.prepare import display, middle_square, needs_stretch, stretch, working_square
from seeing.media.picture import Picture


def linear(values: np.ndarray, mask: np.ndarray | None = None) -> Picture:
    samples = np.asarray(values, dtype=np.float32)
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    return Picture(samples, float(np.nanmax(samples)) or 1.0, 32, linear=True, mask=mask)


def star(peak: float, *, sky: float = 100.0, noise: float = 2.0) -> np.ndarray:
    rows, columns = np.mgrid[:96, :96] - 47.5
    field = peak * np.exp(-(rows**2 + columns**2) / (2 * 5.0**2)) + sky
    seen: np.ndarray = field + np.random.default_rng(1).normal(0, noise, field.shape)
    return seen


def test_eight_bits_stay_as_they_are() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    shown = display(Picture(samples, 255.0, 8))
    assert shown.dtype == np.float32
    assert np.abs(shown * 255 - samples).max() < 1e-4


def test_grey_two_and_many_bands() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (8, 9, 5), dtype=np.uint8)
    grey = display(Picture(samples[:, :, :1], 255.0, 8))
    assert grey.shape == (8, 9, 3) and np.ptp(grey, axis=2).max() == 0
    two = display(Picture(samples[:, :, :2], 255.0, 8))
    assert two[:, :, 0] * 255 == pytest.approx(samples[:, :, :2].mean(axis=2), abs=1e-3)
    many = display(Picture(samples, 255.0, 8))
    assert np.array_equal(many, display(Picture(samples[:, :, :3], 255.0, 8)))


def test_only_dim_deep_pictures_are_stretched() -> None:
    bright = np.random.default_rng(0).integers(0, 60000, (40, 40, 1)).astype(np.uint16)
    assert not needs_stretch(Picture(bright, 65535.0, 16))
    assert needs_stretch(Picture(bright // 20, 65535.0, 16))
    assert not needs_stretch(Picture((bright // 256 // 20).astype(np.uint8), 255.0, 8))


@pytest.mark.parametrize("peak", [30.0, 3e3, 3e6])
def test_a_star_shines_whatever_its_peak(peak: float) -> None:
    shown = display(linear(star(peak)))[:, :, 0]
    assert shown[44:52, 44:52].min() > 0.8
    assert 0.02 < np.median(shown) < 0.35  # the sky is dark grey, not black
    assert shown.min() >= 0.0 and shown.max() <= 1.0


@pytest.mark.parametrize("factor", [1e-20, 1e-3, 1e3, 1e20])
def test_units_do_not_matter(factor: float) -> None:
    one, other = stretch(star(500.0)[:, :, None]), stretch(star(500.0)[:, :, None] * factor)
    assert np.abs(one - other).max() < 1e-5
    assert np.abs(one - stretch(star(500.0)[:, :, None] - 1234.5)).max() < 1e-5


def test_the_stretch_keeps_order_and_colour() -> None:
    light = star(500.0, sky=0.0, noise=0.5)
    shown = stretch(light[:, :, None])[:, :, 0]
    order = np.argsort(light.ravel())
    assert (np.diff(shown.ravel()[order]) >= -1e-6).all()
    colours = np.stack([light * 1.2, light, light * 0.8], axis=2)
    shown = stretch(colours)
    wing = (light > 20) & (light < 60)  # neither noise nor white
    assert shown[wing][:, 0] / shown[wing][:, 2] == pytest.approx(1.5, rel=0.1)


def test_dark_clouds_are_not_lost() -> None:
    ground = np.full((64, 64), 1000.0) + np.random.default_rng(2).normal(0, 100, (64, 64))
    ground[:, :20] -= 150
    shown = display(linear(ground))[:, :, 0]
    assert shown[:, :20].mean() < 0.85 * shown[:, 20:].mean()
    assert (shown[:, :20] > 0).mean() > 0.6


def test_masked_pixels_change_nothing_else() -> None:
    field = star(500.0)
    mask = np.zeros(field.shape, dtype=bool)
    mask[:5] = True
    spoilt = field.copy()
    spoilt[:5] = 1e9
    one = display(linear(field, mask))
    other = display(linear(spoilt, mask))
    assert np.abs(one - other).max() < 1e-6
    assert other[:5].max() == 0.0


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
        elements=st.floats(width=32),
    )
)
def test_any_floats_can_be_shown(samples: np.ndarray) -> None:
    for is_linear in (True, False):
        shown = display(Picture(samples, 1.0, 32, linear=is_linear))
        assert shown.shape == (*samples.shape[:2], 3)
        assert np.isfinite(shown).all() and shown.min() >= 0.0 and shown.max() <= 1.0


def test_the_middle_square_is_the_middle() -> None:
    wide = np.zeros((64, 128, 3), dtype=np.float32)
    wide[:, 32:96] = 0.75
    assert np.allclose(middle_square(wide, 32), 0.75)
    assert np.allclose(middle_square(wide, 64), 0.75)


def test_reducing_keeps_the_mean() -> None:
    field = np.random.default_rng(3).random((500, 500, 3)).astype(np.float32)
    small = middle_square(field, 128)
    assert small.mean(axis=(0, 1)) == pytest.approx(field.mean(axis=(0, 1)), abs=2e-3)
    assert middle_square(field[:20, :20], 128).shape == (128, 128, 3)


@pytest.mark.parametrize("side", [100, 128, 300, 1000])
def test_the_short_way_for_eight_bits_is_the_same(side: int) -> None:
    random = np.random.default_rng(side)
    samples = random.integers(0, 256, (side, side + 31, 3), dtype=np.uint8)
    picture = Picture(samples, 255.0, 8)
    short, long = working_square(picture, 128), middle_square(display(picture), 128)
    # Pillow rounds 8-bit pictures after each of three steps: half a grey level each
    assert np.abs(short - long).max() < 2.0 / 255
