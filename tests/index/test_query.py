"""Several targets made into one order: the formula, its laws, and agreement with brute force."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeing.index.base import IndexSpec, Vectors
from seeing.index.exact import ExactIndex
from seeing.index.query import QueryVector, combine, nearest

NEAR = 3e-6
"""float32 sums and a weight of up to 8 against float64."""


def plane(*degrees: float) -> Vectors:
    """Return unit vectors in a plane, by their angle."""
    return np.array(
        [[math.cos(math.radians(a)), math.sin(math.radians(a))] for a in degrees], np.float32
    )


def at(degrees: float, weight: float = 1.0, *, wanted: bool = True) -> QueryVector:
    return QueryVector(plane(degrees)[0], weight, wanted)


def truth(targets: Sequence[QueryVector], vector: Vectors) -> float:
    """The formula of `combine`'s docstring, one vector at a time, in float64."""
    heaviest = max([t.weight for t in targets if t.wanted] or [t.weight for t in targets])
    wanted: list[float] = []
    unwanted: list[float] = []
    for t in targets:
        cosine = float(t.vector.astype(np.float64) @ vector.astype(np.float64))
        (wanted if t.wanted else unwanted).append(1 - (1 - cosine) * heaviest / t.weight)
    if not wanted:
        similarity = -max(unwanted)
    elif not unwanted:
        similarity = max(wanted)
    else:
        similarity = max(wanted) - max(0.0, max(unwanted) - max(wanted))
    return float(min(1.0, max(-1.0, similarity)))


def test_values_worked_out_by_hand() -> None:
    items = plane(0, 60, 90, 180)
    cases: list[tuple[list[QueryVector], list[float]]] = [
        ([at(0)], [1, 0.5, 0, -1]),
        # the nearer of two: at 0 and at 90 degrees
        ([at(0), at(90)], [1, math.cos(math.pi / 6), 1, 0]),
        # twice the weight at 0: for the other, distances double, 1 - (1 - cosine) * 2
        ([at(0, 2), at(90, 1)], [1, 1 - (1 - math.cos(math.pi / 6)) * 2, 1, -1]),
        # away from 90: at 60 the unwanted is nearer by cos 30 - cos 60 and takes that off
        ([at(0), at(90, wanted=False)], [1, 0.5 - (math.cos(math.pi / 6) - 0.5), -1, -1]),
        # how hard the unwanted pushes does not change how near the wanted is: at 60 the unwanted
        # of twice the weight is at 1 - (1 - cos 30) / 2
        (
            [at(0), at(90, 2, wanted=False)],
            [1, 0.5 - (0.5 + math.cos(math.pi / 6) / 2 - 0.5), -1, -1],
        ),
        # without anything wanted: the opposite of likeness
        ([at(90, wanted=False)], [0, -math.cos(math.pi / 6), -1, 0]),
    ]
    for targets, expected in cases:
        np.testing.assert_allclose(combine(targets, items), expected, atol=NEAR)


def random_units(random: np.random.Generator, n: int, dimension: int = 8) -> Vectors:
    rows = random.standard_normal((n, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def random_targets(random: np.random.Generator, n: int) -> list[QueryVector]:
    kinds = (random.random(n) < 0.6).tolist()
    weights = random.choice([0.5, 1, 1, 2, 4], n).tolist()
    return [
        QueryVector(vector, weight, kind)
        for vector, weight, kind in zip(random_units(random, n), weights, kinds, strict=True)
    ]


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, n=st.integers(1, 6))
def test_agrees_with_the_formula(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    targets, items = random_targets(random, n), random_units(random, 30)
    expected = [truth(targets, item) for item in items]
    np.testing.assert_allclose(combine(targets, items), expected, atol=NEAR)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, n=st.integers(1, 6))
def test_laws(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    items = random_units(random, 40)
    mixed = random_targets(random, n)
    found = combine(mixed, items)
    assert found.dtype == np.float32
    assert (np.abs(found) <= 1).all(), "within -1..1"
    shuffled = [mixed[i] for i in random.permutation(n)]
    np.testing.assert_allclose(combine(shuffled, items), found, atol=NEAR)
    heavier = [QueryVector(t.vector, 3 * t.weight, t.wanted) for t in mixed]
    np.testing.assert_allclose(combine(heavier, items), found, atol=NEAR)

    single = QueryVector(mixed[0].vector, mixed[0].weight)
    np.testing.assert_allclose(combine([single], items), items @ single.vector, atol=NEAR)
    even = [QueryVector(t.vector) for t in mixed]
    cosines = np.stack([items @ t.vector for t in even])
    np.testing.assert_allclose(combine(even, items), cosines.max(axis=0), atol=NEAR)

    away = [*even, QueryVector(random_units(random, 1)[0], wanted=False)]
    pushed, plain = combine(away, items), combine(even, items)
    unwanted = items @ away[-1].vector
    assert (pushed <= plain + NEAR).all(), "what is unwanted only pushes away"
    farther = unwanted <= plain
    np.testing.assert_allclose(pushed[farther], plain[farther], atol=NEAR)
    assert (pushed[unwanted > plain + 1e-3] < plain[unwanted > plain + 1e-3]).all()


def test_a_heavier_target_pulls_the_order_its_way() -> None:
    items = plane(10, 80)  # as far from 0 as from 90
    assert combine([at(0), at(90)], items).tolist() == pytest.approx([math.cos(math.pi / 18)] * 2)
    first = combine([at(0, 2), at(90)], items)
    second = combine([at(0), at(90, 2)], items)
    assert first[0] > first[1]
    assert second[1] > second[0]


def test_two_kinds_of_positives_both_come_out_on_top() -> None:
    random = np.random.default_rng(4)
    centres = np.linalg.qr(random.standard_normal((16, 3)))[0].T
    rows = np.repeat(centres, 30, axis=0) + 0.05 * random.standard_normal((90, 16))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    index = ExactIndex(IndexSpec(16, "test@0"))
    index.add(np.arange(90), rows)
    first, second = centres[0].astype(np.float32), centres[1].astype(np.float32)
    found, _ = nearest(index, [QueryVector(first), QueryVector(second)], 20)
    kinds = [int(number) // 30 for number in found]
    assert 4 <= kinds.count(0) <= 16
    assert kinds.count(0) + kinds.count(1) == 20


@settings(max_examples=150, deadline=None)
@given(
    seed=seeds,
    n=st.sampled_from([0, 1, 7, 60, 400]),
    targets=st.integers(1, 5),
    k=st.sampled_from([1, 3, 12, 500]),
    share=st.sampled_from([None, 0.0, 0.05, 0.5, 1.0]),
    left_out=st.integers(0, 6),
)
def test_nearest_is_brute_force(
    seed: int, n: int, targets: int, k: int, share: float | None, left_out: int
) -> None:
    random = np.random.default_rng(seed)
    rows, ids = random_units(random, n), random.permutation(10 * n)[:n]
    index = ExactIndex(IndexSpec(8, "test@0"))
    index.add(ids, rows)
    asked = random_targets(random, targets)
    allow = None if share is None else ids[random.random(n) < share]
    if allow is not None:
        allow = np.append(allow, 10 * n + 5)  # an id that is not here
    leave_out = random.permutation(ids)[:left_out].tolist()

    found, scores = nearest(index, asked, k, allow=allow, leave_out=leave_out)

    allowed = np.ones(n, bool) if allow is None else np.isin(ids, allow)
    chosen = allowed & ~np.isin(ids, leave_out)
    every = np.array([truth(asked, row) for row in rows[chosen]])
    wanted = min(k, int(chosen.sum()))
    assert len(found) == len(scores) == len(set(found.tolist())) == wanted
    np.testing.assert_allclose(scores, -np.sort(-every)[:wanted], atol=NEAR)
    own = dict(zip(ids[chosen].tolist(), every, strict=True))
    np.testing.assert_allclose(scores, [own[number] for number in found.tolist()], atol=NEAR)


def test_ties_come_in_order_of_id() -> None:
    index = ExactIndex(IndexSpec(2, "test@0"))
    ids = np.random.default_rng(0).permutation(60)
    index.add(ids, np.repeat(plane(20, 110), 30, axis=0))
    low = np.sort(ids[:30])
    for targets in ([at(20)], [at(20), at(-70)], [at(20), at(180, wanted=False)]):
        assert nearest(index, targets, 8)[0].tolist() == low[:8].tolist()
    assert nearest(index, [at(200, wanted=False)], 8)[0].tolist() == low[:8].tolist()


def test_ties_at_the_lower_end_too() -> None:
    # a light target sees far items below -1, where they are cut off: all tied, the least ids win
    index = ExactIndex(IndexSpec(2, "test@0"))
    angles = np.linspace(100, 260, 200)
    index.add(np.arange(200)[::-1].copy(), plane(*angles))
    found, scores = nearest(index, [at(0, 0.1), at(180, wanted=False)], 5)
    assert (scores == -1).all()
    assert found.tolist() == [0, 1, 2, 3, 4]
