"""Stacks of the best frames of a ranking, and what they are worth."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..stack.resolution import Resolution, split_half
from ..stack.stack import Chosen, Method, Stack, Tell, stack
from .agreement import gains_of
from .frame_ranking import FrameRanking
from .frame_scorers import FrameSetting, make_frame_scorer
from .frame_table import check_frames, frame_column

_PEOPLE = {"OBSERVER": "Observer", "TELESCOP": "Telescope", "INSTRUME": "Instrument"}
"""FITS keywords, and what a SER calls them."""
_WEIGHTS = ("weight", "rating", "label", "score")
"""Columns that weights are looked for in."""


@dataclass(frozen=True, slots=True)
class Stacked:
    """A stack of a ranking's frames, with its split-half resolution where that was asked for."""

    ranking: FrameRanking
    stack: Stack
    resolution: Resolution | None
    weighed_by: str | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def history(self) -> list[str]:
        """What was done, line by line: which frames, why these, and how they were stacked."""
        ranking = self.ranking
        all_good = ranking.all_good
        share = 100 * len(ranking) / max(1, all_good)
        lines = [
            f"scorer {ranking.scorer.identity}: {ranking.scorer.measure}",
            f"the best {len(ranking)} of {all_good} good frames ({share:.3g} %) chosen",
        ]
        if ranking.reference is not None and ranking.registered is not None:
            name, registered = ranking.reference.path.name, ranking.registered
            used = registered.undone if registered.used else "not used: another object or side"
            lines.append(f"reference {name}: {used}")
        if self.weighed_by:
            lines.append(f"weighed by {self.weighed_by}")
        return [*lines, *self.stack.history]

    @property
    def cards(self) -> dict[str, tuple[str | int, str]]:
        """Values with comments for the header of a FITS, by keyword.

        TIMESYS, OBSERVER, TELESCOP and INSTRUME are of the FITS standard (4.0, 4.4.2 and 9.2.1),
        NCOMBINE is IRAF's, STACKCNT Siril's; the standard has none for the number of frames.
        """
        cards: dict[str, tuple[str | int, str]] = {
            "NCOMBINE": (self.stack.frames, "frames in the stack"),
            "STACKCNT": (self.stack.frames, "frames in the stack"),
        }
        if self.stack.begin is not None:
            cards["TIMESYS"] = ("UTC", "scale of the times here")
        for keyword, name in _PEOPLE.items():
            text = str(self.ranking.video.about.header.get(name) or "").strip()
            if text:
                cards[keyword] = (text, "as the video has it")
        return cards


def chosen_of(ranking: FrameRanking, weights: NDArray[np.float64] | None = None) -> Chosen:
    """Return a ranking's frames with their shifts and light, as a stack takes them.

    weights: (n,) in the survey's order; None: all alike.
    """
    rows = ranking.survey.rows[ranking.order]
    step = 2 if ranking.video.about.pattern else 1
    middle = np.array([ranking.video.about.height - 1, ranking.video.about.width - 1]) / 2
    dy = (rows["y"].astype(np.float64) + 0.5) * step - 0.5 - middle[0]
    dx = (rows["x"].astype(np.float64) + 0.5) * step - 0.5 - middle[1]
    planet = ranking.survey.scene.kind == "planet"
    return Chosen(
        rows["number"].astype(np.int64), dy, dx,
        None if weights is None else weights[ranking.order],
        rows["background"].astype(np.float64) if planet else None,
        rows["flux"].astype(np.float64),
        ranking.survey.scene.hot,
    )  # fmt: skip


def stack_frames(
    ranking: FrameRanking,
    *,
    weigh_by: str | NDArray[np.float64] | None = None,
    method: Method = "mean",
    resolution: bool = False,
    tell: Tell | None = None,
) -> Stacked:
    """Stack all frames of a ranking, registered, the planet in the middle of the frame.

    weigh_by: None (all alike), "scores" or another scorer (what a frame's score is above the median
    of the video), a CSV with columns frame and weight (or rating), or (n,) weights in the survey's
    order, as `library.exemplars.weights` gives; without a weight, or with 0, a frame weighs
    nothing. resolution: judge it by halves.
    Raises UsageError for weights that can't be, or where nothing is left.
    """
    weights, remarks = weights_of(ranking, weigh_by)
    whole = ranking
    if weights is not None:  # else a half of them might hold none that weighs
        ranking = ranking.only(ranking.order[weights[ranking.order] > 0])
    chosen = chosen_of(ranking, weights)
    found = None
    if resolution and len(chosen) > 1:
        found = split_half(ranking.video, chosen, method=method, cutoff=cutoff_of(ranking))[0]
    made = stack(ranking.video, chosen, method=method, tell=tell)
    told = weigh_by if isinstance(weigh_by, str) or weigh_by is None else "labels"
    return Stacked(whole, made, found, told, remarks)


def cutoff_of(ranking: FrameRanking) -> float:
    """Return the telescope's cutoff in cycles a pixel of the video's file."""
    scene = ranking.survey.scene
    return min(0.5, scene.band.cutoff / scene.shrink / (2 if ranking.video.about.pattern else 1))


def weights_of(
    ranking: FrameRanking, weigh_by: str | NDArray[np.float64] | None
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Return (n,) weights in the survey's order, and remarks on those that weigh nothing.

    Raises UsageError for weights that can't be, or where no frame of the ranking has any.
    """
    if weigh_by is None:
        return None, []
    if not isinstance(weigh_by, str):
        weights, without, weigh_by = weigh_by, "label", "labels"
    elif weigh_by.endswith(".csv"):
        weights, without = _from_table(ranking, weigh_by)
    else:
        scores = ranking.scores
        if weigh_by != "scores":
            setting = FrameSetting(
                ranking.video, ranking.survey, ranking.flags, registered=ranking.registered
            )
            scores = make_frame_scorer(weigh_by, setting).compute()
        weights, without = _above_usual(ranking, scores), "score above the median of the video"
    mine = weights[ranking.order]
    nothing = int((mine == 0).sum())
    if nothing == len(mine):
        raise UsageError(
            f"--weigh-by {weigh_by}: no chosen frame has a {without}: none would weigh. "
            "Choose more frames: --percent 100"
        )
    if not nothing:
        return weights, []
    return weights, [
        f"{nothing} of {len(mine)} chosen frames have no {without}: they weigh nothing"
    ]


def _above_usual(ranking: FrameRanking, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights that grow with what a frame is better than usual: `gains_of` its score.

    A score's own size means nothing across scorers, and between the best it hardly changes; what
    it is above the median does, whatever its scale. Measured on four simulated nights (three
    objects, 200 to 1800 electrons, 300 frames) by the correlation with the object, ring by ring
    from 0.06 to 0.36 cycles a pixel, as information (minus the sum of log(1 - r^2)). Of the best
    10, 30, 60 %: all alike 16.3 15.8 13.7, weighed so 16.7 17.0 16.8; by the place between the
    quantiles 16.4 16.1 14.5, by the contrast of detail over the noise's variance 16.2 16.1 14.7
    (least squares, were there nothing but noise), by the contrast's square 16.7 16.7 15.7.
    """
    weights = np.zeros(len(scores))
    known = np.isfinite(scores) & ~ranking.flags.any
    if known.any():
        weights[known] = gains_of(scores[known])
    return weights


def _from_table(ranking: FrameRanking, path: str) -> tuple[NDArray[np.float64], str]:
    """Return weights from a CSV: as they are, but for scores, which weigh as scores do."""
    table = frame_column(path, _WEIGHTS, beside=_WEIGHTS)
    check_frames(table, ranking.video)
    numbers = ranking.survey.rows["number"].tolist()
    given = np.array([table.values.get(number, np.nan) for number in numbers])
    if table.name == "score":
        return _above_usual(ranking, given), f"score in {path} above the median"
    for frame, weight in table.values.items():
        written = table.beside[table.name][frame]
        if written and not 0 <= weight < math.inf:
            raise UsageError(
                f"{path}: the {table.name} of frame {frame} is {written[:40]}; "
                "a weight is 0 or more"
            )
    return np.nan_to_num(given), f"{table.name} above 0 in {path}"
