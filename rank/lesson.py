"""What exemplars teach about a space of vectors, and about a score that was there before.

Alone, the nearest exemplars give the score (`neighbours`). Beside a score that knows no labels (of
frames: `self`), they teach only what that score misses:

    g + weight * (mean residual of the k nearest),    g = a + b * (quantile of the base score)

a and b by least squares, b at least 0. The weight is the least-squares coefficient c of the
residuals on what the exemplars of other groups foretell of them, 0..1, shrunk as by the garrote
(Breiman 1995): c (1 - (t40 / t)^2), t its ratio to a standard error that knows of groups (Liang &
Zeger 1986), t40 what chance reaches once in forty times, and 0 below that. A hundred noisy labels
know less of sharpness than the frames do, and cost next to nothing this way (measured,
docs/labelling.md); they are worth asking for a taste. Where they foretell each other better
without the base, they are left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..train.folds import folds
from .neighbours import (
    SHOWN,
    Floats,
    Taught,
    apart,
    choose_k,
    many_distances,
    nearest,
    predicted_class,
    squared_distances,
    weighted_mean,
)
from .trust import FEWEST, Trust, trust

_CHANCE = 0.025
_SURE = 2.33
_ENOUGH = 60
"""Labels below which a base is never left out: one of 45 runs with 50 labels lost 0.03 by it."""
_FOLDS = 10
_ROWS = 512
"""At a time: distances to 500 exemplars then stay in the cache, twice as fast as 8,192 rows."""


@dataclass(frozen=True, slots=True)
class Base:
    """A score that was there before, as quantiles 0..1: of all (n,), and of the exemplars (m,)."""

    all: Floats
    exemplars: Floats


@dataclass(slots=True, eq=False)
class Lesson:
    """Exemplars in a space, and how they are used; made by `learn`.

    vectors: (m, d) of the exemplars. between: (m, m) distances. weight: what the exemplars count
    beside a base score; None without one.
    """

    taught: Taught
    vectors: NDArray[np.float32]
    between: Floats
    k: int
    base: Base | None = None
    weight: float | None = None
    line: tuple[float, float] = (0.0, 0.0)
    residuals: Floats = field(default_factory=lambda: np.zeros(0))

    def scores(
        self, vectors: NDArray[np.float32], part: slice, own: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.int32]]:
        """Return (n,) scores of rows `part`, and (n, 3) places of their nearest exemplars.

        vectors: (n, d). own: (n,) the place of the exemplar that a row is itself, -1: none. No
        exemplar tells its own score. -1 among the nearest: there are no more.
        """
        found = np.empty(len(vectors))
        near = np.empty((len(vectors), min(SHOWN, len(self.taught))), np.int32)
        for first in range(0, len(vectors), _ROWS):
            rows = slice(first, first + _ROWS)
            base = None if self.base is None else self.base.all[part][rows]
            found[rows], near[rows] = self._scores(vectors[rows], base, own[rows])
        return found, near

    def _scores(
        self, vectors: NDArray[np.float32], base: Floats | None, own: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.int64]]:
        distances = many_distances(vectors, self.vectors)
        labelled = np.flatnonzero(own >= 0)
        distances[labelled, own[labelled]] = np.inf
        near = nearest(distances, SHOWN)
        near[~np.isfinite(np.take_along_axis(distances, near, 1))] = -1
        if base is None or self.weight is None:
            return self.taught.score(distances, self.k).astype(np.float64), near
        found = self.line[0] + self.line[1] * base
        if self.weight > 0:
            more = weighted_mean(distances, self.residuals, self.k)
            found = found + self.weight * np.nan_to_num(more)
        return found, near

    def trust(self) -> Trust | None:
        """Return how far to trust the scores."""
        rated = self.taught.wanted is None
        judge = self._judge_neighbours if self.weight is None else self._judge_base
        return trust(judge, self.taught.target, rated=rated)

    def losses(self, which: NDArray[np.int64]) -> Floats:
        """Return what foretelling each of some exemplars by those of other groups costs."""
        judge = self._judge_neighbours if self.weight is None else self._judge_base
        return judge(which)[1]

    def _scaled(self, count: int) -> int:
        """Return how many neighbours a part of the exemplars is asked for."""
        return max(1, round(self.k * count / len(self.taught)))

    def _judge_neighbours(self, which: NDArray[np.int64]) -> tuple[Floats, Floats]:
        some = self.taught.only(which)
        distances = apart(self.between[np.ix_(which, which)], some.groups)
        k = self._scaled(len(which))
        scores = some.score(distances, k).astype(np.float64)
        if some.wanted is None:
            return scores - _of_others(some), np.asarray((scores - some.values) ** 2)
        found = predicted_class(distances, some.values, k)
        return scores, np.where(np.isnan(found), np.nan, (found != some.values).astype(float))

    def _judge_base(self, which: NDArray[np.int64]) -> tuple[Floats, Floats]:
        assert self.base is not None
        assert self.weight is not None
        some = self.taught.only(which)
        target, base = some.target, self.base.exemplars[which]
        scores = np.full(len(which), np.nan)
        for learn, judged in folds(some.groups, count=_FOLDS):
            a, b = _line(base[learn], target[learn])
            scores[judged] = a + b * base[judged]
            if self.weight > 0:
                distances = self.between[np.ix_(which[judged], which[learn])]
                residuals = target[learn] - a - b * base[learn]
                k = self._scaled(len(learn))
                scores[judged] += self.weight * weighted_mean(distances, residuals, k)
        if some.wanted is None:
            return scores, np.asarray((scores - target) ** 2)
        wrong = ((scores >= 0.5) != (target > 0)).astype(float)
        return scores, np.where(np.isnan(scores), np.nan, wrong)


def learn(
    taught: Taught, vectors: NDArray[np.float32], *, k: int | None = None, base: Base | None = None
) -> Lesson:
    """Return what exemplars teach; vectors: (m, d). k: neighbours, chosen where None."""
    between = np.sqrt(squared_distances(vectors, vectors))
    # of rows that are the same the difference of large squares leaves noise
    between = (between + between.T) / 2
    np.fill_diagonal(between, 0)
    alone = Lesson(taught, vectors, between, min(k or choose_k(taught, between), len(taught)))
    if base is None:
        return alone
    target = taught.target
    a, b = _line(base.exemplars, target)
    residuals = target - a - b * base.exemplars
    k = min(k or choose_k(taught, between, residuals), len(taught))
    foretold = weighted_mean(apart(between, taught.groups), residuals, k).astype(np.float64)
    weight = _weight(residuals, foretold, taught.groups) if np.ptp(target) else 0.0
    if b == 0 and weight == 0:  # the labels say nothing, not even against the base
        a, b = _after(target)
    beside = Lesson(taught, vectors, between, k, base, weight, (a, b), residuals)
    return alone if np.ptp(target) and _surely_better(alone, beside) else beside


def _surely_better(alone: Lesson, beside: Lesson) -> bool:
    """Say whether exemplars alone foretell each other better than beside a base.

    By more than chance gives once in a hundred times: 2.33 standard errors of the paired difference
    of losses.
    """
    every = np.arange(len(alone.taught))
    gain = beside.losses(every) - alone.losses(every)
    known = np.isfinite(gain)
    _, place = np.unique(alone.taught.groups[known], return_inverse=True)
    count = int(place.max(initial=0)) + 1
    if known.sum() < _ENOUGH or count < 2:
        return False
    gain = gain[known]
    return bool(gain.sum() > _SURE * _spread(gain - gain.mean(), place, count))


def _of_others(taught: Taught) -> Floats:
    """Return (m,) the mean rating of the exemplars of other groups.

    It is lower where an exemplar's own rating is high: left in the scores, it makes ratings that
    nothing foretells seem foretold the wrong way round.
    """
    groups, place = np.unique(taught.groups, return_inverse=True)
    sums = np.bincount(place, taught.values, len(groups))
    counts = np.bincount(place, minlength=len(groups))
    others = np.maximum(len(taught) - counts, 1)
    return np.asarray(((taught.values.sum() - sums) / others)[place])


def _line(base: Floats, target: Floats) -> tuple[float, float]:
    """Return (a, b) of the least-squares line a + b * base, b at least 0."""
    spread = base - base.mean()
    square = float(spread @ spread)
    if np.ptp(target) == 0:  # labels that are all alike say nothing against the base
        return _after(target)
    b = max(0.0, float(spread @ target) / square) if square > 0 else 0.0
    return float(target.mean() - b * base.mean()), b


def _after(target: Floats) -> tuple[float, float]:
    """Return the line that keeps the base's order."""
    return float(target.mean()) - 0.5, 1.0


def _weight(residuals: Floats, foretold: Floats, groups: NDArray[np.int64]) -> float:
    """Return what exemplars count beside a base, 0..1."""
    from scipy.special import stdtrit  # Student's t; scipy.stats takes half a second longer

    known = np.isfinite(foretold)
    r, p = residuals[known], foretold[known]
    square = float(p @ p)
    _, place = np.unique(groups[known], return_inverse=True)
    count = int(place.max(initial=0)) + 1
    if len(r) < FEWEST or count < 2 or square <= 0:
        return 0.0
    weight = float(np.clip((p @ r) / square, 0, 1))
    spread = _spread(p * (r - weight * p), place, count)
    ratio = float(p @ r) / max(spread, 1e-30)
    least = float(stdtrit(count - 1, 1 - _CHANCE))
    return weight * max(0.0, 1 - (least / ratio) ** 2) if ratio > 0 else 0.0


def _spread(each: Floats, place: NDArray[np.int64], count: int) -> float:
    """Return the standard error of a sum whose terms, less their mean, lie in `count` groups.

    With groups, and without them: with few groups the former comes out too small (Cameron & Miller
    2015), so the larger of both.
    """
    of_groups = np.bincount(place, each)
    return float(np.sqrt(max((of_groups**2).sum() * count / (count - 1), (each**2).sum())))


def told(near: Sequence[int], names: Sequence[str], labels: Sequence[str]) -> str:
    """Return the nearest exemplars for a person: "like #12 (5), #31 (4)"."""
    shown = [f"{names[place]} ({labels[place]})" for place in near if place >= 0]
    return f"like {', '.join(shown)}" if shown else ""
