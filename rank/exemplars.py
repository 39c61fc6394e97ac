"""Ranking by exemplars: what was asked, and what a ranking by them tells of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..db.advice import are, counted
from ..db.catalogue import Catalogue
from ..db.exemplars import set_named
from ..errors import UsageError
from ..label.exemplars import Exemplar, Exemplars, exemplars_of
from ..label.sets import wanted_of
from .lesson import Lesson
from .neighbours import Taught
from .trust import FEWEST, Trust


@dataclass(frozen=True, slots=True)
class ByExemplars:
    """A ranking by a set's exemplars.

    wanted: the class looked for; None for ratings. k: neighbours, chosen by the exemplars where
    None. alone: leave out the score that needs no labels.
    """

    exemplars: Exemplars
    wanted: str | None
    k: int | None = None
    alone: bool = False

    @property
    def set_name(self) -> str:
        """The set's name."""
        return self.exemplars.exemplar_set.name

    @property
    def name(self) -> str:
        """The scorer's name."""
        return f"exemplars:{self.set_name}"

    @property
    def measure(self) -> str:
        """What the number is, for a person."""
        return "foretold rating" if self.wanted is None else f"likeness to {self.wanted}"

    def taught(self, entries: Sequence[Exemplar], groups: NDArray[np.int64]) -> Taught:
        """Return exemplars as arrays."""
        labels = [entry.answer for entry in entries]
        if self.wanted is None:
            return Taught(np.array([float(entry.value or 0) for entry in entries]), groups, labels)
        names = sorted({*labels, self.wanted})
        values = np.array([names.index(label) for label in labels], np.float64)
        return Taught(values, groups, labels, names.index(self.wanted))

    def parameters(self, entries: Sequence[Exemplar], lesson: Lesson) -> dict[str, Any]:
        """Return what makes the scorer's identity, besides the space."""
        told = [[entry.content, entry.answer, entry.value] for entry in entries]
        return {"exemplars": told, "wanted": self.wanted, "k": lesson.k, "weight": lesson.weight}

    def details(self, lesson: Lesson, trust: Trust | None) -> dict[str, Any]:
        """Return what the ranking's JSON tells of its exemplars."""
        return {
            "exemplars": {
                "set": self.set_name, "kind": self.exemplars.exemplar_set.kind,
                "wanted": self.wanted, "labels": len(lesson.taught), "neighbours": lesson.k,
                "weight": None if lesson.weight is None else round(lesson.weight, 4),
                "trust": None if trust is None else trust.as_json(),
            }
        }  # fmt: skip

    def remarks(self, lesson: Lesson, trust: Trust | None, where: str) -> list[str]:
        """Return what a person is told: how many labels count, what they add, how far to trust."""
        count, held = len(lesson.taught), len(self.exemplars.entries)
        found = []
        if count < held:
            found.append(f"{held - count} of {held} labels of {self.set_name} are not of {where}")
        if self.exemplars.contradicted:
            found.append(
                f"{self.exemplars.contradicted} items are left out: as many answers for one class "
                f"as for another (q exemplars show {self.set_name})"
            )
        if lesson.weight == 0 and trust is None:
            found.append(
                f"{counted(count, 'label')} of {self.set_name} can't change yet what the frames "
                "say of themselves (--alone ranks by the labels only)"
            )
        elif lesson.weight == 0:
            found.append(
                f"{self.set_name} follows sharpness: its {count} labels add nothing sure to what "
                "the frames say of themselves (--alone ranks by the labels only)"
            )
        if trust is None:
            found.append(self._why_not_judged(lesson.taught.labels))
        else:
            found.append(trust.sentence)
        return found

    def _why_not_judged(self, labels: Sequence[str]) -> str:
        """Say why nobody can tell how far to trust a ranking."""
        told, lacking = are(len(labels), "label"), "to say how far to trust this"
        if len(labels) < FEWEST or len(set(labels)) > 1:
            of = "" if self.wanted is None else f" ({labels.count(self.wanted)} {self.wanted})"
            return f"{told} too few{of}, or too alike, {lacking}"
        return f"all {told} {labels[0]}: some of another answer are needed {lacking}"


@dataclass(frozen=True, slots=True)
class Taste:
    """Whose judgement a ranking follows: an exemplar set.

    wanted: the class looked for, where the set has classes. k: how many nearest exemplars; chosen
    by the exemplars themselves where None. alone: of frames, leave out what they say of themselves.
    """

    exemplars: str
    wanted: str | None = None
    k: int | None = None
    alone: bool = False


def ask(catalogue: Catalogue, taste: Taste | str) -> ByExemplars:
    """Return what ranking by a set of the library asks.

    Raises UsageError for an unknown or empty set, and where it is not clear which class is wanted.
    """
    taste = Taste(taste) if isinstance(taste, str) else taste
    name = taste.exemplars
    exemplars = exemplars_of(catalogue, set_named(catalogue, name))
    if not exemplars.entries:
        raise UsageError(f"the set {name} holds no labels yet: q label ITEM... --set {name}")
    if taste.k is not None and taste.k < 1:
        raise UsageError(f"{taste.k} neighbours make no sense: take 1 or more")
    wanted = wanted_of(
        exemplars.exemplar_set, exemplars.answers, taste.wanted, torn=exemplars.contradicted
    )
    return ByExemplars(exemplars, wanted, taste.k, taste.alone)
