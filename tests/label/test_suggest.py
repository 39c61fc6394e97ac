"""What is asked next: nothing twice, nothing alike, no neighbours, from zero labels on."""

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seeing.label.suggest import Candidates, suggest

Ints = NDArray[np.int64]
NONE = np.zeros(0, np.int64)


def stills(n: int, d: int = 8, seed: int = 0) -> Candidates:
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return Candidates(vectors, np.ones(n, bool), NONE, np.zeros(n, np.int64), np.full(n, -1))


def video(n: int, seed: int = 0) -> Candidates:
    return replace(stills(n, seed=seed), frames=np.arange(n))


def scored(candidates: Candidates, seed: int = 1) -> Candidates:
    rng = np.random.default_rng(seed)
    n = len(candidates.vectors)
    return replace(candidates, scores=rng.normal(size=n), uncertainty=rng.random(n))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999), n=st.integers(1, 30), count=st.integers(1, 120),
    asked=st.integers(0, 20), known=st.booleans(), moving=st.booleans(),
)  # fmt: skip
def test_nothing_is_asked_twice(
    seed: int, n: int, count: int, asked: int, known: bool, moving: bool
) -> None:
    rng = np.random.default_rng(seed)
    given_all = (video if moving else stills)(count, seed=seed)
    given_all = replace(
        given_all, asked=rng.choice(count, min(asked, count), replace=False),
        usable=rng.random(count) < 0.8, files=rng.integers(0, 2, count),
    )  # fmt: skip
    if known:
        given_all = scored(given_all)
    found = suggest(given_all, n, seed=seed)
    assert len(found) == len(set(found)) <= n
    assert given_all.usable[found].all()
    assert not set(found) & set(given_all.asked.tolist())
    assert found == suggest(given_all, n, seed=seed), "the same seed asks the same"
    if moving:
        shown = [(given_all.files[p], given_all.frames[p]) for p in [*given_all.asked, *found]]
        for place, (file, frame) in enumerate(shown[len(given_all.asked) :], len(given_all.asked)):
            assert not any(f == file and abs(g - frame) < 2 for f, g in shown[:place])
    elif len(found) < n:  # of drawn vectors none are alike
        assert set(found) == set(np.flatnonzero(given_all.usable)) - set(given_all.asked.tolist())


def test_frames_that_follow_each_other_are_far_apart_where_there_is_room() -> None:
    found = suggest(scored(video(4000)), 30)
    assert len(found) == 30
    assert np.diff(np.sort(found)).min() >= 20


@pytest.mark.parametrize("known", [False, True])
def test_a_short_video_still_gives_as_many_as_are_wanted(known: bool) -> None:
    candidates = scored(video(300)) if known else video(300)
    found = suggest(candidates, 60)
    assert len(found) == 60
    assert np.diff(np.sort(found)).min() >= 2


@pytest.mark.parametrize("size", [1.0, 300.0])
def test_copies_are_asked_about_once(size: float) -> None:
    one = stills(10)
    vectors = size * np.repeat(one.vectors, 6, axis=0)
    vectors += np.random.default_rng(1).normal(0, 1e-3 * size, vectors.shape).astype(np.float32)
    many = replace(stills(60), vectors=vectors.astype(np.float32))
    found = suggest(many, 60)
    assert sorted(np.array(found) // 6) == list(range(10))
    again = suggest(replace(many, asked=np.array([0, 6])), 60)
    assert sorted(np.array(again) // 6) == list(range(2, 10))


def test_pictures_that_are_all_the_same_are_one() -> None:
    same = replace(stills(40), vectors=np.repeat(stills(1, d=300).vectors, 40, axis=0))
    assert len(suggest(same, 10)) == 1


def test_nothing_left_is_nothing_suggested() -> None:
    assert suggest(stills(0), 5) == []
    assert suggest(replace(stills(5), usable=np.zeros(5, bool)), 5) == []
    assert suggest(replace(stills(5), asked=np.arange(5)), 5) == []
    assert suggest(stills(1), 5) == [0]


def test_another_seed_asks_something_else() -> None:
    candidates = stills(500)
    assert suggest(candidates, 20, seed=1) != suggest(candidates, 20, seed=2)


def test_scores_are_covered_from_end_to_end() -> None:
    candidates = replace(stills(2000), scores=np.random.default_rng(2).normal(size=2000) ** 3)
    assert candidates.scores is not None
    found = suggest(candidates, 20)
    places = np.sort(np.argsort(np.argsort(candidates.scores))[found] / 2000)
    assert np.diff([0, *places, 1]).max() < 0.2


def test_scores_that_are_missing_or_alike_stop_nothing() -> None:
    candidates = scored(stills(50))
    assert candidates.scores is not None
    for scores in (np.full(50, np.nan), np.zeros(50), np.where(np.arange(50) < 25, np.nan, 1.0)):
        assert len(suggest(replace(candidates, scores=scores), 10)) == 10


@pytest.mark.slow
@pytest.mark.parametrize("asked", [0, 500])
def test_a_hundred_thousand_pictures_take_seconds(asked: int) -> None:
    candidates = scored(stills(100_000, d=128))
    candidates = replace(candidates, asked=np.arange(0, 100 * asked, 100))
    tracemalloc.start()
    began = time.process_time()
    found = suggest(candidates, 50)
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 50
    assert seconds < 10, seconds
    assert peak < 150e6, peak
