"""How far two orders of the same frames agree, with intervals; how like a stack is to the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UsageError
from ..train.figures import LEVELS, Figure, spearman

Values = NDArray[np.float64]

SHARE = 0.05
"""Of the frames: what `hits` takes as chosen and as truly best."""
NDCG_SHARE = 0.1
"""Of the frames: how far down `frames_ndcg` looks."""
BLOCK = 50
"""Frames that are drawn together for a single video's interval: seeing lasts, neighbours are alike,
and drawing each by itself would make intervals too narrow. Longer than the simulator's memory of
40 frames; of short videos a fifth."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a ranking agrees with a truth; 1 is best of all figures.

    videos, frames: how many were compared. unscored: frames without a score; they count as the
    worst, all alike. unknown: frames without a truth, which are left out. top: of how many frames
    `overlap` tells. spearman, kendall (tau-b): -1..1. ndcg: `frames_ndcg`. hits: share of the true
    best 5 % found among the chosen 5 %. overlap: share of the true best `top` among the chosen.
    Of several videos each figure is the mean, and its interval is over videos; of a single one it
    is over blocks of frames.
    """

    videos: int
    frames: int
    unscored: int
    unknown: int
    top: int
    spearman: Figure
    kendall: Figure
    ndcg: Figure
    hits: Figure
    overlap: Figure

    def as_json(self) -> dict[str, Any]:
        """Return plain values: each figure as NAME, NAME_low and NAME_high, 5 decimals."""
        told: dict[str, Any] = {}
        for field in fields(self):
            held = getattr(self, field.name)
            if not isinstance(held, Figure):
                told[field.name] = held
                continue
            told[field.name] = round(held.value, 5)
            for end in ("low", "high"):
                bound = getattr(held, end)
                told[f"{field.name}_{end}"] = None if bound is None else round(bound, 5)
        return told


def agreement(
    scores: Sequence[NDArray[Any]],
    truths: Sequence[NDArray[Any]],
    *,
    top: int = 100,
    draws: int | None = None,
    seed: int = 0,
) -> Agreement:
    """Compare scores with the truth, video by video; higher is better in both.

    scores, truths: for each video (n,), frame by frame. NaN: no score, or no truth. top: for
    `overlap`; at most half of a video's frames. draws: of the bootstrap; None takes 1000, fewer for
    more than 2000 frames. Ties share their places (see `chosen`). An order of equals agrees with
    nothing: its correlations are 0.
    Raises ShapeError for videos that do not match, UsageError for fewer than 3 frames with a truth.
    """
    if len(scores) != len(truths) or not scores:
        raise ShapeError(f"{len(scores)} rankings and {len(truths)} truths do not pair")
    pairs, unscored, unknown = [], 0, 0
    for score, truth in zip(scores, truths, strict=True):
        if score.shape != truth.shape or score.ndim != 1:
            raise ShapeError(f"scores are {score.shape}, their truth is {truth.shape}")
        known = np.isfinite(truth)
        given, true = np.asarray(score, np.float64)[known], np.asarray(truth, np.float64)[known]
        if len(true) < 3:
            raise UsageError(f"{len(true)} frames have a truth; 3 or more can be compared")
        unscored += int(np.isnan(given).sum())
        unknown += int((~known).sum())
        pairs.append((np.where(np.isnan(given), -np.inf, given), true))
    count = sum(len(true) for _, true in pairs)
    top = max(1, min(top, *(len(true) // 2 for _, true in pairs)))
    draws = draws or int(np.clip(2_000_000 // count, 100, 1000))
    figures = _intervals(pairs, top, draws, np.random.default_rng(seed))
    return Agreement(len(pairs), count, unscored, unknown, top, *figures)


_Pair = tuple[Values, Values]


def _figures(given: Values, true: Values, top: int) -> Values:
    """Return the five figures of one video, in the order of `Agreement`."""
    best = max(1, round(SHARE * len(true)))
    return np.array(
        [
            spearman(given, true), kendall(given, true), frames_ndcg(given, true),
            overlap(given, true, best), overlap(given, true, top),
        ]
    )  # fmt: skip


def _intervals(pairs: list[_Pair], top: int, draws: int, rng: np.random.Generator) -> list[Figure]:
    each = np.array([_figures(*pair, top) for pair in pairs])
    value = each.mean(axis=0)
    if len(pairs) > 1:
        drawn = rng.integers(0, len(pairs), (draws, len(pairs)))
        spread = each[drawn].mean(axis=1)
    else:
        given, true = pairs[0]
        spread = np.array(
            [_figures(given[rows], true[rows], top) for rows in _blocks(len(true), draws, rng)]
        )
    low, high = np.percentile(spread, LEVELS, axis=0)
    return [Figure(*map(float, one)) for one in zip(value, low, high, strict=True)]


def _blocks(count: int, draws: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return frames drawn in blocks (circular block bootstrap, Politis and Romano 1992)."""
    length = max(1, min(BLOCK, count // 5))
    starts = rng.integers(0, count, (draws, -(-count // length)))
    rows = (starts[:, :, None] + np.arange(length)) % count
    return list(rows.reshape(draws, -1)[:, :count])


def interval(values: Sequence[float] | Values, *, draws: int = 1000, seed: int = 0) -> Figure:
    """Return the mean of one figure a video, with its percentile bootstrap interval over videos."""
    each = np.asarray(values, np.float64)
    if not len(each):
        raise UsageError("no videos, no interval")
    if len(each) == 1:
        return Figure(float(each[0]))
    drawn = np.random.default_rng(seed).integers(0, len(each), (draws, len(each)))
    low, high = np.percentile(each[drawn].mean(axis=1), LEVELS)
    return Figure(float(each.mean()), float(low), float(high))


# --- figures of one video ---------------------------------------------------------------------


def kendall(given: NDArray[Any], true: NDArray[Any]) -> float:
    """Return Kendall's tau-b, -1..1, which allows for ties; 0 when either is all equal."""
    from scipy.stats import kendalltau, rankdata

    # ranks: -inf of frames without a score would be compared with itself
    tau = float(kendalltau(rankdata(given), rankdata(true), method="asymptotic").statistic)
    return tau if np.isfinite(tau) else 0.0


def chosen(values: NDArray[Any], count: int) -> Values:
    """Return how surely each is among the `count` highest: 1, 0, or between for those that tie.

    Those that tie for the last places share them, as if drawn by lot: no order of frames decides.
    """
    count = min(count, len(values))
    if count < 1:
        return np.zeros(len(values))
    edge = np.partition(values, -count)[-count]
    above, equal = values > edge, values == edge
    surely: Values = above + equal * ((count - above.sum()) / equal.sum())
    return surely


def overlap(given: NDArray[Any], true: NDArray[Any], count: int) -> float:
    """Return the share of the true best `count` frames among the chosen `count`, 0..1."""
    count = min(count, len(true))
    return float(chosen(given, count) @ chosen(true, count) / count) if count else 0.0


def ndcg(given: NDArray[Any], gains: NDArray[Any], *, count: int | None = None) -> float:
    """Return the normalised discounted cumulative gain of an order, 0..1.

    Sum of gains over log2(1 + place), places from 1, down to place `count` (None: all), divided by
    the same for the best order (Jarvelin and Kekalainen 2002, "Cumulated gain-based evaluation of
    IR techniques", with Burges' discount). gains: (n,), none negative. Those that tie in the order
    have the mean of their gains (McSherry and Najork 2008). 0 when there is nothing to gain.
    """
    count = len(gains) if count is None else min(count, len(gains))
    discount = 1 / np.log2(np.arange(2, len(gains) + 2))
    discount[count:] = 0
    ideal = float(np.sort(gains)[::-1] @ discount)
    if not ideal > 0:
        return 0.0
    order = np.argsort(-np.asarray(given, np.float64), kind="stable")
    _, first, ties = np.unique(-np.asarray(given)[order], return_index=True, return_counts=True)
    means = np.add.reduceat(np.asarray(gains, np.float64)[order], first) / ties
    return float(np.repeat(means, ties) @ discount / ideal)


def frames_ndcg(given: NDArray[Any], true: NDArray[Any]) -> float:
    """Return `ndcg` of the best tenth of frames, whose gain is what they are better than usual.

    The gain is `gains_of` the truth: frames that nobody would stack gain nothing, however they are
    ordered.
    """
    return ndcg(given, gains_of(true), count=max(1, round(NDCG_SHARE * len(true))))


def gains_of(values: NDArray[Any]) -> Values:
    """Return what frames are better than usual, 0..1: (value - median) / (best - median).

    0 at the median and below, and everywhere where all are alike.
    """
    above: Values = np.maximum(np.asarray(values, np.float64) - np.median(values), 0)
    most = float(above.max(initial=0.0))
    return above / most if most > 0 else above


# --- stacks against the truth -----------------------------------------------------------------


def fitted(stack: NDArray[Any], truth: NDArray[Any]) -> Values:
    """Return factor * stack + offset, nearest to the truth in least squares; float64.

    Both (h, w). A flat stack becomes the truth's mean. Raises ShapeError when their sizes differ.
    """
    if stack.shape != truth.shape or stack.ndim != 2:
        raise ShapeError(f"the stack is {stack.shape}, the truth {truth.shape}")
    light, true = np.asarray(stack, np.float64), np.asarray(truth, np.float64)
    light = light - light.mean()
    power = float((light * light).sum())
    factor = float((light * true).sum()) / power if power > 0 else 0.0
    nearest: Values = factor * light + true.mean()
    return nearest


def psnr(stack: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the peak signal-to-noise ratio in dB of a stack, after `fitted`.

    10 log10(range^2 / mean squared error), range: the truth's maximum less its minimum. Infinite
    when they are equal, as a float; 0 for a truth that is flat.
    """
    error = float(np.mean((fitted(stack, truth) - truth) ** 2))
    span = float(np.ptp(np.asarray(truth, np.float64)))
    if span == 0:
        return 0.0
    return float("inf") if error == 0 else 10 * float(np.log10(span**2 / error))


def ssim(stack: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the structural similarity of a stack, after `fitted`; at most 1.

    Wang et al. 2004, "Image quality assessment", equation 13: Gaussian window of 11 x 11, sigma 1.5
    pixels, K 0.01 and 0.03, L the truth's maximum less its minimum; mean over all places where the
    window lies inside. Raises ShapeError for pictures smaller than the window.
    """
    from scipy.ndimage import gaussian_filter

    light, true = fitted(stack, truth), np.asarray(truth, np.float64)
    if min(true.shape) < 11:
        raise ShapeError(f"structural similarity needs 11 x 11 pixels, not {true.shape}")
    span = float(np.ptp(true))
    if span == 0:
        return 0.0

    def mean(field: Values) -> Values:
        blurred: Values = gaussian_filter(field, 1.5, truncate=3.5)
        return blurred[5:-5, 5:-5]

    a, b = mean(light), mean(true)
    aa, bb, ab = mean(light * light) - a * a, mean(true * true) - b * b, mean(light * true) - a * b
    one, two = (0.01 * span) ** 2, (0.03 * span) ** 2
    likeness = (2 * a * b + one) * (2 * ab + two) / ((a * a + b * b + one) * (aa + bb + two))
    return float(likeness.mean())
