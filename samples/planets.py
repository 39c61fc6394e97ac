"""What the simulated telescope looks at: planets that turn, the Moon, any picture."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .moon import draw_moon
from .surfaces import giant_map, rocky_map

Field = NDArray[np.float32]
Picture = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

KINDS = ("giant", "rocky", "moon")
"""The objects drawn here."""

LIMB = 6
"""Pixels from the limb inside which a surface is judged."""

_FINE = 4
"""Points of a drawing along each side of a pixel of the canvas."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """An object as it would be seen without air and telescope, on a canvas of two frames' width.

    light: (side, side, 3) float32, R, G, B, linear, 0 to about 1. interior: (side, side), where
    the surface is judged: lit, and 6 pixels or more from the limb.
    """

    light: Field
    interior: NDArray[np.bool_]


class Body(Protocol):
    """Something to look at. surface: it fills the frame, there is no limb in sight."""

    surface: bool

    def scene(self, longitude: float) -> Scene:
        """Return it turned by so many degrees: what was on the left comes to the middle."""


def body_of(what: str | Picture, seed: int = 0, size: int = 128) -> Body:
    """Return the object of that name, or made of a picture, for frames of `size` pixels.

    Raises UsageError for unknown names, and pictures that hold nothing.
    """
    if not isinstance(what, str):
        return Still(what, size)
    if what == "moon":
        return Still(draw_moon(seed, 2 * size), size, framed=True)
    if what not in KINDS:
        raise UsageError(f"no object is called {what}; known are {', '.join(KINDS)}")
    if what == "giant":
        return Globe(
            giant_map(seed), size, radius=44 / 128 * size, flattening=41 / 44, tilt=2.5,
            darkening=0.93, sun=6.0,
        )  # fmt: skip
    return Globe(
        rocky_map(seed), size, radius=38 / 128 * size, tilt=-19.0, roll=-9.0, darkening=0.72,
        sun=33.0, haze=(0.07, 0.10, 0.15),
    )  # fmt: skip


class Globe:
    """A map wrapped on a sphere and lit by a sun: a planet that can be turned.

    surface_map: (height, width, 3) float32, linear light, the north pole on top, longitudes from
    0 on the left rising to the right. radius: of the equator, pixels. flattening: polar by
    equatorial radius. tilt: degrees by which the north pole leans to the observer. roll: degrees
    by which north is turned to the left. darkening: Minnaert's exponent k, brightness
    mu0^k mu^(k-1) (Minnaert 1941, ApJ 93, 403). sun: degrees from the observer, on the left.
    haze: light of an atmosphere at the limb.
    """

    surface = False

    def __init__(
        self, surface_map: Field, size: int, *, radius: float, flattening: float = 1.0,
        tilt: float = 0.0, roll: float = 0.0, darkening: float = 1.0, sun: float = 0.0,
        haze: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:  # fmt: skip
        self._map = surface_map
        self._side = 2 * size
        fine = self._side * _FINE
        steps = (np.arange(fine) + 0.5) / _FINE - size
        turn = math.radians(roll)
        across = (math.cos(turn) * steps + math.sin(turn) * steps[:, None]) / radius
        up = (math.sin(turn) * steps - math.cos(turn) * steps[:, None]) / (radius * flattening)
        self._here = np.flatnonzero(across**2 + up**2 < 1)
        x, y = across.ravel()[self._here], up.ravel()[self._here]
        towards = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
        lean = math.radians(tilt)
        self._latitude = np.arcsin(
            np.clip(math.cos(lean) * y + math.sin(lean) * towards, -1, 1)
        ).astype(np.float32)
        deep = math.cos(lean) * towards - math.sin(lean) * y
        self._longitude = np.degrees(np.arctan2(x, deep)).astype(np.float32)
        far = math.radians(sun)
        lit = np.maximum(math.cos(far) * towards - math.sin(far) * x, 0)
        self._shade = _minnaert(lit, towards, darkening)
        edge = ((1 - towards) ** 3 * np.sqrt(lit))[:, None]
        self._haze = (edge * np.array(haze)).astype(np.float32)
        mask = np.zeros(fine * fine, np.float32)
        mask[self._here] = lit > 0.15
        self._interior = _inside(self._shrink(mask[:, None])[..., 0] > 0.99)

    def scene(self, longitude: float) -> Scene:
        """Return the planet with this longitude on its central meridian."""
        from scipy.ndimage import map_coordinates

        height, width = self._map.shape[:2]
        rows = (0.5 - self._latitude / np.float32(np.pi)) * height - 0.5
        columns = ((self._longitude + np.float32(longitude % 360)) / 360 % 1) * width - 0.5
        places = np.stack([np.clip(rows, 0, height - 1), columns])
        fine = np.zeros(((self._side * _FINE) ** 2, 3), np.float32)
        for plane in range(3):
            seen = map_coordinates(
                self._map[..., plane], places, np.float32, order=1, mode="grid-wrap"
            )
            fine[self._here, plane] = seen * self._shade + self._haze[:, plane]
        return Scene(self._shrink(fine), self._interior)

    def _shrink(self, fine: Field) -> Field:
        """Return the means over the points of each pixel: (side, side, planes)."""
        shape = (self._side, _FINE, self._side, _FINE, -1)
        return np.asarray(fine.reshape(shape).mean(axis=(1, 3)), np.float32)


class Still:
    """A picture as object. It can't turn: it is moved sideways instead, not at all if framed.

    picture: (height, width) or (height, width, 3), any range; light that is linear. One whose
    border is dark is a planet: it is set in the dark, as wide as fits the frame. Others are
    surfaces and fill the canvas, mirrored at their borders. framed: it is a canvas already.
    Raises UsageError when there is nothing in it.
    """

    def __init__(self, picture: Picture, size: int, *, framed: bool = False) -> None:
        if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
            raise UsageError(f"an object is (h, w) or (h, w, 3), not {picture.shape}")
        light = np.asarray(picture, np.float32)
        light = np.repeat(light[..., None], 3, 2) if light.ndim == 2 else light
        low, high = float(light.min(initial=0)), float(light.max(initial=0))
        if not (math.isfinite(low) and math.isfinite(high) and high > 0 and min(light.shape) > 1):
            raise UsageError("there is nothing to see in the picture that is to be the object")
        light = np.clip(light / np.float32(high), 0, 1)
        border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean()
        self.surface = framed or bool(border > 0.15 * np.quantile(light.mean(axis=2), 0.99))
        if not framed:
            light = _fill(light, 2 * size) if self.surface else _set(light, size)
        if self.surface:
            inside = np.zeros(light.shape[:2], bool)
            cut = slice(size // 2 + LIMB, size // 2 + size - LIMB)
            inside[cut, cut] = True
        else:
            grey = light.mean(axis=2)
            inside = _inside(_whole(grey > 0.2 * np.quantile(grey[grey > 0], 0.99)))
            if not inside.any():
                raise UsageError("the object in the picture is too small to be judged inside")
        self._scene = Scene(light, inside)

    def scene(self, longitude: float) -> Scene:
        """Return the picture, whatever the longitude: what is behind it nobody knows."""
        del longitude
        return self._scene


def _minnaert(lit: NDArray[np.float64], towards: NDArray[np.float64], k: float) -> Field:
    """Return mu0^k mu^(k-1); at the limb of a lit edge mu is kept from zero."""
    return np.asarray(lit**k * np.maximum(towards, 0.05) ** (k - 1), np.float32)


def _inside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what is `LIMB` pixels or more from what is outside."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(mask) > LIMB)


def _whole(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest piece of a mask, its holes filled."""
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(mask)
    if count:
        mask = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    return np.asarray(binary_fill_holes(mask))


def _scaled(light: Field, factor: float) -> Field:
    """Return a picture enlarged; shrunk, it is blurred first so that nothing is folded."""
    from scipy.ndimage import gaussian_filter, zoom

    if factor < 1:
        sigma = 0.5 * math.sqrt(1 / factor**2 - 1)
        light = gaussian_filter(light, (sigma, sigma, 0), mode="nearest")
    scaled = zoom(light, (factor, factor, 1), order=1, mode="nearest", grid_mode=True)
    return np.asarray(scaled, np.float32)


def _set(light: Field, size: int) -> Field:
    """Return a picture in the middle of a dark canvas, what shines in it 0.7 frames wide."""
    grey = light.mean(axis=2)
    mask = _whole(grey > 0.1 * grey.max())
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    light = light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    light = _scaled(light, 0.7 * size / max(light.shape[:2]))
    canvas = np.zeros((2 * size, 2 * size, 3), np.float32)
    top, left = ((2 * size - length) // 2 for length in light.shape[:2])
    canvas[top : top + light.shape[0], left : left + light.shape[1]] = light
    return canvas


def _fill(light: Field, side: int) -> Field:
    """Return a picture that fills a canvas: its shorter side is one frame, the rest mirrored."""
    light = _scaled(light, side / 2 / min(light.shape[:2]))
    for axis in (0, 1):
        length = light.shape[axis]
        if length > side:
            start = (length - side) // 2
            light = np.take(light, np.arange(start, start + side), axis)
        else:
            before = (side - length) // 2
            steps = (np.arange(side) - before) % (2 * length)
            light = np.take(light, np.minimum(steps, 2 * length - 1 - steps), axis)
    return np.ascontiguousarray(light)
