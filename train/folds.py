"""Groups of items that must not be parted by a split, and folds that keep to them.

Crops of one picture, frames that follow each other and shots of one burst look alike for reasons
that have nothing to do with their labels: judged on one and taught by its neighbour, anything looks
good.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..db.items import Item

NEIGHBOURS = 40
"""Frames that the air remembers (its measured memory, at a hundred frames a second)."""
BURST_SECONDS = 60.0
FOLDS = 5
FEWEST_VIDEOS = 5
"""From so many videos on, each is a group of its own."""


def groups_of(items: Sequence[Item]) -> NDArray[np.int64]:
    """Return (n,) numbers of the groups that items belong to.

    A file is a group: its crops, parts and pages stay together; so do pictures taken within a
    minute of each other. Of fewer than five videos each is cut into stretches of 40 frames.
    """
    videos = {item.path for item in items if item.frame is not None}
    stretches = len(videos) < FEWEST_VIDEOS
    names: dict[object, int] = {}
    own = np.array(
        [
            names.setdefault(
                (item.digest, item.frame // NEIGHBOURS)
                if item.frame is not None and stretches
                else item.digest,
                len(names),
            )
            for item in items
        ],
        np.int64,
    )
    joined = np.arange(len(names))
    for one, other in zip(*_bursts(items), strict=True):
        a, b = joined[own[one]], joined[own[other]]
        if a != b:
            joined[joined == b] = a
    return np.asarray(joined[own], np.int64)


def _bursts(items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return places of pictures, and of those that were taken next, within a minute."""
    timed = [n for n, item in enumerate(items) if item.frame is None and item.taken_at]
    times = np.array([str(items[n].taken_at).removesuffix("Z") for n in timed], "datetime64[us]")
    order = np.argsort(times, kind="stable")
    near = np.diff(times[order]) <= np.timedelta64(round(1e6 * BURST_SECONDS), "us")
    places = np.array(timed, np.int64)[order]
    return places[:-1][near], places[1:][near]


def folds(
    groups: NDArray[np.int64], *, count: int = FOLDS, seed: int = 0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (learn, judge), places of the items, so that no group is in both.

    Groups are dealt out at random. Fewer groups than `count` make as many folds as groups; one
    group alone can't be judged and yields nothing.
    """
    names = np.unique(groups)
    if len(names) < 2:
        return
    dealt = np.random.default_rng(seed).permutation(len(names)) % min(count, len(names))
    fold_of = dealt[np.searchsorted(names, groups)]
    for fold in range(int(dealt.max()) + 1):
        judged = fold_of == fold
        yield np.flatnonzero(~judged), np.flatnonzero(judged)
