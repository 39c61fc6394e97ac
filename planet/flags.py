"""What is wrong with frames: each flag with a reason; flagged frames come after all good ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .survey import Survey

FLAGS = ("absent", "cut", "corrupt", "lost", "clipped", "duplicate")
"""In the order of their weight: a frame's reason is the first that holds."""
_REASONS = {
    "absent": "nothing above the background",
    "cut": "the object is cut by the frame's border",
    "corrupt": "does not look like the other frames: slices shifted, or light lost",
    "lost": "could not be registered",
    "clipped": "overexposed: more than 0.1 % of the object at full scale",
    "duplicate": "the same as the frame before it",
}
_CLIPPED = 1e-3
_DIM, _FLUX = 0.3, 0.2
_WEAK = 0.6
_TORN = 0.5
"""... for surfaces, of which bad air leaves less: of 10,600 frames at 1,800 and 60 electrons that
were found, 9 agreed less than this, all at 60 (41 less than 0.6)."""
_WINDOW = 101
_SKEW_BLOCKS = 2.5
_WHOLE = 0.6
"""A surface that covers a smaller share of the field is an object that is cut."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags of n frames: (n, len(FLAGS)) True where one holds; remarks on the whole video."""

    holds: NDArray[np.bool_]
    remarks: tuple[str, ...] = ()

    @property
    def any(self) -> NDArray[np.bool_]:
        """(n,) whether a frame has any."""
        return np.asarray(self.holds.any(1))

    def of(self, row: int) -> list[str]:
        """Return the names of one frame's flags."""
        return [name for name, holds in zip(FLAGS, self.holds[row], strict=True) if holds]

    def reason(self, row: int) -> str:
        """Return why a frame is flagged, empty where it is not."""
        return next((_REASONS[name] for name in self.of(row)), "")


def find_flags(survey: Survey) -> Flags:
    """Return what is wrong with the frames of a survey.

    Absent: no object, or less than 30 % of the usual flux (running median of 101 frames). Corrupt:
    flux off by more than 20 %, agreement with the mean below 60 % of the median, or rows of the
    object that stand apart. Lost: of a surface, agreement below half of the median. What is usual
    is taken from frames that show something. Where most of a video would be flagged for one thing
    it is no flaw of single frames: it becomes a remark (frames that show nothing stay flagged).
    """
    rows = survey.rows
    count = len(rows)
    planet = survey.scene.kind == "planet"
    empty = rows["absent"] & planet
    shown = np.flatnonzero(~empty) if not empty.all() else np.arange(count)
    flux = rows["flux"].astype(np.float64)
    usual = np.interp(np.arange(count), shown, _running_median(flux[shown])) if count else flux
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(usual > 0, flux / usual, 0)
    typical = float(np.median(rows["peak"][shown])) if count else 0.0
    skew = rows["skew"]
    limit = (
        float(np.median(skew[shown])) + _SKEW_BLOCKS * survey.scene.locator.side if count else 0.0
    )
    holds = np.zeros((count, len(FLAGS)), bool)
    column = {name: holds[:, place] for place, name in enumerate(FLAGS)}
    column["absent"][:] = empty | (share < _DIM)
    column["cut"][:] = rows["cut"] & planet
    weak = rows["peak"] < (_WEAK if planet else _TORN) * typical
    column["corrupt"][:] = (np.abs(share - 1) > _FLUX) | ((weak | (skew > limit)) & planet)
    # of a surface in bad air a weak agreement means that its place was not found
    column["lost"][:] = rows["lost"] | ~np.isfinite(rows["peak"]) | (weak & (not planet))
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.where(rows["area"] > 0, rows["area"], np.inf) if planet else np.inf
        column["clipped"][:] = rows["top"] * survey.pixels / np.minimum(area, survey.pixels) > (
            _CLIPPED
        )
    column["duplicate"][1:] = rows["mark"][1:] == rows["mark"][:-1]
    remarks = []
    for name in ("clipped", "cut", "duplicate", "absent"):
        if count and column[name].mean() > 0.5:
            remarks.append(f"{column[name].mean():.0%} of the frames: {_REASONS[name]}")
            column[name][:] = empty if name == "absent" else False
    part = count and float(np.median(rows["area"])) < _WHOLE * survey.pixels
    if part and not planet and rows["cut"].mean() > 0.5:
        remarks.append(f"{_REASONS['cut']} in most frames: it is measured as a surface")
    return Flags(holds, tuple(remarks))


def _running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return medians of windows of 101 values around each 10th, and between them on a line."""
    count = len(values)
    if count == 0:
        return values
    at = np.unique(np.append(np.arange(0, count, 10), count - 1))
    half = _WINDOW // 2
    first = np.clip(at - half, 0, max(0, count - _WINDOW))
    windows = first[:, None] + np.arange(min(_WINDOW, count))
    return np.asarray(np.interp(np.arange(count), at, np.median(values[windows], axis=1)))
