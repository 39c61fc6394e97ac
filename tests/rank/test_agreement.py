"""Figures of agreement against scipy, published examples and arithmetic by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from seeing.errors import ShapeError, UsageError
from seeing.rank.agreement import (
    BLOCK,
    agreement,
    chosen,
    fitted,
    frames_ndcg,
    interval,
    kendall,
    ndcg,
    overlap,
    psnr,
    ssim,
)
from seeing.train.figures import Figure, spearman

small = st.lists(st.integers(0, 6), min_size=3, max_size=30)


@given(small, st.randoms())
@settings(deadline=None)
def test_correlations_are_scipys_ties_included(values: list[int], rng: object) -> None:
    other = list(values)
    rng.shuffle(other)  # type: ignore[attr-defined]
    a, b = np.array(values, float), np.array(other, float)
    if len(set(values)) == 1:
        assert spearman(a, b) == kendall(a, b) == 0
        return
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)


def test_spearman_and_kendall_by_hand() -> None:
    """1 - 6 sum d^2 / (n (n^2 - 1)) = 1 - 6 * 4 / 60; (4 concordant - 2 discordant) / 6."""
    a, b = np.array([1, 2, 3, 4]), np.array([2, 1, 4, 3])
    assert spearman(a, b) == pytest.approx(0.6)
    assert kendall(a, b) == pytest.approx(1 / 3)


def test_ndcg_is_the_published_example() -> None:
    """English Wikipedia, "Discounted cumulative gain": gains 3 2 3 0 1 2 in the order returned.

    DCG 6.861 over the best order's 7.141 of these six.
    """
    gains, order = np.array([3, 2, 3, 0, 1, 2]), np.arange(6, 0, -1)
    assert ndcg(order, gains) == pytest.approx(6.861 / 7.141, abs=1e-4)


def test_ndcg_by_hand() -> None:
    gains = np.array([0.0, 2.0, 1.0])
    second = 1 / np.log2(3)
    assert ndcg(gains, gains) == 1
    assert ndcg(np.array([3, 2, 1]), gains) == pytest.approx(
        (2 * second + 1 / 2) / (2 + second), abs=1e-12
    )
    assert ndcg(np.array([3, 2, 1]), gains, count=1) == 0
    assert ndcg(np.array([1, 1, 1]), gains, count=2) == pytest.approx((1 + second) / (2 + second))
    assert ndcg(np.array([1, 2, 3]), np.zeros(3)) == 0


def test_ties_in_ndcg_are_the_mean_of_all_orders() -> None:
    """McSherry and Najork 2008: against 4000 orders drawn by lot; their mean errs by 0.002."""
    rng = np.random.default_rng(0)
    given_, gains = rng.integers(0, 3, 12).astype(float), rng.uniform(0, 1, 12)
    lots = [ndcg(given_ + rng.uniform(0, 0.5, 12), gains, count=5) for _ in range(4000)]
    assert ndcg(given_, gains, count=5) == pytest.approx(np.mean(lots), abs=0.01)


def test_frames_below_the_median_gain_nothing() -> None:
    true = np.arange(40.0)
    other = true.copy()
    other[:20] = other[:20][::-1]
    assert frames_ndcg(other, true) == 1
    assert frames_ndcg(-true, true) == 0


def test_chosen_frames_share_places_that_tie() -> None:
    assert chosen(np.array([5, 1, 3, 3, 3]), 2).tolist() == pytest.approx(
        [1, 0, 1 / 3, 1 / 3, 1 / 3]
    )
    assert chosen(np.array([5, 1, 3]), 2).tolist() == [1, 0, 1]
    assert chosen(np.array([5, 1, 3]), 9).tolist() == [1, 1, 1]
    assert chosen(np.array([5, 1, 3]), 0).tolist() == [0, 0, 0]


def test_overlap_of_chosen_and_true() -> None:
    true = np.arange(100.0)
    half = np.where(true >= 97, -1, true)
    assert overlap(true, true, 5) == 1
    assert overlap(half, true, 5) == pytest.approx(2 / 5)
    assert overlap(np.zeros(100), true, 5) == pytest.approx(5 / 100), "as by lot"
    assert overlap(-true, true, 5) == 0


def seeing(count: int, seed: int) -> NDArray[np.float64]:
    """Quality that lasts 40 frames, as in the simulator."""
    rng = np.random.default_rng(seed)
    values = np.empty(count)
    now = rng.normal()
    for frame in range(count):
        now = np.exp(-1 / 40) * now + np.sqrt(1 - np.exp(-2 / 40)) * rng.normal()
        values[frame] = now
    return values


def test_an_agreement_holds_the_figures_and_says_them() -> None:
    true = seeing(600, 1)
    scores = true + 0.3 * np.random.default_rng(2).normal(size=600)
    found = agreement([scores], [true], draws=200)
    assert (found.videos, found.frames, found.unscored, found.unknown) == (1, 600, 0, 0)
    assert found.spearman.value == spearman(scores, true)
    assert found.kendall.value == kendall(scores, true)
    assert found.ndcg.value == frames_ndcg(scores, true)
    assert found.hits.value == overlap(scores, true, 30)
    assert found.overlap.value == overlap(scores, true, 100)
    for figure in (found.spearman, found.kendall, found.ndcg, found.hits, found.overlap):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value + 0.03
        assert figure.value - 0.03 <= figure.high
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["spearman"] == round(found.spearman.value, 5)
    assert told["hits_low"] <= told["hits_high"]
    assert str(Figure(0.5)) == "0.500"
    assert str(Figure(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"


def test_the_same_seed_gives_the_same_interval() -> None:
    true = seeing(200, 1)
    scores = true + np.random.default_rng(2).normal(size=200)
    one, same, other = (agreement([scores], [true], draws=50, seed=seed) for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_blocks_make_intervals_wider_than_single_frames_would() -> None:
    """Errors that last as long as the seeing does: single frames promise too much."""
    widths = {}
    for seed in range(6):
        true = seeing(1000, seed)
        scores = true + 0.5 * seeing(1000, 100 + seed)
        blocks = agreement([scores], [true], draws=300).spearman
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, 1000, (300, 1000))
        low, high = np.percentile([spearman(scores[row], true[row]) for row in rows], (2.5, 97.5))
        assert blocks.low is not None
        assert blocks.high is not None
        widths[seed] = (blocks.high - blocks.low) / (high - low)
    assert np.median(list(widths.values())) > 2, widths
    assert BLOCK >= 40


def test_several_videos_are_drawn_as_wholes() -> None:
    """Of 3^3 draws of equal chance 1 takes the worst video three times, 8 only good ones."""
    true = np.arange(40.0)
    scores = [true, -true, true]
    found = agreement(scores, [true] * 3, draws=4000)
    assert found.videos == 3
    assert found.frames == 120
    assert found.spearman.value == pytest.approx(1 / 3)
    assert found.spearman.low == pytest.approx(-1), "drawn in 1 of 27 cases: above 2.5 %"
    assert found.spearman.high == pytest.approx(1)


def test_interval_over_videos() -> None:
    values = np.random.default_rng(0).normal(0.9, 0.02, 50)
    found = interval(values, draws=4000)
    error = values.std() / np.sqrt(50)
    assert found.value == values.mean()
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)
    assert interval([0.5]) == Figure(0.5)
    with pytest.raises(UsageError):
        interval([])


def test_frames_without_a_score_are_the_worst_and_without_a_truth_left_out() -> None:
    true, scores = np.arange(50.0), np.arange(50.0)
    scores[:10] = np.nan
    found = agreement([scores], [true], draws=10)
    assert found.unscored == 10
    worst = np.where(np.isnan(scores), 0.5, scores)
    assert found.spearman.value == pytest.approx(spearman(worst, true))
    assert found.kendall.value == pytest.approx(kendall(worst, true))
    assert found.hits.value == 1
    true[[3, 49]] = np.nan, np.inf
    found = agreement([scores], [true], draws=10)
    assert (found.frames, found.unknown, found.unscored) == (48, 2, 9)
    lost = agreement([np.full(50, np.nan)], [np.arange(50.0)], draws=10)
    assert lost.spearman == lost.kendall == Figure(0.0, 0.0, 0.0)
    assert lost.hits.value == pytest.approx(2 / 50)


def test_what_does_not_pair_is_refused() -> None:
    three = np.arange(3.0)
    with pytest.raises(ShapeError):
        agreement([three], [])
    with pytest.raises(ShapeError):
        agreement([three], [np.arange(4.0)])
    with pytest.raises(UsageError, match="2 frames have a truth"):
        agreement([three], [np.array([1, 2, np.nan])])
    assert agreement([three], [three], top=500).top == 1


# --- stacks -----------------------------------------------------------------------------------


def pattern() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[:48, :64]
    truth = np.sin(x / 5) * np.cos(y / 7) + 0.3 * np.sin(x * y / 90)
    return 3 * truth + 7 + 0.5 * np.cos(x * 3.1) * np.sin(y * 2.3), truth


def test_psnr_and_ssim_are_scikit_images() -> None:
    """scikit-image 0.26.0 on `fitted`, data_range the truth's: peak_signal_noise_ratio, and

    structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False).
    """
    stack, truth = pattern()
    assert psnr(stack, truth) == pytest.approx(30.576539945341427, rel=1e-12)
    assert ssim(stack, truth) == pytest.approx(0.9203830252023856, rel=1e-9)


def test_brightness_and_offset_of_a_stack_do_not_matter() -> None:
    stack, truth = pattern()
    np.testing.assert_allclose(fitted(0.2 * truth - 9, truth), truth, atol=1e-12)
    assert psnr(5 * stack + 100, truth) == pytest.approx(psnr(stack, truth))
    assert ssim(5 * stack + 100, truth) == pytest.approx(ssim(stack, truth))
    assert psnr(truth, truth) > 250
    assert ssim(truth, truth) == pytest.approx(1)


def test_flat_pictures_have_figures() -> None:
    stack, truth = pattern()
    flat = np.full(truth.shape, 3.0)
    assert psnr(stack, flat) == ssim(stack, flat) == 0
    assert 0 < psnr(flat, truth) < 20
    assert abs(ssim(flat, truth)) < 0.2
    with pytest.raises(ShapeError):
        psnr(stack[1:], truth)
    with pytest.raises(ShapeError):
        ssim(stack[:9], truth[:9])
