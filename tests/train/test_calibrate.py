"""Calibration of logits whose truth is known; figures against other programs and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, softmax
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from sklearn.metrics import log_loss as their_log_loss

from seeing.train import figures
from seeing.train.calibrate import calibrated, platt, temperature
from seeing.train.figures import judged_classes, judged_numbers, judged_order
from seeing.train.probe import Probe


def probe(count: int) -> Probe:
    size = 1 if count == 2 else count
    return Probe("logistic", np.zeros((size, 1)), np.zeros(size), tuple("abcdef"[:count]))


@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_platt_finds_how_overconfident_decisions_are(scale: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    is_second = rng.random(20_000) < expit(logits - 0.5)
    found, shift = platt(scale * logits, is_second, np.ones(20_000))
    assert found * scale == pytest.approx(1, abs=0.05)
    assert shift == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize("heat", [0.3, 1.0, 5.0])
def test_temperature_is_found(heat: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4))
    chances = softmax(logits, axis=1).cumsum(1)
    given_ = (rng.random((20_000, 1)) > chances[:, :-1]).sum(1)
    assert temperature(heat * logits, given_, np.ones(20_000)) == pytest.approx(heat, rel=0.05)


@pytest.mark.parametrize("count", [2, 4])
def test_calibration_lowers_error_and_loss_of_overconfident_decisions(count: int) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1, (6000, count))
    chances = softmax(logits, axis=1).cumsum(1)
    right = (rng.random((6000, 1)) > chances[:, :-1]).sum(1)
    decisions = 6 * (logits[:, 1:] - logits[:, :1] if count == 2 else logits)
    before, half = probe(count), slice(0, 3000)
    after = calibrated(before, decisions[half], right[half])
    errors = [
        figures.calibration_error(expit(one.log_odds(decisions[3000:])), right[3000:])
        for one in (before, after)
    ]
    assert errors[0] > 0.2
    assert errors[1] < 0.03


def test_decisions_that_tell_nothing_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    wrong = rng.normal(0, 1, 500)
    found = calibrated(probe(2), wrong[:, None], (wrong < 0).astype(np.int64))
    assert found.scale > 0
    assert found.scale < 0.01


def test_few_answers_leave_decisions_as_they_are() -> None:
    assert calibrated(probe(2), np.ones((6, 1)), np.array([0, 1, 1, 1, 1, 1])).scale == 1.0


def test_weights_count_as_repeats() -> None:
    rng = np.random.default_rng(0)
    decisions, right = rng.normal(0, 1, 60), rng.random(60) < 0.5
    weights = rng.integers(1, 4, 60)
    rows = np.repeat(np.arange(60), weights)
    assert platt(decisions, right, weights.astype(float)) == pytest.approx(
        platt(decisions[rows], right[rows], np.ones(len(rows))), rel=1e-4
    )


# --- figures ------------------------------------------------------------------------------------


def test_figures_of_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    said = softmax(rng.normal(0, 1, (200, 3)), axis=1)
    right = rng.integers(0, 3, 200)
    guessed = np.full((200, 3), 1 / 3)
    found = judged_classes(said, right, np.arange(200) // 4, guessed, wanted=(2, said[:, 2]))
    assert found["balanced_accuracy"].value == pytest.approx(
        balanced_accuracy_score(right, said.argmax(1))
    )
    assert found["log_loss"].value == pytest.approx(their_log_loss(right, said))
    assert found["log_loss"].guess == pytest.approx(np.log(3))
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(right == 2, said[:, 2]))
    assert found["balanced_accuracy"].guess == pytest.approx(1 / 3)


def test_figures_of_numbers_are_those_of_scipy_and_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    given_ = np.rint(rng.normal(3, 1, 200))
    said = given_ + rng.normal(0, 1, 200)
    found = judged_numbers(said, given_, np.arange(200) // 4, np.full(200, given_.mean()))
    assert found["spearman"].value == pytest.approx(stats.spearmanr(said, given_)[0])
    assert found["r2"].value == pytest.approx(r2_score(given_, said))
    assert found["mean_absolute_error"].value == pytest.approx(np.abs(said - given_).mean())
    assert found["r2"].guess == pytest.approx(0)


def test_calibration_error_by_hand() -> None:
    """Two bins: 0.65 sure and half right, 0.95 sure and all right: (4 * 0.15 + 2 * 0.05) / 6."""
    sure = np.array([0.65] * 4 + [0.95] * 2)
    said = np.stack((1 - sure, sure), axis=1)
    right = np.array([1, 1, 0, 0, 1, 1])
    assert figures.calibration_error(said, right) == pytest.approx(0.7 / 6)


def test_intervals_are_over_groups() -> None:
    """Forty copies of the same ten items know no more than the ten: the interval stays as wide."""
    rng = np.random.default_rng(0)
    said, given_ = rng.normal(0, 1, (2, 30))
    few = judged_order(said, given_, np.arange(30))
    many = judged_order(np.tile(said, 40), np.tile(given_, 40), np.tile(np.arange(30), 40))
    naive = judged_order(np.tile(said, 40), np.tile(given_, 40), np.arange(1200))
    assert few.value == pytest.approx(many.value)
    assert None not in (few.low, few.high, many.low, many.high, naive.low, naive.high)
    width = [float(f.high or 0) - float(f.low or 0) for f in (few, many, naive)]
    assert width[1] == pytest.approx(width[0], rel=0.2)
    assert width[2] < width[0] / 3


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(30):
        groups = np.repeat(np.arange(40), 3)
        shared, own = rng.normal(0, 1, (2, 40)), rng.normal(0, 1, (2, 120))
        # rank correlation 0 in truth, and neighbours alike
        found = judged_order(shared[0][groups] + 0.3 * own[0], shared[1][groups] + 0.3 * own[1],
                             groups, seed=seed)  # fmt: skip
        hits += (found.low or 0) <= 0 <= (found.high or 0)
    assert hits >= 25  # 95 % of 30 is 28.5; fewer than 25 has a chance below 1 %


def test_one_group_has_no_interval() -> None:
    found = judged_order(np.arange(9.0), np.arange(9.0), np.zeros(9, np.int64))
    assert found.value == pytest.approx(1)
    assert found.low is found.high is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_area_counts_pairs(pairs: list[tuple[int, bool]]) -> None:
    said: Any = np.array([float(score) for score, _ in pairs])
    wanted = np.array([is_wanted for _, is_wanted in pairs])
    ones, zeros = said[wanted], said[~wanted]
    if not len(ones) or not len(zeros):
        assert np.isnan(figures.area_under_curve(said, wanted))
        return
    won = [1.0 if a > b else 0.5 if a == b else 0.0 for a in ones for b in zeros]
    assert figures.area_under_curve(said, wanted) == pytest.approx(np.mean(won))
