"""What exemplars teach: nothing of themselves, nothing of noise, a taste beside a base."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from seeing.rank.lesson import Base, Lesson, learn, told
from seeing.rank.neighbours import Taught, choose_k

Floats = NDArray[np.float64]
ALL = slice(None)


def scene(n: int = 600, d: int = 6, seed: int = 0) -> tuple[NDArray[np.float32], Floats]:
    """Vectors (n, d), and a base score: where items stand, 0..1."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)).astype(np.float32), (rng.permutation(n) + 0.5) / n


def ratings(target: Floats, *, groups: NDArray[np.int64] | None = None) -> Taught:
    groups = np.arange(len(target)) if groups is None else groups
    return Taught(target, groups, [f"{value:.0f}" for value in target])


def others(lesson: Lesson, vectors: NDArray[np.float32]) -> Floats:
    return lesson.scores(vectors, ALL, np.full(len(vectors), -1))[0]


# --- alone ----------------------------------------------------------------------------------------


def test_an_exemplar_does_not_tell_its_own_score() -> None:
    vectors, _ = scene(60)
    values = np.random.default_rng(1).integers(1, 6, 20).astype(float)
    lesson = learn(ratings(values), vectors[:20], k=3)
    own = np.where(np.arange(60) < 20, np.arange(60), -1)
    scores, near = lesson.scores(vectors, ALL, own)
    for place in range(20):
        rest = np.delete(np.arange(20), place)
        less = learn(ratings(values[rest]), vectors[rest], k=3)
        assert scores[place] == pytest.approx(others(less, vectors[[place]])[0], abs=1e-5)
        assert place not in near[place]
    np.testing.assert_allclose(scores[20:], others(lesson, vectors[20:]))


def test_a_value_of_its_own_changes_nothing_for_the_exemplar() -> None:
    vectors, _ = scene(40)
    values = np.linspace(1, 5, 30)
    own = np.where(np.arange(40) < 30, np.arange(40), -1)
    scores = []
    for given in (1.0, 5.0):
        values[7] = given
        scores.append(learn(ratings(values), vectors[:30], k=4).scores(vectors, ALL, own)[0][7])
    assert scores[0] == scores[1]


def test_few_exemplars_are_enough() -> None:
    vectors, base = scene(10)
    for count in (1, 2, 3):
        lesson = learn(ratings(np.arange(1.0, 1 + count)), vectors[:count])
        own = np.where(np.arange(10) < count, np.arange(10), -1)
        scores, near = lesson.scores(vectors, ALL, own)
        assert np.isfinite(scores[count:]).all()
        assert near.shape == (10, count)
        assert lesson.trust() is None
        beside = learn(
            ratings(np.arange(1.0, 1 + count)), vectors[:count], base=Base(base, base[:count])
        )
        assert beside.weight == 0, "two or three labels prove nothing"
        assert np.argsort(others(beside, vectors)).tolist() == np.argsort(base).tolist()
    alone = learn(ratings(np.array([4.0])), vectors[:1]).scores(vectors[:1], ALL, np.array([0]))
    assert np.isnan(alone[0]).all() and (alone[1] == -1).all()


def test_more_neighbours_than_exemplars_are_told_as_all_of_them() -> None:
    vectors, _ = scene(40)
    lesson = learn(ratings(np.linspace(1, 5, 12)), vectors[:12], k=1000)
    assert lesson.k == 12
    assert np.isfinite(others(lesson, vectors)).all()
    assert lesson.trust() is not None


def test_the_reason_names_the_nearest() -> None:
    assert told([2, 0, -1], ["a", "b", "c"], ["1", "2", "3"]) == "like c (3), a (1)"
    assert told([-1, -1], ["a"], ["1"]) == ""


# --- beside a base --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["noise", "noise about the base", "all alike"])
@pytest.mark.parametrize("count", [8, 25, 100])
def test_noise_leaves_the_order_of_the_base(kind: str, count: int) -> None:
    """In five of a hundred draws noise looks like more; it is then shrunk to little."""
    beside = 0
    for seed in range(20):
        vectors, base = scene(seed=seed)
        rng = np.random.default_rng(seed)
        target = rng.integers(1, 6, count).astype(float)
        if kind == "noise about the base":
            target += 4 * base[:count]
        if kind == "all alike":
            target[:] = 3
        lesson = learn(ratings(target), vectors[:count], base=Base(base, base[:count]))
        if lesson.weight is None or lesson.weight > 0:
            assert kind != "all alike"
            beside += 1
            continue
        found = others(lesson, vectors)
        assert np.argsort(found, kind="stable").tolist() == np.argsort(base).tolist(), seed
    assert beside <= 3, f"{beside} of 20 draws of noise were taken for a taste"


@pytest.mark.parametrize("wanted", [None, 1])
def test_a_taste_that_the_base_does_not_know_is_learned(wanted: int | None) -> None:
    vectors, base = scene()
    rng = np.random.default_rng(3)
    taste = base + 0.4 * vectors[:, 0]
    target = 1 + 4 * taste + rng.normal(0, 0.3, len(taste))
    if wanted is not None:
        target = (target > np.median(target)).astype(float)
    labelled = Taught(target[:120], np.arange(120), [""] * 120, wanted)
    lesson = learn(labelled, vectors[:120], base=Base(base, base[:120]))
    assert lesson.weight is not None and lesson.weight > 0.2
    lesson.base = Base(base[120:], base[:120])
    learned = spearmanr(others(lesson, vectors[120:]), taste[120:])[0]
    plain = spearmanr(base[120:], taste[120:])[0]
    assert learned > plain + 0.1, (learned, plain)
    trust = lesson.trust()
    assert trust is not None and trust.agreement > 0.5


def test_a_taste_against_the_base_is_learned_too() -> None:
    """Whoever likes the blurred ones: the line would fall, and does not; the neighbours know."""
    rng = np.random.default_rng(4)
    base = (rng.permutation(600) + 0.5) / 600
    vectors = np.stack([base, rng.normal(0, 0.05, 600)], axis=1).astype(np.float32)
    target = 5 - 4 * base
    lesson = learn(ratings(target[:100]), vectors[:100], base=Base(base, base[:100]))
    assert lesson.line[1] == 0
    assert spearmanr(others(lesson, vectors), target)[0] > 0.95


def test_groups_are_not_judged_by_their_own() -> None:
    """Labels that are the same within groups and random between them foretell nothing."""
    found, taken = [], 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(20), 5)
        centres = rng.normal(size=(20, 6))
        vectors = (centres[groups] + rng.normal(0, 0.01, (100, 6))).astype(np.float32)
        values = rng.integers(1, 6, 20).astype(float)[groups]
        honest = learn(ratings(values, groups=groups), vectors).trust()
        leaking = learn(ratings(values), vectors).trust()
        assert honest is not None and leaking is not None
        assert leaking.agreement > 0.95
        found.append(honest.agreement)
        base = rng.random(100)
        beside = learn(ratings(values, groups=groups), vectors, base=Base(base, base))
        taken += beside.weight is None or beside.weight > 0.2
    assert abs(np.mean(found)) < 0.2, found
    assert taken <= 1


def test_one_group_alone_can_not_be_judged() -> None:
    vectors, base = scene(30)
    taught = ratings(np.linspace(1, 5, 30), groups=np.zeros(30, np.int64))
    assert choose_k(taught, np.ones((30, 30))) in range(1, 61)
    assert learn(taught, vectors).trust() is None
    assert learn(taught, vectors, base=Base(base, base)).trust() is None
