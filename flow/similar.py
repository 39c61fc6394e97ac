"""find-similar: targets made into vectors, the index asked, the answer told with what it means."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..db.catalogue import Catalogue
from ..db.items import items_by_id
from ..db.vectors import StoredEncoder
from ..db.where import items_where
from ..embed.encoder import Encoder
from ..errors import UsageError
from ..index.base import Ids, Vectors
from ..index.query import QueryVector, nearest
from ..index.similarity import Similarities, similarities
from ..index.store import open_index
from ..media.picture import Picture
from ..show.matches import NOT_CLOSE, Asked, Match, Matches
from .choose import lacking
from .given import whole_number
from .targets import Target, leave_out, picture_target, text_target


@dataclass(frozen=True, slots=True)
class Query:
    """What a user asks for; see Library.find_similar."""

    targets: Sequence[str | Path | Picture]
    unlike: Sequence[str | Path | Picture] = ()
    text: Sequence[str] = ()
    n: int = 12
    min_similarity: float | None = None
    where: str | None = None
    keep_borders: bool = False
    along: Sequence[Target] = ()
    """Directions to look along: no pictures, so that closeness and percentiles mean nothing."""

    def __post_init__(self) -> None:
        """Refuse what cannot be answered."""
        if not (self.targets or self.unlike or self.text or self.along):
            raise UsageError("nothing to look for: name a TARGET, --unlike, --text or --probe")
        if whole_number(self.n, "n") < 1:
            raise UsageError(f"-n must be at least 1, not {self.n}")
        if self.where is not None and not isinstance(self.where, str):
            raise UsageError(f"where is a condition as text, not {type(self.where).__name__}")
        least = self.min_similarity
        if least is not None and not -math.inf < least < math.inf:
            raise UsageError(f"the least similarity must be a number, not {least}")


def find_similar(
    catalogue: Catalogue, stored: StoredEncoder, make: Callable[[], Encoder], query: Query
) -> Matches:
    """Answer a query; `make` is called only when something has to be encoded."""
    asked = _asked(catalogue, stored, make, query)
    remarks = [remark for target in asked for remark in target.remarks]
    index = open_index(catalogue, stored, remark=remarks.append)
    allow = None if query.where is None else items_where(catalogue, query.where)
    if allow is not None:
        allow = allow[np.isin(allow, index.ids())]
    ids, scores = nearest(
        index,
        [QueryVector(target.vector, target.weight, target.wanted) for target in asked],
        min(query.n, max(1, index.count())),
        allow=allow,
        leave_out=leave_out(asked),
    )
    if query.min_similarity is not None:
        ids, scores = ids[scores >= query.min_similarity], scores[scores >= query.min_similarity]
    # a cosine between a text and a picture is of another kind than one between pictures, and so is
    # the distance from what is not wanted
    unlike_alone = not any(target.wanted for target in asked)
    comparable = not (unlike_alone or query.along or any(target.is_text for target in asked))
    usual = similarities(catalogue, stored, index) if comparable else None
    if unlike_alone:
        remarks.append(
            "with --unlike alone the least alike come first: their similarity is the negated "
            "cosine, for which there is no percentile and no closeness"
        )
    if query.along and len(asked) > len(query.along):
        name = query.along[0].name.partition(":")[2]
        remarks.append(
            f"probe:{name} is one more target, and each match is like one of them; to order the "
            f"matches by it: q find-similar TARGET --paths | q rank --from - --probe {name}"
        )
    entries = _entries(catalogue, ids, scores, usual)
    remarks += _copies(asked)
    remarks += filter(None, [lacking(catalogue, stored)])
    if not entries:
        remarks.append(_why_empty(index.count(), allow, query))
    found = Matches(
        stored.identity,
        [Asked(t.name, t.weight, 1 if t.wanted else -1, t.is_text, t.address) for t in asked],
        entries,
        usual.threshold if usual else None,
        remarks,
    )
    if found.any_close is False:
        remarks.append(NOT_CLOSE)
    return found


def _asked(
    catalogue: Catalogue, stored: StoredEncoder, make: Callable[[], Encoder], query: Query
) -> list[Target]:
    asked = [*query.along, *(text_target(make(), words) for words in query.text)]
    for names, wanted in ((query.targets, True), (query.unlike, False)):
        asked += [
            picture_target(
                catalogue, stored, make, name, wanted=wanted, keep_borders=query.keep_borders
            )
            for name in names
        ]
    return asked


def _entries(
    catalogue: Catalogue, ids: Ids, scores: Vectors, usual: Similarities | None
) -> list[Match]:
    items = items_by_id(catalogue, ids)
    return [
        Match(
            place,
            items[number],
            score,
            usual.percentile(score) if usual else None,
            usual.is_close(score) if usual else None,
        )
        for place, (number, score) in enumerate(zip(ids.tolist(), scores.tolist(), strict=True), 1)
    ]


def _copies(asked: Sequence[Target]) -> list[str]:
    remarks = []
    for target in asked:
        here = os.path.abspath(target.address.path) if target.address else None  # noqa: PTH100
        copies = [str(item) for item in target.items if str(item.path) != here]
        if copies:
            remarks.append(f"{target.name} has the same content as {', '.join(copies)}")
    return remarks


def _why_empty(n: int, allow: Ids | None, query: Query) -> str:
    if n == 0:
        return "nothing found: the library holds no pictures that are present (see q status)"
    if allow is not None and not len(allow):
        return f"nothing found: none of the {n} pictures fulfils --where"
    if query.min_similarity is not None:
        return f"nothing found: no picture reaches a similarity of {query.min_similarity}"
    return "nothing found: the library holds only the target itself"
