"""A ranking: items in order of a score, with the reason for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..db.items import Item
from ..db.scores import keep_scores, kept_scores
from ..media.address import Address
from ..show.listing import Column, Listing
from .scorer import Scorer, Setting

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


@dataclass(slots=True, eq=False)
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
    entries: list[Ranked]
    reference: Address | None = None
    encoder: str | None = None
    remarks: list[str] = field(default_factory=list)

    def top(self, n: int) -> "Ranking":
        """Return the n best."""
        return Ranking(self.scorer, self.entries[:n], self.reference, self.encoder, self.remarks)

    def head(self) -> dict[str, Any]:
        """Return scorer, encoder and reference."""
        reference = None if self.reference is None else str(self.reference)
        return {"scorer": self.scorer, "encoder": self.encoder, "reference": reference}

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
        return f"ranked by {self.scorer.partition('@')[0]}"


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
    low, high = _robust_range([v for v, _ in scores.values() if v is not None])
    return [
        Ranked(place, item, value, _percent(value, low, high), reason)
        for place, item in enumerate(order, start=1)
        for value, reason in [scores[item.id]]
    ]


def _best_first(item: Item, value: float | None) -> tuple[bool, float, str]:
    return (value is None, 0.0 if value is None else -value, str(item.address))


def _robust_range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    import numpy as np

    low, high = np.percentile(values, ROBUST_LEVELS)
    return float(low), float(high)


def _percent(value: float | None, low: float, high: float) -> float | None:
    if value is None:
        return None
    if high <= low:
        return 100.0
    return min(100.0, max(0.0, 100 * (value - low) / (high - low)))
