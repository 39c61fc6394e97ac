"""How good predictions are that were made for items a model was not taught on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LEVELS = (2.5, 97.5)
"""Percentiles of the bootstrap between which 95 % lie."""
DRAWS = 500
BINS = 10
"""Of confidence, for the calibration error: 15 (as Guo et al.) are too many for 100 labels."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with the interval in which 95 % of the bootstrap's lie; None where it has none.

    guess: the same figure of whoever always says the same; None where it has none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    guess: float | None = None

    def __str__(self) -> str:
        """Return it for a table."""
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def as_json(self) -> dict[str, float | None]:
        """Return plain numbers, 5 decimals."""
        told = {"value": self.value, "low": self.low, "high": self.high, "guess": self.guess}
        return {key: None if held is None else round(held, 5) for key, held in told.items()}


def judged_classes(
    probabilities: Values,
    given: NDArray[np.int64],
    groups: NDArray[np.int64],
    guessed: Values,
    *,
    wanted: tuple[int, Values] | None = None,
    seed: int = 0,
) -> dict[str, Figure]:
    """Return figures of (n, k) probabilities of classes, of which `given` (n,) is right.

    guessed: (n, k) what a constant guess says, the shares of the classes among what was taught.
    wanted: the class of which `roc_auc` tells, and (n,) its log-odds less those of the guess: a
    fold that holds many of a class is taught by the others, which hold few and guess low, so that
    models that know nothing would be judged worse than chance.
    """
    size = probabilities.shape[1]

    def figures(rows: NDArray[np.int64]) -> Values:
        said, right = probabilities[rows], given[rows]
        told = [balanced_accuracy(said.argmax(1), right), log_loss(said, right),
                calibration_error(said, right)]  # fmt: skip
        if wanted is not None:
            told.append(area_under_curve(wanted[1][rows], right == wanted[0]))
        return np.array(told)

    guesses = [1 / size, log_loss(guessed, given), None, 0.5]
    names = ["balanced_accuracy", "log_loss", "calibration_error", "roc_auc"]
    if wanted is None:
        del guesses[-1], names[-1]
    return dict(zip(names, _with_intervals(figures, guesses, groups, seed), strict=True))


def judged_numbers(
    predicted: Values, given: Values, groups: NDArray[np.int64], guessed: Values, *, seed: int = 0
) -> dict[str, Figure]:
    """Return figures of (n,) predicted numbers; guessed: (n,) the mean of what was taught.

    Ranks are those of what is predicted beyond that mean (see `judged_classes`).
    """

    def figures(rows: NDArray[np.int64]) -> Values:
        said, right, guess = predicted[rows], given[rows], guessed[rows]
        return np.array(
            [
                spearman(said - guess, right),
                explained(said, right),
                float(np.abs(said - right).mean()),
            ]
        )

    guesses = [0.0, explained(guessed, given), float(np.abs(guessed - given).mean())]
    names = ["spearman", "r2", "mean_absolute_error"]
    return dict(zip(names, _with_intervals(figures, guesses, groups, seed), strict=True))


def judged_order(
    said: Values, given: Values, groups: NDArray[np.int64], *, seed: int = 0
) -> Figure:
    """Return Spearman's rank correlation of two scores of the same items."""
    return _with_intervals(
        lambda rows: np.array([spearman(said[rows], given[rows])]), [0.0], groups, seed
    )[0]


def _with_intervals(
    figures: Callable[[NDArray[np.int64]], Values],
    guesses: "list[Any]",
    groups: NDArray[np.int64],
    seed: int,
) -> list[Figure]:
    """Return figures with intervals by drawing whole groups, with replacement."""
    found = [
        Figure(float(value), guess=guess)
        for value, guess in zip(figures(np.arange(len(groups))), guesses, strict=True)
    ]
    names, places = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return found
    members = [np.flatnonzero(places == name) for name in range(len(names))]
    rng = np.random.default_rng([seed, 1])
    drawn = rng.integers(0, len(names), (DRAWS, len(names)))
    spread = np.array([figures(np.concatenate([members[g] for g in one])) for one in drawn])
    low, high = np.nanpercentile(spread, LEVELS, axis=0)
    return [
        replace(figure, low=float(a), high=float(b))
        for figure, a, b in zip(found, low, high, strict=True)
    ]


def balanced_accuracy(said: NDArray[np.int64], given: NDArray[np.int64]) -> float:
    """Return the mean, over the classes that are given, of the share that was told right."""
    return float(np.mean([np.mean(said[given == one] == one) for one in np.unique(given)]))


def log_loss(probabilities: Values, given: NDArray[np.int64]) -> float:
    """Return the mean of -ln of the probability that was given to the right class."""
    right = probabilities[np.arange(len(given)), given]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def area_under_curve(said: Values, wanted: NDArray[np.bool_]) -> float:
    """Return in how many pairs of a wanted and another item the wanted one stands higher, 0..1.

    Those that tie count half (Mann and Whitney 1947). NaN where there are no pairs.
    """
    from scipy.stats import rankdata

    ones, zeros = int(wanted.sum()), int((~wanted).sum())
    if not ones * zeros:
        return float("nan")
    return float((rankdata(said)[wanted].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def calibration_error(probabilities: Values, given: NDArray[np.int64]) -> float:
    """Return the expected calibration error, 0..1: how far confidence is from being right.

    Mean, over ten bins of equal width, of |share right - mean confidence| (Guo et al. 2017, "On
    calibration of modern neural networks", equation 3). Of few items it is above 0 by chance.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == given
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(given))


def spearman(said: NDArray[Any], given: NDArray[Any]) -> float:
    """Return Spearman's rank correlation, -1..1; ties have the mean of their ranks.

    0 when either is all equal.
    """
    from scipy.stats import rankdata

    a, b = (ranks - ranks.mean() for ranks in (rankdata(said), rankdata(given)))
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / length, -1, 1)) if length > 0 else 0.0


def explained(said: Values, given: Values) -> float:
    """Return R2, 1 - squared error / variance: 0 for the mean, negative for worse; NaN for none."""
    variance = float(np.mean((given - given.mean()) ** 2))
    return 1 - float(np.mean((said - given) ** 2)) / variance if variance > 0 else float("nan")
