"""The answer of find-similar."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, ClassVar

from ..db.items import Item
from ..media.address import Address
from .listing import Column, Listing

NOT_CLOSE = (
    "nothing here is close: the best match is less like the target than nearly every "
    "picture of the library is like its nearest other"
)


@dataclass(frozen=True, slots=True)
class Match:
    """An item, and how like the targets it is.

    similarity: cosine, -1..1 (with several targets: see index.query.combine). percentile: of
    random pairs of the library, how many per cent are less alike. close: whether the similarity
    reaches what nearly all items of the library have with their nearest other; None where the
    library is too small, or the target is text.
    """

    rank: int
    item: Item
    similarity: float
    percentile: float | None
    close: bool | None

    def __repr__(self) -> str:
        """Return place, item and similarity."""
        return f"<Match {self.rank}: {self.item}, similarity {self.similarity:.3f}>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A target as the answer tells it."""

    name: str
    weight: float
    sign: int
    is_text: bool = False
    address: Address | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the keys of `targets`."""
        key = "text" if self.is_text else "item"
        return {key: self.name, "weight": self.weight, "sign": self.sign}


def percent(value: float | None) -> str:
    """Return a percentile for people: never 100 %, which no sample can say."""
    if value is None:
        return ""
    return "> 99.9 %" if value > 99.9 else f"{value:.1f} %"


def _short(asked: Asked) -> str:
    """Return the last part of a target's path, words in quotes."""
    if asked.is_text:
        return f'"{asked.name}"'
    return PurePath(asked.name).name if asked.address else asked.name


@dataclass(slots=True, eq=False, repr=False)
class Matches(Listing[Match]):
    """Items most like some targets, best first."""

    command: ClassVar[str] = "find-similar"
    columns: ClassVar[Sequence[Column]] = (
        Column("similarity", lambda match: f"{match.similarity:.3f}"),
        Column("closer than", lambda match: percent(match.percentile)),
        Column("close", lambda match: {True: "yes", False: "no", None: ""}[match.close]),
    )

    encoder: str
    asked: list[Asked]
    entries: list[Match]
    threshold: float | None = None
    """The similarity from which on a match is close."""
    remarks: list[str] = field(default_factory=list)

    @property
    def any_close(self) -> bool | None:
        """Whether at least one match is close; None where nothing can be said about it."""
        if not self.entries or all(match.close is None for match in self.entries):
            return None
        return any(match.close for match in self.entries)

    def head(self) -> dict[str, Any]:
        """Return encoder, targets and the threshold of closeness."""
        return {
            "encoder": self.encoder,
            "targets": [asked.as_json() for asked in self.asked],
            "close_from": None if self.threshold is None else round(self.threshold, 6),
        }

    def measured(self, entry: Match) -> dict[str, Any]:
        """Return similarity, percentile and close."""
        return {
            "similarity": entry.similarity,
            "percentile": None if entry.percentile is None else round(entry.percentile, 1),
            "close": entry.close,
        }

    def caption(self, entry: Match) -> str:
        """Return the similarity and the percentile."""
        return f"{entry.similarity:.3f}  {percent(entry.percentile)}".strip()

    def targets(self) -> list[tuple[str, Address]]:
        """Return the wanted pictures."""
        return [(a.name, a.address) for a in self.asked if a.address and a.sign > 0]

    def asked_about(self) -> list[tuple[str, Address]]:
        """Return the wanted pictures, then the unliked."""
        words = {1: "target", -1: "unlike"}
        return [(words[a.sign], a.address) for a in self.asked if a.address]

    def footnote(self) -> str:
        """Return what the numbers are, and when nothing is close."""
        told = "below each: rank, similarity" + (
            ", and the per cent of random pairs that are less alike"
            if any(match.percentile is not None for match in self.entries)
            else ""
        )
        return f"NOTHING HERE IS CLOSE  ({told})" if self.any_close is False else told

    def title(self) -> str:
        """Return the heading of a sheet."""
        names = ", ".join(_short(a) for a in self.asked if a.sign > 0)
        unlike = ", ".join(_short(a) for a in self.asked if a.sign < 0)
        return f"like {names or 'anything'}" + (f", unlike {unlike}" if unlike else "")
