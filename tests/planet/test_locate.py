"""Where the object stands, what cuts or distorts it, wherever in the field it drifts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.planet.locate import Located, Locator, block, is_surface, small
from seeing.samples.night import Night, simulated

Frames = NDArray[np.float32]


def discs(
    places: NDArray[np.float64],
    *,
    radius: float = 18.0,
    size: int = 128,
    squash: float = 1.0,
    turn: float = 0.0,
    noise: float = 2.0,
    seed: int = 0,
) -> Frames:
    """Soft discs at (y, x) on a grey sky of 10, peak 200; squash: minor over major axis."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    frames = []
    for cy, cx in places:
        along = (x - cx) * cos + (y - cy) * sin
        across = (y - cy) * cos - (x - cx) * sin
        distance = np.hypot(along, across / squash)
        frames.append(10 + 190 / (1 + np.exp((distance - radius) / 1.0)))
    shown = np.array(frames)
    shown += np.random.default_rng(seed).normal(0, noise, shown.shape)
    return shown.astype(np.float32)


def located(frames: Frames, sample: Frames | None = None) -> Located:
    side = block(*frames.shape[1:])
    learned = small(frames if sample is None else sample, side)
    return Locator(learned, side).locate(small(frames, side))


def test_the_middle_is_found_all_over_the_field() -> None:
    random = np.random.default_rng(1)
    places = random.uniform(25, 102, (60, 2))
    found = located(discs(places))
    errors = np.hypot(found.y - places[:, 0], found.x - places[:, 1])
    # blocks of 4 pixels; the fine shift comes later and reaches 6 pixels
    assert errors.max() < 1.0, errors.max()
    assert not found.cut.any()
    assert not found.absent.any()
    # at a quarter of the brightness a disc with this soft edge is 19.1 pixels in radius
    area = np.pi * 19.1**2
    assert (abs(found.area / area - 1) < 0.1).all(), found.area / area


@pytest.mark.parametrize("sky", [0.0, 40.0])
def test_a_gradient_or_light_sky_moves_it_little(sky: float) -> None:
    places = np.random.default_rng(2).uniform(30, 98, (30, 2))
    frames = discs(places) + sky
    frames += np.linspace(0, 20, 128, dtype=np.float32)[None, None]
    found = located(frames)
    assert np.hypot(found.y - places[:, 0], found.x - places[:, 1]).max() < 2.0


def test_cut_discs_are_cut_and_others_not() -> None:
    inside = np.full((20, 2), 64.0)
    over = np.array([[5.0, 64], [64, 3], [125, 64], [64, 120], [0, 0], [120, 122]])
    found = located(discs(np.concatenate([inside, over])))
    assert not found.cut[:20].any()
    assert found.cut[20:].all(), found.cut[20:]


def test_empty_sky_is_absent() -> None:
    frames = discs(np.full((20, 2), 64.0))
    empty = np.random.default_rng(3).normal(10, 2, (5, 128, 128)).astype(np.float32)
    found = located(np.concatenate([frames, empty]))
    assert not found.absent[:20].any()
    assert found.absent[20:].all(), found.area[20:]
    assert np.isnan(found.y[20:]).all()


@pytest.mark.parametrize("turn", [0, 30, 45, 90])
@pytest.mark.parametrize("squash", [1.0, 0.8, 0.5])
def test_roundness_is_minor_over_major_axis(squash: float, turn: float) -> None:
    found = located(discs(np.full((8, 2), 64.0), radius=30, squash=squash, turn=turn))
    assert abs(np.median(found.roundness) - squash) < 0.05, found.roundness


def test_a_shifted_slice_shows_as_skew() -> None:
    frames = discs(np.full((20, 2), 64.0), radius=30)
    frames[7, 60:76] = np.roll(frames[7, 60:76], 15, axis=1)
    found = located(frames)
    others = np.delete(found.skew, 7)
    assert found.skew[7] > 10, found.skew[7]
    assert others.max() < 4, others.max()


@pytest.mark.parametrize("seed", [1, 2])
def test_sliced_frames_of_a_night_have_the_largest_skew(seed: int) -> None:
    frames, truth = simulated(Night(frames=100, seed=seed, sliced=4))
    skew = located(frames.astype(np.float32)).skew
    assert set(np.argsort(-skew)[:4]) == set(np.flatnonzero(truth.done == "sliced"))


def test_a_single_hot_block_does_not_hide_the_object() -> None:
    """Hot pixels are mended before; one that is missed, or a cosmic ray, must not set the level."""
    places = np.full((20, 2), 64.0)
    frames = discs(places)
    frames[::2, 20, 100] = 40_000
    found = located(frames)
    assert np.hypot(found.y - 64, found.x - 64).max() < 1.0
    assert not found.absent.any()


def test_moons_beside_the_planet_do_not_pull() -> None:
    places = np.random.default_rng(4).uniform(50, 78, (30, 2))
    moons = discs(places + np.array([0, 42]), radius=4) - 10
    far = discs(places - np.array([0, 44]), radius=3) - 10
    alone = located(discs(places))
    found = located(discs(places) + moons + far)
    assert np.hypot(found.y - places[:, 0], found.x - places[:, 1]).max() < 1.5
    assert np.median(np.abs(found.area - alone.area)) < 0.1 * alone.area.mean()


def test_where_nothing_ever_is_nothing_is_found() -> None:
    found = located(np.zeros((5, 64, 64), np.float32))
    assert found.absent.all()
    assert found.roundness.tolist() == [0] * 5
    assert found.skew.tolist() == [0] * 5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("shape", "side"), [((128, 128), 4), ((130, 99), 3), ((64, 67), 4)])
def test_small_copies_are_block_means(
    dtype: type[np.generic], shape: tuple[int, int], side: int
) -> None:
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (3, *shape)).astype(dtype)
    rows, columns = shape[0] // side, shape[1] // side
    cropped = frames[:, : rows * side, : columns * side].astype(np.float64)
    expected = cropped.reshape(3, rows, side, columns, side).mean((2, 4))
    np.testing.assert_allclose(small(frames, side), expected, rtol=1e-5)


@pytest.mark.parametrize("radius", [2.5, 4.0, 8.0, 18.0, 45.0])
def test_a_planet_is_a_planet_however_small(radius: float) -> None:
    places = np.random.default_rng(5).uniform(58, 70, (20, 2))
    frames = discs(places, radius=radius)
    assert not is_surface(small(frames, block(128, 128)))
    found = located(frames)
    assert np.hypot(found.y - places[:, 0], found.x - places[:, 1]).max() < 2


def test_a_moon_over_the_border_is_a_surface() -> None:
    frames, _ = simulated(Night("moon", frames=8, seed=1))
    assert is_surface(small(frames, 4))
