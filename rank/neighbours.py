"""Scores from the nearest exemplars, on plain arrays: ratings and classes.

Of a rating the score is the mean of the k nearest exemplars' values, each weighted by one over its
distance (Shepard 1968; Dudani 1976). Of classes it is the relative margin of Sato & Yamada (1995),

    (d_other - d_wanted) / (d_other + d_wanted),  -1..1,

d_c the harmonic mean of the distances to the k nearest exemplars of class c (what weighting by one
over the distance makes of the mean), d_other that of the nearest class which is not wanted. With
one class alone the score is -d_wanted. Distances are Euclidean: of unit vectors they rank as the
cosine does; of frames amplitude counts, which is sharpness.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Distances = NDArray[np.floating[Any]]
"""Of single precision where there are many: that halves the time."""
COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60)
"""Numbers of neighbours that are tried."""
SHOWN = 3
"""Nearest exemplars that explain a score."""
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Taught:
    """Exemplars as arrays. wanted: the class that is looked for, None for ratings.

    values: (m,) ratings, or the number of each exemplar's class. groups: (m,) what must not judge
    its own kind (train.folds). labels: (m,) the answers as a person reads them.
    """

    values: Floats
    groups: NDArray[np.int64]
    labels: Sequence[str]
    wanted: int | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def target(self) -> Floats:
        """(m,) what a score should be: the rating; of classes 1 where wanted, else 0."""
        if self.wanted is None:
            return self.values
        return np.asarray(self.values == self.wanted, np.float64)

    def only(self, which: NDArray[np.int64]) -> "Taught":
        """Return some of them."""
        labels = [self.labels[place] for place in which]
        return Taught(self.values[which], self.groups[which], labels, self.wanted)

    def score(self, distances: Distances, k: int) -> Distances:
        """Return (n,) scores from distances (n, m) to the exemplars; an infinite one is no one's.

        NaN where no exemplar is left.
        """
        if self.wanted is None:
            return weighted_mean(distances, self.values, k)
        return margin(distances, self.values, self.wanted, k)


def squared_distances(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
    """Return (n, m) squared Euclidean distances between rows (n, d) and (m, d)."""
    lengths = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    others_lengths = np.einsum("ij,ij->i", others, others, dtype=np.float64)
    products = (vectors @ others.T).astype(np.float64)
    return np.asarray(np.maximum(lengths[:, None] + others_lengths - 2 * products, 0))


def many_distances(
    vectors: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (n, m) Euclidean distances between rows (n, d) and (m, d), in single precision."""
    found = vectors @ others.T
    found *= -2
    found += np.einsum("ij,ij->i", others, others)
    found += np.einsum("ij,ij->i", vectors, vectors)[:, None]
    np.maximum(found, 0, out=found)
    np.sqrt(found, out=found)
    return np.asarray(found)


def nearest(distances: Distances, k: int) -> NDArray[np.int64]:
    """Return (n, k) places of the k nearest, nearest first; ties in order of place."""
    k = min(k, distances.shape[1])
    if k <= SHOWN:  # three passes take a quarter of the time
        # infinite: only what has been taken
        left = np.minimum(distances, np.finfo(distances.dtype).max)
        rows = np.arange(len(distances))
        found = np.empty((len(distances), k), np.int64)
        for column in range(k):
            found[:, column] = left.argmin(1)
            left[rows, found[:, column]] = np.inf
        return found
    some = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(distances, some, 1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(some, order, 1))


def weighted_mean(distances: Distances, values: Floats, k: int) -> Distances:
    """Return (n,) means of the values of the k nearest, by one over distance; NaN without any.

    All that are as far as the last of them count too.
    """
    k = min(k, distances.shape[1])
    farthest = np.partition(distances, k - 1, axis=1)[:, k - 1, None]
    weights = 1 / np.maximum(distances, distances.dtype.type(_LEAST))
    weights[distances > farthest] = 0
    total = weights.sum(1)
    with np.errstate(invalid="ignore"):
        means = weights @ values.astype(distances.dtype) / total
    return np.asarray(np.where(total > 0, means, np.nan))


def harmonic(distances: Distances, k: int) -> Distances:
    """Return (n,) harmonic means of the k smallest finite distances of each row; inf without."""
    if not distances.shape[1]:
        return np.full(len(distances), np.inf)
    k = min(k, distances.shape[1])
    near = np.partition(distances, k - 1, axis=1)[:, :k]
    held = np.isfinite(near).sum(1)
    inverse = (1 / np.maximum(near, near.dtype.type(_LEAST))).sum(1)
    return np.asarray(np.where(held > 0, held / np.where(held > 0, inverse, 1), np.inf))


def margin(distances: Distances, classes: Floats, wanted: int, k: int) -> Distances:
    """Return (n,) relative margins of the wanted class over the nearest other."""
    to_wanted = harmonic(distances[:, classes == wanted], k)
    others = [harmonic(distances[:, classes == c], k) for c in np.unique(classes) if c != wanted]
    if not others:
        return np.where(np.isfinite(to_wanted), -to_wanted, np.nan)
    to_other = np.min(others, axis=0)
    both = np.isfinite(to_wanted) & np.isfinite(to_other)
    with np.errstate(invalid="ignore"):
        found = (to_other - to_wanted) / np.maximum(to_other + to_wanted, _LEAST)
    # without an exemplar of one side the other side is all there is
    one_sided = np.isfinite(to_wanted) * 1.0 - np.isfinite(to_other) * 1.0
    return np.asarray(np.where(both, found, one_sided))


def predicted_class(distances: Distances, classes: Floats, k: int) -> Floats:
    """Return (n,) numbers of the nearest class; NaN where no exemplar is left."""
    names = np.unique(classes)
    each = np.stack([harmonic(distances[:, classes == c], k) for c in names], axis=1)
    return np.where(np.isfinite(each).any(1), names[each.argmin(1)], np.nan)


def ambivalence(distances: Distances, classes: Floats, k: int) -> Floats:
    """Return (n,) how little the nearest class is nearer than the next: 0 sure, 1 as far from both.

    All 1 where there is one class alone: it may be any other.
    """
    names = np.unique(classes)
    if len(names) < 2:
        return np.ones(len(distances))
    each = np.sort(np.stack([harmonic(distances[:, classes == c], k) for c in names], axis=1), 1)
    with np.errstate(invalid="ignore"):
        found = each[:, 0] / np.maximum(each[:, 1], _LEAST)
    return np.asarray(np.nan_to_num(found, nan=1.0), np.float64)


def apart(distances: Floats, groups: NDArray[np.int64]) -> Floats:
    """Return distances (m, m) between exemplars, infinite within a group: none judges its own."""
    return np.where(groups[:, None] == groups[None], np.inf, distances)


def choose_k(taught: Taught, between: Floats, target: Floats | None = None) -> int:
    """Return how many neighbours serve best, each exemplar judged by those of other groups.

    between: (m, m) distances. The largest number whose error is not beyond one standard error of
    the least (Breiman et al. 1984): the least of noisy errors is found too early. target: what to
    foretell instead of the ratings.
    """
    judged = apart(between, taught.groups)
    errors: list[tuple[int, Floats]] = []
    for k in COUNTS:
        if k > max(1, len(taught) // 2):
            break
        errors.append((k, _errors(taught, judged, k, target)))
    means = [float(np.nanmean(e)) if np.isfinite(e).any() else np.inf for _, e in errors]
    least = int(np.argmin(means))
    for k, error in reversed(errors):
        more = error - errors[least][1]
        more = more[np.isfinite(more)]
        if len(more) and more.mean() <= more.std() / np.sqrt(len(more)):
            return k
    return errors[least][0]


def _errors(taught: Taught, judged: Floats, k: int, target: Floats | None) -> Floats:
    if target is not None:
        return np.asarray((weighted_mean(judged, target, k) - target) ** 2)
    if taught.wanted is None:
        return np.asarray((weighted_mean(judged, taught.values, k) - taught.values) ** 2)
    found = predicted_class(judged, taught.values, k)
    names, counts = np.unique(taught.values, return_counts=True)
    share = 1 / counts[np.searchsorted(names, taught.values)]  # each class counts alike
    wrong = np.where(np.isnan(found), np.nan, found != taught.values)
    return np.asarray(wrong * share * len(taught) / len(names))
