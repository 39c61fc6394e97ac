"""Exemplars: what people said of contents, several answers brought to one."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..db.catalogue import Catalogue
from ..db.exemplars import Current, StoredSet, current_labels
from .sets import value_of


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A labelled content. answer: the one most gave (of ratings the nearest to their mean).

    value: mean rating; None where the set has classes. votes: how many people answered.
    """

    content: int
    answer: str
    value: float | None
    votes: int = 1


@dataclass(frozen=True, slots=True)
class Exemplars:
    """What a set holds now, with how many contents were left out because people disagree."""

    exemplar_set: StoredSet
    entries: list[Exemplar]
    contradicted: int = 0

    @property
    def answers(self) -> list[str]:
        """The answers that occur, in the set's order."""
        given = {entry.answer for entry in self.entries}
        known = [answer for answer in self.exemplar_set.answers if answer in given]
        return known + sorted(given - set(known))

    def counts(self) -> dict[str, int]:
        """Return how many exemplars each answer has, also those with none."""
        given = Counter(entry.answer for entry in self.entries)
        names = dict.fromkeys([*self.exemplar_set.answers, *sorted(given)])
        return {answer: given[answer] for answer in names}


def exemplars_of(
    catalogue: Catalogue, exemplar_set: StoredSet, *, who: str | None = None
) -> Exemplars:
    """Return the exemplars of a set: ratings averaged over people, classes by majority.

    A content with as many votes for one class as for another teaches neither: it is left out and
    counted.
    """
    return brought_together(exemplar_set, current_labels(catalogue, exemplar_set, who=who))


def brought_together(exemplar_set: StoredSet, labels: Iterable[Current]) -> Exemplars:
    """Return one exemplar for each content of some labels."""
    said: dict[int, list[str]] = defaultdict(list)
    for label in labels:
        said[label.content].append(label.answer)
    entries, contradicted = [], 0
    for content, answers in said.items():
        if exemplar_set.kind == "rating":
            values = [value_of(answer) for answer in answers]
            mean = sum(values) / len(values)
            answer = min(answers, key=lambda one: abs(value_of(one) - mean))
            entries.append(Exemplar(content, answer, mean, len(answers)))
            continue
        (first, most), *others = Counter(answers).most_common()
        if others and others[0][1] == most:
            contradicted += 1
        else:
            entries.append(Exemplar(content, first, None, len(answers)))
    return Exemplars(exemplar_set, entries, contradicted)
