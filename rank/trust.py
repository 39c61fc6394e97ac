"""How far to trust a ranking by exemplars: judged on labels that it was not taught by."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 8
"""Labels below which nothing is said."""
_Z = 1.959964
_DRAWS = 12
_HARDLY = 0.03
_MOST = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """How the error falls with the number of labels n: mean loss = floor + slope / n.

    The floor is what no number of labels takes away: a person's own wavering, and what the vectors
    do not show. power: 2 where the loss is a squared error, and the error told is its root.
    """

    floor: float
    slope: float
    power: int

    def error(self, n: float) -> float:
        """Return the error with n labels."""
        return float((self.floor + self.slope / n) ** (1 / self.power))

    def to_halve(self, n: int) -> float | None:
        """Return how many labels more halve the error of n; None where no number does."""
        aim = (self.error(n) / 2) ** self.power - self.floor
        return self.slope / aim - n if aim > 0 else None


@dataclass(frozen=True, slots=True)
class Trust:
    """What is to be expected of unlabelled items, from labelled ones each judged by the others.

    agreement: with ratings Spearman's rank correlation; with classes the area under the ROC curve,
    the share of pairs in which the wanted one stands higher; and its 95 % interval. error: root
    mean squared difference from the person's rating, or share of wrong classes.
    """

    rated: bool
    labels: int
    agreement: float
    low: float
    high: float
    error: float
    curve: Curve | None

    def as_json(self) -> dict[str, Any]:
        """Return it for JSON."""
        more = None if self.curve is None else round(self.curve.error(2 * self.labels), 4)
        return {
            "measure": "spearman" if self.rated else "roc_auc", "labels": self.labels,
            "agreement": round(self.agreement, 4), "low": round(self.low, 4),
            "high": round(self.high, 4), "error": round(self.error, 4),
            "error_with_twice_the_labels": more,
        }  # fmt: skip

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        span = f"(95 %: {self.low:.2f} to {self.high:.2f}, from {self.labels} labels)"
        if self.rated:
            told = f"rank correlation with ratings it has not seen: {self.agreement:.2f} {span}"
            off = f"typically off by {self.error:.1f} of a rating"
        else:
            told = (
                f"of a wanted and another item it has not seen, the wanted one stands higher in "
                f"{self.agreement:.2f} of pairs {span}"
            )
            off = f"about {100 * self.error:.0f} % of the items are judged wrong"
        return f"{told}; {off}{self._beside_a_guess}. {self.advice}"

    @property
    def _beside_a_guess(self) -> str:
        """Say where a guess is as good, or better."""
        guess = 0.0 if self.rated else 0.5
        if self.high < guess:
            return "; that is worse than a guess"
        return "; that may be chance" if self.low <= guess else ""

    @property
    def advice(self) -> str:
        """Say what more labels would bring."""
        if self.curve is None:
            return "Too few labels to say what more would bring"
        halving = self.curve.to_halve(self.labels)
        if halving is not None and halving <= _MOST * self.labels:
            return f"About {_round(halving)} more labels would halve that"
        less = self.curve.error(2 * self.labels)
        if less >= (1 - _HARDLY) * self.curve.error(self.labels):
            return "More labels would hardly change that"
        share = 1 - less / self.curve.error(self.labels)
        return f"About {_round(self.labels)} more labels would lower that by {100 * share:.0f} %"


def _round(count: float) -> int:
    step = 5 if count < 50 else 10 if count < 200 else 50
    return int(max(step, round(count / step) * step))


Judge = Callable[[NDArray[np.int64]], tuple[Floats, Floats]]
"""From places of exemplars to (scores, losses) of each, judged by those of other groups among them;
NaN where there are none."""


def trust(judge: Judge, target: Floats, *, rated: bool, seed: int = 0) -> Trust | None:
    """Return how far to trust scores; None where labels are too few or all alike.

    target: (m,) ratings, or 1 where wanted and 0 elsewhere.
    """
    scores, losses = judge(np.arange(len(target)))
    known = np.isfinite(scores)
    if known.sum() < FEWEST or np.ptp(target[known]) == 0 or np.ptp(scores[known]) == 0:
        return None
    ones = int((target[known] > 0).sum())
    if not rated and min(ones, int(known.sum()) - ones) < 2:  # nothing like it is left to judge by
        return None
    found, low, high = (
        rank_correlation(scores[known], target[known])
        if rated
        else area_under_curve(scores[known], target[known] > 0)
    )
    power = 2 if rated else 1
    error = float(np.nanmean(losses) ** (1 / power))
    curve = learning_curve(judge, len(target), power=power, seed=seed)
    return Trust(rated, int(known.sum()), found, low, high, error, curve)


# scipy.stats, scipy.optimize and scikit-learn have this too, and take a second to be imported
def _ranks(values: Floats) -> Floats:
    """Return (n,) ranks from 1 on, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def rank_correlation(scores: Floats, target: Floats) -> tuple[float, float, float]:
    """Return Spearman's correlation and its 95 % interval (Bonett & Wright 2000).

    Fisher's z with the variance (1 + r^2 / 2) / (n - 3).
    """
    found = float(np.corrcoef(_ranks(scores), _ranks(target))[0, 1])
    z = np.arctanh(np.clip(found, -0.9999, 0.9999))
    half = _Z * np.sqrt((1 + found**2 / 2) / (len(scores) - 3))
    return found, float(np.tanh(z - half)), float(np.tanh(z + half))


def area_under_curve(scores: Floats, wanted: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its 95 % interval (Newcombe 2006, method 5).

    All areas that the found one is within 1.96 standard errors of, the error being that of the
    area in question (`hanley_mcneil`, its two sides brought to one): so the interval stays within
    0 to 1 and says something of an area of exactly 1 too.
    """
    ones, mean = int(wanted.sum()), len(wanted) / 2
    pairs = ones * (len(wanted) - ones)
    # Mann & Whitney 1947: ranks say how many stand below
    found = float((_ranks(scores)[wanted].sum() - ones * (ones + 1) / 2) / pairs)

    def far(area: float) -> float:
        """Return how much farther than 1.96 standard errors an area is."""
        return abs(found - area) - _Z * hanley_mcneil(area, mean, mean) * mean / sqrt(pairs)

    return found, _edge(far, 0.0, found), _edge(far, 1.0, found)


def hanley_mcneil(area: float, wanted: float, others: float) -> float:
    """Return the standard error of an area under the ROC curve (Hanley & McNeil 1982, eq. 2)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    more = (wanted - 1) * (q1 - area**2) + (others - 1) * (q2 - area**2)
    return float(np.sqrt(max(area * (1 - area) + more, 0) / (wanted * others)))


def _edge(far: Callable[[float], float], outside: float, inside: float) -> float:
    """Return where, from outside in, `far` falls below 0, by bisection to 1e-9."""
    while abs(outside - inside) > 1e-9:
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if far(middle) > 0 else (outside, middle)
    return inside


def learning_curve(judge: Judge, n: int, *, power: int, seed: int = 0) -> Curve | None:
    """Return how the error falls: measured with a half, three quarters and all of the exemplars.

    Non-negative least squares, larger parts weighing more. None where the parts are too small.
    """
    if n < 2 * FEWEST:
        return None
    rng = np.random.default_rng(seed)
    sizes: list[int] = []
    losses: list[float] = []
    for size in (n // 2, 3 * n // 4, n):
        for _ in range(_DRAWS if size < n else 1):
            found = judge(np.sort(rng.choice(n, size, replace=False)))[1]
            if np.isfinite(found).any():  # else the part is of one group, which none judges
                sizes.append(size)
                losses.append(float(np.nanmean(found)))
    if len(set(sizes)) < 2:
        return None
    counts, means = np.array(sizes, float), np.array(losses)
    weight = np.where(counts == n, _DRAWS, 1.0)
    floor, slope = _not_negative(1 / counts, means, weight)
    return Curve(floor, slope, power)


def _not_negative(x: Floats, y: Floats, weight: Floats) -> tuple[float, float]:
    """Return a and b, neither below 0, of the line a + b x with least squares to y."""
    mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
    square = float(weight @ (x - mean_x) ** 2)
    b = float(weight @ ((x - mean_x) * (y - mean_y))) / square if square > 0 else 0.0
    if b < 0:
        return max(0.0, float(mean_y)), 0.0
    a = float(mean_y - b * mean_x)
    return (a, b) if a >= 0 else (0.0, max(0.0, float(weight @ (x * y) / (weight @ x**2))))
