"""Cohen's kappa against the formula and scikit-learn; whose answers are compared."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from seeing.db.exemplars import Current, Event, StoredSet
from seeing.label.agreement import between_people, kappa, with_oneself
from seeing.label.record import REPEAT, UNDOES

RATING = StoredSet(1, "s", "rating", "?", ("1", "2", "3", "4", "5"), "")
CLASSES = StoredSet(1, "c", "classes", "?", ("ring", "disc", "bar"), "")


def by_formula(pairs: list[tuple[int, int]]) -> float:
    """Cohen (1968): 1 - sum of weighted observed over sum of weighted expected disagreement."""
    one, other = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    seen = np.mean((one - other) ** 2)
    expected = np.mean((one[:, None] - other[None]) ** 2)
    return float(1 - seen / expected)


def test_ratings_agree_as_the_formula_says() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(1, 6, 200)
    second = np.clip(first + rng.integers(-1, 2, 200), 1, 5)
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    found = kappa(RATING, [(str(a), str(b)) for a, b in pairs])
    assert found.kappa == pytest.approx(by_formula(pairs))
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second, weights="quadratic"))
    assert found.pairs == 200
    assert found.same == pytest.approx(np.mean(first == second))


def test_a_five_rated_twice_is_a_fifth_of_a_step() -> None:
    """5.1 is 4.6: in fifths 23; on the scale of integers the kappa is that of the numbers."""
    pairs = [("5.1", "5.5"), ("5", "4"), ("1", "1"), ("2", "3"), ("5.3", "5")]
    fifths = [(23, 27), (25, 20), (5, 5), (10, 15), (25, 25)]
    assert kappa(RATING, pairs).kappa == pytest.approx(by_formula(fifths))


def test_classes_agree_as_scikit_learn_says() -> None:
    rng = np.random.default_rng(2)
    one = rng.choice(["ring", "disc", "bar"], 100)
    other = np.where(rng.random(100) < 0.7, one, "disc")
    found = kappa(CLASSES, list(zip(one.tolist(), other.tolist(), strict=True)))
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other))


@pytest.mark.parametrize("pairs", [[], [("1", "2")], [("3", "3")] * 5])
def test_nothing_is_said_where_nothing_can_be(pairs: list[tuple[str, str]]) -> None:
    found = kappa(RATING, pairs)
    assert found.kappa is None
    assert found.pairs == len(pairs)


AGAIN: dict[str, object] = {REPEAT: True}


def event(
    content: int, answer: str | None, number: int, *, who: str = "ann",
    about: dict[str, object] | None = None,
) -> Event:  # fmt: skip
    return Event(content, answer, who, f"{number:03}", f"{number}", about or {})


def test_only_what_was_asked_twice_tells_of_oneself() -> None:
    events = [
        event(1, "5", 1), event(2, "3", 2), event(3, "1", 3), event(1, "4", 4, about=AGAIN),
        event(2, "1", 5),  # a change of mind, not asked again
        event(3, "skip", 6, about=AGAIN),
        event(2, "2", 7, about=AGAIN),
        event(3, "5", 8, about=AGAIN), event(3, "1", 9, about={UNDOES: "8"}),
        event(1, "1", 10, who="bob", about=AGAIN),
    ]  # fmt: skip
    found = with_oneself(RATING, events)
    assert found.pairs == 2
    assert found.kappa == pytest.approx(by_formula([(5, 4), (1, 2)]))


def test_each_two_people_are_a_pair() -> None:
    said = [Current(1, who, answer, "") for who, answer in (("a", "1"), ("b", "2"), ("c", "3"))]
    found = between_people(RATING, [*said, Current(2, "a", "5", "")])
    assert found.pairs == 3
    assert found.same == 0
