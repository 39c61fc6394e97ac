"""Galaxies of known classes, drawn as a survey would show them: for demo, docs and tests.

Everything comes from the seed: the same call gives the same pictures on every machine, to rounding.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, closest
from .camera import Camera, blur, expose, show
from .galaxy import Arms, Bar, Bulge, Disc, Dust, Galaxy, Ring, light
from .neighbours import add_neighbours, add_spikes, roll_neighbours

Field = NDArray[np.float32]
Rng = np.random.Generator


class Sample(NamedTuple):
    """A drawn galaxy: its class, its picture as `draw` returns it, and its truth."""

    kind: str
    picture: Field
    galaxy: Galaxy


def draw(galaxy: Galaxy, side: int = 128, seed: int = 0, *, camera: Camera | None = None) -> Field:
    """Draw a galaxy as a survey shows it, with stars and other galaxies in the field.

    seed: of irregularities, neighbours, noise and, where none is given, of the camera.
    Returns (side, side, 3) float32 R, G, B, 0..1, ready to be displayed as sRGB.
    Raises UsageError when the side is not 16 to 4096 pixels.
    """
    camera = camera or roll_camera(np.random.default_rng([seed, 2]))
    return show(observe(galaxy, side, seed, camera=camera), camera)


def observe(
    galaxy: Galaxy, side: int = 128, seed: int = 0, *, camera: Camera | None = None
) -> Field:
    """Return what `draw` draws as linear light, sky-subtracted, with noise: maybe negative.

    (side, side, 3) float32; 3 is the white of the display. `galaxy.light` has it without
    sky, neighbours, blur and noise.
    """
    if not 16 <= side <= 4096:
        raise UsageError(f"galaxies are drawn 16 to 4096 pixels wide, not {side}")
    camera = camera or roll_camera(np.random.default_rng([seed, 2]))
    margin = max(4, side // 16)
    rng = np.random.default_rng([seed, 3])
    neighbours = roll_neighbours(rng)
    scene = light(galaxy, side, seed=seed, margin=margin)
    add_neighbours(scene, neighbours, side, margin)
    seen = blur(scene, max(1.2, camera.seeing * side))[margin:-margin, margin:-margin]
    add_spikes(seen, neighbours, camera.seeing)
    return expose(seen, camera, rng)


def sample(count: int, seed: int = 0, side: int = 128) -> list[Sample]:
    """Draw `count` galaxies, evenly over the classes: each has its share to within one.

    The galaxy at a place is the same for every count.
    """
    return [sample_one(place, seed, side) for place in range(count)]


def sample_one(place: int, seed: int = 0, side: int = 128) -> Sample:
    """Draw the galaxy at one place of the endless row that `sample` takes its first `count` of."""
    kind = list(CLASSES)[place % len(CLASSES)]
    galaxy = roll(kind, np.random.default_rng([seed, place]))
    own = int(np.random.default_rng([seed, place, 1]).integers(2**31))
    return Sample(kind, draw(galaxy, side, own), galaxy)


def write(folder: Path | str, count: int, seed: int = 0, *, side: int = 128) -> list[Path]:
    """Write `count` galaxies as FOLDER/CLASS/CLASS-NUMBER.jpg (quality 92); return the paths.

    Folders are made where they are missing; files of these names are replaced.
    """
    from PIL import Image

    digits = max(3, len(str(max(count - 1, 0) // len(CLASSES))))
    paths = []
    for place in range(count):
        kind, picture, _ = sample_one(place, seed, side)
        path = Path(folder) / kind / f"{kind}-{place // len(CLASSES):0{digits}d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((255 * picture + 0.5).astype(np.uint8))
        image.save(path, "JPEG", quality=92, subsampling=0)
        paths.append(path)
    return paths


def roll(kind: str, rng: Rng) -> Galaxy:
    """Return a random galaxy of a class, turned at random and a few pixels off the middle.

    Raises UsageError for an unknown class.
    """
    if kind not in CLASSES:
        hint = closest(kind, CLASSES) or f"; known are {', '.join(CLASSES)}"
        raise UsageError(f"no class of galaxies is called {kind}{hint}")
    off = rng.normal(0, 0.012, 2)
    galaxy = CLASSES[kind](rng)
    return replace(
        galaxy, position_angle=rng.uniform(0, 180), across=float(off[0]), up=float(off[1])
    )


def roll_camera(rng: Rng) -> Camera:
    """Return one of the looks that surveys have: dark and colourful, grey and noisy, deep."""
    look = LOOKS[int(rng.choice(len(LOOKS), p=[0.35, 0.35, 0.22, 0.08]))]
    return replace(
        look,
        seeing=look.seeing * rng.uniform(0.85, 1.25),
        depth=look.depth * math.exp(rng.normal(0, 0.25)),
        saturation=look.saturation * rng.uniform(0.85, 1.15),
    )


LOOKS = (
    Camera(seeing=0.020, depth=900, pedestal=0.03, saturation=1.25, stretch=0.10, grain=0.5),
    Camera(seeing=0.018, depth=700, pedestal=0.09, saturation=0.6, stretch=0.10),
    Camera(seeing=0.022, depth=6000, pedestal=0.08, saturation=0.95, stretch=0.08, grain=0.7),
    Camera(seeing=0.042, depth=800, pedestal=0.04, saturation=1.2, stretch=0.12, grain=1.4),
)
"""Near SDSS, DECaLS and GAMA/KiDS as Galaxy Zoo shows them; the last one is far away."""


def _smooth_round(rng: Rng) -> Galaxy:
    return _elliptical(rng, rng.uniform(0.88, 1.0))


def _smooth_elongated(rng: Rng) -> Galaxy:
    if rng.random() < 0.6:
        return _elliptical(rng, rng.uniform(0.38, 0.68))
    colour = rng.uniform(0.55, 0.85)  # lenticular: a disc without arms
    flux, scale = _flux(rng), rng.uniform(0.07, 0.12)
    inclination = rng.uniform(52, 70)
    bulge = Bulge(0.3 * flux, 0.4 * scale, 2.0, rng.uniform(0.6, 0.8), colour + 0.1)
    return Galaxy(bulge=bulge, disc=Disc(0.7 * flux, scale, colour=colour), inclination=inclination)


def _elliptical(rng: Rng, axis_ratio: float) -> Galaxy:
    red = rng.random() < 0.8
    index = rng.uniform(2.5, 5.0) if red else rng.uniform(1.0, 2.0)
    colour = rng.uniform(0.65, 0.95) if red else rng.uniform(0.25, 0.5)
    radius = rng.uniform(0.07, 0.16)
    return Galaxy(bulge=Bulge(1.5 * _flux(rng), radius, index, axis_ratio, colour))


def _tight_spiral(rng: Rng) -> Galaxy:
    count = int(rng.choice([2, 3, 4], p=[0.6, 0.2, 0.2]))
    return _spiral(rng, rng.uniform(8, 14), count, rng.uniform(0.12, 0.35))


def _loose_spiral(rng: Rng) -> Galaxy:
    count = int(rng.choice([2, 3], p=[0.85, 0.15]))
    return _spiral(rng, rng.uniform(22, 36), count, rng.uniform(0.04, 0.15))


def _spiral(rng: Rng, pitch: float, count: int, bulge_share: float) -> Galaxy:
    flux, scale = _flux(rng) * 1.7, rng.uniform(0.10, 0.15)
    bulge = Bulge(
        bulge_share * flux, rng.uniform(0.25, 0.4) * scale, rng.uniform(1.5, 3.5),
        rng.uniform(0.85, 1.0), rng.uniform(0.7, 0.95),
    )  # fmt: skip
    arms = Arms(
        count, _either(rng) * pitch, rng.uniform(0.35, 0.68), rng.uniform(0.3, 0.6) * scale,
        rng.uniform(0, 360), rng.uniform(0.9, 2.4), rng.uniform(0.35, 0.9), rng.uniform(0.0, 0.5),
        int(rng.integers(0, 36)), rng.uniform(0.2, 0.45),
    )  # fmt: skip
    disc = Disc((1 - bulge_share) * flux, scale, colour=rng.uniform(0.45, 0.65))
    return Galaxy(bulge=bulge, disc=disc, arms=arms, inclination=rng.uniform(0, 55))


def _barred_spiral(rng: Rng) -> Galaxy:
    galaxy = _spiral(rng, rng.uniform(12, 24), 2, rng.uniform(0.04, 0.12))
    assert galaxy.disc is not None
    assert galaxy.arms is not None
    length, angle = rng.uniform(0.85, 1.35) * galaxy.disc.scale, rng.uniform(0, 180)
    share = rng.uniform(0.14, 0.24)
    bar = Bar(
        share * galaxy.disc.flux, length, rng.uniform(0.18, 0.3), angle, rng.uniform(2.2, 3.5),
        rng.uniform(0.6, 0.85),
    )  # fmt: skip
    arms = replace(galaxy.arms, start=0.95 * length, angle=angle)
    disc = replace(galaxy.disc, flux=(1 - share) * galaxy.disc.flux)
    return replace(galaxy, bar=bar, arms=arms, disc=disc, inclination=rng.uniform(0, 48))


def _ring(rng: Rng) -> Galaxy:
    flux = _flux(rng) * 1.6
    radius = rng.uniform(0.16, 0.27)
    blue = rng.uniform(0.25, 0.55)
    bulge = Bulge(0.25 * flux, rng.uniform(0.12, 0.22) * radius, rng.uniform(1.5, 3.0),
                  rng.uniform(0.85, 1.0), rng.uniform(0.65, 0.9))  # fmt: skip
    ragged = Arms(2, _either(rng) * 12.0, 0.3, 0.6 * radius, rng.uniform(0, 360), 2.0,
                  rng.uniform(0.25, 0.7), 0.0, int(rng.integers(0, 14)), blue)  # fmt: skip
    return Galaxy(
        bulge=bulge, disc=Disc(0.35 * flux, 0.5 * radius, colour=0.6), arms=ragged,
        ring=Ring(0.4 * flux, radius, rng.uniform(0.12, 0.22) * radius, blue),
        inclination=rng.uniform(0, 55),
    )  # fmt: skip


def _edge_on_bulge(rng: Rng) -> Galaxy:
    flux, scale = 1.2 * _flux(rng), rng.uniform(0.07, 0.14)
    share = rng.uniform(0.3, 0.5)
    bulge = Bulge(share * flux, rng.uniform(0.25, 0.38) * scale, rng.uniform(1.5, 3.5),
                  rng.uniform(0.6, 0.9), rng.uniform(0.75, 0.95))  # fmt: skip
    disc = Disc((1 - share) * flux, scale, rng.uniform(0.14, 0.24), rng.uniform(0.55, 0.85))
    return Galaxy(bulge=bulge, disc=disc, dust=_layer(rng, scale, 0.7),
                  inclination=rng.uniform(86, 90))  # fmt: skip


def _edge_on_disc(rng: Rng) -> Galaxy:
    scale = rng.uniform(0.06, 0.14)
    disc = Disc(0.7 * _flux(rng), scale, rng.uniform(0.14, 0.30), rng.uniform(0.3, 0.75))
    return Galaxy(disc=disc, dust=_layer(rng, scale, 0.35), inclination=rng.uniform(87, 90))


def _layer(rng: Rng, scale: float, likely: float) -> Dust | None:
    if rng.random() > likely:
        return None
    return Dust(rng.uniform(2.0, 6.0), rng.uniform(0.8, 1.3) * scale,
                rng.uniform(0.07, 0.13) * scale, rng.uniform(0.5, 0.8))  # fmt: skip


def _flux(rng: Rng) -> float:
    """Return the light of a galaxy: bright ones are rarer."""
    return float(0.035 * math.exp(rng.uniform(-0.9, 0.7)))


def _either(rng: Rng) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


CLASSES: dict[str, Callable[[Rng], Galaxy]] = {
    "smooth_round": _smooth_round,
    "smooth_elongated": _smooth_elongated,
    "tight_spiral": _tight_spiral,
    "loose_spiral": _loose_spiral,
    "barred_spiral": _barred_spiral,
    "ring": _ring,
    "edge_on_bulge": _edge_on_bulge,
    "edge_on_disc": _edge_on_disc,
}
"""The classes and how a galaxy of each is made."""
