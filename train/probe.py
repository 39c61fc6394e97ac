"""A probe: a small linear model on vectors or named scores. Nothing but numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError

Kind = Literal["logistic", "ridge", "linear", "ordinal"]
Values = NDArray[np.float64]
Vectors = NDArray[np.float32] | NDArray[np.float64]

_AT_ONCE = 8192
"""Vectors made float64 together."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A linear model: decisions = vectors @ weights.T + bias.

    kind: `logistic` (classes), `ridge` and `linear` (numbers), `ordinal` (ratings). weights: (k, d)
    and bias: (k,), float64; k is 1 for two classes and for numbers, the number of classes for more,
    one less than that of ratings for `ordinal`. answers: the classes, in order. values: the
    ratings of an `ordinal` probe, rising. scale, shift: calibrate decisions of classes, so that
    1 / (1 + exp(-(scale decision + shift))) of two (Platt 1999), or softmax(scale decisions) of
    more (Guo et al. 2017; scale = 1 / temperature), are probabilities. wanted: the class whose
    probability ranks. contrast: of more than two classes, how much each one's weights count in the
    direction along which that probability grows (`fit.contrast_of`).
    """

    kind: Kind
    weights: Values
    bias: Values
    answers: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    scale: float = 1.0
    shift: float = 0.0
    wanted: str | None = None
    contrast: tuple[float, ...] = ()

    @property
    def dimension(self) -> int:
        """Length of the vectors that it reads."""
        return int(self.weights.shape[1])

    def decisions(self, vectors: Vectors) -> Values:
        """Return (n, k) decisions on (n, d) vectors; raises ShapeError for other vectors."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ShapeError(f"the probe reads (n, {self.dimension}), not {vectors.shape}")
        found = np.empty((len(vectors), len(self.bias)))
        for first in range(0, len(vectors), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            found[part] = vectors[part].astype(np.float64) @ self.weights.T + self.bias
        return found

    def log_odds(self, decisions: Values) -> Values:
        """Return (n, classes) calibrated ln(p / (1 - p)) of each class."""
        if len(self.answers) == 2:
            second = self.scale * decisions[:, 0] + self.shift
            return np.stack((-second, second), axis=1)
        told = self.scale * decisions
        others = np.empty_like(told)
        for one in range(told.shape[1]):  # ln of the sum over the others, without overflow
            rest = np.delete(told, one, axis=1)
            top = rest.max(1)
            others[:, one] = top + np.log(np.exp(rest - top[:, None]).sum(1))
        return np.asarray(told - others)

    def probabilities(self, vectors: Vectors) -> Values:
        """Return (n, classes) calibrated probabilities, or of each rating of an ordinal probe."""
        decisions = self.decisions(vectors)
        if self.kind == "logistic":
            return sigmoid(self.log_odds(decisions))
        above = self._above(decisions)
        ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
        return -np.diff(np.concatenate((ends[0], above, ends[1]), axis=1), axis=1)

    def scores(self, vectors: Vectors) -> Values:
        """Return (n,) what ranks: the log-odds of the wanted class, or the predicted number.

        Log-odds and not the probability, which the best of thousands would all share: 1.0.
        """
        decisions = self.decisions(vectors)
        if self.kind == "logistic":
            return self.log_odds(decisions)[:, self._place]
        if self.kind == "ordinal":
            return self.values[0] + self._above(decisions) @ np.diff(self.values)
        return decisions[:, 0]

    def reason(self, score: float) -> str:
        """Return what a score says, for a person."""
        if self.kind == "logistic":
            share = 100 * float(sigmoid(np.array(score)))
            told = "> 99.9" if share > 99.9 else "< 0.1" if share < 0.1 else f"{share:.1f}"
            return f"{self.wanted} {told} %"  # never certain: no sample of labels is
        return f"predicted {score:.3g}"

    @property
    def direction(self) -> Values:
        """The unit vector (d,) along which its score grows.

        The order along it is that of the score; of more than two classes and of ordinal probes,
        whose scores are no straight rise, nearly so. Raises UsageError when it has learned nothing.
        """
        if self.kind == "ordinal":
            along = np.diff(self.values) @ self.weights
        elif len(self.answers) == 2:
            along = self.weights[0] * (1 if self._place else -1)
        elif self.answers:
            along = np.array(self.contrast) @ self.weights
        else:
            along = self.weights[0]
        length = float(np.linalg.norm(along))
        if not length > 0:
            raise UsageError("the probe has learned nothing: it has no direction")
        return np.asarray(along / length)

    @property
    def _place(self) -> int:
        if self.wanted not in self.answers:
            raise UsageError(f"the probe knows {', '.join(self.answers)}, not {self.wanted}")
        return self.answers.index(self.wanted)

    def _above(self, decisions: Values) -> Values:
        """Return (n, k) probabilities of more than each rating but the last.

        The models know nothing of each other: where one would have a higher rating more probable
        than a lower, it has that of the lower, so that no rating's probability is negative.
        """
        return np.minimum.accumulate(sigmoid(decisions), axis=1)


def sigmoid(log_odds: Values) -> Values:
    """Return 1 / (1 + exp(-log odds)), without overflow."""
    from scipy.special import expit

    return np.asarray(expit(log_odds), np.float64)
