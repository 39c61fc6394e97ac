"""What a session asks, in which order, and what it writes down."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from seeing.db.catalogue import Catalogue
from seeing.db.exemplars import (
    SKIP,
    StoredSet,
    add_events,
    current_labels,
    events_of,
    find_set,
    new_event,
)
from seeing.db.items import Item
from seeing.errors import LibraryError, NothingError, UsageError
from seeing.label.agreement import with_oneself
from seeing.label.record import REPEAT
from seeing.label.session import ASKED_TWICE, CHOSEN, LATER, SECOND_PASS, Session
from seeing.label.sets import open_set


def items(n: int, *, first: int = 1) -> list[Item]:
    return [
        Item(1000 + c, c, Path(f"/there/{c}.png"), None, None, 8, 8, 8, None, "PNG", f"{c}",
             "present")
        for c in range(first, first + n)
    ]  # fmt: skip


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    (tmp_path / ".q").mkdir()
    with Catalogue(tmp_path / ".q", create=True) as made:
        yield made


@pytest.fixture
def ratings(catalogue: Catalogue) -> StoredSet:
    return open_set(catalogue, "good", kind="rating")


Sitting = Callable[..., Session]


@pytest.fixture
def sitting(catalogue: Catalogue, ratings: StoredSet) -> Sitting:
    def start(given: Sequence[Item] | int = 20, **how: object) -> Session:
        asked = items(given) if isinstance(given, int) else given
        told: dict[str, object] = {"who": "ada", "seed": 1, **how}
        return Session(catalogue, ratings, asked, **told)  # type: ignore[arg-type]

    return start


def said(catalogue: Catalogue) -> list[tuple[int, str | None]]:
    found = find_set(catalogue, "good")
    assert found
    return [(event.content, event.answer) for event in events_of(catalogue, found)]


def go(session: Session, answers: Sequence[str] | None = None) -> list[tuple[int, bool]]:
    """Answer until the end; return what was asked, and whether for the second time."""
    asked = []
    while (turn := session.turn()) is not None:
        asked.append((turn.item.content, turn.repeat))
        session.answer(answers[len(asked) % len(answers)] if answers else session.answers[0])
    return asked


def test_every_item_once_in_an_order_by_the_seed(sitting: Sitting, catalogue: Catalogue) -> None:
    orders = [go(sitting(practice=True, seed=seed)) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    session = sitting()
    asked = [content for content, repeat in go(session) if not repeat]
    assert sorted(asked) == list(range(1, 21)) != asked
    assert (session.answered, session.left, session.turn()) == (20, 0, None)
    assert dict(said(catalogue)).keys() == set(asked)


def test_an_answer_is_written_before_the_next_item_is_given(
    sitting: Sitting, catalogue: Catalogue
) -> None:
    session = sitting(5)
    for n in range(1, 6):
        turn = session.turn()
        assert turn is not None
        session.answer("3", seconds=1.234, shown="probe:good@1")
        assert len(said(catalogue)) == n
        found = find_set(catalogue, "good")
        assert found
        origin = events_of(catalogue, found)[-1].origin
        assert origin == {
            "item": str(turn.item), "from": "terminal", "seconds": 1.23, "shown": "probe:good@1",
        }  # fmt: skip


def test_a_new_session_goes_on(sitting: Sitting) -> None:
    session = sitting()
    for _ in range(7):
        session.turn()
        session.answer("2")
    session.skip()
    again = sitting(seed=5)
    assert again.left == 12
    order = [content for content, repeat in go(again) if not repeat]
    alone = [content for content, _ in go(sitting(practice=True, seed=5)) if content in order]
    assert len(order) == 12 and order == alone
    assert sitting(seed=6).left == 0


def test_skipped_is_not_asked_again_and_no_label(
    sitting: Sitting, catalogue: Catalogue, ratings: StoredSet
) -> None:
    session = sitting(3)
    turn = session.turn()
    assert turn is not None
    session.skip()
    assert said(catalogue) == [(turn.item.content, SKIP)]
    assert current_labels(catalogue, ratings) == []
    assert turn.item.content not in {content for content, _ in go(sitting(3))}
    assert session.skipped == 1


def test_others_answers_do_not_count_as_mine(sitting: Sitting) -> None:
    go(sitting(who="bob"))
    assert sitting().left == 20


def test_copies_are_asked_about_once(sitting: Sitting) -> None:
    twice = [*items(3), *items(3)]
    assert len(go(sitting(twice))) == 3


def test_a_count_ends_it(sitting: Sitting) -> None:
    session = sitting(20, count=4)
    session.skip()
    assert len(go(session)) == 4
    assert session.finished and session.left == 15


def test_undo_shows_the_item_again(
    sitting: Sitting, catalogue: Catalogue, ratings: StoredSet
) -> None:
    session = sitting(6)
    first = session.turn()
    session.answer("1")
    second = session.turn()
    session.answer("2")
    third = session.turn()
    assert first and second and third
    again, was = session.undo()
    assert (again.item, was) == (second.item, "2")
    assert session.turn() == again
    assert session.answered == 1 and session.undone == 1
    again, was = session.undo()
    assert (again.item, was) == (first.item, "1")
    assert current_labels(catalogue, ratings) == []
    session.answer("5")
    asked = [turn.item.content for turn in (first, second, third)]
    order = [asked[0], *(content for content, _ in go(session))]
    assert order[:3] == asked, "what was taken back comes again at its place"
    assert sorted(order) == list(range(1, 7))
    with pytest.raises(NothingError):
        sitting(items(2, first=50)).undo()


def test_undo_of_what_an_earlier_session_said(sitting: Sitting, catalogue: Catalogue) -> None:
    session = sitting(4)
    turn = session.turn()
    assert turn is not None
    session.skip()
    again, was = sitting(4).undo()
    assert (again.item, was) == (turn.item, SKIP)
    assert sitting(4).left == 4


def test_undo_takes_back_what_this_window_said(sitting: Sitting, catalogue: Catalogue) -> None:
    """The same person in a second window has answered since."""
    one, other = sitting(8, seed=1), sitting(8, seed=2)
    mine = one.turn()
    one.answer("1")
    theirs = other.turn()
    other.answer("4")
    assert mine and theirs and mine.item != theirs.item
    again, was = one.undo()
    assert (again.item, was) == (mine.item, "1")
    found = find_set(catalogue, "good")
    assert found
    assert {c.content: c.answer for c in current_labels(catalogue, found)} == {
        theirs.item.content: "4"
    }


def test_what_another_window_answered_is_not_asked(sitting: Sitting) -> None:
    one, other = sitting(8, seed=1), sitting(8, seed=2)
    answered = set()
    for _ in range(4):
        for session in (one, other):
            turn = session.turn()
            assert turn is not None
            assert turn.item.content not in answered
            session.answer("3")
            answered.add(turn.item.content)
    assert one.turn() is None is other.turn()


def test_practice_keeps_nothing_and_asks_everything(sitting: Sitting, catalogue: Catalogue) -> None:
    go(sitting(4))
    before = said(catalogue)
    session = sitting(4, practice=True)
    assert session.left == 4
    session.turn()
    session.answer("3")
    _, was = session.undo()
    assert was == "3"
    go(session)
    assert said(catalogue) == before
    assert session.answered == 4


def test_the_second_pass_asks_about_fives(sitting: Sitting, catalogue: Catalogue) -> None:
    session = sitting(10)
    fives = set()
    while (turn := session.turn()) is not None:
        answer = "5" if turn.item.content % 2 else "4"
        fives |= {turn.item.content} if answer == "5" else set()
        session.answer(answer)
    second = sitting(10, second=True)
    assert second.answers == ("5.1", "5.2", "5.3", "5.4", "5.5")
    with pytest.raises(UsageError):
        second.answer("5")
    turn = second.turn()
    assert turn is not None
    second.skip()
    second.turn()
    second.answer("5.2")
    again, was = second.undo()
    assert was == "5.2" and again.item.content in fives
    asked = [content for content, _ in go(second)]
    assert {turn.item.content, *asked} == fives
    assert sitting(10, second=True).left == 0
    # the first pass is not disturbed: nothing is asked again
    assert sitting(10).left == 0
    assert {answer for c, answer in said(catalogue) if c in asked and answer} >= {"5", "5.1"}
    found = find_set(catalogue, "good")
    assert found and any(e.origin.get(SECOND_PASS) for e in events_of(catalogue, found))


def test_only_ratings_have_a_second_pass(catalogue: Catalogue) -> None:
    keep = open_set(catalogue, "keepers", kind="keep")
    with pytest.raises(UsageError, match="holds no ratings"):
        Session(catalogue, keep, items(3), who="ada", second=True)


def test_a_library_that_cannot_be_written_says_so_first(
    sitting: Sitting, catalogue: Catalogue
) -> None:
    catalogue.writable = False
    with pytest.raises(LibraryError, match="answers would be lost"):
        sitting()
    assert len(go(sitting(3, practice=True))) == 3


def test_an_answer_of_another_set_is_refused(sitting: Sitting, catalogue: Catalogue) -> None:
    session = sitting()
    session.turn()
    for wrong in ("6", "keep", SKIP, "5.1", ""):
        with pytest.raises(UsageError):
            session.answer(wrong)
    assert said(catalogue) == []


# --- asking twice -------------------------------------------------------------------------------


def test_one_in_twenty_is_asked_twice(sitting: Sitting, catalogue: Catalogue) -> None:
    n = 700
    asked = go(sitting(n), answers=["1", "3", "4"])
    repeats = [place for place, (_, repeat) in enumerate(asked) if repeat]
    share = len(repeats) / n
    assert abs(share - ASKED_TWICE) < 4 * (ASKED_TWICE * (1 - ASKED_TWICE) / n) ** 0.5
    first = {content: place for place, (content, repeat) in reversed(list(enumerate(asked)))
             if not repeat}  # fmt: skip
    early = [place for place in repeats if place < n]
    assert all(place - first[asked[place][0]] > LATER for place in early)
    found = find_set(catalogue, "good")
    assert found
    events = events_of(catalogue, found)
    assert sum(bool(event.origin.get(REPEAT)) for event in events) == len(repeats)
    assert with_oneself(found, events).pairs == len(repeats)


@pytest.mark.parametrize("seed", range(5))
def test_never_directly_after_itself_whatever_is_pressed(
    sitting: Sitting, catalogue: Catalogue, seed: int
) -> None:
    """Sessions that begin and end, answers, skips, undoing: what the rules forbid never happens."""
    chance = random.Random(seed)
    last: int | None = None
    undone = False
    for _ in range(30):
        session = sitting(300, seed=chance.randrange(1000))
        for _ in range(chance.randrange(12)):
            turn = session.turn()
            if turn is None:
                break
            assert undone or turn.item.content != last
            last, undone = turn.item.content, False
            what = chance.random()
            if what < 0.1:
                session.skip()
            elif what < 0.2 and session.given:
                session.undo()
                undone = True
            else:
                session.answer(chance.choice(session.answers))
            session.ahead(3)
    left = sitting(300)
    go(left)
    found = find_set(catalogue, "good")
    assert found
    assert {c.content for c in current_labels(catalogue, found)} | {
        content for content, answer in said(catalogue) if answer == SKIP
    } == set(range(1, 301))
    assert sitting(300).turn() is None, "nothing is asked a third time"


def test_labels_from_elsewhere_are_not_asked_again(sitting: Sitting, catalogue: Catalogue) -> None:
    found = find_set(catalogue, "good")
    assert found
    add_events(catalogue, found, [new_event(c, "3", "ada", {"from": "csv"}) for c in range(1, 401)])
    assert sitting(400).turn() is None


# --- what comes next ----------------------------------------------------------------------------


def test_ahead_tells_what_comes(sitting: Sitting) -> None:
    session = sitting(200)
    right = total = 0
    while (turn := session.turn()) is not None:
        coming = session.ahead(3)
        assert turn.item not in coming and len({i.content for i in coming}) == len(coming)
        session.answer("2")
        following = session.turn()
        if following:
            total += 1
            right += following.item in coming
    assert right == total


def test_a_chooser_is_asked_every_ten_answers(sitting: Sitting) -> None:
    calls: list[dict[int, str]] = []

    def choose(labels: Mapping[int, str], n: int) -> list[int]:
        calls.append(dict(labels))
        assert n >= CHOSEN
        return [c for c in range(100, 0, -1) if c not in labels][:n]

    session = sitting(100, chooser=choose, count=35)
    asked = []
    while (turn := session.turn()) is not None:
        session.ahead(3)
        asked.append(turn.item.content)
        session.answer("4")
    new = list(dict.fromkeys(asked))
    assert new == list(range(100, 100 - len(new), -1))
    sizes = [len(labels) for labels in calls]
    assert sizes[0] == 0 and all(b - a == CHOSEN for a, b in pairwise(sizes[1:]))
    assert sizes[1] == CHOSEN - 1, "asked while the person looks at the tenth"


@pytest.mark.parametrize("answer", [[], [1, 1, 999], [3]])
def test_a_chooser_may_say_little(sitting: Sitting, answer: list[int]) -> None:
    session = sitting(5, chooser=lambda _labels, _n: answer)
    asked = []
    while (turn := session.turn()) is not None:
        session.ahead(3)
        asked.append(turn.item.content)
        session.skip()
    said = [c for c in dict.fromkeys(answer) if c <= 5]
    assert asked[: len(said)] == said
    assert sorted(asked) == [1, 2, 3, 4, 5], "the rest comes when the chooser has no more to say"


def test_what_cannot_be_read_is_passed_over(sitting: Sitting, catalogue: Catalogue) -> None:
    session = sitting(5)
    turn = session.turn()
    assert turn is not None
    session.pass_over(turn.item.content, "empty file")
    assert turn.item.content not in {content for content, _ in go(session)}
    assert session.unreadable == {turn.item.content: "empty file"}
    assert sitting(5).left == 1, "nothing was written: another time it may be read"
