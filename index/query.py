"""Several targets, wanted and unwanted, made into one order of items."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import NO_ITEM, Ids, VectorIndex, Vectors


@dataclass(frozen=True, slots=True)
class QueryVector:
    """One target as a vector. weight > 0; `wanted` False pushes away."""

    vector: NDArray[np.float32]
    weight: float = 1.0
    wanted: bool = True


def combine(targets: Sequence[QueryVector], vectors: Vectors) -> Vectors:
    """Return the similarity of each vector to a set of targets, (n,), at most 1.

    A weight shortens the distance: with m the greatest weight of a wanted target (of any, where
    none is wanted), a target of weight w sees s = 1 - (1 - cosine) m / w, so that equal weights
    leave cosines as they are. With p the greatest s over wanted and q over unwanted targets the
    similarity is p - max(0, q - p): an item belongs to its nearest wanted target, however far the
    others are (two different kinds both return results), and is pushed away only by what is
    nearer to it than that, by as much as it is nearer. Without wanted targets it is -q. Values
    below -1 are cut to -1.
    """
    heaviest = _heaviest(targets)
    sides: dict[bool, Vectors] = {}
    for wanted in (True, False):
        side = [target for target in targets if target.wanted is wanted]
        if side:
            cosines = vectors @ np.stack([target.vector for target in side]).T
            factors = np.array([heaviest / target.weight for target in side], np.float32)
            sides[wanted] = (1 - (1 - cosines) * factors).max(axis=1)
    if True not in sides:
        combined = -sides[False]
    elif False not in sides:
        combined = sides[True]
    else:
        combined = sides[True] - np.maximum(0, sides[False] - sides[True])
    return np.clip(combined, -1, 1).astype(np.float32)


def _heaviest(targets: Sequence[QueryVector]) -> float:
    """Return the weight that leaves cosines as they are.

    How hard an unliked target pushes does not change how near a wanted one is.
    """
    weights = [target.weight for target in targets if target.wanted]
    return max(weights or [target.weight for target in targets])


def nearest(
    index: VectorIndex,
    targets: Sequence[QueryVector],
    k: int,
    *,
    allow: Ids | None = None,
    leave_out: Sequence[int] = (),
) -> tuple[Ids, Vectors]:
    """Return the ids and similarities of the k best items, best first, ties by id.

    Exact: with several targets the nearest of each are fetched, deeper and deeper, until nothing
    unseen could still be better (Fagin's threshold algorithm).
    """
    available = index.count() if allow is None else len(allow)
    wanted = [target for target in targets if target.wanted]
    if len(targets) == 1 and wanted:
        found, scores = index.search(wanted[0].vector[None], k + len(leave_out), allow=allow)
        return _keep(found[0], scores[0], k, leave_out)
    if not wanted:  # the least like: every allowed item is a candidate
        found, _ = index.search(targets[0].vector[None], available, allow=allow)
        found = found[found != NO_ITEM]
        return _keep(found, combine(targets, index.get(found)), k, leave_out)
    if available == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    heaviest = _heaviest(targets)
    depth = min(available, 4 * (k + len(leave_out)))
    while True:
        found, cosines = index.search(np.stack([t.vector for t in wanted]), depth, allow=allow)
        candidates = np.unique(found[found != NO_ITEM])
        scores = combine(targets, index.get(candidates))
        ids, best = _keep(candidates, scores, k, leave_out)
        last = 1 - (1 - cosines[:, -1]) * np.array([heaviest / t.weight for t in wanted])
        # what is unseen may reach the least of `last`, or be cut off at -1 and tie with others
        unseen = max(float(last.max()), -1.0)
        if depth >= available or (len(best) >= k and best[-1] > unseen):
            return ids, best
        depth = min(available, 4 * depth)


def _keep(ids: Ids, scores: Vectors, k: int, leave_out: Sequence[int]) -> tuple[Ids, Vectors]:
    good = (ids != NO_ITEM) & ~np.isin(ids, np.array(list(leave_out), np.int64))
    # float16 rows are not quite of length 1
    ids, scores = ids[good], np.clip(scores[good], -1, 1)
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]
