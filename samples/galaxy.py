"""One galaxy: its physical parameters, and the light that reaches us from each place of it.

Lengths are fractions of the picture's side, so that a galaxy is the same at every size; angles are
degrees; light is linear. A `flux` is light summed over the picture, where 1 is a surface brightness
of 1 all over it; in a survey's display 1 is bright and 3 is white.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .profiles import (
    arm_crest,
    arm_phase,
    disc,
    disc_from_the_side,
    ferrers_bar,
    layers,
    ring,
    sersic,
    single,
)

Field = NDArray[np.float32]

EDGE_ON_FROM = 80.0
"""Degrees of inclination; from here on a disc is drawn from the side, with its thickness."""
EXTINCTION = np.array([0.55, 0.72, 1.0], dtype=np.float32)
"""What dust takes from R, G, B (here i, r, g) relative to g: A_i : A_r : A_g of SDSS (Schlegel,
Finkbeiner & Davis 1998, table 6, for a law with R_V = 3.1)."""
_NEUTRAL = 0.55
"""Colour g - r, magnitudes, that is shown white."""
_TEXTURE = (11, 28)
"""Cells on a side of the two grids that irregularities are drawn on."""


@dataclass(frozen=True, slots=True)
class Bulge:
    """A Sersic profile; also a whole elliptical galaxy. `radius` holds half of its light."""

    flux: float
    radius: float
    index: float = 4.0
    axis_ratio: float = 1.0
    colour: float = 0.8
    """g - r in magnitudes: 0.2 is blue and young, 0.9 red and old."""


@dataclass(frozen=True, slots=True)
class Disc:
    """An exponential disc: `scale` is the length over which it falls to 1/e."""

    flux: float
    scale: float
    thickness: float = 0.15
    """Height z0 of its sech^2 layers as a share of `scale`; seen edge-on only."""
    colour: float = 0.55


@dataclass(frozen=True, slots=True)
class Arms:
    """Logarithmic spiral arms, made of the disc's light."""

    count: int = 2
    pitch: float = 15.0
    """Degrees between arm and circle; negative winds the other way."""
    strength: float = 0.6
    """Share of the disc's light that the arms gather, 0..1."""
    start: float = 0.05
    """Radius at which they begin."""
    angle: float = 0.0
    """Where they begin, degrees from the major axis, in the plane of the disc."""
    sharpness: float = 2.5
    """Concentration of the von Mises profile across an arm: 1 is a wave, 5 a thin arm."""
    raggedness: float = 0.0
    """How far they wander and how patchy they are: 0 is perfect, 1 is flocculent."""
    dust: float = 0.0
    """Optical depth in g of the lanes along their inner edges."""
    knots: int = 0
    """Star-forming regions along the arms."""
    colour: float = 0.3


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in the disc's plane: `length` is from the middle to its end."""

    flux: float
    length: float
    axis_ratio: float = 0.3
    angle: float = 0.0
    """Degrees from the major axis, in the plane of the disc."""
    boxiness: float = 3.0
    colour: float = 0.75


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring in the disc's plane."""

    flux: float
    radius: float
    width: float
    colour: float = 0.3


@dataclass(frozen=True, slots=True)
class Dust:
    """A layer of dust in the plane of a disc seen edge-on."""

    depth: float = 1.0
    """Optical depth in g through the middle."""
    scale: float = 0.12
    height: float = 0.008
    before: float = 0.6
    """Share of the light that comes from behind it."""


@dataclass(frozen=True, slots=True)
class Galaxy:
    """A galaxy as seen from here."""

    bulge: Bulge | None = None
    disc: Disc | None = None
    arms: Arms | None = None
    bar: Bar | None = None
    ring: Ring | None = None
    dust: Dust | None = None
    inclination: float = 0.0
    """Degrees: 0 is seen from above, 90 edge-on. Of disc, arms, bar and ring; a bulge has its own
    axis ratio."""
    position_angle: float = 0.0
    """Degrees of the major axis from the picture's rows, anticlockwise."""
    across: float = 0.0
    """Offset of its middle from the picture's, to the right."""
    up: float = 0.0

    @property
    def axis_ratio(self) -> float:
        """Return the axis ratio of the disc's ellipses, cos(inclination)."""
        return math.cos(math.radians(self.inclination))


class Plane(NamedTuple):
    """Where each pixel lies: along and across the major axis, and within the disc."""

    along: Field
    across: Field
    radius: Field
    angle: Field
    area: np.float32
    """Area of the pixel in the plane of the disc; divides no brightness, multiplies light."""
    side: int


def light(galaxy: Galaxy, side: int, *, seed: int = 0, margin: int = 0) -> Field:
    """Return a galaxy's surface brightness, linear, before air, telescope and camera.

    seed: of its irregularities and knots. margin: pixels added around the picture.
    Returns (side + 2 margin, side + 2 margin, 3) float32 of R, G, B, the first row the upper one.
    """
    rng = np.random.default_rng([seed, 1])
    plane = _plane(galaxy, side, margin)
    total = np.zeros((*plane.along.shape, 3), np.float32)
    if galaxy.disc is not None:
        if galaxy.inclination >= EDGE_ON_FROM:
            _add(total, _from_the_side(galaxy, galaxy.disc, plane), galaxy.disc.colour)
        elif galaxy.arms is None:
            _add(total, _flat(galaxy, disc(plane.radius, galaxy.disc.scale), galaxy.disc.flux),
                 galaxy.disc.colour)  # fmt: skip
        else:
            total += _disc_with_arms(galaxy, galaxy.disc, galaxy.arms, plane, rng, margin)
    if galaxy.ring is not None:
        around = ring(plane.radius, galaxy.ring.radius, galaxy.ring.width)
        if galaxy.arms is not None:
            around *= _patches(plane, rng, galaxy.arms.raggedness)
        _add(total, _flat(galaxy, around, galaxy.ring.flux), galaxy.ring.colour)
    if galaxy.bar is not None:
        _add(total, _bar(galaxy, galaxy.bar, plane), galaxy.bar.colour)
    if galaxy.bulge is not None:
        _add(total, _bulge(galaxy.bulge, plane), galaxy.bulge.colour)
    if galaxy.dust is not None:
        total *= _lane(galaxy.dust, galaxy, plane)
    return total


def colour_weights(colour: float) -> Field:
    """Return R, G, B (here i, r, g) of mean 1 for a colour g - r in magnitudes.

    r - i is taken as half of g - r, about what galaxies of every type have.
    """
    weights = 10 ** (0.4 * (colour - _NEUTRAL) * np.array([1.5, 1.0, 0.0]))
    return np.asarray(weights / weights.mean(), np.float32)


def _plane(galaxy: Galaxy, side: int, margin: int) -> Plane:
    pixels = (np.arange(-margin, side + margin, dtype=np.float32) + 0.5) / side - 0.5
    x = (pixels - np.float32(galaxy.across))[None, :]
    y = (-pixels - np.float32(galaxy.up))[:, None]
    turn = math.radians(galaxy.position_angle)
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    along, across = single(x * cosine + y * sine), single(y * cosine - x * sine)
    deep = across / np.float32(max(galaxy.axis_ratio, 0.02))
    return Plane(
        along, across, np.hypot(along, deep), np.arctan2(deep, along), np.float32(1 / side**2), side
    )


def _add(total: Field, brightness: Field, colour: float) -> None:
    for channel, weight in enumerate(colour_weights(colour)):
        total[..., channel] += weight * brightness


def _flat(galaxy: Galaxy, profile: Field, flux: float) -> Field:
    """Return a profile of the disc's plane as seen from here: squeezed, so brighter."""
    return single(profile * np.float32(flux / galaxy.axis_ratio))


def _bulge(bulge: Bulge, plane: Plane) -> Field:
    """Return a Sersic profile; the pixels of its steep middle are averaged over finer ones."""
    share = np.float32(bulge.flux / bulge.axis_ratio)
    squeeze = np.float32(1 / bulge.axis_ratio)
    profile = sersic(np.hypot(plane.along, plane.across * squeeze), bulge.radius, bulge.index)
    row, column = np.unravel_index(
        np.argmin(np.hypot(plane.along, plane.across)), plane.along.shape
    )
    near = (slice(max(row - 4, 0), row + 5), slice(max(column - 4, 0), column + 5))
    fine = 9
    step = (np.arange(fine, dtype=np.float32) + 0.5) / fine - 0.5
    # a square of steps turned with the axes would be exact; unturned differs by less than 1 %
    along = plane.along[near][..., None, None] + step[:, None] / plane.side
    across = plane.across[near][..., None, None] + step[None, :] / plane.side
    inner = sersic(np.hypot(along, across * squeeze), bulge.radius, bulge.index)
    profile[near] = inner.mean(axis=(2, 3))
    return single(profile * share)


def _bar(galaxy: Galaxy, bar: Bar, plane: Plane) -> Field:
    turned = plane.angle - np.float32(math.radians(bar.angle))
    profile = ferrers_bar(
        plane.radius * np.cos(turned), plane.radius * np.sin(turned), bar.length, bar.axis_ratio,
        boxiness=bar.boxiness,
    )  # fmt: skip
    return _flat(galaxy, profile, bar.flux)


def _from_the_side(galaxy: Galaxy, disc: Disc, plane: Plane) -> Field:
    """Return a disc edge-on; a slight tilt adds to its height, as the root of the squares."""
    height = disc.scale * math.hypot(disc.thickness, 0.7 * galaxy.axis_ratio)
    profile = disc_from_the_side(plane.along, plane.across, disc.scale, height)
    return single(profile * np.float32(disc.flux))


def _lane(dust: Dust, galaxy: Galaxy, plane: Plane) -> Field:
    """Return what the dust lets through, in R, G, B: the light before it is not dimmed."""
    shifted = plane.across - np.float32(0.5 * dust.scale * galaxy.axis_ratio)
    depth = np.exp(-np.abs(plane.along) / np.float32(dust.scale))
    depth *= layers(shifted, dust.height)
    through = np.exp(-depth[..., None] * (np.float32(dust.depth) * EXTINCTION))
    return single(1 - np.float32(dust.before) * (1 - through))


def _disc_with_arms(
    galaxy: Galaxy, disc_: Disc, arms: Arms, plane: Plane, rng: np.random.Generator, margin: int
) -> Field:
    """Return a disc whose young light is gathered into arms, with lanes of dust and knots."""
    phase = arm_phase(
        plane.radius, plane.angle - np.float32(math.radians(arms.angle)), arms.pitch, arms.start
    )
    if arms.raggedness > 0:
        phase = phase + np.float32(0.8 * arms.raggedness / arms.count) * _texture(plane, rng, 9)
    grown = np.clip((plane.radius / np.float32(arms.start) - 0.5) / 0.8, 0, 1)
    share = np.float32(arms.strength) * grown
    even = disc(plane.radius, disc_.scale)
    young = even * share * arm_crest(phase, arms.count, arms.sharpness)
    young *= _patches(plane, rng, arms.raggedness)
    total = np.zeros((*even.shape, 3), np.float32)
    _add(total, _flat(galaxy, even * (1 - share), disc_.flux), disc_.colour)
    _add(total, _flat(galaxy, young, disc_.flux), arms.colour)
    if arms.dust > 0:
        # lanes lie at the concave side of an arm, a third of the way to the middle of the gap
        inner = phase + np.float32(math.copysign(0.9 / arms.count, arms.pitch))
        lane = grown * arm_crest(inner, arms.count, 6.0) / 6
        total *= np.exp(-lane[..., None] * (np.float32(arms.dust) * EXTINCTION))
    if arms.knots > 0:
        _add_knots(total, galaxy, disc_, arms, rng, plane.side, margin)
    return total


def _add_knots(
    total: Field,
    galaxy: Galaxy,
    disc_: Disc,
    arms: Arms,
    rng: np.random.Generator,
    side: int,
    margin: int,
) -> None:
    """Put star-forming regions, smaller than a pixel, along the arms."""
    n = arms.knots
    radius = arms.start + disc_.scale * rng.gamma(2.0, 0.8, n)
    winding = np.log(radius / arms.start) / math.tan(math.radians(arms.pitch))
    angle = (
        math.radians(arms.angle)
        + winding
        + math.tau / arms.count * rng.integers(arms.count, size=n)
    )
    angle += rng.normal(0, 0.5 / arms.count / math.sqrt(arms.sharpness), n)
    along, deep = radius * np.cos(angle), radius * np.sin(angle) * galaxy.axis_ratio
    turn = math.radians(galaxy.position_angle)
    x = galaxy.across + along * math.cos(turn) - deep * math.sin(turn)
    y = galaxy.up + along * math.sin(turn) + deep * math.cos(turn)
    flux = 0.07 * arms.strength * disc_.flux * rng.dirichlet(np.full(n, 1.0))
    flux *= np.exp(-np.maximum(radius - 3 * disc_.scale, 0) / disc_.scale)
    pink = rng.random(n) < 0.4  # H alpha lies in r or i; other knots are bluish clusters
    tint = np.where(pink[:, None], [1.3, 0.75, 0.95], [0.8, 0.97, 1.23])
    scatter(total, x, y, flux[:, None] * tint, side, margin)


def scatter(
    total: Field,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    side: int,
    margin: int,
) -> None:
    """Add points of light, each shared by the four pixels around it.

    x, y: (n,) to the right of and above the middle, as shares of the side. flux: (n, 3).
    """
    column = (x + 0.5) * side - 0.5 + margin
    row = (0.5 - y) * side - 0.5 + margin
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - (row - top)) * np.abs(1 - right - (column - left))
            r, c = top + down, left + right
            inside = (r >= 0) & (c >= 0) & (r < total.shape[0]) & (c < total.shape[1])
            points = (weight[:, None] * flux * side**2)[inside].astype(np.float32)
            np.add.at(total, (r[inside], c[inside]), points)


def _patches(plane: Plane, rng: np.random.Generator, raggedness: float) -> Field:
    """Return a factor of mean about 1 that makes light patchy: log-normal."""
    if raggedness <= 0:
        return np.ones((1, 1), np.float32)
    spread = np.float32(0.7 * raggedness)
    coarse, fine = (_texture(plane, rng, cells) for cells in _TEXTURE)
    return single(np.exp(spread * (0.6 * coarse + 0.8 * fine) - spread**2 / 2))


def _texture(plane: Plane, rng: np.random.Generator, cells: int) -> Field:
    """Return a smooth random field of variance about 1, the same at every size of the picture."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    n = plane.along.shape[0]
    places = (np.arange(n, dtype=np.float32) + 0.5) / n * cells - 0.5
    weights = np.exp(-0.5 * ((places[:, None] - np.arange(cells)) / np.float32(0.6)) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    field: Field = weights @ grid @ weights.T
    return field
