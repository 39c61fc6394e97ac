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
    bursts = _bursts(items)
    names: dict[object, int] = {}
    found = []
    for place, item in enumerate(items):
        key: object
        if item.frame is not None and stretches:
            key = (item.digest, item.frame // NEIGHBOURS)
        elif item.frame is None and place in bursts:
            key = ("burst", bursts[place])
        else:
            key = item.digest
        found.append(names.setdefault(key, len(names)))
    return np.array(found, np.int64)


def _bursts(items: Sequence[Item]) -> dict[int, int]:
    """Return the number of the burst of each picture with a time, by its place."""
    timed = sorted(
        (np.datetime64(item.taken_at.removesuffix("Z")), place)
        for place, item in enumerate(items)
        if item.frame is None and item.taken_at
    )
    found: dict[int, int] = {}
    burst = -1
    for number, (time, place) in enumerate(timed):
        gap = (time - timed[number - 1][0]) / np.timedelta64(1, "s") if number else np.inf
        burst += bool(gap > BURST_SECONDS)
        found[place] = burst
    return found


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
