"""The mean of chosen frames, registered to a fraction of a pixel, read once and never all held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError, ShapeError, UsageError
from ..video.base import Video
from ..video.debayer import colour, luminance
from .sums import Bounds, Frame, Pass, Plan, Plane, Sums

Method = Literal["mean", "sigma"]
Tell = Callable[[int, int], None]

STEPS = (8, 6, 4, 3, 2)
"""Fractions of a pixel kept apart, in each direction: the first whose sums take MOST_BYTES. With 8,
contrast at 0.3 cycles a pixel falls by 0.2 %, with 4 by 1 %, with 2 by 4 %."""
MOST_BYTES = 384 << 20
KAPPA = 2.5
_MOSAIC_STEPS = 4
"""Most steps for a mosaic: with more, too few frames share one for each pixel to be measured."""
INTERPOLATED = 0.03
"""Weight of a colour that was interpolated from a mosaic, beside 1 of one that was measured. The
mount's drift brings every filter to every place, so that hardly any interpolated one is left.
Measured on simulated mosaics with noise (two planets, the best 500 of 1000 frames, error against
colour frames without noise, relative, at 0.1-0.2 and 0.2-0.3 cycles a pixel): interpolated alike
0.14 0.38, 0.1 0.05 0.15, 0.03 0.03 0.11; of 30 frames 0.15 0.41, 0.08 0.26, 0.06 0.24."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Frames to be stacked; all fields (n,), in the order of their ranking.

    numbers: each once. dy, dx: pixels of the full frame by which the frame stands below and to the
    right of the template. weights: 0 or more; None: all alike. background, flux: of each frame, to
    make its light equal to the others': first the background is subtracted, then what is left
    divided by the flux (any unit); frames whose flux is not above 0 are left out.
    Raises ShapeError for arrays that do not fit, UsageError for weights below 0 or not finite.
    """

    numbers: NDArray[np.int64]
    dy: NDArray[Any]
    dx: NDArray[Any]
    weights: NDArray[Any] | None = None
    background: NDArray[Any] | None = None
    flux: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        for name in ("dy", "dx", "weights", "background", "flux"):
            values = getattr(self, name)
            if values is not None and np.shape(values) != np.shape(self.numbers):
                raise ShapeError(f"{name} {np.shape(values)} for {np.shape(self.numbers)} frames")
        if len(np.unique(self.numbers)) < len(self.numbers):
            raise ShapeError("a frame can't be stacked twice")
        if self.weights is not None and not bool(np.all(np.isfinite(self.weights))):
            raise UsageError("weights are numbers, 0 or more; some are not finite")
        if self.weights is not None and len(self.weights) and float(np.min(self.weights)) < 0:
            raise UsageError(f"weights are 0 or more, not {float(np.min(self.weights)):g}")

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, which: slice | NDArray[Any]) -> "Chosen":
        """Return some of them: `chosen[0::2]` and `chosen[1::2]` are two interleaved halves."""
        weights, background, flux = (
            None if values is None else values[which]
            for values in (self.weights, self.background, self.flux)
        )
        return Chosen(
            self.numbers[which], self.dy[which], self.dx[which], weights, background, flux
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack and how it was made.

    picture: (h, w, planes) float32, on the file's scale (`about.full_scale` is white); 3 planes
    for colours and mosaics. weight: (h, w, planes), sum of weights behind each pixel; 0 where no
    frame shows anything, there the picture continues its nearest pixels.
    frames: how many are in it. effective: (sum w)^2 / sum w^2. begin, end: of the first and the
    last frame in time, None where unknown. history: what was done, one line each.
    """

    picture: Plane
    weight: Plane
    frames: int
    effective: float
    begin: np.datetime64 | None = None
    end: np.datetime64 | None = None
    history: list[str] = field(default_factory=list)


def stack(
    video: Video,
    chosen: Chosen,
    *,
    method: Method = "mean",
    kappa: float = KAPPA,
    tell: Tell | None = None,
) -> Stack:
    """Return the weighted mean of frames, registered; the same bits however the video is read.

    method: "sigma" reads the video twice and leaves out what lies further than `kappa` standard
    deviations from the first mean, pixel by pixel, before anything is interpolated (of fewer than 9
    frames none can lie beyond 2.5). tell: called with how many frames are done, and how many there
    will be. Memory: the sums (384 MiB at most, but of more than 8 million samples a frame) and one
    batch. Raises UsageError where there is nothing to stack, PictureError where the video fails.
    """
    plan, left_out = _plan(video, chosen, method)
    first = Pass(plan, squares=method == "sigma")
    passes = 2 if method == "sigma" else 1
    for frame in _frames(video, plan, tell, 0, passes):
        first.add(frame)
    _check(first, chosen)
    mean, weight = first.finished(None)
    clipped = None
    if method == "sigma":
        bounds = Bounds(mean, first.deviation(mean), kappa, plan.steps)
        first = Pass(plan, squares=False)
        for frame in _frames(video, plan, tell, 1, passes):
            first.add(frame, bounds)
        mean, weight = first.finished(mean)
        clipped = bounds.share
    weights = np.array(first.weights)
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    begin, end = _times(video, np.array(first.numbers))
    made = Stack(mean.astype(np.float32), weight, len(weights), effective, begin, end)
    return replace(made, history=_history(video, plan, made, left_out, clipped))


def _plan(video: Video, chosen: Chosen, method: Method) -> tuple[Plan, int]:
    """Return the plan, and how many frames can't be used."""
    about = video.about
    half = 2 if about.pattern == "CMY" else 1
    planes = 3 if about.planes == 3 or about.pattern not in (None, "CMY") else 1
    shape = (about.height // half, about.width // half, planes)
    order = np.argsort(chosen.numbers, kind="stable")
    one = chosen[order]
    shifts = np.stack([one.dy, one.dx], axis=1).astype(np.float64).reshape(-1, 2) / half
    count = len(one)
    weights = np.ones(count) if one.weights is None else np.asarray(one.weights, np.float64)
    gain, level = _equalised(one)
    near = (np.abs(shifts) < np.array(shape[:2])).all(1)  # False for NaN
    use = near & (weights > 0) & np.isfinite(gain) & np.isfinite(level)
    steps = _steps(shape, int(use.sum()), method)
    if planes > about.planes:  # a mosaic
        steps = min(steps, _MOSAIC_STEPS)
    fine = np.floor(shifts[use] * steps + 0.5).astype(np.int64)
    whole = np.floor_divide(2 * fine + steps, 2 * steps)
    depth = 1.0 if about.depth <= 16 else 2e-6 * about.full_scale
    plan = Plan(
        np.asarray(one.numbers, np.int64)[use], whole, fine - whole * steps, weights[use],
        gain[use], level[use], steps, shape, about.pattern, 0.5 * depth,
    )  # fmt: skip
    return plan, count - int(use.sum())


def _equalised(chosen: Chosen) -> tuple[Sums, Sums]:
    """Return gain and level of each frame: light of the median flux on the median background."""
    count = len(chosen)
    gain = np.ones(count)
    if chosen.flux is not None and count:
        flux = np.asarray(chosen.flux, np.float64)
        good = np.isfinite(flux) & (flux > 0)
        middle = float(np.median(flux[good])) if good.any() else np.nan
        gain = np.where(good, middle / np.where(good, flux, 1), np.nan)
    if chosen.background is None or not count:
        return gain, np.zeros(count)
    background = np.asarray(chosen.background, np.float64)
    good = np.isfinite(background)
    middle = float(np.median(background[good])) if good.any() else np.nan
    return gain, middle - background * gain


def _steps(shape: tuple[int, int, int], count: int, method: Method) -> int:
    """Return into how many steps a pixel is divided, so that the sums stay in memory."""
    height, width, planes = shape
    each = 20 if method == "sigma" else 12  # sums of 8 bytes, weights of 4, squares of 8
    for steps in STEPS:
        if min((steps + 1) ** 2, count) * each * height * width * planes <= MOST_BYTES:
            return steps
    return STEPS[-1]


def _frames(video: Video, plan: Plan, tell: Tell | None, turn: int, turns: int) -> Iterator[Frame]:
    """Yield the frames in rising order, in colour where they have a mosaic."""
    own = None if plan.pattern in (None, "CMY") else _measured(plan)
    total = turns * len(plan.numbers)
    for numbers, samples in video.batches(plan.numbers):
        shown = samples
        if plan.pattern == "CMY":
            shown = luminance(samples, plan.pattern)[..., None]
        elif own is not None:
            shown = colour(samples, plan.pattern)
        rows = np.searchsorted(plan.numbers, numbers)
        for number, row, values in zip(numbers.tolist(), rows.tolist(), shown, strict=True):
            counted = own
            if values.dtype == np.float32:
                finite = np.isfinite(values)
                if not finite.all():
                    values = np.where(finite, values, np.float32(0))  # noqa: PLW2901
                    counted = finite.astype(np.float32) * (1 if own is None else own)
            yield Frame(number, values, row, counted)
        if tell is not None:
            tell(turn * len(plan.numbers) + int(rows[-1]) + 1, total)


def _measured(plan: Plan) -> Plane:
    """Return (h, w, 3): 1 where a mosaic has a filter of that colour, else INTERPOLATED."""
    own = np.full(plan.shape, INTERPOLATED, np.float32)
    for place, letter in enumerate(plan.pattern or ""):
        own[place // 2 :: 2, place % 2 :: 2, "RGB".index(letter)] = 1
    return own


def _check(done: "Pass", chosen: Chosen) -> None:
    if not len(chosen):
        raise UsageError("no frames to stack")
    if not done.numbers:
        raise PictureError(
            f"nothing to stack: none of {len(chosen)} frames has a shift inside the field, "
            "light and a weight above 0"
        )


def _times(
    video: Video, numbers: NDArray[np.int64]
) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """Return the first and the last time of frames."""
    times = video.about.times
    known = times[numbers] if times is not None else np.array([], "datetime64[ns]")
    known = known[~np.isnat(known)]
    return (known.min(), known.max()) if len(known) else (None, None)


def _history(
    video: Video, plan: Plan, made: Stack, left_out: int, clipped: float | None
) -> list[str]:
    """Return what was done, in lines that a FITS header takes."""
    lines = [
        f"mean of {made.frames} of {len(video)} frames of {video.path.name}",
        f"effective frames {made.effective:.1f} (weights {plan.weights.min():.3g} to "
        f"{plan.weights.max():.3g})",
        f"registered to 1/{plan.steps} pixel",
    ]
    missing = len(plan.numbers) - made.frames + left_out
    if clipped is not None:
        lines.append(f"sigma-clipped: {100 * clipped:.2f} % of the samples left out")
    if missing:
        lines.append(f"{missing} chosen frames could not be used")
    if plan.pattern not in (None, "CMY"):
        lines.append(f"colours from a mosaic {plan.pattern}; measured ones before interpolated")
    return lines
