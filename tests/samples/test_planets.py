"""What is drawn is lit, turned and framed as it says, and comes from its seed alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from seeing.errors import UsageError
from seeing.samples.moon import draw_moon
from seeing.samples.planets import KINDS, LIMB, Globe, Still, body_of
from seeing.samples.surfaces import giant_map, rocky_map

SIZE = 128
CANVAS = 2 * SIZE


def grey(light: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(light.mean(axis=2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_light_on_a_canvas_of_two_frames(kind: str) -> None:
    scene = body_of(kind, 1, SIZE).scene(0)
    assert scene.light.shape == (CANVAS, CANVAS, 3)
    assert scene.light.dtype == np.float32
    assert scene.light.min() >= 0
    assert 0.5 < scene.light.max() <= 1.1
    assert scene.interior.shape == (CANVAS, CANVAS)
    # the middle of a planet is judged, what lies outside a frame never
    assert scene.interior[CANVAS // 2, CANVAS // 2]
    outside = scene.interior.copy()
    outside[SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2] = False
    assert not outside.any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides(kind: str) -> None:
    first, same, other = (body_of(kind, seed, 64).scene(0).light for seed in (4, 4, 5))
    assert np.array_equal(first, same)
    assert not np.allclose(first, other, atol=0.02)


def test_a_giant_has_its_radii_and_its_limb_is_darkened() -> None:
    light = grey(body_of("giant", 0, SIZE).scene(0).light)
    shines = light > 0.01
    assert shines.any(axis=0).sum() == pytest.approx(2 * 44, abs=2)
    assert shines.any(axis=1).sum() == pytest.approx(2 * 41, abs=2)
    middle = light[SIZE, SIZE - 20 : SIZE + 20].mean()
    assert light[SIZE, SIZE - 43 : SIZE - 40].mean() < 0.7 * middle
    assert light[:, : SIZE - 46].max() == 0


def test_the_interior_is_six_pixels_from_the_limb() -> None:
    interior = body_of("giant", 0, SIZE).scene(0).interior
    assert interior.any(axis=0).sum() == pytest.approx(2 * (44 - LIMB), abs=3)
    assert interior.any(axis=1).sum() == pytest.approx(2 * (41 - LIMB), abs=3)


def test_a_rocky_planet_shows_a_phase_on_the_right() -> None:
    light = grey(body_of("rocky", 0, SIZE).scene(0).light)[SIZE]
    bright = np.flatnonzero(light > 0.1)
    # terminator at cos(33 degrees) of the radius; near it light fades
    assert SIZE - bright[0] == pytest.approx(38, abs=2)
    assert 38 * np.cos(np.radians(33)) - 8 < bright[-1] - SIZE < 38 * 0.97


def test_a_globe_turns_as_a_sphere_does() -> None:
    """A bright meridian at 30 degrees stands sin(30) of the radius right of the middle."""
    surface = np.full((64, 720, 3), 0.1, np.float32)
    surface[:, 56:64] = 1  # 28 to 32 degrees
    globe = Globe(surface, SIZE, radius=40)
    for turned, place in ((0, np.sin(np.radians(30))), (30, 0.0), (75, np.sin(np.radians(-45)))):
        row = grey(globe.scene(turned).light)[SIZE - 1 : SIZE + 1].mean(axis=0)
        assert np.average(np.arange(CANVAS) + 0.5 - SIZE, weights=row > 0.6) == pytest.approx(
            40 * place, abs=0.8
        )
    behind = grey(globe.scene(200).light)
    assert behind.max() < 0.2
    assert np.array_equal(globe.scene(10).light, globe.scene(370).light)


def test_a_lambert_sphere_is_lit_as_lambert_says() -> None:
    """Minnaert's k = 1, the sun behind the observer: brightness is mu0 = sqrt(1 - r^2)."""
    globe = Globe(np.ones((8, 16, 3), np.float32), SIZE, radius=40)
    light = grey(globe.scene(0).light)
    steps = (np.arange(CANVAS) + 0.5 - SIZE) / 40
    square = steps[:, None] ** 2 + steps**2
    inner = square < 0.9
    assert light[inner] == pytest.approx(np.sqrt(1 - square[inner]), abs=2e-3)
    # seen whole: 2/3 of the disc's area
    assert light.sum() == pytest.approx(2 / 3 * np.pi * 40**2, rel=2e-3)


@pytest.mark.parametrize("draw", [giant_map, rocky_map])
def test_maps_have_no_seam_at_longitude_zero(draw: object) -> None:
    surface = grey(draw(3))  # type: ignore[operator]
    steps = np.abs(np.diff(surface, axis=1)).mean()
    assert np.abs(surface[:, 0] - surface[:, -1]).mean() < 2 * steps


def test_the_moon_repeats_at_its_borders() -> None:
    light = grey(draw_moon(2, CANVAS))
    for axis in (0, 1):
        inside = np.abs(np.diff(light, axis=axis)).mean()
        across = np.abs(np.take(light, 0, axis) - np.take(light, -1, axis)).mean()
        assert across < 2 * inside


def test_the_sun_over_the_moon_stands_on_the_left() -> None:
    """Of a crater the left wall is in shadow: along rows light rises more steeply than it falls."""
    steps = np.diff(grey(draw_moon(1, CANVAS)), axis=1)
    assert (grey(draw_moon(1, CANVAS)) < 0.06).mean() > 0.002  # there are shadows
    assert np.quantile(steps, 0.999) > 1.1 * -np.quantile(steps, 0.001)


def test_a_picture_with_a_dark_border_is_a_planet() -> None:
    steps = np.arange(200) - 100
    disc = (np.hypot(steps[:, None], steps - 20) < 60).astype(np.uint8) * 200
    body = Still(disc, SIZE)
    assert not body.surface
    scene = body.scene(0)
    shines = grey(scene.light) > 0.5
    assert shines.any(axis=0).sum() == pytest.approx(0.7 * SIZE, abs=3)
    rows, columns = np.nonzero(shines)
    assert rows.mean() == pytest.approx(SIZE - 0.5, abs=1)  # set in the middle
    assert columns.mean() == pytest.approx(SIZE - 0.5, abs=1)
    assert 0 < scene.interior.sum() < shines.sum()


def test_a_picture_that_fills_its_frame_is_a_surface() -> None:
    picture = np.random.default_rng(1).uniform(0.4, 1, (60, 90, 3)).astype(np.float32)
    body = Still(picture, SIZE)
    assert body.surface
    light = body.scene(0).light
    assert light.shape == (CANVAS, CANVAS, 3)
    assert np.isfinite(light).all()
    assert light.min() > 0.2  # mirrored to the very border, nowhere empty


@pytest.mark.parametrize(
    "nothing",
    [
        np.zeros((20, 20), np.uint8),
        np.full((20, 20), np.nan, np.float32),
        np.zeros((0, 5), np.uint8),
        np.ones((5, 5, 4), np.float32),
        np.ones(7, np.float32),
    ],
    ids=["black", "nan", "empty", "four planes", "a row"],
)
def test_pictures_that_hold_nothing_are_refused(nothing: NDArray[np.float32]) -> None:
    with pytest.raises(UsageError):
        Still(nothing, 64)


def test_unknown_objects_are_refused() -> None:
    with pytest.raises(UsageError, match="giant, rocky, moon"):
        body_of("saturn")
