"""How well answers agree: of one person asked twice, and of several people."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from ..db.exemplars import SKIP, Current, Event, StoredSet
from .record import REPEAT, UNDOES
from .sets import value_of


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of pairs of answers, weighted by squared distance for ratings (Cohen 1968).

    kappa: None where it is not defined (fewer than two pairs, or all answers the same). same: share
    of pairs with the same answer.
    """

    pairs: int
    kappa: float | None
    same: float | None


def kappa(exemplar_set: StoredSet, pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Return the agreement of pairs of answers to a set's question."""
    if not pairs:
        return Agreement(0, None, None)
    same = sum(a == b for a, b in pairs) / len(pairs)
    if len(pairs) < 2 or len({answer for pair in pairs for answer in pair}) < 2:
        return Agreement(len(pairs), None, same)
    from sklearn.metrics import cohen_kappa_score

    if exemplar_set.kind == "rating":
        # squared distance needs a scale of equal steps: fifths of a rating
        one, other = ([round(5 * value_of(p[side])) for p in pairs] for side in (0, 1))
        scale = list(range(min(*one, *other), max(*one, *other) + 1))
        found = cohen_kappa_score(one, other, labels=scale, weights="quadratic")
    else:
        found = cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])
    return Agreement(len(pairs), float(found), same)


def with_oneself(exemplar_set: StoredSet, events: Sequence[Event]) -> Agreement:
    """Return how well people who were asked twice agree with themselves."""
    taken_back = {event.origin.get(UNDOES) for event in events}
    last: dict[tuple[int, str], str] = {}
    pairs = []
    for event in events:
        if event.name in taken_back or UNDOES in event.origin or event.answer in (None, SKIP):
            continue
        at = (event.content, event.who)
        if event.origin.get(REPEAT) and at in last:
            pairs.append((last[at], str(event.answer)))
        last[at] = str(event.answer)
    return kappa(exemplar_set, pairs)


def between_people(exemplar_set: StoredSet, labels: Sequence[Current]) -> Agreement:
    """Return how well people agree on the contents that two or more of them labelled."""
    said: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for label in labels:
        said[label.content].append((label.who, label.answer))
    pairs = [
        (a, b)
        for answers in said.values()
        for (_, a), (_, b) in combinations(sorted(answers), 2)
    ]  # fmt: skip
    return kappa(exemplar_set, pairs)
