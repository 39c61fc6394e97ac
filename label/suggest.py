"""What to ask next: a mix of items that are unlike those asked, uncertain, and promising.

Arrays alone: scores and their uncertainty come from whoever ranks. From zero labels on: with a
score the items are spread over its whole range, without one as the pictures lie, of two random
ones the one farther from all that was asked. Measured on galaxies (docs/labelling.md): the farthest
of all, or far ones likelier (the seeding of k-means++), ask about freaks and teach less than
chance; so do the most uncertain ones as long as labels are few, where they are more than a third.
"""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FRAMES_APART = 20
"""Frames of one video that are nearer than this show the same moment of the air; where a video is
too short for as many as are asked for, nearer ones will do, but never neighbours."""
_ALIKE = 0.05
"""Near-duplicates: nearer than this share of the usual distance."""
_MOST = 20_000
_TOGETHER = 64
_WISHES = (
    "spread", "spread", "uncertain", "spread", "promising",
    "spread", "uncertain", "spread", "spread", "uncertain",
)  # fmt: skip
"""In turn."""
_DRAWN = 2


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items that may be asked about, and what is known of them.

    vectors: (n, d). usable: (n,) False for what is not to be asked: flagged frames, skipped items.
    asked: places of those that have been. files, frames: (n,) of frames of videos; -1 for stills.
    scores: (n,) higher is better; uncertainty: (n,) higher is less sure; None where nobody knows.
    """

    vectors: NDArray[np.float32]
    usable: NDArray[np.bool_]
    asked: NDArray[np.int64]
    files: NDArray[np.int64]
    frames: NDArray[np.int64]
    scores: Floats | None = None
    uncertainty: Floats | None = None

    def only(self, places: NDArray[np.int64]) -> "Candidates":
        """Return those at some places, ascending, among them all that have been asked."""
        return Candidates(
            self.vectors[places], self.usable[places], np.searchsorted(places, self.asked),
            self.files[places], self.frames[places],
            None if self.scores is None else self.scores[places],
            None if self.uncertainty is None else self.uncertainty[places],
        )  # fmt: skip


def suggest(candidates: Candidates, n: int, *, seed: int = 0) -> list[int]:
    """Return the places of up to n items to ask about, in the order to ask.

    Never two near-duplicates, neighbouring frames, or one that has been asked. Fewer than n where
    there are no more. Of very many items a random 20,000 are looked at.
    """
    rng = np.random.default_rng(seed)
    apart = _apart(candidates, n)
    places = np.flatnonzero(candidates.usable)
    if len(places) > _MOST:
        places = rng.choice(places, _MOST, replace=False)
    places = np.union1d(places, candidates.asked)
    search = _Search(candidates.only(places), rng, apart=apart)
    chosen: list[int] = []
    for wish in cycle(_WISHES):
        if len(chosen) >= n or not search.allowed.any():
            return chosen
        place = search.pick(wish)
        search.take(place)
        chosen.append(int(places[place]))
    return chosen


def _apart(candidates: Candidates, n: int) -> int:
    """Return how far apart frames are to be, so that as many as are wanted find room."""
    frames = int((candidates.frames[candidates.usable] >= 0).sum())
    return max(2, min(FRAMES_APART, frames // (4 * (len(candidates.asked) + n))))


class _Search:
    """What may still be chosen, and how far each item is from all that has been."""

    def __init__(self, candidates: Candidates, rng: np.random.Generator, *, apart: int) -> None:
        self._all, self._apart = candidates, apart
        self._rng = rng
        count = len(candidates.vectors)
        self.allowed = candidates.usable.copy()
        self._squares = np.einsum(
            "ij,ij->i", candidates.vectors, candidates.vectors, dtype=np.float64
        )
        self._usual = self._usual_distance()
        self._far = np.full(count, np.inf)
        """(n,) squared distance to the nearest that has been asked."""
        self._taken: list[int] = []
        self._quantile = _quantiles(candidates.scores, candidates.usable)
        for first in range(0, len(candidates.asked), _TOGETHER):
            self._take_all(candidates.asked[first : first + _TOGETHER])

    def take(self, place: int) -> None:
        """Note that an item is asked about: it, its likes and its neighbours are not any more."""
        self._take_all(np.array([place]))

    def _take_all(self, places: NDArray[np.int64]) -> None:
        # together: hundreds of labels one by one would read all vectors hundreds of times
        all_of = self._all
        distance = all_of.vectors @ all_of.vectors[places].T
        distance = self._squares[:, None] + self._squares[places] - 2 * distance.astype(np.float64)
        nearest = np.maximum(distance.min(1), 0)
        self._far = np.minimum(self._far, nearest)
        self._taken += places.tolist()
        self.allowed[places] = False
        self.allowed &= nearest > (_ALIKE * self._usual) ** 2
        for place in places[all_of.frames[places] >= 0]:
            near = np.abs(all_of.frames - all_of.frames[place]) < self._apart
            self.allowed &= ~(near & (all_of.files == all_of.files[place]))

    def pick(self, wish: str) -> int:
        """Return the place of the item that serves a wish best."""
        known = self._all
        if wish == "promising" and known.scores is not None and len(self._taken):
            return self._best(known.scores)
        if wish == "uncertain" and known.uncertainty is not None:
            return self._best(known.uncertainty)
        if self._quantile is not None:
            return self._in_widest_gap(self._quantile)
        return self._far_one(self.allowed)

    def _best(self, values: Floats) -> int:
        """Return one of the best: of the highest 5 %, the one farthest from what was asked."""
        places = np.flatnonzero(self.allowed)
        order = places[np.argsort(-np.nan_to_num(values[places], nan=-np.inf), kind="stable")]
        top = order[: max(1, len(order) // 20)]
        return int(top[np.argmax(self._far[top])])

    def _in_widest_gap(self, quantile: Floats) -> int:
        """Return an item from the middle of the widest stretch of scores that was not asked of."""
        held = np.sort(np.concatenate([[0.0, 1.0], quantile[self._taken]]))
        for gap in np.argsort(-np.diff(held), kind="stable"):
            low, high = held[gap], held[gap + 1]
            inner = (high - low) / 4
            inside = self.allowed & (quantile >= low + inner) & (quantile <= high - inner)
            if inside.any():
                return self._far_one(inside)
        return self._far_one(self.allowed)

    def _far_one(self, among: NDArray[np.bool_]) -> int:
        """Return, of two random items, the one farther from all that was asked."""
        places = np.flatnonzero(among)
        drawn = self._rng.choice(places, min(_DRAWN, len(places)), replace=False)
        return int(drawn[np.argmax(self._far[drawn])])

    def _usual_distance(self) -> float:
        """Return the median distance of random pairs."""
        vectors = self._all.vectors
        places = np.flatnonzero(self.allowed)
        if len(places) < 2:
            return 0.0
        pairs = self._rng.choice(places, (200, 2))
        apart = np.linalg.norm(vectors[pairs[:, 0]] - vectors[pairs[:, 1]], axis=1)
        return float(np.median(apart[pairs[:, 0] != pairs[:, 1]]))


def _quantiles(scores: Floats | None, usable: NDArray[np.bool_]) -> Floats | None:
    """Return (n,) where items stand among the usable ones, 0..1; None without scores."""
    if scores is None:
        return None
    known = np.sort(scores[usable & np.isfinite(scores)])
    if len(known) < 2 or known[0] == known[-1]:
        return None
    places = np.searchsorted(known, np.nan_to_num(scores), side="right") - 0.5
    return np.asarray(np.clip(places / len(known), 0, 1))
