"""Scores from the nearest exemplars, against slow direct sums and scikit-learn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsRegressor

from seeing.rank.neighbours import (
    Taught,
    ambivalence,
    choose_k,
    harmonic,
    margin,
    nearest,
    predicted_class,
    squared_distances,
    weighted_mean,
)

Floats = NDArray[np.float64]


def spread(n: int, m: int, d: int = 5, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """(n, d) vectors, (m, d) exemplars, and the (n, m) distances between them."""
    rng = np.random.default_rng(seed)
    vectors, exemplars = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    return vectors, exemplars, np.linalg.norm(vectors[:, None] - exemplars[None], axis=2)


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_ratings_are_those_of_scikit_learn(k: int) -> None:
    vectors, exemplars, distances = spread(200, 40)
    values = np.random.default_rng(1).integers(1, 6, 40).astype(float)
    model = KNeighborsRegressor(k, weights="distance").fit(exemplars, values)
    np.testing.assert_allclose(
        weighted_mean(distances, values, k), model.predict(vectors), rtol=1e-9
    )


def test_more_neighbours_than_exemplars_are_all_of_them() -> None:
    _, _, distances = spread(20, 6)
    values = np.arange(6.0)
    np.testing.assert_array_equal(
        weighted_mean(distances, values, 100), weighted_mean(distances, values, 6)
    )
    classes = values % 2
    np.testing.assert_array_equal(
        margin(distances, classes, 1, 100), margin(distances, classes, 1, 3)
    )


def slow_margin(row: Floats, classes: Floats, wanted: int, k: int) -> float:
    """Sato & Yamada (1995), with harmonic means, sum by sum."""
    means = {}
    for name in set(classes.tolist()):
        some = sorted(d for d, c in zip(row, classes, strict=True) if c == name and np.isfinite(d))
        if some:
            means[name] = len(some[:k]) / sum(1 / d for d in some[:k])
    others = [mean for name, mean in means.items() if name != wanted]
    if wanted not in means:
        return -1.0
    if not others:
        return 1.0
    return float((min(others) - means[wanted]) / (min(others) + means[wanted]))


@pytest.mark.parametrize("k", [1, 3, 9])
def test_margins_are_those_of_the_direct_sum(k: int) -> None:
    _, _, distances = spread(100, 30)
    classes = np.random.default_rng(1).integers(0, 3, 30).astype(float)
    rng = np.random.default_rng(2)
    distances[rng.random(distances.shape) < 0.3] = np.inf  # of one's own group
    distances[0, classes == 1] = np.inf
    distances[1, classes != 1] = np.inf
    expected = [slow_margin(row, classes, 1, k) for row in distances]
    np.testing.assert_allclose(margin(distances, classes, 1, k), expected, rtol=1e-9)


def test_margins_change_sign_with_the_classes() -> None:
    _, _, distances = spread(100, 30)
    classes = (np.arange(30) % 2).astype(float)
    np.testing.assert_array_equal(
        margin(distances, classes, 1, 4), -margin(distances, classes, 0, 4)
    )


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e4])
def test_the_scale_of_the_vectors_means_nothing(scale: float) -> None:
    vectors, exemplars, _ = spread(100, 30)
    classes = (np.arange(30) % 3).astype(float)
    found = []
    for by in (1.0, scale):
        a, b = (np.asarray(by * v, np.float32) for v in (vectors, exemplars))
        distances = np.sqrt(squared_distances(a, b))
        found.append((margin(distances, classes, 1, 4), weighted_mean(distances, classes, 4)))
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_one_class_alone_is_nearness() -> None:
    _, _, distances = spread(50, 8)
    found = margin(distances, np.ones(8), 1, 3)
    np.testing.assert_allclose(found, -harmonic(distances, 3))
    assert np.argmax(found) == np.argmin(harmonic(distances, 3))


def test_an_exemplar_itself_is_foretold_exactly() -> None:
    _, exemplars, _ = spread(1, 20)
    distances = np.linalg.norm(exemplars[:, None] - exemplars[None], axis=2)
    values = np.arange(20.0)
    np.testing.assert_allclose(weighted_mean(distances, values, 5), values, atol=1e-6)
    classes = values % 2
    np.testing.assert_array_equal(predicted_class(distances, classes, 5), classes)
    np.testing.assert_allclose(margin(distances, classes, 1, 5), 2 * classes - 1, atol=1e-6)


def test_where_no_exemplar_is_left_there_is_no_score() -> None:
    nowhere = np.full((3, 4), np.inf)
    values = np.array([1.0, 1.0, 2.0, 2.0])
    assert np.isnan(weighted_mean(nowhere, values, 2)).all()
    assert np.isnan(predicted_class(nowhere, values, 2)).all()
    assert np.isnan(margin(nowhere, np.ones(4), 1, 2)).all()
    assert (ambivalence(nowhere, values, 2) == 1).all()


def test_the_nearest_come_nearest_first_and_ties_in_order() -> None:
    distances = np.array([[3.0, 1.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert nearest(distances, 4).tolist()[0] == [1, 3, 4, 2]
    found = nearest(distances, 2)[1]
    assert (np.diff(found) > 0).all()


def test_in_the_middle_of_two_classes_nobody_is_sure() -> None:
    exemplars = np.array([[-1.0], [1.0]])
    places = np.array([[0.0], [0.9], [-1.0]])
    found = ambivalence(np.abs(places - exemplars.T), np.array([0.0, 1.0]), 1)
    np.testing.assert_allclose(found, [1, 0.1 / 1.9, 0], atol=1e-8)


# --- how many neighbours --------------------------------------------------------------------------


def between(vectors: Floats) -> Floats:
    return np.asarray(np.linalg.norm(vectors[:, None] - vectors[None], axis=2))


@pytest.mark.parametrize("seed", range(3))
def test_noisy_ratings_of_a_smooth_quality_ask_for_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.uniform(size=(150, 1))
    values = 3 + vectors[:, 0] + rng.normal(0, 1.0, 150)
    assert choose_k(Taught(values, np.arange(150), [""] * 150), between(vectors)) >= 10


@pytest.mark.parametrize("seed", range(3))
def test_clean_pairs_ask_for_one(seed: int) -> None:
    """Fifty clusters of two, each of a value of its own: the second neighbour is a stranger."""
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.normal(size=(50, 8)), 2, axis=0) + rng.normal(0, 0.05, (100, 8))
    values = np.repeat(rng.uniform(1, 5, 50), 2)
    taught = Taught(values, np.arange(100), [""] * 100)
    assert choose_k(taught, between(vectors)) == 1
