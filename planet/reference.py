"""Bring a reference, a picture of another night, onto a video: scale, rotation, mirror, shift."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, UsageError
from ..media.read import read
from .band import Band
from .locate import Locator, block, small
from .scene import Kind, Scene
from .windows import Register, taper

Verdict = Literal["right", "mirrored", "featureless", "other side", "wrong"]
USED: tuple[Verdict, ...] = ("right", "mirrored", "featureless")
"""Verdicts with which a reference ranks; with the others a video ranks itself."""

SEARCH_BAND = (0.1, 0.6)
"""Shares of the cutoff in which a reference is compared: detail, more than the limb."""
WRONG_BELOW, OTHER_BELOW = 0.7, 0.9
"""Peaks below mean another object, or another side of it (or one of its kind). Measured against
the video's sharpened best: right ones 0.95 to 0.99, the same planet turned by 30 degrees of
longitude 0.76 to 0.91, others of its kind 0.84 to 0.86, other objects 0.1 to 0.6."""
MARGIN = 0.03
"""A smaller lead over the other handedness does not tell which is right."""
_TURN_STEP = 5.0
_SCALE_STEP = 0.03
_ROUNDS = 7
_TURN_WIDTH, _SCALE_WIDTH = 2.0, 1 / 60
"""Degrees and natural logarithms that a refinement begins with."""
_STENCIL = [(turn, scale) for turn in (-1.0, 0.0, 1.0) for scale in (-1.0, 0.0, 1.0)]
_SCALES = {"planet": 0.18, "surface": 0.5}
"""How far from the expected scale is searched, as a share (surface: as a natural logarithm)."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One hypothesis of how a reference lies on the video.

    turn: degrees by which the reference is turned against the video, the top to the left, undone
    here. scale: its size over the video's, undone too. y, x: its point (pixels) that lies in the
    middle of the window. peak: cosine to the video's mean in the band, after all that.
    """

    turn: float
    scale: float
    mirrored: bool
    y: float
    x: float
    peak: float


@dataclass(frozen=True, slots=True)
class Registered:
    """A reference on a video's window, and how sure that is."""

    best: Placed
    other: Placed
    """The best of the other handedness."""
    coefficients: NDArray[np.complex64]
    verdict: Verdict
    scale: float
    """The reference's size over that in the video, both in pixels of their files."""

    @property
    def margin(self) -> float:
        """By how much the best hypothesis beats the best of the other handedness."""
        return self.best.peak - self.other.peak

    @property
    def sentence(self) -> str:
        """What a person should know of it, in one line."""
        best = self.best
        lies = (
            f"turned by {best.turn:+.1f} degrees, {self.scale:.3f} times as large, agreement "
            f"{best.peak:.2f}"
        )
        if self.verdict == "wrong":
            return (
                f"the reference does not show this object (best agreement {best.peak:.2f}): "
                "it is not used; the video is ranked by itself"
            )
        if self.verdict == "other side":
            return (
                f"the reference is like this object but not the same (agreement {best.peak:.2f}): "
                "another side of it, or another of its kind; the video is ranked by itself"
            )
        if self.verdict == "featureless":
            return (
                f"the reference is {lies}; it agrees as well when mirrored "
                f"({self.other.peak:.2f}): it tells little but the limb"
            )
        kind = "mirrored (it is flipped and used)" if best.mirrored else "right way round"
        return f"the reference is {kind}, {lies} ({self.other.peak:.2f} the other way round)"

    @property
    def used(self) -> bool:
        """Whether it ranks the video."""
        return self.verdict in USED

    @property
    def undone(self) -> str:
        """What is done to the reference before it is compared, in a few words."""
        best = self.best
        flipped = "flipped, " if best.mirrored else ""
        size = f"{1 / self.scale:.3f} times as large"
        return f"{flipped}turned by {-best.turn:+.1f} degrees and made {size}"

    def as_json(self) -> dict[str, Any]:
        """Return turn (degrees), scale, mirrored, peak, margin and verdict, JSON-able."""
        best = self.best
        return {
            "turn": round(float(best.turn), 3), "scale": round(float(self.scale), 5),
            "mirrored": best.mirrored, "peak": round(best.peak, 4),
            "margin": round(self.margin, 4), "verdict": self.verdict,
        }  # fmt: skip


class Warper:
    """Draws a reference on the video's window under a hypothesis."""

    def __init__(self, picture: NDArray[np.float32], band: Band, kind: Kind) -> None:
        self.picture = picture
        self.band = band
        self._taper = taper(band.side) if kind == "surface" else None
        self._level = float(np.median(_edge(picture))) if kind == "planet" else 0.0

    def window(self, placed: Placed) -> NDArray[np.float32]:
        """Return the (side, side) window."""
        import cv2

        across, down = _axes(placed)
        middle = (self.band.side - 1) / 2
        # from window (x, y) to picture (x, y); turned counter-clockwise as seen, rows go down
        matrix = np.array([
            [across[0], down[0], placed.x - middle * (across[0] + down[0])],
            [across[1], down[1], placed.y - middle * (across[1] + down[1])],
        ])  # fmt: skip
        side = self.band.side
        drawn = cv2.warpAffine(
            self.picture, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        if self._taper is None:
            return np.asarray(drawn - self._level, np.float32)
        return np.asarray((drawn - drawn.mean()) * self._taper, np.float32)

    def coefficients(self, hypotheses: list[Placed]) -> NDArray[np.complex64]:
        """Return (n, d / 2) coefficients of windows under hypotheses."""
        return self.band.coefficients(np.stack([self.window(one) for one in hypotheses]))[0]


def shown_as_used(
    picture: NDArray[np.float32], registered: Registered, scene: Scene, *, step: int = 1
) -> NDArray[np.float32]:
    """Return a reference turned, scaled, flipped and moved as it lies on the video.

    picture: as it is in its file, (h, w, planes). step: as for `register_reference`. Returns the
    template's window in pixels of the video's file, (side, side, planes), 0 beyond the picture.
    """
    import cv2

    best, pixels = registered.best, scene.shrink * step
    larger = registered.scale * pixels / best.scale  # than the picture that was registered
    across, down = (np.array(axis) * larger / pixels for axis in _axes(best))
    middle = (np.array([best.x, best.y]) + 0.5) * larger - 0.5
    side = scene.side * pixels
    corner = middle - (across + down) * (side - 1) / 2
    if registered.scale > 1:  # what is made smaller would else show patterns of its pixels
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 * registered.scale), np.float32)
    drawn = cv2.warpAffine(
        picture, np.column_stack([across, down, corner]), (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )  # fmt: skip
    return np.asarray(drawn, np.float32).reshape(side, side, -1)


def read_reference(path: Path) -> NDArray[np.float32]:
    """Return a picture's luminance, (h, w), 1.0 = full scale; invalid pixels are its median.

    Raises UsageError when there is no such picture, or it can't be read.
    """
    try:
        picture = read(path)
    except PictureError as problem:
        raise UsageError(f"{path}: {problem}") from problem
    pixels = picture.pixels()
    weights = (
        [0.25, 0.5, 0.25] if picture.channels == 3 else [1 / picture.channels] * (picture.channels)
    )
    grey = np.asarray(pixels @ np.array(weights, np.float32), np.float32)
    if min(grey.shape) < 16:
        raise UsageError(f"{path}: {grey.shape[1]} x {grey.shape[0]} pixels are too few to compare")
    if not float(np.ptp(grey)) > 0:
        raise UsageError(f"{path}: it is of one brightness all over: there is nothing to compare")
    return grey


def register_reference(
    picture: NDArray[np.float32],
    own_best: NDArray[np.float32],
    scene: Scene,
    *,
    step: int = 1,
) -> Registered:
    """Find how a grey picture (h, w) lies on a video: scale, rotation, mirror, shift.

    own_best: (d,) in-band vector of the video's own sharpened best (`inband.own_best`): a stack
    as sharp as the reference, so that their likeness tells whether they show the same object.
    step: pixels of the file to one of the luminance (2 for mosaics).
    All turns in steps of 5 degrees, scales within 18 % of that of the disc, both handednesses (of
    surfaces scales within a factor of 1.6, and places up to a third of the window off); the best
    three of each handedness are refined.
    """
    band, kind = scene.band, scene.kind
    full = picture.shape[0]
    picture = _fitting(picture, band.side)
    warper = Warper(picture, band, kind)
    start, scales = _start(picture, scene)
    template = np.ascontiguousarray(own_best).view(np.complex64)
    weight = band.filter(*SEARCH_BAND)
    register = wide = Register(band, template, weight)
    if kind == "surface":  # nothing tells where its middle lies in the reference
        wide = Register(band, template, weight, reach=band.side // 3, step=2)
    found = []
    for mirrored in (False, True):
        coarse = [
            Placed(float(turn), start.scale * float(scale), mirrored, start.y, start.x, 0.0)
            for scale in scales
            for turn in np.arange(-180, 180, _TURN_STEP)
        ]
        peaks = _peaks(warper, wide, coarse)
        candidates = [peaks[i] for i in np.argsort([-p.peak for p in peaks], kind="stable")[:3]]
        found.append(max(_refined(warper, register, candidates), key=_peak))
    best, other = sorted(found, key=_peak, reverse=True)
    size = best.scale * (full / picture.shape[0]) / (scene.shrink * step)
    return Registered(best, other, warper.coefficients([best])[0], _verdict(best, other), size)


def _verdict(best: Placed, other: Placed) -> Verdict:
    if not best.peak >= WRONG_BELOW:
        return "wrong"
    if best.peak < OTHER_BELOW:
        return "other side"
    if best.peak - other.peak < MARGIN:
        return "featureless"
    return "mirrored" if best.mirrored else "right"


def _peak(placed: Placed) -> float:
    return placed.peak


def _fitting(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Shrink a picture that is far larger than the window: its detail could not be seen."""
    import cv2

    by = max(picture.shape) / (2 * side)
    if by <= 1:
        return picture
    size = (max(1, round(picture.shape[1] / by)), max(1, round(picture.shape[0] / by)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _start(picture: NDArray[np.float32], scene: Scene) -> tuple[Placed, NDArray[np.float64]]:
    kind, diameter = scene.kind, scene.locator.diameter
    height, width = picture.shape
    middle = Placed(0.0, 1.0, False, (height - 1) / 2, (width - 1) / 2, 0.0)
    reach = _SCALES[kind]
    steps = int(np.ceil(reach / _SCALE_STEP))
    scales = np.exp(_SCALE_STEP * np.arange(-steps, steps + 1))
    if kind == "surface":
        return middle, scales
    side = block(height, width, cells=64)
    means = small(picture[None], side)
    locator = Locator(means, side)
    seen = locator.locate(means)
    if not np.isfinite(seen.y[0]) or diameter <= 0:
        return middle, scales
    scale = 2 * np.sqrt(float(seen.area[0]) / np.pi) / diameter
    return replace(middle, y=float(seen.y[0]), x=float(seen.x[0]), scale=scale), scales


def _axes(placed: Placed) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where one pixel of the window, to the right and down, leads in the picture (x, y)."""
    angle = math.radians(placed.turn)
    cos, sin = placed.scale * math.cos(angle), placed.scale * math.sin(angle)
    flip = -1.0 if placed.mirrored else 1.0
    return (flip * cos, -sin), (flip * sin, cos)


def _peaks(warper: Warper, register: Register, hypotheses: list[Placed]) -> list[Placed]:
    """Return hypotheses with the best shift and its peak."""
    found = []
    for start in range(0, len(hypotheses), 64):
        part = hypotheses[start : start + 64]
        shifts = register.shifts(warper.coefficients(part))
        moves = zip(part, shifts.dy.tolist(), shifts.dx.tolist(), shifts.peak.tolist(), strict=True)
        found += [_moved(*move) for move in moves]
    return found


def _moved(placed: Placed, dy: float, dx: float, peak: float) -> Placed:
    """Return a hypothesis whose window is moved so that what stood off by (dy, dx) lies right."""
    across, down = _axes(placed)
    y = placed.y + dx * across[1] + dy * down[1]
    x = placed.x + dx * across[0] + dy * down[0]
    return Placed(placed.turn, placed.scale, placed.mirrored, y, x, peak)


def _refined(warper: Warper, register: Register, placed: list[Placed]) -> list[Placed]:
    """Return hypotheses with the best turn and scale near them.

    In rounds: a parabola through 3 x 3 turns and scales, a step to its top, and where that lies
    within, half as wide a round. scipy's minimisers take 0.6 s to import.
    """
    widths = [1.0] * len(placed)
    best = list(placed)
    for _ in range(_ROUNDS):
        tried = _peaks(warper, register, [
            _nearby(one, width * turn, width * scale)
            for one, width in zip(placed, widths, strict=True) for turn, scale in _STENCIL
        ])  # fmt: skip
        for at, (one, width) in enumerate(zip(placed, widths, strict=True)):
            mine = tried[len(_STENCIL) * at : len(_STENCIL) * (at + 1)]
            best[at] = max(best[at], *mine, key=_peak)
            turn, scale = _top([each.peak for each in mine])
            placed[at] = _nearby(one, width * turn, width * scale)
            if max(abs(turn), abs(scale)) < 1:
                widths[at] = width / 2
    last = _peaks(warper, register, placed)
    return [max(pair, key=_peak) for pair in zip(best, last, strict=True)]


def _nearby(placed: Placed, turn: float, scale: float) -> Placed:
    """Return a hypothesis turned and scaled on, in units of a round's width."""
    return Placed(
        placed.turn + _TURN_WIDTH * turn, placed.scale * math.exp(_SCALE_WIDTH * scale),
        placed.mirrored, placed.y, placed.x, placed.peak,
    )  # fmt: skip


def _top(peaks: list[float]) -> tuple[float, float]:
    """Return where the parabola through 3 x 3 values is highest, at most 1.5 away.

    Where it has no top: the highest of the nine.
    """
    values = np.nan_to_num(np.array(peaks).reshape(3, 3))
    slopes = np.array([values[2] - values[0], values[:, 2] - values[:, 0]]).mean(1) / 2
    bends = np.array([values[2] - 2 * values[1] + values[0],
                      values[:, 2] - 2 * values[:, 1] + values[:, 0]]).mean(1)  # fmt: skip
    mixed = (values[2, 2] - values[2, 0] - values[0, 2] + values[0, 0]) / 4
    determinant = bends[0] * bends[1] - mixed**2
    if determinant <= 0 or bends[0] >= 0:
        return _STENCIL[int(values.argmax())]
    turn = (mixed * slopes[1] - bends[1] * slopes[0]) / determinant
    scale = (mixed * slopes[0] - bends[0] * slopes[1]) / determinant
    return float(np.clip(turn, -1.5, 1.5)), float(np.clip(scale, -1.5, 1.5))


def _edge(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate((picture[0], picture[-1], picture[:, 0], picture[:, -1]))
