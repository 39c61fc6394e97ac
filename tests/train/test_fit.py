"""Learning probes: planted rules are found, nothing leaks, what is no answer teaches nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression, Ridge

from seeing.errors import ShapeError, UsageError
from seeing.train import fit
from seeing.train.fit import Fitted, teach
from seeing.train.probe import Kind
from seeing.train.space import spaces_of

Values = NDArray[np.float64]


def planted(n: int = 400, d: int = 6, seed: int = 0) -> tuple[Values, Values]:
    """Vectors of unlike scales and middles, and the rule that labels follow."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 1, (n, d)) * (1 + np.arange(d)) + 5 * np.arange(d)
    return vectors, rng.normal(0, 1, d) / (1 + np.arange(d))


def alone(n: int) -> NDArray[np.int64]:
    return np.arange(n)


def same_bits(one: Fitted, other: Fitted) -> bool:
    return (
        one.probe.weights.tobytes() == other.probe.weights.tobytes()
        and one.probe.bias.tobytes() == other.probe.bias.tobytes()
        and (one.probe.scale, one.probe.shift) == (other.probe.scale, other.probe.shift)
        and one.figures == other.figures
    )


# --- rules that were planted are found ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["ridge", "linear"])
def test_numbers_without_noise_give_the_coefficients_back(kind: Kind) -> None:
    vectors, rule = planted()
    found = teach(vectors, vectors @ rule + 3, alone(400), kind=kind)
    # the least penalty, 1e-3 a label, shrinks by a thousandth
    np.testing.assert_allclose(found.probe.weights[0], rule, rtol=3e-3)
    assert found.figures["r2"].value > 0.9999
    if kind == "linear":
        np.testing.assert_allclose(found.probe.weights[0], rule, rtol=1e-5)
        assert abs(found.probe.bias[0] - 3) < 1e-4


def test_two_classes_give_the_direction_and_the_probabilities_back() -> None:
    vectors, rule = planted(4000)
    centred = vectors - vectors.mean(0)
    chance = expit(2 * centred @ rule)
    drawn = np.random.default_rng(1).random(4000) < chance
    found = teach(vectors, ["yes" if one else "no" for one in drawn], alone(4000),
                  kind="logistic", wanted="yes")  # fmt: skip
    assert found.probe.direction @ rule / np.linalg.norm(rule) > 0.99
    said = found.probe.probabilities(vectors)[:, 1]
    assert np.abs(said - chance).mean() < 0.02
    assert 0.9 < found.probe.scale < 1.1  # unbiased logits need no calibration
    assert found.figures["calibration_error"].value < 0.03


def test_more_classes_and_the_direction_of_the_wanted_one() -> None:
    rng = np.random.default_rng(0)
    middles = np.array([[0, 0], [4, 0], [0, 4], [-4, -4]])
    which = rng.integers(0, 4, 400)
    vectors = middles[which] + rng.normal(0, 0.8, (400, 2))
    answers = [str("abcd"[one]) for one in which]
    found = teach(vectors, answers, alone(400), kind="logistic", wanted="b")
    assert found.probe.answers == ("a", "b", "c", "d")
    assert found.figures["balanced_accuracy"].value > 0.97
    assert found.figures["roc_auc"].value > 0.99
    assert found.probe.probabilities(vectors).sum(1) == pytest.approx(1)
    assert found.probe.probabilities(vectors).argmax(1).tolist().count(1) == (which == 1).sum()
    # "b" lies to the right of all others
    assert found.probe.direction[0] > 0.9
    along = vectors @ found.probe.direction
    assert spearmanr(along, found.probe.scores(vectors))[0] > 0.9


def test_ordinal_probes_say_the_expected_rating() -> None:
    """Frank and Hall: ratings cut from a hidden number; the expectation rises with that number."""
    vectors, rule = planted(2000, 3)
    hidden = (vectors - vectors.mean(0)) @ rule
    hidden += np.random.default_rng(1).logistic(0, 0.3, 2000)
    ratings = 1.0 + np.searchsorted([-1.5, -0.5, 0.5, 1.5], hidden)
    found = teach(vectors, ratings, alone(2000), kind="ordinal")
    assert found.probe.values == (1, 2, 3, 4, 5)
    chances = found.probe.probabilities(vectors)
    assert chances.min() >= 0
    assert chances.sum(1) == pytest.approx(1)
    said = found.probe.scores(vectors)
    assert chances @ np.array(found.probe.values) == pytest.approx(said)
    # a hidden number cut by thresholds: P(y > k) is logistic of it, by construction
    cuts = np.array([-1.5, -0.5, 0.5, 1.5])
    clean = (vectors - vectors.mean(0)) @ rule
    truth = 1 + expit((clean[:, None] - cuts) / 0.3).sum(1)
    assert np.abs(said - truth).mean() < 0.06
    assert abs(ratings.mean() - said.mean()) < 0.05


# --- the same as scikit-learn, before and after folding back ------------------------------------


def test_folded_coefficients_predict_what_scikit_learn_does() -> None:
    vectors, rule = planted(150, 5)
    rng = np.random.default_rng(2)
    y = vectors @ rule + rng.normal(0, 1, 150)
    found = teach(vectors, y, alone(150), kind="ridge")
    space = spaces_of(vectors, None)[0]
    model = Ridge(found.strength * 150).fit(space(vectors), y)
    np.testing.assert_allclose(
        found.probe.scores(vectors), model.predict(space(vectors)), rtol=0, atol=1e-9
    )
    is_high = y > np.median(y)
    found = teach(vectors, ["high" if one else "low" for one in is_high], alone(150),
                  kind="logistic", wanted="high")  # fmt: skip
    logistic = LogisticRegression(C=1 / (found.strength * 150), tol=1e-10, max_iter=5000)
    logistic.fit(space(vectors), ~is_high)
    np.testing.assert_allclose(
        found.probe.decisions(vectors)[:, 0], logistic.decision_function(space(vectors)), rtol=1e-3
    )


def test_principal_components_fold_back_too() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(0, 1, (500, 4)) * [4, 3, 2, 1]
    vectors = hidden @ rng.normal(0, 1, (4, 300)) + rng.normal(0, 0.1, (500, 300)) + 7
    y = hidden @ [1.0, -1, 0.5, 0.2]
    found = teach(vectors[:40], y[:40], alone(40), kind="ridge", unlabelled=vectors)
    assert found.components is not None
    assert found.probe.weights.shape == (1, 300)
    assert spearmanr(found.probe.scores(vectors[40:]), y[40:])[0] > 0.99
    space = next(s for s in spaces_of(vectors[:40], vectors) if _size(s) == found.components)
    model = Ridge(found.strength * 40).fit(space(vectors[:40]), y[:40])
    expected = model.predict(space(vectors))
    np.testing.assert_allclose(found.probe.scores(vectors), expected, atol=1e-8)


def _size(space: Any) -> int:
    return int(space.basis.shape[1])


# --- nothing leaks ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["logistic", "ridge"])
def test_labels_shuffled_within_groups_that_look_alike_give_chance(kind: Kind) -> None:
    """Each group has a look and a label of its own: parted groups would be told perfectly."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), 8)
    vectors = rng.normal(0, 1, (60, 20))[groups] + rng.normal(0, 0.05, (480, 20))
    truth = rng.permutation(np.arange(60) % 2)[groups]
    labels: Any = ["ab"[one] for one in truth] if kind == "logistic" else truth + 1.0
    apart = teach(vectors, labels, groups, kind=kind, wanted="b" if kind == "logistic" else None)
    parted = teach(vectors, labels, alone(480), kind=kind)
    if kind == "logistic":
        assert apart.figures["balanced_accuracy"].value < 0.65
        assert abs(apart.figures["roc_auc"].value - 0.5) < 0.2
        assert parted.figures["balanced_accuracy"].value > 0.75  # what leaking would look like
    else:
        assert abs(apart.figures["spearman"].value) < 0.35
        assert apart.figures["r2"].value < 0.1
        assert parted.figures["spearman"].value > 0.6


def test_pure_noise_is_judged_as_noise_though_the_best_of_many_is_chosen() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(8):
        vectors, y = rng.normal(0, 1, (60, 200)), rng.normal(0, 1, 60)
        found.append(teach(vectors, y, alone(60), kind="ridge", unlabelled=vectors).figures)
    assert np.mean([one["r2"].value for one in found]) < 0.02
    assert abs(np.mean([one["spearman"].value for one in found])) < 0.2


# --- what is not an answer ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["logistic", "ridge", "ordinal"])
def test_labels_of_no_weight_change_no_bit(kind: Kind) -> None:
    vectors, rule = planted(120, 4)
    ratings = np.clip(np.rint((vectors - vectors.mean(0)) @ rule + 3), 1, 5)
    labels: Any = [f"{one:g}" for one in ratings] if kind == "logistic" else ratings
    plain = teach(vectors, labels, alone(120) // 3, kind=kind, wanted=None)
    more = np.concatenate((vectors, vectors[:30] * -3))
    beside: Any = [*labels, *["1"] * 30] if kind == "logistic" else np.append(labels, [1.0] * 30)
    weights = np.repeat([1.0, 0.0], [120, 30])
    groups = np.concatenate((alone(120) // 3, np.full(30, 7)))
    weighed = teach(more, beside, groups, kind=kind, weights=weights)
    assert same_bits(plain, weighed)
    assert np.isnan(weighed.judged[120:]).all()


def test_a_weight_of_two_is_the_label_twice() -> None:
    vectors, rule = planted(60, 3)
    y = vectors @ rule + np.random.default_rng(0).normal(0, 1, 60)
    weights = np.where(np.arange(60) % 2, 2.0, 1.0)
    told = fit._labels("ridge", list(y), weights, alone(60), 0)
    rows = np.repeat(np.arange(60), weights.astype(int))
    twice = fit._labels("ridge", list(y[rows]), np.ones(90), rows, 0)
    space = spaces_of(vectors, None)[0]
    one = fit._learned(space(vectors), told, 0.1 * 60 / 60)
    other = fit._learned(space(vectors[rows]), twice, 0.1)
    np.testing.assert_allclose(one[0], other[0], rtol=1e-9)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-9)


# --- too little to learn ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "labels", "says"),
    [
        ("logistic", ["keep"] * 12, "12 labels, all keep: a probe needs three"),
        ("ridge", [3.0] * 5, "5 labels, all 3.0"),
        ("ordinal", [3.0] * 5, "5 labels, all 3.0"),
        ("logistic", ["keep", "reject"], "2 labels: a probe needs three"),
        ("ridge", [], "0 labels"),
        ("ordinal", list(np.linspace(1, 5, 30)), "30 different ratings"),
    ],
)
def test_what_teaches_nothing_is_said_in_one_line(kind: Kind, labels: Any, says: str) -> None:
    vectors = np.random.default_rng(0).normal(0, 1, (len(labels), 4))
    with pytest.raises(UsageError, match=says) as told:
        teach(vectors, labels, alone(len(labels)), kind=kind)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["logistic", "ridge", "linear", "ordinal"])
@pytest.mark.parametrize("dimensions", [2, 50])
def test_three_labels_make_a_sensible_probe(kind: Kind, dimensions: int) -> None:
    rng = np.random.default_rng(0)
    many = rng.normal(0, 1, (100, dimensions))
    labels: Any = ["a", "b", "b"] if kind == "logistic" else [1.0, 2.0, 5.0]
    found = teach(many[:3], labels, alone(3), kind=kind, unlabelled=many, wanted=None)
    assert np.isfinite(found.probe.weights).all()
    if kind != "logistic":
        said = found.probe.scores(many[:3])
        assert ((said > -2) & (said < 8)).all()


def test_one_group_is_taught_but_not_judged() -> None:
    vectors, rule = planted(30, 3)
    found = teach(vectors, vectors @ rule, np.zeros(30, np.int64), kind="ridge")
    assert found.figures == {}
    assert np.isnan(found.judged).all()
    assert found.strength == 1.0


def test_a_class_in_one_group_only_is_survived() -> None:
    vectors, _ = planted(60, 3)
    answers = ["rare" if row < 2 else "ab"[row % 2] for row in range(60)]
    groups = np.where(np.arange(60) < 2, 0, np.arange(60))
    found = teach(vectors, answers, groups, kind="logistic", wanted="rare")
    assert found.counts == {"a": 29, "b": 29, "rare": 2}
    assert all(np.isfinite(figure.value) for figure in found.figures.values())


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        teach(np.zeros((3, 2)), ["a", "b"], alone(3), kind="logistic")


# --- properties ---------------------------------------------------------------------------------

SHIFTS = arrays.arrays(np.float64, 4, elements=st.floats(-100, 100))
SCALES = arrays.arrays(np.float64, 4, elements=st.floats(0.01, 100))


@settings(deadline=None, max_examples=6)
@given(SHIFTS, SCALES)
def test_units_of_the_vectors_do_not_matter(shift: Values, scale: Values) -> None:
    vectors, rule = planted(50, 4)
    y = vectors @ rule + np.random.default_rng(0).normal(0, 0.5, 50)
    one = teach(vectors, y, alone(50), kind="ridge")
    other = teach(vectors * scale + shift, y, alone(50), kind="ridge")
    np.testing.assert_allclose(
        one.probe.scores(vectors), other.probe.scores(vectors * scale + shift), atol=1e-6
    )


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_bits(seed: int) -> None:
    vectors, rule = planted(50, 4)
    y = vectors @ rule + np.random.default_rng(seed).normal(0, 0.5, 50)
    assert same_bits(
        teach(vectors, y, alone(50) // 2, kind="ridge", seed=seed),
        teach(vectors, y, alone(50) // 2, kind="ridge", seed=seed),
    )
