"""What to ask next about pictures or frames: `label.suggest` with what a ranking knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..db.catalogue import Catalogue
from ..db.exemplars import SKIP, StoredSet, current_labels, events_of, set_named
from ..db.items import Item, items_by_id
from ..db.vectors import StoredEncoder, searchable_blocks
from ..errors import NothingError
from ..flow.meant import meant
from ..label.entered import nothing_at, told_unread
from ..label.exemplars import brought_together
from ..label.sets import KEEP, value_of
from ..label.suggest import Candidates, suggest
from ..train.folds import NEIGHBOURS
from ..video.open import is_video
from .exemplar_frames import band_vectors, contents_in
from .frame_ranking import FrameRanking
from .lesson import Base, learn
from .neighbours import Floats, Taught, ambivalence, nearest, squared_distances

FEWEST = 5
"""Labels from which on they say what is uncertain and promising."""
_BLOCK = 4096


@dataclass(slots=True, eq=False)
class Asker:
    """Chooses which contents to ask about next, by the labels so far.

    ids, contents: (n,) of the items; of copies and repeated frames one. vectors: (n, d). usable:
    (n,) False for what is not worth a question. files, frames: (n,), -1 for stills. base: (n,) a
    score that needs no labels.
    """

    asked: StoredSet
    ids: NDArray[np.int64]
    contents: NDArray[np.int64]
    vectors: NDArray[np.float32]
    usable: NDArray[np.bool_]
    files: NDArray[np.int64]
    frames: NDArray[np.int64]
    base: Floats | None = None
    identity: str | None = None
    """Of the encoder or scorer that chooses."""
    others: Mapping[int, str] = field(default_factory=dict)
    """What other people answered, by content: it teaches as well."""
    unreadable: Sequence[str] = ()
    """Files that can't be read, with the reason."""

    def items(self, catalogue: Catalogue) -> list[Item]:
        """Return the items that are worth a question."""
        ids = self.ids[self.usable].tolist()
        found = items_by_id(catalogue, ids)
        return [found[item] for item in ids if item in found]

    def __call__(
        self, answers: Mapping[int, str], n: int, *, seen: Sequence[int] = (), seed: int = 0
    ) -> list[int]:
        """Return up to n contents to ask about, in the order to ask.

        answers: by content, so far; SKIP: none was given. seen: other contents that are not to be
        asked again.
        """
        place = {content: row for row, content in enumerate(self.contents.tolist())}
        seen = [*seen, *(c for c, a in answers.items() if a == SKIP)]
        told = {**self.others, **{c: a for c, a in answers.items() if a != SKIP}}
        labelled = {c: a for c, a in told.items() if c in place}
        rows = np.array([place[content] for content in labelled], np.int64)
        passed = np.array([place[content] for content in seen if content in place], np.int64)
        scores, uncertainty = self.base, None
        if len(rows) >= FEWEST:
            scores, uncertainty = self._learnt(rows, list(labelled.values()))
        # what somebody answered elsewhere teaches as well; what was passed over only takes room
        candidates = Candidates(
            self.vectors, self.usable, np.union1d(rows, passed), self.files, self.frames,
            scores, uncertainty,
        )  # fmt: skip
        return [int(self.contents[row]) for row in suggest(candidates, n, seed=seed + len(rows))]

    def _learnt(
        self, rows: NDArray[np.int64], answers: Sequence[str]
    ) -> tuple[Floats | None, Floats | None]:
        """Return (n,) scores and uncertainty by the labels so far."""
        groups = np.where(self.frames[rows] >= 0, self.frames[rows] // NEIGHBOURS, -1 - rows)
        if self.asked.kind == "rating":
            taught = Taught(np.array([value_of(a) for a in answers]), groups, answers)
        else:
            names = sorted({*answers, KEEP[0]} if self.asked.kind == "keep" else set(answers))
            values = np.array([names.index(answer) for answer in answers], np.float64)
            wanted = names.index(KEEP[0]) if self.asked.kind == "keep" else 0
            taught = Taught(values, groups, answers, wanted)
        base = None
        if self.base is not None and self.asked.kind != "classes":
            base = Base(self.base, self.base[rows])
        lesson = learn(taught, self.vectors[rows], base=base)
        own = np.full(len(self.vectors), -1)
        scores, uncertainty = np.empty(len(own)), np.empty(len(own))
        for first in range(0, len(own), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(own)))
            scores[part], _ = lesson.scores(self.vectors[part], part, own[part])
            apart = np.sqrt(squared_distances(self.vectors[part], lesson.vectors))
            if self.asked.kind == "rating":  # neighbours that disagree
                values = taught.values[nearest(apart, max(3, lesson.k // 2))]
                uncertainty[part] = values.std(1)
            else:
                uncertainty[part] = ambivalence(apart, taught.values, lesson.k)
        return (None if self.asked.kind == "classes" else scores), uncertainty


def asker_of(
    catalogue: Catalogue,
    exemplars: str | StoredSet,
    names: Sequence[str | Path] | None,
    *,
    who: str | None,
    rank: Callable[[list[str | Path]], object],
    index: Callable[[list[str | Path]], object],
    stored: Callable[[], StoredEncoder],
) -> Asker:
    """Return what chooses among the frames of a video, or among pictures.

    exemplars: a set, which need not be entered yet. names: of one video's files, of pictures, or
    None for all that are indexed. who: whose answers are not told yet; those of others teach from
    the beginning. rank, index: bring the library up to date with either.
    """
    asked = set_named(catalogue, exemplars) if isinstance(exemplars, str) else exemplars
    found = _asker_of(catalogue, asked, names, rank=rank, index=index, stored=stored)
    if who is not None:
        said = [label for label in current_labels(catalogue, asked) if label.who != who]
        found.others = {e.content: e.answer for e in brought_together(asked, said).entries}
    return found


def _asker_of(
    catalogue: Catalogue,
    asked: StoredSet,
    names: Sequence[str | Path] | None,
    *,
    rank: Callable[[list[str | Path]], object],
    index: Callable[[list[str | Path]], object],
    stored: Callable[[], StoredEncoder],
) -> Asker:
    if names and all(is_video(path) for path in names):
        ranking = rank(list(names))
        assert isinstance(ranking, FrameRanking)
        ranking.video.close()
        return asker_of_frames(catalogue, ranking, asked)
    if names is None:
        return asker_of_pictures(catalogue, stored(), asked)
    index(list(names))
    items, broken = meant(catalogue, names)
    if not items:
        raise nothing_at(names, broken)
    found = asker_of_pictures(catalogue, stored(), asked, items)
    return replace(found, unreadable=told_unread(broken))


def asker_of_pictures(
    catalogue: Catalogue, stored: StoredEncoder, asked: StoredSet,
    items: Sequence[Item] | None = None,
) -> Asker:  # fmt: skip
    """Return what chooses among pictures (all that an encoder has seen, for None)."""
    wanted = None if items is None else np.array([item.id for item in items], np.int64)
    ids, vectors = [np.zeros(0, np.int64)], [np.zeros((0, stored.dimension), np.float32)]
    for some, their in searchable_blocks(catalogue, stored):
        which = np.ones(len(some), bool) if wanted is None else np.isin(some, wanted)
        ids.append(some[which])
        vectors.append(their[which])
    found = items_by_id(catalogue, np.concatenate(ids).tolist())
    rows = [row for row, item in enumerate(np.concatenate(ids).tolist()) if item in found]
    chosen = [found[item] for item in np.concatenate(ids)[rows].tolist()]
    contents = np.array([item.content for item in chosen], np.int64)
    _, first = np.unique(contents, return_index=True)
    first = np.sort(first)
    if not len(first):
        raise NothingError(f"no pictures here with a vector of {stored.name}: q index FOLDER")
    paths = {path: n for n, path in enumerate(dict.fromkeys(item.path for item in chosen))}
    frames = [-1 if item.frame is None else item.frame for item in chosen]
    return Asker(
        asked, np.array([item.id for item in chosen], np.int64)[first],
        contents[first], np.concatenate(vectors)[rows][first], np.ones(len(first), bool),
        np.array([paths[item.path] for item in chosen])[first], np.array(frames)[first],
        identity=stored.identity,
    )  # fmt: skip


def asker_of_frames(catalogue: Catalogue, ranking: FrameRanking, asked: StoredSet) -> Asker:
    """Return what chooses among the frames of a video, ranked by `self`; never flagged ones."""
    survey = ranking.survey
    contents = contents_in(catalogue, survey, ranking.ids)
    _, first = np.unique(contents, return_index=True)
    first = np.sort(first)
    scores = ranking.scores[first]
    usable = ~ranking.flags.any[first] & np.isfinite(scores)
    order = np.searchsorted(np.sort(scores[usable]), np.nan_to_num(scores)) / max(1, usable.sum())
    return Asker(
        asked, ranking.ids[first], contents[first],
        band_vectors(survey, first), usable, np.zeros(len(first), np.int64),
        survey.rows["number"][first].astype(np.int64), np.asarray(np.clip(order, 0, 1)),
        ranking.scorer.identity,
    )  # fmt: skip


def suggested(
    catalogue: Catalogue, asker: Asker, n: int, *, who: str | None = None, seed: int = 0
) -> list[Item]:
    """Return up to n items that are worth asking about; who: leave out what they have seen."""
    asked = asker.asked
    entries = brought_together(asked, current_labels(catalogue, asked)).entries
    answers = {entry.content: entry.answer for entry in entries}
    seen = {
        event.content for event in events_of(catalogue, asked) if who is None or event.who == who
    }
    chosen = asker(answers, n, seen=sorted(seen), seed=seed)
    number = dict(zip(asker.contents.tolist(), asker.ids.tolist(), strict=True))
    found = items_by_id(catalogue, [number[content] for content in chosen])
    return [found[number[content]] for content in chosen if number[content] in found]
