"""Pictures of a library scored by labelled ones, in an encoder's vectors."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import overload

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..db.catalogue import Catalogue
from ..db.items import Item, contents_of, items_by_id
from ..db.vectors import StoredEncoder, searchable_blocks, vectors_of
from ..errors import UsageError
from ..flow.choose import lacking
from ..flow.pipeline import Workers
from ..show.names import telling_names
from ..train.folds import groups_of
from .exemplars import ByExemplars
from .lesson import Lesson, learn, told
from .neighbours import Floats
from .ranking import Ranked, Ranking, percents
from .scorer import identify

_CHUNK = 500


def rank_by_exemplars(
    catalogue: Catalogue,
    stored: StoredEncoder,
    asked: ByExemplars,
    items: Sequence[Item] | None,
    broken: Sequence[tuple[Item, str]] = (),
) -> Ranking:
    """Rank items (all that can be searched, for None) by a set's exemplars; unreadable ones last.

    Raises UsageError where no exemplar has a vector of this encoder.
    """
    contents = contents_of(catalogue)
    wanted = None if items is None else np.array([item.id for item in items], np.int64)
    # products as small as these keep several threads waiting for each other: 2.7 s of two busy
    # cores, where one thread takes 1.5 s
    with threadpool_limits(1, "blas"):
        lesson, names, place_of = _lesson(catalogue, stored, asked, contents)
        ids, scores, near = _scored(catalogue, stored, lesson, contents, place_of, wanted)
        trust = lesson.trust()
    remarks = asked.remarks(lesson, trust, f"pictures with a vector of {stored.name}")
    known = None if items is None else {item.id: item for item in items}
    rest: list[tuple[Item, str]] = list(broken)
    if known is None:
        remarks += filter(None, [lacking(catalogue, stored)])
    else:
        seen = set(ids.tolist())
        why = f"no vector of {stored.name}; run q index"
        rest = [(item, why) for item in known.values() if item.id not in seen] + rest
    taught = _Told(lesson, names, place_of, contents)
    entries = _Entries(catalogue, ids, scores, near, taught, known, rest)
    identity = identify(
        asked.name,
        {**asked.parameters(asked.exemplars.entries, lesson), "encoder": stored.identity},
    )
    details = asked.details(lesson, trust)
    return Ranking(
        identity, entries, None, stored.identity, remarks, details=details,
        unscored=sum(item.state != "unreadable" for item, _ in rest),
    )  # fmt: skip


def _lesson(
    catalogue: Catalogue, stored: StoredEncoder, asked: ByExemplars, contents: dict[int, int]
) -> tuple[Lesson, list[str], dict[int, int]]:
    """Return what the exemplars teach, their names, and the place of each by content."""
    by_content = {entry.content: entry for entry in asked.exemplars.entries}
    mine = [item for item, content in contents.items() if content in by_content]
    vectors = vectors_of(catalogue, stored, mine)
    chosen: dict[int, int] = {}
    for item in mine:
        if item in vectors:
            chosen.setdefault(contents[item], item)
    if not chosen:
        raise UsageError(
            f"none of the {len(by_content)} labels of {asked.set_name} is of a picture that "
            f"{stored.name} has seen here: q index them, or name another encoder"
        )
    items = items_by_id(catalogue, chosen.values())
    exemplars = [items[item] for item in chosen.values()]
    entries = [by_content[content] for content in chosen]
    taught = asked.taught(entries, groups_of(exemplars))
    rows = np.stack([vectors[item.id] for item in exemplars])
    places = {content: place for place, content in enumerate(chosen)}
    names = telling_names([str(item) for item in exemplars])
    return learn(taught, rows, k=asked.k), names, places


def _scored(
    catalogue: Catalogue, stored: StoredEncoder, lesson: Lesson, contents: dict[int, int],
    place_of: dict[int, int], wanted: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int32]]:  # fmt: skip
    """Return ids, scores and nearest exemplars of items, best first, ties in order of ids."""

    def of_block(
        block: tuple[NDArray[np.int64], NDArray[np.float32]],
    ) -> tuple[NDArray[np.int64], Floats, NDArray[np.int32]]:
        ids, vectors = block
        if wanted is not None:
            which = np.isin(ids, wanted)
            ids, vectors = ids[which], vectors[which]
        own = np.array([place_of.get(contents.get(i, 0), -1) for i in ids.tolist()], np.int64)
        return (ids, *lesson.scores(vectors, slice(None), own))

    with closing(Workers()) as workers:
        blocks = searchable_blocks(catalogue, stored)
        scored = workers.map(of_block, blocks, ahead=workers.threads + 1)
        found = [part for part in scored if len(part[0])]
    if not found:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 1), np.int32)
    ids, scores, near = (np.concatenate(part) for part in zip(*found, strict=True))
    # copies differ in the last bits of single precision
    order = np.lexsort((ids, -np.round(scores, 6), np.isnan(scores)))
    return ids[order], scores[order], near[order]


class _Told:
    """The reasons of scores."""

    def __init__(
        self, lesson: Lesson, names: Sequence[str], place_of: dict[int, int],
        contents: dict[int, int],
    ) -> None:  # fmt: skip
        self._names, self._labels = names, lesson.taught.labels
        self._place_of, self._contents = place_of, contents

    def __call__(self, item: int, near: NDArray[np.int32]) -> str:
        like = told(near.tolist(), self._names, self._labels)
        own = self._place_of.get(self._contents.get(item, 0))
        return like if own is None else f"labelled {self._labels[own]}; {like}"


class _Entries(Sequence[Ranked]):
    """Ranked items, made when they are asked for: of 100,000 a person reads the first twenty."""

    def __init__(
        self,
        catalogue: Catalogue,
        ids: NDArray[np.int64],
        scores: Floats,
        near: NDArray[np.int32],
        reason: _Told,
        known: dict[int, Item] | None,
        rest: Sequence[tuple[Item, str]],
    ) -> None:
        self._catalogue, self._ids, self._scores, self._near = catalogue, ids, scores, near
        self._percent = percents(scores)
        self._reason, self._known, self._rest = reason, known, rest

    def __len__(self) -> int:
        return len(self._ids) + len(self._rest)

    @overload
    def __getitem__(self, place: int) -> Ranked: ...
    @overload
    def __getitem__(self, place: slice) -> list[Ranked]: ...
    def __getitem__(self, place: int | slice) -> Ranked | list[Ranked]:
        if isinstance(place, slice):
            return self._made(range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self._made([place % len(self)])[0]

    def __iter__(self) -> Iterator[Ranked]:
        for first in range(0, len(self), _CHUNK):
            yield from self._made(range(first, min(first + _CHUNK, len(self))))

    def _made(self, places: Sequence[int]) -> list[Ranked]:
        scored = [place for place in places if place < len(self._ids)]
        ids = self._ids[scored].tolist()
        items = self._known or items_by_id(self._catalogue, ids)
        found = []
        for place in places:
            if place >= len(self._ids):
                item, why = self._rest[place - len(self._ids)]
                found.append(Ranked(place + 1, item, None, None, why))
                continue
            number, score = int(self._ids[place]), float(self._scores[place])
            known = bool(np.isfinite(score))
            found.append(
                Ranked(
                    place + 1, items[number], score if known else None,
                    float(self._percent[place]) if known else None,
                    self._reason(number, self._near[place]),
                )
            )  # fmt: skip
        return found
