"""Where labels meet what a probe reads: the pictures of a library, or the frames of videos.

Both know their items by a number of their own (`row`), find the rows that labels mean, and give
their vectors and their groups.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.items import Item, items_at, items_by_id, items_of_content
from ..db.vectors import StoredEncoder, searchable_rows, vectors_of
from ..media.address import Address, parse
from ..train.folds import FEWEST_VIDEOS, NEIGHBOURS, groups_of
from ..train.space import MOST_UNLABELLED
from .exemplar_frames import contents_in
from .features import frame_features, frame_vectors
from .frame_ranking import FrameRanking
from .frame_scorers import FrameSetting

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


class Ground(Protocol):
    """Items that may have labels."""

    @property
    def features(self) -> str:
        """The identity of what a probe reads here."""
        ...

    def with_contents(self, contents: Sequence[int]) -> dict[int, int]:
        """Return the row of each content that is here."""
        ...

    def with_names(self, names: Iterable[str], beside: Path) -> dict[str, int]:
        """Return the row of each name that is here: a path, an address, a file's bare name.

        beside: the folder that relative paths may also be seen from.
        """
        ...

    def with_numbers(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return the row of each frame number, where there is one video."""
        ...

    def vectors(self, rows: Rows) -> Floats:
        """Return (n, d) what a probe reads of rows; all NaN where there is nothing."""
        ...

    def groups(self, rows: Rows) -> Rows:
        """Return (n,) groups that no fold may part."""
        ...

    def unlabelled(self, seed: int) -> Floats | None:
        """Return (m, d) vectors of this kind, some thousand at most; None where they are few."""
        ...


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a library, or some of them, to an encoder; a row is an item's id."""

    catalogue: Catalogue
    encoder: StoredEncoder
    only: list[Item] | None = None
    """None: all of the library."""

    @property
    def features(self) -> str:
        """The encoder's identity."""
        return f"encoder:{self.encoder.identity}"

    @cached_property
    def _allowed(self) -> set[int]:
        return {item.id for item in self.only or []}

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for item in self.only or []:
            if item.frame is None and item.part is None:
                found.setdefault(item.path.name, []).append(item.id)
        return found

    def with_contents(self, contents: Sequence[int]) -> dict[int, int]:
        """Return an item of each content: the first copy that is asked for."""
        found = {}
        for content in contents:
            items = self._here(items_of_content(self.catalogue, content))
            if items:
                found[content] = items[0].id
        return found

    def with_names(self, names: Iterable[str], beside: Path) -> dict[str, int]:
        """Return the item of each name; a bare name only where it is that of one item asked for."""
        found = {}
        for name in names:
            written = parse(name)
            tried = [written, Address(beside / written.path, written.frame, written.part)]
            items = [i for at in tried for i in self._here(items_at(self.catalogue, at))]
            alone = self._by_name.get(name, [])
            if items:
                found[name] = items[0].id
            elif len(alone) == 1:
                found[name] = alone[0]
        return found

    def with_numbers(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return the frames of the one video among the items."""
        frames = [item for item in self.only or [] if item.frame is not None]
        if len({item.path for item in frames}) != 1:
            return {}
        known = {item.frame: item.id for item in frames}
        return {number: known[number] for number in numbers if number in known}

    def vectors(self, rows: Rows) -> Floats:
        """Return an encoder's vectors of items."""
        found = vectors_of(self.catalogue, self.encoder, rows.tolist())
        none = np.full(self.encoder.dimension, np.nan, np.float32)
        return np.array([found.get(row, none) for row in rows.tolist()], np.float32)

    def groups(self, rows: Rows) -> Rows:
        """Return groups by file and by time (`groups_of`)."""
        items = items_by_id(self.catalogue, rows.tolist())
        return groups_of([items[row] for row in rows.tolist()])

    def unlabelled(self, seed: int) -> Floats | None:
        """Return vectors of the whole library, drawn at random where there are many."""
        ids = searchable_rows(self.catalogue, self.encoder).items
        if len(ids) > MOST_UNLABELLED:
            rng = np.random.default_rng([seed, 3])
            ids = np.sort(rng.choice(ids, MOST_UNLABELLED, replace=False))
        found = self.vectors(ids)
        return found[np.isfinite(found).all(1)] if len(ids) else None

    def _here(self, items: list[Item]) -> list[Item]:
        present = [item for item in items if item.state == "present"]
        return [item for item in present if self.only is None or item.id in self._allowed]


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of videos; rows count through all of them, in order.

    on: what a probe reads (`features.frame_features`). Raises UsageError where videos differ in it.
    """

    catalogue: Catalogue
    rankings: Sequence[FrameRanking]
    on: str
    settings: Sequence[FrameSetting]

    @property
    def features(self) -> str:
        """The identity of what is read: that of the first video, or of named scores."""
        return frame_features(self.on, self.settings[0])

    @cached_property
    def _starts(self) -> Rows:
        return np.cumsum([0, *(len(ranking.survey) for ranking in self.rankings)])

    @cached_property
    def _scores(self) -> list[Floats]:
        return [frame_vectors(self.on, setting) for setting in self.settings]

    def with_contents(self, contents: Sequence[int]) -> dict[int, int]:
        """Return the first frame of each content."""
        every = np.concatenate(
            [contents_in(self.catalogue, one.survey, one.ids) for one in self.rankings]
        )
        names, first = np.unique(every, return_index=True)
        known = dict(zip(names.tolist(), first.tolist(), strict=True))
        return {content: known[content] for content in contents if content in known}

    def with_names(self, names: Iterable[str], beside: Path) -> dict[str, int]:
        """Return frames by the addresses or bare names of their files."""
        del beside
        known: dict[str, int] = {}
        for start, ranking in zip(self._starts.tolist(), self.rankings, strict=False):
            for row, number in enumerate(ranking.survey.rows["number"].tolist()):
                origin = ranking.video.origin(number)
                frame = "" if origin.frame is None else f"#{origin.frame}"
                for name in (f"{origin.path}{frame}", f"{origin.path.name}{frame}"):
                    known.setdefault(name, start + row)
        return {name: known[name] for name in names if name in known}

    def with_numbers(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return frames of the one video by their numbers."""
        if len(self.rankings) != 1:
            return {}
        rows = enumerate(self.rankings[0].survey.rows["number"].tolist())
        known = {number: row for row, number in rows}
        return {number: known[number] for number in numbers if number in known}

    def vectors(self, rows: Rows) -> Floats:
        """Return what a probe reads of frames."""
        if not self.on.startswith("scores"):
            return frame_vectors(self.on, self.settings[0], rows)
        every = self._scores
        return np.concatenate(every)[rows]

    def groups(self, rows: Rows) -> Rows:
        """Return stretches of frames; from five videos on each video is a group.

        By their numbers in the video, also where each frame is a file of its own.
        """
        video = np.searchsorted(self._starts, rows, side="right") - 1
        if len(self.rankings) >= FEWEST_VIDEOS:
            return np.asarray(video)
        numbers = np.concatenate([ranking.survey.rows["number"] for ranking in self.rankings])
        names = np.stack((video, numbers[rows] // NEIGHBOURS), axis=1)
        return np.asarray(np.unique(names, axis=0, return_inverse=True)[1]).reshape(-1)

    def unlabelled(self, seed: int) -> Floats | None:
        """Return in-band vectors of frames without a flag; named scores are few as they are."""
        if not self.on.startswith("frames"):
            return None
        rows = np.flatnonzero(self.settings[0].usable)
        if len(rows) > MOST_UNLABELLED:
            rng = np.random.default_rng([seed, 3])
            rows = np.sort(rng.choice(rows, MOST_UNLABELLED, replace=False))
        return self.vectors(rows)
