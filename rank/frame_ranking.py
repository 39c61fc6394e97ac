"""A ranking of frames: which are best, why each stands where it stands, and how many to stack."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ..db.items import Item
from ..media.address import Address
from ..planet.flags import Flags
from ..planet.reference import Registered
from ..planet.survey import Survey
from ..show.listing import Column, Listing
from ..show.numbers import written_alike
from ..video.base import Video
from .frame_scorers import FrameScorer
from .ranking import percents

if TYPE_CHECKING:
    from .frame_stacks import Stacked

_WORTH = 0.8
_COMPARED = 1000
"""Best frames whose scores decide how many decimals all have."""
MOST_SHOWN = 100
"""Tiles of a sheet: ten by ten."""


@dataclass(frozen=True, slots=True)
class RankedFrame:
    """A frame with its place. score is None where none is defined; shift: pixels (right, down).

    written: the score as a table has it, with as many decimals as the others.
    """

    rank: int
    item: Item
    row: int
    score: float | None
    percent: float | None
    time: str | None
    shift: tuple[float, float]
    flags: list[str]
    reason: str
    written: str = ""


@dataclass(slots=True, eq=False)
class FrameRanking(Listing[RankedFrame]):
    """All frames of a video, best first; flagged ones after the good, ties in order of frames.

    scores: (n,) of all frames in the survey's order, NaN where none is. order: (n,) rows of the
    survey, best first. ids: (n,) items of the library, in the survey's order. contrast: (n,)
    detail of the frames, 1 = the median of the best.
    """

    command: ClassVar[str] = "rank"
    columns: ClassVar[Sequence[Column]] = (
        Column("score", lambda entry: entry.written),
        Column("0-100", lambda entry: "" if entry.percent is None else f"{entry.percent:.0f}"),
        Column("shift", lambda entry: "{:+.1f} {:+.1f}".format(*entry.shift)),
        Column("flags", lambda entry: " ".join(entry.flags), right=False),
        Column("why", lambda entry: entry.reason, right=False),
    )

    video: Video
    survey: Survey
    flags: Flags
    scorer: FrameScorer
    scores: NDArray[np.float64]
    order: NDArray[np.int64]
    ids: NDArray[np.int64]
    contrast: NDArray[np.float64]
    digests: dict[str, str]
    """Of each file, by path."""
    reference: Address | None = None
    registered: Registered | None = None
    remarks: list[str] = field(default_factory=list)
    whole: NDArray[np.int64] | None = None
    """The order of all frames, where this is a part; None: it is all of them."""
    labels: dict[int, dict[str, str]] = field(default_factory=dict)
    """Current answers by exemplar set, of items that have any."""

    def __post_init__(self) -> None:
        self.entries = _Entries(self)

    def __len__(self) -> int:
        return len(self.order)

    def top(self, n: int) -> "FrameRanking":
        """Return the n best."""
        return self.only(self.order[:n])

    def only(self, order: NDArray[np.int64]) -> "FrameRanking":
        """Return a ranking of some of its rows, in the order given."""
        return FrameRanking(
            self.video, self.survey, self.flags, self.scorer, self.scores, order, self.ids,
            self.contrast, self.digests, self.reference, self.registered, self.remarks,
            self.order if self.whole is None else self.whole, self.labels,
        )  # fmt: skip

    def in_time(self) -> "FrameRanking":
        """Return the same frames in the order of the video."""
        return self.only(np.sort(self.order))

    def spread(self, seconds: float, rate: float | None = None) -> "FrameRanking":
        """Return the best good frame of each `seconds` of the video, best first.

        rate: frames a second, where the video has no times.
        """
        times = self.seconds(rate)
        window = np.floor(times[self.order] / seconds)
        good = ~self.flags.any[self.order] & np.isfinite(window)
        _, first = np.unique(window[good], return_index=True)
        return self.only(self.order[good][np.sort(first)])

    def seconds(self, rate: float | None = None) -> NDArray[np.float64]:
        """Return (n,) seconds from the first frame, in the survey's order; NaN where unknown."""
        times = self.video.about.times
        numbers = self.survey.rows["number"]
        if rate is not None or times is None:
            return numbers / rate if rate else np.full(len(numbers), np.nan)
        since = times[numbers] - np.nanmin(times)
        return np.where(np.isnat(since), np.nan, since / np.timedelta64(1, "s"))

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Frame numbers, best first."""
        return np.asarray(self.survey.rows["number"][self.order])

    @property
    def good(self) -> int:
        """How many of its frames have a score and no flag."""
        return int((np.isfinite(self.scores) & ~self.flags.any)[self.order].sum())

    @property
    def all_good(self) -> int:
        """How many frames of the whole video have a score and no flag."""
        return len(self._all_good)

    @property
    def half(self) -> int:
        """The number of best frames down to half between the 1 % and the 99 % quantile."""
        return int((percents(self.scores)[self._all_good] >= 50).sum())

    @property
    def advised(self) -> int:
        """How many of the best to stack: as long as their detail is 80 % of the best frames'.

        At least 8, where there are so many good ones. A person decides by the curve.
        """
        detail = self.contrast[self._all_good]
        if not len(detail):
            return 0
        smooth = np.cumsum(detail) / np.arange(1, len(detail) + 1)
        return int(min(len(detail), max(8, (smooth >= _WORTH * smooth[:8].mean()).sum())))

    @property
    def _all_good(self) -> NDArray[np.int64]:
        """Rows of all frames with a score and no flag, best first, of the whole video."""
        order = self.order if self.whole is None else self.whole
        return order[(np.isfinite(self.scores) & ~self.flags.any)[order]]

    def agreement(self, other: "FrameRanking") -> float:
        """Return Spearman's rank correlation of the scores of two rankings of the same frames."""
        from scipy.stats import spearmanr

        both = np.isfinite(self.scores) & np.isfinite(other.scores)
        return float(spearmanr(self.scores[both], other.scores[both])[0])

    def head(self) -> dict[str, Any]:
        """Return scorer, reference and how it lies, frames, kind, and what to stack."""
        survey = self.survey
        return {
            "scorer": self.scorer.identity,
            "encoder": None,
            "reference": None if self.reference is None else str(self.reference),
            "registration": None if self.registered is None else self.registered.as_json(),
            "video": {
                "path": str(self.video.path), "format": self.video.about.format,
                "frames": len(self.video), "kind": survey.scene.kind,
                "flagged": int(self.flags.any.sum()),
            },
            "advised": self.advised,
            "half": self.half,
            **self.scorer.details,
        }  # fmt: skip

    def measured(self, entry: RankedFrame) -> dict[str, Any]:
        """Return score, its place between 0 and 100, time, shift, flags and the reason."""
        return {
            "score": entry.score, "percent": entry.percent, "time": entry.time,
            "shift": [round(value, 3) for value in entry.shift], "flags": entry.flags,
            "reason": entry.reason,
        }  # fmt: skip

    def caption(self, entry: RankedFrame) -> str:
        """Return the score, or what is wrong."""
        if entry.flags:
            return " ".join(entry.flags)
        return entry.written or "no score"

    def targets(self) -> list[tuple[str, Address]]:
        """Return the reference."""
        return [] if self.reference is None else [(self.reference.path.name, self.reference)]

    def sheet(self, path: str | Path, *, columns: int | None = None) -> None:
        """Write a contact sheet of the best hundred, ten by ten, the reference before them."""
        from .frame_sheets import draw_best

        draw_best(self, Path(path), columns=columns)

    def extremes(self, path: str | Path, n: int = 10) -> None:
        """Write a sheet of the n best good frames beside the n worst good ones."""
        from .frame_sheets import draw_extremes

        draw_extremes(self, Path(path), n)

    def stack(
        self,
        *,
        weigh_by: str | NDArray[np.float64] | None = None,
        method: Literal["mean", "sigma"] = "mean",
        resolution: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> "Stacked":
        """Stack all its frames: `ranking.top(2000).stack()`. See `frame_stacks.stack_frames`."""
        from .frame_stacks import stack_frames

        return stack_frames(
            self, weigh_by=weigh_by, method=method, resolution=resolution, tell=tell
        )

    def plot(self, path: str | Path) -> None:
        """Write a plot of the score over time and sorted, with what is advised to stack."""
        from ..show.plot import plot_ranking

        flagged = self.flags.any
        plot_ranking(
            Path(path), self.scores, self.survey.rows["number"], flagged,
            times=None if np.isnan(self.seconds()).all() else self.seconds(),
            advised=self.advised, half=self.half, title=self.title(),
        )  # fmt: skip

    def title(self) -> str:
        """Return the heading of a sheet."""
        return f"{self.video.path.name}   best by {self.scorer.name}"


class _Entries(Sequence[RankedFrame]):
    """The entries of a ranking, made when they are asked for: 50,000 of them take a second."""

    def __init__(self, ranking: FrameRanking) -> None:
        self._ranking = ranking
        self._percent = percents(ranking.scores)
        # of a part, in whatever order, each frame keeps its place in the whole
        whole = ranking.order if ranking.whole is None else ranking.whole
        self._rank = np.zeros(len(ranking.scores), np.int64)
        self._rank[whole] = np.arange(1, len(whole) + 1)
        good = ~ranking.flags.any
        flux = ranking.survey.rows["flux"][good] if good.any() else ranking.survey.rows["flux"]
        shown = ranking.scores[ranking.order[:_COMPARED]]
        self._write = written_alike(shown.tolist())
        self._light = max(float(np.median(flux)), 1e-30) if len(flux) else 1.0

    def __len__(self) -> int:
        return len(self._ranking.order)

    @overload
    def __getitem__(self, place: int) -> RankedFrame: ...
    @overload
    def __getitem__(self, place: slice) -> list[RankedFrame]: ...
    def __getitem__(self, place: int | slice) -> RankedFrame | list[RankedFrame]:
        if isinstance(place, slice):
            return [self._entry(p) for p in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self._entry(place % len(self))

    def __iter__(self) -> Iterator[RankedFrame]:
        return (self._entry(place) for place in range(len(self)))

    def _entry(self, place: int) -> RankedFrame:
        ranking = self._ranking
        row = int(ranking.order[place])
        measured = ranking.survey.rows[row]
        number = int(measured["number"])
        origin = ranking.video.origin(number)
        about = ranking.video.about
        time = None if about.times is None else str(about.times[number].astype("datetime64[ms]"))
        time = None if time in (None, "NaT") else f"{time}Z"
        score = float(ranking.scores[row])
        known = bool(np.isfinite(score))
        item = Item(
            int(ranking.ids[row]), 0, origin.path, origin.frame, None, about.width, about.height,
            about.depth, time, about.format, ranking.digests.get(str(origin.path), ""), "present",
            ranking.labels.get(int(ranking.ids[row]), {}),
        )  # fmt: skip
        middle = ((about.width - 1) / 2, (about.height - 1) / 2)
        step = 2 if about.pattern else 1
        shift = (
            float(measured["x"] + 0.5) * step - 0.5 - middle[0],
            float(measured["y"] + 0.5) * step - 0.5 - middle[1],
        )
        return RankedFrame(
            int(self._rank[row]), item, row, score if known else None,
            float(self._percent[row]) if known else None, time, shift,
            ranking.flags.of(row), self._reason(row), self._write(score) if known else "",
        )  # fmt: skip

    def _reason(self, row: int) -> str:
        ranking = self._ranking
        wrong = ranking.flags.reason(row)
        if wrong:
            return wrong
        if not np.isfinite(ranking.scores[row]):
            return "no score is defined for it"
        flux = ranking.survey.rows["flux"]
        light = 100 * float(flux[row]) / self._light
        scorer, told = (
            ranking.scorer,
            [f"detail {100 * ranking.contrast[row]:.0f} % of the best, light {light:.0f} %"],
        )
        if scorer.reason:
            told.insert(0, scorer.reason(float(ranking.scores[row])))
        if scorer.explain:
            told.append(scorer.explain(row))
        return "; ".join(filter(None, told))
