"""Names short enough for a tile, and long enough to be told apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath


def telling_names(paths: Sequence[str]) -> list[str]:
    """Return of each path as many of its last parts as tell it from all the others.

    Equal paths have equal names.
    """
    parts = {path: PurePath(path).parts or (path,) for path in paths}
    taken = dict.fromkeys(parts, 1)
    while True:
        names = {path: str(PurePath(*parts[path][-taken[path] :])) for path in parts}
        shared = Counter(names.values())
        longer = [p for p in parts if shared[names[p]] > 1 and taken[p] < len(parts[p])]
        if not longer:
            return [names[path] for path in paths]
        for path in longer:
            taken[path] += 1
