"""Several files of one capture as one video: recorders split at 4 GB."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PictureError
from ..media.picture import Samples
from .base import BATCH, About, Origin, Video
from .numbered import natural

_COMPARED = ("width", "height", "planes", "depth", "pattern")


class Capture(Video):
    """The frames of several videos one after the other, numbered through."""

    def __init__(self, pieces: Sequence[Video]) -> None:
        self.pieces = list(pieces)
        self.path = pieces[0].path
        self._firsts = np.cumsum([0, *(len(piece) for piece in pieces)])
        self._told = [0 for _ in pieces]
        self.about = self._joined()
        self._tell()

    def batches(
        self, numbers: Sequence[int] | NDArray[np.int64] | None = None, *, size: int = BATCH
    ) -> Iterator[tuple[NDArray[np.int64], Samples]]:
        """Yield (numbers, samples) of some frames (all, when None), in rising order."""
        wanted = None if numbers is None else np.concatenate([[], *self._cut(numbers, size, 0)])
        for piece, first, end in zip(self.pieces, self._firsts, self._firsts[1:], strict=False):
            own = None
            if wanted is not None:
                own = wanted[(wanted >= first) & (wanted < end)].astype(np.int64) - first
                if not len(own):
                    continue
            try:
                for some, samples in piece.batches(own, size=size):
                    yield some + first, samples
            except PictureError as problem:
                raise PictureError(f"{piece.path.name}: {problem}") from problem
            self._tell()

    def origin(self, number: int) -> Origin:
        """Return the file and the number there."""
        at = int(np.searchsorted(self._firsts, number, side="right")) - 1
        return self.pieces[at].origin(number - int(self._firsts[at]))

    def close(self) -> None:
        """Let all files go."""
        for piece in self.pieces:
            piece.close()

    def _joined(self) -> About:
        abouts = [piece.about for piece in self.pieces]
        intervals = {about.key_interval for about in abouts}
        depths = [about.effective_depth for about in abouts]
        formats = sorted({about.format for about in abouts})
        return replace(
            abouts[0],
            format=" + ".join(formats),
            frames=int(self._firsts[-1]),
            effective_depth=max((depth for depth in depths if depth is not None), default=None),
            full_scale=max(about.full_scale for about in abouts),
            times=_times(abouts),
            key_interval=intervals.pop() if len(intervals) == 1 else None,
            header={"files": [piece.path.name for piece in self.pieces]},
            remarks=[],
        )

    def _tell(self) -> None:
        """Take over what the pieces have told since; each remark with the name of its file."""
        for at, piece in enumerate(self.pieces):
            new = piece.about.remarks[self._told[at] :]
            self.about.remarks += [f"{piece.path.name}: {remark}" for remark in new]
            self._told[at] += len(new)


def join(pieces: Sequence[Video]) -> Capture:
    """Join videos in the order of their times, where all have some, else of their names.

    Raises PictureError that lists the differences where they are not of one size, depth, colours
    and pattern.
    """
    _check_alike(pieces)
    starts = [_first_time(piece) for piece in pieces]
    if all(start is not None for start in starts):
        by = "times"
        order = sorted(range(len(pieces)), key=lambda at: (starts[at], natural(pieces[at].path)))
    else:
        by = "names"
        order = sorted(range(len(pieces)), key=lambda at: natural(pieces[at].path))
    capture = Capture([pieces[at] for at in order])
    if order != list(range(len(pieces))):
        names = ", ".join(pieces[at].path.name for at in order)
        capture.about.remarks.insert(0, f"put in the order of their {by}: {names}"[:500])
    return capture


def _check_alike(pieces: Sequence[Video]) -> None:
    first = pieces[0]
    differences = []
    for piece in pieces[1:]:
        for name in _COMPARED:
            here, there = getattr(piece.about, name), getattr(first.about, name)
            if here != there:
                differences.append(f"{piece.path.name} has {name} {here}, not {there}")
    if differences:
        told = "; ".join(differences[:5]) + ("; ..." if len(differences) > 5 else "")
        raise PictureError(f"not one capture: {told} (as {first.path.name}); rank them one by one")


def _first_time(piece: Video) -> Any:  # noqa: ANN401 -- a time of numpy's, or None
    times = piece.about.times
    if times is None or np.isnat(times).all():
        return None
    return times[~np.isnat(times)][0]


def _times(abouts: Sequence[About]) -> NDArray[np.datetime64] | None:
    """Return all times one after the other, NaT where a file has none; None where none has."""
    if all(about.times is None for about in abouts):
        return None
    unknown = np.datetime64("NaT", "ns")
    return np.concatenate([
        np.full(about.frames, unknown) if about.times is None else about.times for about in abouts
    ])  # fmt: skip
