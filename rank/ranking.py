"""A ranking: items in order of a score, with the reason for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..db.items import Item
from ..db.scores import keep_scores, kept_scores
from ..errors import UsageError
from ..media.address import Address
from ..show.listing import Column, Listing
from .scorer import Scorer, Setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROBUST_LEVELS = (1.0, 99.0)
"""Percentiles of the scores that become 0 and 100, so that one freak rescales nobody."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An item with its place; score is None where none is defined (such items come last)."""

    rank: int
    item: Item
    score: float | None
    percent: float | None
    """0..100: the score between the 1 % and 99 % quantiles of this ranking."""
    reason: str

    def __repr__(self) -> str:
        """Return place, item and score."""
        score = "no score" if self.score is None else f"score {self.score:.4f}"
        return f"<Ranked {self.rank}: {self.item}, {score}>"


@dataclass(slots=True, eq=False, repr=False)
class Ranking(Listing[Ranked]):
    """All items that were asked for, best first; ties in order of their paths."""

    command: ClassVar[str] = "rank"
    columns: ClassVar[Sequence[Column]] = (
        Column("score", lambda entry: "" if entry.score is None else f"{entry.score:.4f}"),
        Column("0-100", lambda entry: "" if entry.percent is None else f"{entry.percent:.0f}"),
        Column("why", lambda entry: entry.reason, right=False),
    )

    scorer: str
    """Its identity."""
    entries: Sequence[Ranked]
    reference: Address | None = None
    encoder: str | None = None
    remarks: list[str] = field(default_factory=list)
    failed: int = 0
    """How many of the pictures failed in this call and had not failed before."""
    details: dict[str, Any] = field(default_factory=dict)
    """What JSON tells more, as of exemplars how far to trust them."""
    unscored: int | None = None
    """How many readable pictures have no score; None: to be counted."""

    @property
    def incomplete(self) -> bool:
        """Whether pictures failed now, or readable ones have no score."""
        unscored = self.unscored
        if unscored is None:
            unscored = sum(e.score is None and e.item.state != "unreadable" for e in self.entries)
        return self.failed > 0 or unscored > 0

    def top(self, n: int) -> "Ranking":
        """Return the n best; raises UsageError for less than none."""
        if n < 0:
            raise UsageError(f"the {n} best make no sense: take 0 or more")
        return replace(self, entries=self.entries[:n])

    def head(self) -> dict[str, Any]:
        """Return scorer, encoder and reference."""
        reference = None if self.reference is None else str(self.reference)
        return {
            "scorer": self.scorer, "encoder": self.encoder, "reference": reference, **self.details
        }  # fmt: skip

    def measured(self, entry: Ranked) -> dict[str, Any]:
        """Return score, its place between 0 and 100, and the reason."""
        return {"score": entry.score, "percent": entry.percent, "reason": entry.reason}

    def caption(self, entry: Ranked) -> str:
        """Return the score."""
        return "no score" if entry.score is None else f"{entry.score:.4f}"

    def targets(self) -> list[tuple[str, Address]]:
        """Return the reference."""
        return [] if self.reference is None else [(self.reference.path.name, self.reference)]

    def title(self) -> str:
        """Return the heading of a sheet."""
        like = f", reference {self.reference.path.name}" if self.reference else ""
        wanted = (self.details.get("exemplars") or {}).get("wanted")
        looked_for = f", wanted: {wanted}" if wanted else ""
        return f"ranked by {self.scorer.partition('@')[0]}{like}{looked_for}"

    def asked_about(self) -> list[tuple[str, Address]]:
        """Return the reference."""
        return [] if self.reference is None else [("reference", self.reference)]

    def footnote(self) -> str:
        """Return what the numbers are."""
        return "below each: rank, and score (higher is better)"


def rank_items(
    setting: Setting, scorer: Scorer, items: Sequence[Item], *, keep: bool = True
) -> list[Ranked]:
    """Return items in order of their scores, computing only those that are not kept yet."""
    kept = kept_scores(setting.catalogue, scorer.identity, [item.id for item in items])
    missing = [item for item in items if item.id not in kept]
    fresh = dict(zip((item.id for item in missing), scorer.score(missing), strict=True))
    if keep and fresh and setting.catalogue.writable:
        keep_scores(
            setting.catalogue, scorer.identity, name=scorer.name, parameters=scorer.parameters,
            scores={i: (s.value, s.reason) for i, s in fresh.items() if s.value is not None},
        )  # fmt: skip
    scores = kept | {i: (s.value, s.reason) for i, s in fresh.items()}
    order = sorted(items, key=lambda item: _best_first(item, scores[item.id][0]))
    import numpy as np

    values = [scores[item.id][0] for item in order]
    percent = percents(np.array([np.nan if v is None else v for v in values]))
    return [
        Ranked(place, item, value, None if value is None else float(share), scores[item.id][1])
        for place, (item, value, share) in enumerate(zip(order, values, percent, strict=True), 1)
    ]


def _best_first(item: Item, value: float | None) -> tuple[bool, float, str]:
    return (value is None, 0.0 if value is None else -value, str(item.address))


def percents(scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return (n,) places of scores between their 1 % and 99 % quantiles, 0..100; NaN stays NaN."""
    import numpy as np

    known = scores[np.isfinite(scores)]
    if not len(known):
        return np.full(len(scores), np.nan)
    low, high = np.percentile(known, ROBUST_LEVELS)
    if high <= low:
        return np.where(np.isfinite(scores), 100.0, np.nan)
    return np.asarray(np.clip(100 * (scores - low) / (high - low), 0, 100))
