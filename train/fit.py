"""Learning a probe: its strength of regularisation by cross-validation, judged on what is new.

The experiment that this grew from (SEEDS: "under-trained looks best") stopped training early by
eye. For linear models, stopping early and regularising harder are one path: from the constant
guess, which is infinitely regularised, to the model that copies its labels (Ali, Kolter and
Tibshirani 2019, "A continuous-time view of early stopping for least squares"). Where to stop on
that path is decided by groups of labels that were held out, not by eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from .calibrate import calibrated
from .figures import Figure, judged_classes, judged_numbers
from .folds import FOLDS, folds
from .probe import Kind, Probe, Values, Vectors, sigmoid
from .space import Space, spaces_of

STRENGTHS: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Penalties on squared weights, a label: 1 shrinks a coordinate of standard deviation 1 by half."""
INNER = 3
"""Folds within a fold: that choose the strength of a model that the outer fold judges."""
MOST_RATINGS = 12
_ROUGH = 1e-2
"""Tolerance of the models that only choose a strength: of 8 classes ten times as quick as 1e-4, and
the loss is the same to a hundredth."""
_ABSENT = -10.0
"""The decision for a class that none of a fold's labels has: nearly never."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A probe and how well it does on what it was not taught.

    figures: by name; empty where too little could be held out. counts: labels of each answer.
    strength: of the regularisation. components: principal components, None for all dimensions.
    judged: (n,) what models not taught on a label say of it (as `Probe.scores`; NaN: none did), in
    the order of labels given.
    """

    probe: Probe
    figures: dict[str, Figure]
    counts: dict[str, int]
    strength: float
    components: int | None
    judged: Values


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """What is taught: y holds places in `answers`, or numbers."""

    kind: Kind
    y: Values
    weights: Values
    groups: NDArray[np.int64]
    answers: tuple[str, ...]
    values: tuple[float, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.y)

    def some(self, rows: NDArray[np.int64]) -> "_Labels":
        return replace(self, y=self.y[rows], weights=self.weights[rows], groups=self.groups[rows])

    def probe(self, weights: Values, bias: Values) -> Probe:
        return Probe(self.kind, weights, bias, self.answers, self.values)


def teach(
    vectors: Vectors,
    labels: Sequence[str] | Values,
    groups: NDArray[np.int64],
    *,
    kind: Kind,
    weights: Values | None = None,
    unlabelled: Vectors | None = None,
    wanted: str | None = None,
    seed: int = 0,
) -> Fitted:
    """Learn a probe from labelled vectors (n, d).

    labels: n classes, or (n,) numbers. groups: (n,) that no fold parts (`folds.groups_of`).
    weights: (n,) how much each label counts; one of weight 0 changes nothing. unlabelled: (m, d)
    more vectors of the same kind. Raises UsageError when there is nothing to learn: fewer than
    three labels, or all the same.
    """
    if not (vectors.ndim == 2 and len(vectors) == len(labels) == len(groups)):
        raise ShapeError(f"{len(vectors)} vectors, {len(labels)} labels, {len(groups)} groups")
    given = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    rows = np.flatnonzero(given > 0)
    chosen = [labels[row] for row in rows.tolist()]
    told = _labels(kind, chosen, given[rows], groups[rows], seed)
    points = np.asarray(vectors[rows], np.float64)
    beside = None if unlabelled is None else np.asarray(unlabelled, np.float64)
    spaces = spaces_of(points, beside, seed=seed)
    coordinates = [space(points) for space in spaces]
    which, strength = _chosen(coordinates, told, FOLDS)
    probe = told.probe(*spaces[which].back(*_learned(coordinates[which], told, strength)))
    probe = replace(probe, wanted=wanted)
    held, guessed = _held_out(coordinates, told)
    judged = np.full(len(labels), np.nan)
    figures: dict[str, Figure] = {}
    said = np.isfinite(held).all(1)
    if said.any():
        probe, figures, judged[rows[said]] = _judged(probe, told.some(np.flatnonzero(said)),
                                                     held[said], guessed[said])  # fmt: skip
    if len(probe.answers) > 2 and wanted is not None:
        probe = replace(probe, contrast=contrast_of(probe, points))
    return Fitted(probe, figures, _counts(told), strength, _size(spaces[which]), judged)


def contrast_of(probe: Probe, points: Values) -> tuple[float, ...]:
    """Return how much each class counts in the direction along which the wanted one's odds grow.

    The slope of ln(p / (1 - p)) is w - sum of q_j w_j over the other classes, q_j their shares of
    1 - p. It differs from place to place; this is its mean over vectors (n, d), weighted by
    p (1 - p): where it is not yet decided.
    """
    decisions = probe.scale * probe.decisions(points)
    place = probe.answers.index(str(probe.wanted))
    shares = np.exp(decisions - decisions.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    wanted = shares[:, place].copy()
    shares[:, place] = 0
    others = shares / np.maximum(shares.sum(1, keepdims=True), 1e-300)
    weights = wanted * (1 - wanted) + 1e-12
    contrast = -(weights @ others) / weights.sum()
    contrast[place] = 1.0
    return tuple(contrast.tolist())


def _labels(
    kind: Kind, labels: Sequence[Any], weights: Values, groups: NDArray[np.int64], seed: int
) -> _Labels:
    """Return labels as numbers; raises UsageError when they teach nothing."""
    different = sorted(set(labels))
    if len(labels) < 3 or len(different) < 2:
        same = f", all {different[0]}" if len(different) == 1 else ""
        raise UsageError(
            f"{len(labels)} labels{same}: a probe needs three, and two answers that differ"
        )
    answers: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    if kind == "logistic":
        answers = tuple(different)
        y = np.array([answers.index(label) for label in labels], np.float64)
    else:
        y = np.array(labels, np.float64)
    if kind == "ordinal":
        values = tuple(map(float, different))
        if len(values) > MOST_RATINGS:
            raise UsageError(
                f"{len(values)} different ratings are too many for --kind ordinal: take ridge"
            )
    return _Labels(kind, y, weights / weights.mean(), groups, answers, values, seed)


def _counts(labels: _Labels) -> dict[str, int]:
    """Return how many labels each answer has; numbers by whole ones."""
    if labels.answers:
        return {a: int((labels.y == place).sum()) for place, a in enumerate(labels.answers)}
    values, counts = np.unique(labels.y, return_counts=True)
    if len(values) > MOST_RATINGS:
        return {"numbers": len(labels)}
    return {f"{value:g}": int(n) for value, n in zip(values, counts, strict=True)}


def _size(space: Space) -> int | None:
    return None if space.basis is None else int(space.basis.shape[1])


# --- one model --------------------------------------------------------------------------------


def _learned(
    points: Values, labels: _Labels, strength: float, tolerance: float = 1e-4
) -> tuple[Values, Values]:
    """Return weights (k, m) and bias (k,) learned on coordinates (n, m) with one strength."""
    if labels.kind == "logistic":
        return _classes(points, labels, strength, tolerance)
    if labels.kind == "ordinal":
        # Frank and Hall 2001, "A simple approach to ordinal classification": P(y > each but last)
        parts = [
            _two(points, labels.y > value, labels.weights, strength, tolerance)
            for value in labels.values[:-1]
        ]
        return np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts])
    from sklearn.linear_model import Ridge

    # "linear" is least squares; the least penalty makes it one where labels are fewer than numbers
    least = 1e-8 if labels.kind == "linear" else strength
    model = Ridge(least * len(labels)).fit(points, labels.y, sample_weight=labels.weights)
    return np.atleast_2d(model.coef_), np.atleast_1d(np.float64(model.intercept_))


def _two(
    points: Values,
    is_second: NDArray[np.bool_],
    weights: Values,
    strength: float,
    tolerance: float,
) -> tuple[Values, Values]:
    """Return (1, m) and (1,) of a logistic model; where all are of one class, a constant."""
    if is_second.all() or not is_second.any():
        return np.zeros((1, points.shape[1])), np.array([-_ABSENT if is_second.all() else _ABSENT])
    model = _logistic(points, strength, tolerance, two=True)
    model.fit(points, is_second, sample_weight=weights)
    return model.coef_, model.intercept_


def _classes(
    points: Values, labels: _Labels, strength: float, tolerance: float
) -> tuple[Values, Values]:
    if len(labels.answers) == 2:
        return _two(points, labels.y == 1, labels.weights, strength, tolerance)
    size = len(labels.answers), points.shape[1]
    weights, bias = np.zeros(size), np.full(len(labels.answers), _ABSENT)
    present = np.unique(labels.y).astype(np.int64)
    if len(present) == 1:
        bias[present] = 0.0
        return weights, bias
    model = _logistic(points, strength, tolerance, two=False)
    model.fit(points, labels.y, sample_weight=labels.weights)
    if len(present) == 2:  # then the model tells only of the second
        weights[present[1]], bias[present[1]] = model.coef_[0], model.intercept_[0]
        bias[present[0]] = 0.0
    else:
        weights[present], bias[present] = model.coef_, model.intercept_
    return weights, bias


def _logistic(points: Values, strength: float, tolerance: float, *, two: bool) -> Any:  # noqa: ANN401
    from sklearn.linear_model import LogisticRegression

    # Newton's steps are few, and quick where dimensions are
    solver = "newton-cholesky" if two and points.shape[1] <= 300 else "lbfgs"
    return LogisticRegression(
        C=1 / (strength * len(points)), solver=solver, tol=tolerance, max_iter=2000
    )


# --- choosing and judging ---------------------------------------------------------------------


def _chosen(coordinates: Sequence[Values], labels: _Labels, count: int) -> tuple[int, float]:
    """Return which space and strength do best on groups that were held out.

    The stronger, and the smaller space, where two do equally well.
    """
    strengths = (0.0,) if labels.kind == "linear" else tuple(sorted(STRENGTHS, reverse=True))
    parts = list(folds(labels.groups, count=count, seed=labels.seed))
    if not parts:  # one group alone: nothing says where to stop
        return 0, 0.0 if labels.kind == "linear" else 1.0
    losses = np.full((len(coordinates), len(strengths)), np.inf)
    for place, points in enumerate(coordinates):
        for at, strength in enumerate(strengths):
            losses[place, at] = sum(
                _loss(points, labels, strength, learn, judge) for learn, judge in parts
            )
            # the weak end of the path takes longest: it is left when things got worse twice
            if at > 1 and losses[place, at] > losses[place, at - 1] > losses[place, at - 2]:
                break
    best, least = np.unravel_index(int(losses.argmin()), losses.shape)
    return int(best), strengths[int(least)]


def _loss(
    points: Values,
    labels: _Labels,
    strength: float,
    learn: NDArray[np.int64],
    judge: NDArray[np.int64],
) -> float:
    """Return the loss on some labels of a model learned from others."""
    weights, bias = _learned(points[learn], labels.some(learn), strength, _ROUGH)
    held = labels.some(judge)
    return float(held.weights @ _losses(points[judge] @ weights.T + bias, held))


def _losses(decisions: Values, labels: _Labels) -> Values:
    """Return (n,) how wrong decisions are: -ln probability of classes, squared error of numbers."""
    probe = labels.probe(np.zeros((len(decisions.T), 1)), np.zeros(len(decisions.T)))
    if labels.kind == "logistic":
        right = probe.log_odds(decisions)[np.arange(len(labels)), labels.y.astype(np.int64)]
        return np.logaddexp(0, -right)
    return np.asarray((_predicted(probe, decisions) - labels.y) ** 2)


def _predicted(probe: Probe, decisions: Values) -> Values:
    if probe.kind != "ordinal":
        return decisions[:, 0]
    above = np.minimum.accumulate(sigmoid(decisions), axis=1)
    return np.asarray(probe.values[0] + above @ np.diff(probe.values))


def _held_out(coordinates: Sequence[Values], labels: _Labels) -> tuple[Values, Values]:
    """Return decisions (n, k) of models not taught on each label's group, and a constant's guess.

    Each model's strength is chosen without that group too (nested): chosen on it, the best of many
    would look good on pure noise. The guess: (n, classes) shares, or (n, 1) means. NaN: none.
    """
    size = len(labels.values) - 1 if labels.values else max(1, len(labels.answers))
    held = np.full((len(labels), 1 if size == 2 and labels.answers else size), np.nan)
    guessed = np.full((len(labels), max(1, len(labels.answers))), np.nan)
    for learn, judge in folds(labels.groups, seed=labels.seed):
        taught = labels.some(learn)
        if len(np.unique(taught.y)) < 2:
            continue
        which, strength = _chosen([points[learn] for points in coordinates], taught, INNER)
        weights, bias = _learned(coordinates[which][learn], taught, strength)
        held[judge] = coordinates[which][judge] @ weights.T + bias
        if labels.answers:
            shares = np.bincount(taught.y.astype(np.int64), taught.weights, len(labels.answers))
            guessed[judge] = shares / shares.sum()
        else:
            guessed[judge] = np.average(taught.y, weights=taught.weights)
    return held, guessed


def _judged(
    probe: Probe, labels: _Labels, held: Values, guessed: Values
) -> tuple[Probe, dict[str, Figure], Values]:
    """Return the probe calibrated, its figures, and what was said of each label when held out."""
    if probe.kind != "logistic":
        said = _predicted(probe, held)
        figures = judged_numbers(said, labels.y, labels.groups, guessed[:, 0], seed=labels.seed)
        return probe, figures, said
    right = labels.y.astype(np.int64)
    odds = np.empty((len(labels), len(labels.answers)))
    # judged with the calibration of the other folds: its own would know the answers
    parts = list(folds(labels.groups, seed=labels.seed + 1)) or [(np.arange(len(labels)),) * 2]
    for learn, judge in parts:
        told = calibrated(probe, held[learn], right[learn], labels.weights[learn])
        odds[judge] = told.log_odds(held[judge])
    wanted = probe.answers.index(probe.wanted) if probe.wanted in probe.answers else None
    least = 0.5 / len(labels)
    shares = np.clip(guessed, least, 1 - least)
    above = None  # of more than a guess: see `judged_classes`
    if wanted is not None:
        guess = np.log(shares[:, wanted] / (1 - shares[:, wanted]))
        above = (wanted, probe.log_odds(held)[:, wanted] - guess)
    figures = judged_classes(
        sigmoid(odds),
        right,
        labels.groups,
        shares / shares.sum(1, keepdims=True),
        wanted=above,
        seed=labels.seed,
    )
    probe = calibrated(probe, held, right, labels.weights)
    return probe, figures, probe.log_odds(held)[:, -1 if wanted is None else wanted]
