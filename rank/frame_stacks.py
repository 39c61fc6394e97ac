"""Stacks of the best frames of a ranking, and what they are worth."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..stack.resolution import Resolution, split_half
from ..stack.stack import Chosen, Method, Stack, Tell, stack
from .frame_ranking import FrameRanking
from .frame_scorers import FrameSetting, make_frame_scorer
from .ranking import percents

_FRAME_NAMES = ("frame", "number")
_WEIGHT_NAMES = ("weight", "rating", "label", "score")


@dataclass(frozen=True, slots=True)
class Stacked:
    """A stack of a ranking's frames, with its split-half resolution where that was asked for."""

    ranking: FrameRanking
    stack: Stack
    resolution: Resolution | None


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
    )  # fmt: skip


def stack_frames(
    ranking: FrameRanking,
    *,
    weigh_by: str | None = None,
    method: Method = "mean",
    resolution: bool = False,
    tell: Tell | None = None,
) -> Stacked:
    """Stack all frames of a ranking, registered, the planet in the middle of the frame.

    weigh_by: None (all alike), "scores" (0..1 between the quantiles of the whole video), another
    scorer, or a CSV with columns frame and weight (or rating). resolution: judge it by halves.
    Raises UsageError for weights that can't be, or where nothing is left.
    """
    chosen = chosen_of(ranking, weights_of(ranking, weigh_by))
    found = split_half(ranking.video, chosen, method=method)[0] if resolution else None
    return Stacked(ranking, stack(ranking.video, chosen, method=method, tell=tell), found)


def weights_of(ranking: FrameRanking, weigh_by: str | None) -> NDArray[np.float64] | None:
    """Return (n,) weights in the survey's order; a frame without one weighs nothing."""
    if weigh_by is None:
        return None
    if weigh_by.endswith(".csv"):
        return _from_table(ranking, Path(weigh_by))
    if weigh_by == "scores":
        return np.nan_to_num(percents(ranking.scores) / 100)
    setting = FrameSetting(
        ranking.video, ranking.survey, ranking.flags, registered=ranking.registered
    )
    return np.nan_to_num(percents(make_frame_scorer(weigh_by, setting).compute()) / 100)


def _from_table(ranking: FrameRanking, path: Path) -> NDArray[np.float64]:
    """Return weights from a CSV; ratings that are empty, 0 or negative weigh nothing."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UsageError(f"{path}: can't be read ({problem})") from problem
    names = list(rows[0]) if rows else []
    frame = next((name for name in _FRAME_NAMES if name in names), None)
    weight = next((name for name in _WEIGHT_NAMES if name in names), None)
    if frame is None or weight is None:
        raise UsageError(f"{path}: needs the columns frame and weight (or rating); has {names}")
    row_of = {int(number): row for row, number in enumerate(ranking.survey.rows["number"])}
    found = np.zeros(len(ranking.survey))
    for line, row in enumerate(rows, start=2):
        try:
            number, value = int(row[frame]), float(row[weight] or 0)
        except (TypeError, ValueError):
            raise UsageError(f"{path}, line {line}: frame and {weight} must be numbers") from None
        if number in row_of and np.isfinite(value):
            found[row_of[number]] = max(0.0, value)
    return found
