"""A night at the telescope, simulated: videos of a planet through turbulent air, with the truth.

Everything comes from the seeds, and the same frames come out however they are asked for: work is
done in batches that lie at fixed frame numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .atmosphere import Air, point_spreads, strehl
from .optics import Optics
from .planets import KINDS, Body, Picture, body_of
from .sensor import Sensor, Settings

Field = NDArray[np.float32]
Frames = NDArray[np.uint8] | NDArray[np.uint16]
Pattern = Literal["RGGB", "GRBG", "GBRG", "BGGR"]
PATTERNS: tuple[Pattern, ...] = ("RGGB", "GRBG", "GBRG", "BGGR")

SPOILT = ("sliced", "cut", "duplicate")
"""What may be done to a frame."""

TURN_STEP = 0.1
"""Degrees between two drawings of a turning planet: 0.07 pixels in the middle of a disc of 80."""

_NODES = (-0.75, -0.375, 0.0, 0.375, 0.75)
"""Where point spreads are known when they vary over the field, in half frames from its middle."""


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """How a video is taken. Defaults: a banded giant, as good as 20 cm in fair seeing show it.

    object: giant, rocky, moon, or a picture (height, width) or (height, width, 3) of any range.
    size: pixels of a frame's side. seeing: median of D / r0. light: electrons in the brightest
    pixel of a sharp picture. drift: pixels that the mount errs from frame to frame (each axis,
    standard deviation). transparency: standard deviation of its slow part. wind: pupils that the
    air moves from frame to frame. rate: frames a second. rotation: degrees an hour; longitude:
    degrees by which the planet is turned at the start. height: pupils by which the sight of the
    upper and the lower edge of the frame differ in the high layer; above 0 every part of the
    frame has its own point spread. sliced, cut, duplicates: how many frames are spoilt so.
    key_interval: frames from one key frame of a compressed film to the next; 0 is uncompressed.
    noise: False leaves photons and electronics out, and nothing is rounded away but to the depth.
    seed: of air, mount and noise. drawing: seed of the object.
    Raises UsageError for values that mean nothing.
    """

    object: str | Picture = "giant"
    frames: int = 600
    size: int = 128
    seeing: float = 5.5
    light: float = 10000.0
    seed: int = 0
    drawing: int = 0
    drift: float = 0.25
    transparency: float = 0.03
    wind: float = 0.5
    depth: Literal[8, 12, 16] = 8
    rate: float = 100.0
    start: str = "2026-03-20T21:00:00"
    longitude: float = 0.0
    rotation: float = 0.0
    height: float = 0.0
    colour: bool = False
    bayer: Pattern | None = None
    gamma: float = 1.0
    hot_pixels: int = 0
    key_interval: int = 0
    sliced: int = 0
    cut: int = 0
    duplicates: int = 0
    noise: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.object, str) and self.object not in KINDS:
            raise UsageError(f"no object is called {self.object}; known are {', '.join(KINDS)}")
        for name, low, high in _BOUNDS:
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} is {low:g} to {high:g}, not {getattr(self, name)}")
        if self.size % 16:
            raise UsageError(f"size is a multiple of 16, not {self.size}")
        if self.depth not in (8, 12, 16):
            raise UsageError(f"depth is 8, 12 or 16, not {self.depth}")
        if self.bayer and (self.colour or self.bayer not in PATTERNS):
            raise UsageError("a mosaic is RGGB, GRBG, GBRG or BGGR, and excludes colour")
        if self.sliced + self.cut + self.duplicates >= max(self.frames, 1):
            raise UsageError("more frames would be spoilt than there are")
        try:
            known = not np.isnat(self.times(np.arange(1))[0])
        except ValueError:
            known = False
        if not known:
            raise UsageError(f"start is a time like 2026-03-20T21:00:00, not {self.start}")

    def times(self, numbers: NDArray[np.int64] | None = None) -> NDArray[np.datetime64]:
        """Return when frames (all, when None) were taken: (n,) datetime64[us]."""
        numbers = np.arange(self.frames) if numbers is None else numbers
        since = np.rint(np.asarray(numbers) * (1e6 / self.rate)).astype("timedelta64[us]")
        return np.asarray(np.datetime64(self.start.removesuffix("Z"), "us") + since)


_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("frames", 0, 10_000_000), ("size", 64, 1024), ("seeing", 0.05, 30), ("light", 1, 1e7),
    ("drift", 0, 20), ("transparency", 0, 0.5), ("wind", 0, 10), ("rate", 1e-3, 1e5),
    ("seed", 0, 2**62), ("drawing", 0, 2**62), ("longitude", -1e6, 1e6), ("rotation", -1e5, 1e5),
    ("height", 0, 10), ("gamma", 0.2, 5), ("hot_pixels", 0, 4096), ("key_interval", 0, 1000),
    ("sliced", 0, 1e6), ("cut", 0, 1e6), ("duplicates", 0, 1e6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of frames; each field (n,), float32 but for the first and the last.

    fidelity: correlation of the noise-free frame, registered, with the object as drawn, over the
    whole frame. interior: the same inside the disc, 6 pixels from the limb (of a surface: 6 pixels
    from the frame's border). strehl: without tilt, at the middle of the field. seeing: D / r0.
    shift_x, shift_y: pixels by which the object stands to the right and below the middle.
    transparency: 1 is the night's mean. done: "", "sliced", "cut" or "duplicate"; all else is of
    the frame as it was before that.
    """

    number: NDArray[np.int64]
    fidelity: Field
    interior: Field
    strehl: Field
    seeing: Field
    shift_x: Field
    shift_y: Field
    transparency: Field
    done: NDArray[np.str_]

    def __len__(self) -> int:
        """Return of how many frames it tells."""
        return len(self.number)

    def __getitem__(self, which: slice | NDArray[np.int64] | NDArray[np.bool_]) -> "Truth":
        """Return the truth of some of its frames."""
        return Truth(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @staticmethod
    def joined(parts: list["Truth"]) -> "Truth":
        """Return several as one."""
        return Truth(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Truth)
            }
        )


def simulate(night: Night, *, chunk: int = 64) -> Iterator[tuple[Frames, Truth]]:
    """Yield a night's frames in order, with their truth, `chunk` at a time (the last: the rest).

    Frames are (n, size, size), or (n, size, size, 3) in colour (red, green, blue), uint8 at depth
    8, else uint16 with white at 2**depth - 1. Memory stays bounded however long the night is.
    The first frames are the same bytes for every number of frames (unless some are spoilt: which,
    is drawn over the whole night) and every chunk.
    """
    if chunk < 1:
        raise UsageError(f"a chunk has at least one frame, not {chunk}")
    frames: list[Frames] = []
    truths: list[Truth] = []
    held = 0
    for taken, truth in _batches(night):
        frames.append(taken)
        truths.append(truth)
        held += len(truth)
        while held >= chunk:
            joined, known = _joined(frames), Truth.joined(truths)
            yield joined[:chunk], known[:chunk]
            frames, truths, held = [joined[chunk:]], [known[chunk:]], held - chunk
    if held:
        yield _joined(frames), Truth.joined(truths)


def simulated(night: Night) -> tuple[Frames, Truth]:
    """Return a whole night at once: all its frames in one array, and their truth."""
    parts = list(simulate(night))
    if not parts:
        raise UsageError("a night without frames")
    return _joined([frames for frames, _ in parts]), Truth.joined([truth for _, truth in parts])


def _joined(parts: list[Frames]) -> Frames:
    return cast(Frames, np.concatenate(parts))


def _batches(night: Night) -> Iterator[tuple[Frames, Truth]]:
    # 32 frames of 128: the arrays of a batch then take some 10 MB each
    batch = max(1, min(32, 2 ** int(math.log2(32 * (128 / night.size) ** 2))))
    body = body_of(night.object, night.drawing, night.size)
    telescope = _Telescope(night, body)
    sensor = Sensor(_settings(night, surface=body.surface), night.seed)
    weather = _Weather(night, surface=body.surface)
    spoilt = _spoilt(night)
    last: Truth | None = None
    for first in range(0, night.frames, batch):
        numbers = np.arange(first, first + batch)
        done = np.array([spoilt.get(int(n), "") for n in numbers], "U9")
        sky = weather.next(batch, done == "cut")
        light, truth = telescope.look(numbers, sky, done)
        frames = sensor.expose(light, truth.transparency, first, done)
        for place in np.flatnonzero(done == "duplicate"):
            _repeat(truth, int(place), last)
        last = truth[-1:]
        keep = slice(0, night.frames - first)
        yield frames[keep], truth[keep]


def _repeat(truth: Truth, place: int, before: Truth | None) -> None:
    """Let a duplicate's truth be that of the frame before it, but for number and what was done."""
    for field in fields(truth):
        if field.name not in ("number", "done"):
            values = getattr(truth, field.name)
            values[place] = values[place - 1] if place else getattr(before, field.name)[0]


def _settings(night: Night, *, surface: bool) -> Settings:
    return Settings(
        light=night.light, depth=night.depth, gamma=night.gamma, bayer=night.bayer,
        hot_pixels=night.hot_pixels, key_interval=night.key_interval, noise=night.noise,
        size=night.size, surface=surface,
    )  # fmt: skip


def _spoilt(night: Night) -> dict[int, str]:
    """Return what is done to which frames; never to the first, which nothing precedes."""
    counts = (night.sliced, night.cut, night.duplicates)
    kinds = [kind for kind, count in zip(SPOILT, counts, strict=True) for _ in range(count)]
    rng = np.random.default_rng([night.seed, 5])
    numbers = rng.choice(np.arange(1, max(night.frames, 2)), len(kinds), replace=False)
    return dict(zip(numbers.tolist(), kinds, strict=True))


@dataclass(frozen=True, slots=True)
class _Sky:
    """Of some frames: D / r0, transparency, and the mount's (n, 2) shifts down and right."""

    seeing: Field
    transparency: Field
    shifts: NDArray[np.float64]


class _Weather:
    """What changes slowly: seeing, transparency, pointing. Asked for frame after frame."""

    def __init__(self, night: Night, *, surface: bool) -> None:
        self._night = night
        self._surface = surface
        # planets stay in the frame; a surface is larger than it, and may wander further
        self._reach = night.size * (14 if surface else 9) / 128
        self._rng = np.random.default_rng([night.seed, 2])
        self._log_seeing, self._slow = self._rng.normal(0, (0.28, night.transparency))
        # the observer began with the object near the middle
        self._walk = self._rng.uniform(-self._reach / 3, self._reach / 3, 2)
        angle = self._rng.uniform(0, 2 * np.pi)
        self._trend = 0.04 * night.drift * np.array([np.sin(angle), np.cos(angle)])

    def next(self, count: int, cut: NDArray[np.bool_]) -> _Sky:
        """Return the next frames' sky; of those that are cut, the object half out of the frame."""
        dice = self._rng.standard_normal((count, 5))
        aside = self._rng.uniform(0, 2 * np.pi, count)
        seeing, transparency = np.empty((2, count))
        shifts = np.empty((count, 2))
        for row in range(count):
            # first-order processes: standard deviation 0.28, memory 40 frames; and 400 frames
            self._log_seeing = _remember(self._log_seeing, 40, 0.28 * dice[row, 0])
            self._slow = _remember(self._slow, 400, self._night.transparency * dice[row, 1])
            self._walk = self._walk + self._trend + self._night.drift * dice[row, 2:4]
            seeing[row] = self._night.seeing * math.exp(self._log_seeing)
            # scintillation is half as large as the slow part: 1.5 % beside 3 %
            twinkle = 1 + 0.5 * self._night.transparency * dice[row, 4]
            transparency[row] = max(0.05, (1 + self._slow) * twinkle)
            shifts[row] = _fold(self._walk, self._reach)
            if cut[row] and not self._surface:
                away = 0.45 * self._night.size
                shifts[row] = away * np.array([np.sin(aside[row]), np.cos(aside[row])])
        return _Sky(seeing.astype(np.float32), transparency.astype(np.float32), shifts)


def _remember(before: float, memory: float, dice: float) -> float:
    """Return the next value of a first-order process whose dice have its standard deviation."""
    kept = math.exp(-1 / memory)
    return kept * before + math.sqrt(1 - kept**2) * dice


def _fold(walk: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Return a walk reflected at +-reach: as an observer guides the planet back."""
    return np.asarray(np.abs((walk - reach) % (4 * reach) - 2 * reach) - reach)


class _Telescope:
    """Air, optics and object together: noise-free frames and their truth."""

    def __init__(self, night: Night, body: Body) -> None:
        self._night = night
        self._body = body
        self._air = Air(night.seed, night.wind)
        self._optics = Optics(night.size, _NODES if night.height else None)
        self._planes = slice(1, 4) if night.colour or night.bayer else slice(0, 1)
        self._white = 0.0
        self._aim(0)

    def _aim(self, step: int) -> None:
        """Turn the object to a multiple of TURN_STEP; the exposure stays that of the start."""
        self._step = step
        scene = self._body.scene(self._night.longitude + step * TURN_STEP)
        self._optics.aim(scene.light, scene.interior)
        self._white = self._white or self._optics.sharpest(self._planes)

    def look(
        self, numbers: NDArray[np.int64], sky: _Sky, done: NDArray[np.str_]
    ) -> tuple[Field, Truth]:
        """Return light (n, size, size, planes), 1 the brightest of a sharp picture, and truth."""
        night = self._night
        strength = (sky.seeing ** np.float32(5 / 6))[:, None, None]
        phase = self._air.phase(numbers) * strength
        if night.height:
            spreads = np.stack(
                [
                    point_spreads(strength * self._air.phase(numbers, aside=(
                        night.height * down / 2, night.height * right / 2
                    )))
                    for down in _NODES for right in _NODES
                ]
            )  # fmt: skip
        else:
            spreads = point_spreads(phase)[None]
        steps = np.rint(numbers * (night.rotation / 3600 / night.rate / TURN_STEP)).astype(int)
        light, known = [], []
        for step in np.unique(steps):
            if step != self._step:
                self._aim(int(step))
            here = steps == step
            seen = self._optics.see(spreads[:, here], sky.shifts[here], self._planes)
            light.append(seen[0] / np.float32(self._white))
            known.append(seen[1:])
        shifts, fidelity, interior = (np.concatenate(parts) for parts in zip(*known, strict=True))
        if night.rotation < 0:  # np.unique rises, the planet turns the other way
            order = np.argsort(np.argsort(steps, kind="stable"), kind="stable")
            light = [np.concatenate(light)[order]]
            shifts, fidelity, interior = shifts[order], fidelity[order], interior[order]
        truth = Truth(
            numbers, fidelity, interior, strehl(phase), sky.seeing, shifts[:, 1], shifts[:, 0],
            sky.transparency, done,
        )  # fmt: skip
        return np.concatenate(light), truth
